//! The gate's port: takes connections, within limits.

use std::sync::Arc;
use std::time::Duration;

use event::kinds::access::Denied;
use event::{Actor, Detail, Event, Origin};
use gateway::{Door, Gateway, Protocol, Serving, TurnedAway, Turnstile};
use russh::keys::PrivateKey;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};

use super::budget::Budget;
use super::connection::{self, Arrival, Terms};
use super::line::Line;

/// Rest after an error to accept, which is a want of descriptors or memory that others must give back.
const REST: Duration = Duration::from_millis(100);

/// Time after which connections that came to nothing are forgotten, and those that were turned away are written down.
const PERIOD: Duration = Duration::from_secs(60);

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
    let turnstile = Turnstile::new(limits.unproven, limits.unproven_per_address)
        .failing_at_most(limits.failures_per_address);
    let host_key = fresh_host_key(&gateway)?;
    let terms = Arc::new(Terms {
        gateway,
        public_name,
        login_grace: limits.login_grace,
        host_key,
        strange_names: Budget::default(),
    });
    let mut periods = tokio::time::interval(PERIOD);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = periods.tick() => {
                tokio::spawn(write_turned_away(terms.gateway.clone(), turnstile.turn_over()));
                continue;
            }
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
        let stranger = match turnstile.enter(peer.ip()) {
            Ok(stranger) => stranger,
            Err(TurnedAway::TooOften) => continue,
            Err(why @ TurnedAway::Full) => {
                tracing::warn!(%peer, %why, "a connection without proven identity was dropped");
                continue;
            }
        };
        let (line, origin) = (Line::Tcp(tcp), Origin::of(peer));
        let serving = connection::serve(terms.clone(), Arrival { line, origin, stranger, started: None });
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::debug!(%peer, %error, "connection came to nothing");
            }
        });
    }
}

/// Writes one event for each host that was turned away, however often: each costs a sync, and whoever knocks must not
/// decide how many there are.
async fn write_turned_away(gateway: Gateway, hosts: Vec<(std::net::IpAddr, u32)>) {
    for (ip, times) in hosts {
        let detail = Denied {
            protocol: super::NAME.to_owned(),
            login: String::new(),
            code: "too_many_failures".to_owned(),
        };
        let why = format!(
            "{times} connections were turned away within a minute, because too many from there came to nothing"
        );
        let event = Event::new(gateway.ambient(), Actor::unknown(""), Detail::AccessDenied(detail))
            .denied(why)
            .from_origin(Some(Origin { ip, port: None, agent: None }));
        // A log that cannot write lets nobody in, and says so itself.
        let _ = gateway.event(&event).await;
    }
}

/// Makes the gate's host key, new with every start: clients trust the authority that certifies it, never
/// the key, so it need not be kept, and what is not kept cannot be stolen from a disk.
pub(super) fn fresh_host_key(gateway: &Gateway) -> std::io::Result<PrivateKey> {
    let pair = Ed25519Keypair::from_seed(&gateway.ambient().random());
    PrivateKey::new(KeypairData::Ed25519(pair), "").map_err(std::io::Error::other)
}
