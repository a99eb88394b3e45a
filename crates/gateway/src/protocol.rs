//! What a protocol is to the server that runs it.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::Gateway;

/// A protocol through which people reach targets. One file and one line in `protocols::PROTOCOLS` add one.
pub trait Protocol: Send + Sync {
    /// Its name in events, roles and configuration: `ssh`.
    fn name(&self) -> &'static str;

    /// Serves the connections that come in through `door` until its stop is ordered. Errors of single
    /// connections end these connections only.
    fn serve(&self, gateway: Gateway, door: Door) -> Serving;
}

/// The running of a protocol.
pub type Serving = Pin<Box<dyn Future<Output = std::io::Result<()>> + Send>>;

/// Where a protocol listens and on what terms.
pub struct Door {
    /// The listening socket.
    pub listener: TcpListener,
    /// Name under which clients know the gate.
    pub public_name: String,
    /// What strangers may take up.
    pub limits: Limits,
    /// Turns true when the protocol must stop taking connections.
    pub stop: watch::Receiver<bool>,
}

/// What people who have not yet proved who they are may take up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections without proven identity, in all.
    pub unproven: usize,
    /// The same from one address.
    pub unproven_per_address: usize,
    /// Connections from one address that may come to nothing in a minute.
    pub failures_per_address: u32,
    /// Time in which identity must be proved.
    pub login_grace: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            unproven: 512,
            unproven_per_address: 64,
            failures_per_address: 120,
            login_grace: Duration::from_secs(30),
        }
    }
}
