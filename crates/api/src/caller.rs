//! Who is asking: the client certificate of the connection, verified in full at every request.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use event::Origin;
use identity::Authenticated;

use crate::listen::Peer;
use crate::{Problem, Services};

/// A caller whose identity was verified for this request.
pub struct Caller {
    /// The verified identity.
    pub who: Authenticated,
    /// Where the request came from.
    pub origin: Origin,
}

/// Where a request came from, whoever made it.
pub struct From(pub Origin);

impl FromRequestParts<Arc<Services>> for From {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Services>) -> Result<From, Problem> {
        let peer =
            parts.extensions.get::<Peer>().ok_or_else(|| Problem::inside("a request without its peer"))?;
        let agent = parts.headers.get("user-agent").and_then(|agent| agent.to_str().ok());
        let mut origin = Origin::of(peer.address);
        origin.agent = agent.map(|agent| agent.chars().take(200).collect());
        Ok(From(origin))
    }
}

impl FromRequestParts<Arc<Services>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Caller, Problem> {
        let From(origin) = From::from_request_parts(parts, services).await?;
        let certificate = parts.extensions.get::<Peer>().and_then(|peer| peer.certificate.clone());
        let Some(certificate) = certificate else {
            return Err(Problem::unauthenticated(
                "no_certificate",
                "no client certificate was shown; run `lodge login` first",
            ));
        };
        let who =
            services.identity.verify_tls_certificate(&certificate, &origin).await.map_err(|refusal| {
                Problem::unauthenticated("certificate", format!("{refusal}; run `lodge login` again"))
            })?;
        Ok(Caller { who, origin })
    }
}
