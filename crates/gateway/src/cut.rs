//! Why a session ends, and the order to end it now.

use access::{Cause, Ending};
use event::Actor;

/// What ended a session, as `session.end` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The client closed its connection.
    Client,
    /// The target closed its connection.
    Target,
    /// Nothing moved for longer than the role allows.
    Idle,
    /// The permit ran out.
    Expired,
    /// A lock, an ended login, or a grant that does not hold any more.
    Locked,
    /// A person ended it.
    Terminated,
    /// The gate is stopping.
    Shutdown,
    /// Something failed: the target, the recording or the log.
    Error,
}

impl EndedBy {
    /// Returns the word that stands in the event.
    pub fn as_str(self) -> &'static str {
        match self {
            EndedBy::Client => "client",
            EndedBy::Target => "target",
            EndedBy::Idle => "idle",
            EndedBy::Expired => "expired",
            EndedBy::Locked => "locked",
            EndedBy::Terminated => "terminated",
            EndedBy::Shutdown => "shutdown",
            EndedBy::Error => "error",
        }
    }
}

/// The order to end a session at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// What `session.end` will say.
    pub ended_by: EndedBy,
    /// The `cause` of `session.terminated`; none for an orderly shutdown, which is no termination.
    pub cause: Option<&'static str>,
    /// The sentence for the person whose session it was.
    pub why: String,
    /// Who gave the order.
    pub by: Actor,
}

impl Cut {
    fn by_gateway(ended_by: EndedBy, cause: Option<&'static str>, why: String) -> Cut {
        Cut { ended_by, cause, why, by: Actor::system("gateway") }
    }

    /// What was granted would not be granted now.
    pub fn ending(ending: Ending) -> Cut {
        let ended_by = match ending.cause {
            Cause::Expired => return Cut::expired(),
            Cause::Lock | Cause::Login | Cause::Access => EndedBy::Locked,
        };
        Cut::by_gateway(ended_by, Some(ending.cause.as_str()), ending.why)
    }

    /// The permit ran out.
    pub fn expired() -> Cut {
        Cut::by_gateway(EndedBy::Expired, Some("expired"), "the session reached its time limit".to_owned())
    }

    /// Nothing moved for too long.
    pub fn idle() -> Cut {
        Cut::by_gateway(EndedBy::Idle, Some("idle"), "the session was idle for too long".to_owned())
    }

    /// The recording failed and the role requires one.
    pub fn recording(error: &dyn std::fmt::Display) -> Cut {
        let why = format!("the session cannot be recorded any more: {error}");
        Cut::by_gateway(EndedBy::Error, Some("recording"), why)
    }

    /// The log failed; what cannot be recorded does not go on.
    pub fn log(error: &dyn std::fmt::Display) -> Cut {
        let why = format!("the audit log cannot record the session any more: {error}");
        Cut::by_gateway(EndedBy::Error, Some("log"), why)
    }

    /// A person ended it.
    pub fn person(by: Actor, why: String) -> Cut {
        Cut { ended_by: EndedBy::Terminated, cause: Some("person"), why, by }
    }

    /// The gate is stopping.
    pub fn shutdown() -> Cut {
        Cut::by_gateway(
            EndedBy::Shutdown,
            None,
            "the gate is shutting down; connect again in a moment".to_owned(),
        )
    }
}
