//! Endings: why a session that was granted must end before it is closed.

use crate::words::words;

words! {
    /// What ends a session, as events name it.
    Cause {
        /// Its time is over.
        Expired = "expired",
        /// A lock holds.
        Lock = "lock",
        /// The login ended that it stands on, or its user was switched off or deleted.
        Login = "login",
        /// No rule grants it any more, or the target was deleted or changed.
        Access = "access",
    }
}

/// Why a session must end now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// What ends it.
    pub cause: Cause,
    /// One sentence that names the lock, the rule or the login.
    pub why: String,
}
