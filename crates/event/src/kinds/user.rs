//! People: logins, invites, second factors.

details! {
    /// A login or a try at one.
    Login {
        /// Name that was typed.
        user: String,
        /// `password+totp`, `password+recovery_code`.
        method: String,
        /// Id of the login, which its certificates carry; absent when it failed.
        login: Option<crate::SessionId>,
        /// When the login ends.
        expires: Option<crate::Timestamp>,
        /// What was asked for: `certificates`, or `console`, a browser's session.
        means: String,
    }
    /// A login's end.
    Logout {
        /// Id of the login.
        login: crate::SessionId,
    }
    /// A lock-out after failed logins.
    LockedOut {
        /// Name that was typed.
        user: String,
        /// Failures in a row.
        failures: u32,
        /// When the next try is taken.
        until: crate::Timestamp,
    }
    /// A single-use invite.
    Invite {
        /// Whom it is for.
        user: String,
        /// When it ends.
        expires: crate::Timestamp,
        /// What it is for: `join` or `reset`.
        purpose: String,
    }
    /// The use of an invite.
    InviteAccepted {
        /// Whom it was for; empty when the invite is unknown.
        user: String,
    }
    /// A second factor's enrolment.
    MfaEnrolled {
        /// Whose it is.
        user: String,
        /// `totp`.
        factor: String,
        /// How many recovery codes were given out with it.
        recovery_codes: u32,
    }
}
