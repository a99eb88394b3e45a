//! Changes to Lodge's own state: every one carries what was and what is.

details! {
    /// What a state change did.
    Change {
        /// Name of the resource.
        name: String,
        /// The resource before the change; absent when it was created.
        before: Option<serde_json::Value>,
        /// The resource after the change; absent when it was deleted.
        after: Option<serde_json::Value>,
    }
}
