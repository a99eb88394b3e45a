//! The gateway itself: the handles that sessions need, and the way in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use access::{Access, Ask, Permit, Refusal};
use audit_log::{AppendError, AuditLog, Receipt};
use event::{Ambient, Event};
use identity::{Authenticated, Identity};
use recording::Recordings;

use crate::registry::Place;
use crate::{Cut, Sessions, supervise};

/// How long a shutdown waits for sessions to write their ends.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(10);

/// Everything that sessions of all protocols share. Cheap to clone; all clones are one gateway.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) log: AuditLog,
    pub(crate) recordings: Recordings,
    pub(crate) identity: Identity,
    pub(crate) access: Access,
    pub(crate) ambient: Ambient,
    pub(crate) sessions: Sessions,
    closing: AtomicBool,
}

/// A permit, with the place that it takes among its user's sessions.
pub struct Admission {
    pub(crate) permit: Permit,
    pub(crate) protocol: &'static str,
    pub(crate) place: Place,
}

impl Admission {
    /// Returns the permit.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }
}

impl Gateway {
    /// Joins the parts and starts to watch over the sessions. Must be called inside a tokio runtime; the
    /// watch ends when the last clone is gone.
    pub fn new(
        log: AuditLog,
        recordings: Recordings,
        identity: Identity,
        access: Access,
        ambient: Ambient,
    ) -> Gateway {
        let shared = Arc::new(Shared {
            log,
            recordings,
            identity,
            access,
            ambient,
            sessions: Sessions::new(),
            closing: AtomicBool::new(false),
        });
        tokio::spawn(supervise::run(Arc::downgrade(&shared)));
        Gateway { shared }
    }

    /// Who people are.
    pub fn identity(&self) -> &Identity {
        &self.shared.identity
    }

    /// Time and chance.
    pub fn ambient(&self) -> &Ambient {
        &self.shared.ambient
    }

    /// Says whether there is a target of this name; nobody outside is told.
    pub fn has_target(&self, name: &str) -> bool {
        self.shared.access.has_target(name)
    }

    /// The sessions that are open now.
    pub fn sessions(&self) -> &Sessions {
        &self.shared.sessions
    }

    /// Asks for a session. The decision is in the log when this returns.
    pub async fn authorize(
        &self,
        who: &Authenticated,
        protocol: &'static str,
        target: &str,
        login: &str,
    ) -> Result<Admission, Refusal> {
        if self.shared.closing.load(Ordering::SeqCst) {
            return Err(Refusal::State(Cut::shutdown().why));
        }
        // The place is taken before the question, so that two questions at once cannot both be the last.
        let place = self.shared.sessions.reserve(who.user());
        let ask = Ask { protocol, target, login, open_sessions: place.others };
        let permit = self.shared.access.authorize(who, ask).await?;
        Ok(Admission { permit, protocol, place })
    }

    /// Writes an event that belongs to no session.
    pub async fn event(&self, event: &Event) -> Result<Receipt, AppendError> {
        self.shared.log.append(event).await
    }

    /// Ends every session with `shutdown` and waits until their ends are written, for a while.
    pub async fn shutdown(&self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        for live in self.shared.sessions.list() {
            live.cut(Cut::shutdown());
        }
        if tokio::time::timeout(SHUTDOWN_PATIENCE, self.shared.sessions.none_open()).await.is_err() {
            tracing::warn!(open = self.shared.sessions.count(), "sessions did not end in time");
        }
    }

    /// Says whether a shutdown was ordered.
    pub fn is_closing(&self) -> bool {
        self.shared.closing.load(Ordering::SeqCst)
    }
}
