//! Who is asking: the client certificate of the connection, or a browser's cookie, verified in full at every request.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use event::Origin;
use identity::Authenticated;

use crate::console::{
    Cookie, cross_site, no_session, require_csrf_token, require_own_fetch, require_same_origin,
    require_socket_token,
};
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

/// A request that a page of this Lodge makes.
pub struct OwnPage;

impl FromRequestParts<Arc<Services>> for OwnPage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<OwnPage, Problem> {
        let From(origin) = From::from_request_parts(parts, services).await?;
        match require_same_origin(parts) {
            Ok(()) => Ok(OwnPage),
            Err(problem) => Err(refused(services, &origin, problem).await),
        }
    }
}

/// A page of this Lodge that opens a WebSocket in the name of its browser's session.
pub struct OwnTerminal(pub Caller);

impl FromRequestParts<Arc<Services>> for OwnTerminal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<OwnTerminal, Problem> {
        let From(origin) = From::from_request_parts(parts, services).await?;
        // A browser opens a WebSocket for whatever page asks, and with the cookie.
        let cookie = match require_socket_token(parts) {
            Ok(cookie) => cookie,
            Err(problem) => return Err(refused(services, &origin, problem).await),
        };
        Ok(OwnTerminal(by_cookie(services, &cookie, origin).await?))
    }
}

/// A page of this Lodge that asks for something which only a browser's session gets.
pub struct OwnSession(pub Caller);

impl FromRequestParts<Arc<Services>> for OwnSession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<OwnSession, Problem> {
        let From(origin) = From::from_request_parts(parts, services).await?;
        let cookie =
            require_own_fetch(parts).and_then(|()| Cookie::of(&parts.headers).ok_or_else(no_session));
        let checked = cookie.and_then(|cookie| require_csrf_token(parts, &cookie).map(|()| cookie));
        match checked {
            Ok(cookie) => Ok(OwnSession(by_cookie(services, &cookie, origin).await?)),
            Err(problem) => Err(refused(services, &origin, problem).await),
        }
    }
}

/// Verifies the cookie of a browser's session.
async fn by_cookie(services: &Services, cookie: &Cookie, origin: Origin) -> Result<Caller, Problem> {
    let verified = services.identity.verify_console_token(&cookie.0, &origin).await;
    let who = verified.map_err(|refusal| {
        let ended = "this browser's session has ended";
        Problem::unauthenticated("session", format!("{ended} ({}); sign in again", refusal.code()))
    })?;
    Ok(Caller { who, origin })
}

/// Records that a request was refused for what did not come with it.
async fn refused(services: &Services, origin: &Origin, problem: Problem) -> Problem {
    let why = format!("{}: {}", problem.code, problem.detail);
    match services.identity.record_refused_change(origin, &why).await {
        Ok(()) => problem,
        Err(error) => error.into(),
    }
}

impl FromRequestParts<Arc<Services>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, services: &Arc<Services>) -> Result<Caller, Problem> {
        let From(origin) = From::from_request_parts(parts, services).await?;
        if let Some(cookie) = Cookie::of(&parts.headers) {
            if let Err(problem) = require_csrf_token(parts, &cookie) {
                return Err(refused(services, &origin, problem).await);
            }
            return by_cookie(services, &cookie, origin).await;
        }
        // A browser may have a client certificate too, and shows it to whatever page asks.
        if let Err(problem) = if cross_site(parts) { require_same_origin(parts) } else { Ok(()) } {
            return Err(refused(services, &origin, problem).await);
        }
        let certificate = parts.extensions.get::<Peer>().and_then(|peer| peer.certificate.clone());
        let Some(certificate) = certificate else {
            return Err(Problem::unauthenticated(
                "no_certificate",
                "no client certificate was shown, and no browser's session; run `lodge login`, or sign in, first",
            ));
        };
        let who =
            services.identity.verify_tls_certificate(&certificate, &origin).await.map_err(|refusal| {
                Problem::unauthenticated("certificate", format!("{refusal}; run `lodge login` again"))
            })?;
        Ok(Caller { who, origin })
    }
}
