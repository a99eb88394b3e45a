//! Access decisions.

details! {
    /// Access that was allowed.
    Granted {
        /// `ssh`.
        protocol: String,
        /// Account on the target.
        login: String,
        /// Options in force, as the roles gave them.
        options: serde_json::Value,
        /// When the grant ends.
        expires: crate::Timestamp,
    }
    /// Access that was refused.
    Denied {
        /// `ssh`, `api`.
        protocol: String,
        /// Account on the target, or the API operation.
        login: String,
        /// Stable word for the reason: `locked`, `no_role`, `login`, `network`, `unknown_target`, `too_many_sessions`, …
        code: String,
    }
}
