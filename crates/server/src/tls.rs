//! The API's TLS configuration, renewed when its certificate or its authority changes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use identity::Identity;
use tokio::sync::watch;

/// How often the certificate's age is looked at, beside every change of the authorities.
const LOOK: Duration = Duration::from_secs(3600);

/// Makes the configuration that new connections use.
pub async fn configuration(identity: &Identity, names: &[String]) -> Result<Arc<rustls::ServerConfig>> {
    let certificate =
        identity.api_server_certificate(names).await.context("cannot make the API's certificate")?;
    let config = api::listen::tls_config(certificate.chain(), certificate.private_key());
    Ok(Arc::new(config.context("cannot use the API's certificate")?))
}

/// Keeps the configuration fresh until nobody listens any more.
pub async fn renew(identity: Identity, names: Vec<String>, tls: watch::Sender<Arc<rustls::ServerConfig>>) {
    let mut changes = identity.changes();
    while !tls.is_closed() {
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(LOOK) => {}
        }
        match configuration(&identity, &names).await {
            Ok(config) => drop(tls.send_replace(config)),
            Err(error) => tracing::error!("{error:#}; the old certificate stays in use"),
        }
    }
}
