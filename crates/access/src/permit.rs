//! Permits: proof that an access decision was made and recorded.
//!
//! A permit licenses one session on one target. Only [`Access::authorize`](crate::Access::authorize) makes them, and only with the
//! log's receipt for `access.granted`.
//!
//! A permit can be read …
//!
//! ```
//! fn target(permit: &access::Permit) -> &access::Target {
//!     permit.target()
//! }
//! ```
//!
//! … but neither made nor altered anywhere else:
//!
//! ```compile_fail,E0451
//! fn redirected(permit: access::Permit, target: access::Target) -> access::Permit {
//!     access::Permit { target, ..permit }
//! }
//! ```
//!
//! ```compile_fail,E0277
//! fn copies<T: Clone>() {}
//! copies::<access::Permit>();
//! ```

use audit_log::Receipt;
use event::{Actor, EventId, Origin, SessionId, Timestamp};

use crate::options::SessionOptions;
use crate::resource::Target;
use crate::snapshot::Subject;

/// Proof that an access decision was made and recorded. Licenses one session on one target.
#[derive(Debug)]
pub struct Permit {
    pub(crate) session: SessionId,
    pub(crate) actor: Actor,
    pub(crate) subject: Subject,
    pub(crate) user_login: SessionId,
    pub(crate) target: Target,
    pub(crate) login: String,
    pub(crate) options: SessionOptions,
    pub(crate) expires: Timestamp,
    pub(crate) granted_by: EventId,
    pub(crate) receipt: Receipt,
}

impl Permit {
    /// Returns the id of the session that this licenses.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Returns the actor that the session's events name.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Returns where the person comes from.
    pub fn origin(&self) -> Option<&Origin> {
        self.subject.origin.as_ref()
    }

    /// Returns the target as it was when access was granted.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the account on the target.
    pub fn login(&self) -> &str {
        &self.login
    }

    /// Returns the options in force.
    pub fn options(&self) -> &SessionOptions {
        &self.options
    }

    /// Returns when the session must end: the role's time limit or the login's end, whichever comes first.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Returns the `access.granted` event.
    pub fn granted_by(&self) -> EventId {
        self.granted_by
    }

    /// Returns the log's receipt for that event.
    pub fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// Decides one action inside the session by the options in force. Pure; the gateway records refusals.
    pub fn allows(&self, action: &crate::Action) -> Result<(), crate::ActionRefusal> {
        crate::action::allowed(&self.options, action)
    }
}
