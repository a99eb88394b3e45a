//! What the channels of one connection share: the session, and the way to either side.

use event::limits::shorten;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use event::Detail;
use event::kinds::session as kinds;
use gateway::Session;
use russh::{client, server};
use tokio::sync::watch;

use super::far::Far;

/// A connection whose session is started and whose target has let the gate in.
pub(super) struct Link {
    pub(super) session: Session,
    pub(super) near: server::Handle,
    pub(super) far: client::Handle<Far>,
    /// Whether the client was granted agent forwarding.
    pub(super) agent: AtomicBool,
    /// Whether the client was granted X11 forwarding.
    pub(super) x11: AtomicBool,
    /// Where the target listens in the client's name.
    pub(super) listeners: Mutex<HashSet<Listener>>,
    /// Numbers for the channels that the target opens, apart from those that clients open.
    opened_by_target: AtomicUsize,
}

/// A listener on the target.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Listener {
    /// On an address and a port.
    Port(String, u32),
    /// On a socket.
    Socket(String),
}

/// Whether the channels may go on, as they learn it.
#[derive(Clone)]
pub(super) enum Outcome {
    /// The session is being authorised, started and dialled.
    Pending,
    /// The target has let the gate in.
    Ready(Arc<Link>),
    /// There is no session, for this reason.
    Refused(Arc<str>),
}

/// Tells the channels of a connection how its session came out.
#[derive(Clone)]
pub(super) struct Awaited {
    outcome: watch::Receiver<Outcome>,
}

impl Awaited {
    pub(super) fn new(outcome: watch::Receiver<Outcome>) -> Awaited {
        Awaited { outcome }
    }

    /// Waits for the link, or for the reason why there is none.
    pub(super) async fn link(&self) -> Result<Arc<Link>, Arc<str>> {
        let mut outcome = self.outcome.clone();
        let settled = outcome.wait_for(|outcome| !matches!(outcome, Outcome::Pending)).await;
        match settled.as_deref() {
            Ok(Outcome::Ready(link)) => Ok(link.clone()),
            Ok(Outcome::Refused(why)) => Err(why.clone()),
            Ok(Outcome::Pending) | Err(_) => Err("the connection is closing".into()),
        }
    }
}

impl Link {
    pub(super) fn new(session: Session, near: server::Handle, far: client::Handle<Far>) -> Link {
        Link {
            session,
            near,
            far,
            agent: AtomicBool::new(false),
            x11: AtomicBool::new(false),
            listeners: Mutex::default(),
            opened_by_target: AtomicUsize::new(0),
        }
    }

    /// Numbers a channel that the target opened.
    pub(super) fn number_from_target(&self) -> u32 {
        const ABOVE_CLIENTS: u32 = 1 << 31;
        let count = self.opened_by_target.fetch_add(1, Ordering::Relaxed);
        ABOVE_CLIENTS | u32::try_from(count).unwrap_or(u32::MAX)
    }

    pub(super) fn listens(&self, listener: &Listener) -> bool {
        self.listeners.lock().expect("no panic happens while the lock is held").contains(listener)
    }

    /// Writes down a request that the gate does not pass on.
    pub(super) async fn refused_request(&self, channel: Option<u32>, request: &str, value: &str, why: &str) {
        let detail = request_detail(channel, request, value, false);
        // A failure cuts the session, and the request is refused either way.
        let _ = self.session.event_denied(detail, why).await;
    }
}

/// Makes the detail of a `session.request`.
pub(super) fn request_detail(channel: Option<u32>, request: &str, value: &str, accepted: bool) -> Detail {
    Detail::SessionRequest(kinds::Request {
        channel,
        request: shorten(request),
        value: shorten(value),
        accepted,
    })
}
