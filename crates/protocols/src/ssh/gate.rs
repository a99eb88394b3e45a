//! The gate's port: takes connections, within limits.

use std::sync::Arc;
use std::time::Duration;

use gateway::{Door, Gateway, Protocol, Serving};
use russh::keys::PrivateKey;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};

use super::budget::Budget;
use super::connection::{self, Terms};
use super::turnstile::Turnstile;

/// Rest after an error to accept, which is a want of descriptors or memory that others must give back.
const REST: Duration = Duration::from_millis(100);

/// The SSH protocol.
pub struct Ssh;

impl Protocol for Ssh {
    fn name(&self) -> &'static str {
        super::NAME
    }

    fn serve(&self, gateway: Gateway, door: Door) -> Serving {
        Box::pin(serve(gateway, door))
    }
}

async fn serve(gateway: Gateway, door: Door) -> std::io::Result<()> {
    let Door { listener, public_name, limits, mut stop } = door;
    let turnstile = Turnstile::new(limits.unproven, limits.unproven_per_address);
    let host_key = fresh_host_key(&gateway)?;
    let terms = Arc::new(Terms {
        gateway,
        public_name,
        login_grace: limits.login_grace,
        host_key,
        strange_names: Budget::default(),
    });
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        };
        let (tcp, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept an SSH connection");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        let Some(stranger) = turnstile.enter(peer.ip()) else {
            tracing::warn!(%peer, "too many connections without proven identity; one was dropped");
            continue;
        };
        let serving = connection::serve(terms.clone(), tcp, peer, stranger);
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::debug!(%peer, %error, "connection came to nothing");
            }
        });
    }
}

/// Makes the gate's host key, new with every start: clients trust the authority that certifies it, never
/// the key, so it need not be kept, and what is not kept cannot be stolen from a disk.
fn fresh_host_key(gateway: &Gateway) -> std::io::Result<PrivateKey> {
    let pair = Ed25519Keypair::from_seed(&gateway.ambient().random());
    PrivateKey::new(KeypairData::Ed25519(pair), "").map_err(std::io::Error::other)
}
