//! The log about itself.

details! {
    /// The log's opening.
    Opened {
        /// Entries found.
        size: u64,
        /// Whether the last run ended cleanly.
        clean: bool,
        /// Bytes of unacknowledged tail that recovery dropped.
        dropped_bytes: u64,
        /// Entries that recovery kept beyond the last checkpoint.
        beyond_checkpoint: u64,
        /// Release that opened it.
        version: String,
    }
    /// An overload.
    Overload {
        /// Appends that were refused since the last such event.
        refused: u64,
        /// Bytes that were waiting.
        queued_bytes: u64,
    }
    /// A disk nearly full.
    Full {
        /// Bytes free when it was noticed, ballast not counted.
        free_bytes: u64,
        /// Bytes of ballast that were freed for closing sessions, and for logins, reads and locks.
        ballast_bytes: u64,
        /// Bytes that must be free before new sessions are taken again.
        needed_bytes: u64,
    }
    /// A jump of the clock.
    ClockJump {
        /// The clock before.
        before: crate::Timestamp,
        /// The clock after.
        after: crate::Timestamp,
    }
    /// A log older than what it had published.
    RolledBack {
        /// Entries found.
        size: u64,
        /// Root over them, in hexadecimal.
        root: String,
        /// Size of the checkpoint that is remembered elsewhere.
        published: u64,
        /// Its root, in hexadecimal.
        published_root: String,
        /// Entries of that checkpoint that are no longer there.
        lost: u64,
    }
    /// A dropping of old entries.
    Pruned {
        /// First position.
        from: u64,
        /// Position after the last.
        to: u64,
        /// Segments of the archive that go.
        segments: u64,
        /// Bytes that this frees.
        bytes: u64,
        /// Why, such as `retention of 365 days`.
        reason: String,
    }
}
