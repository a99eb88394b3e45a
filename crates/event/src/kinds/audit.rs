//! Reading the log is an action too.

details! {
    /// A search.
    Searched {
        /// The filter or statement, as it was typed.
        filter: String,
        /// Start of the time range.
        since: Option<crate::Timestamp>,
        /// End of the time range.
        until: Option<crate::Timestamp>,
        /// Rows, bars or values that were shown; absent for a live tail, which has no end,
        /// and at the begin of a large answer to SQL.
        rows: Option<u64>,
        /// `search`, `show`, `around`, `count`, `histogram`, `top`, `values`, `sessions`, `tail` or `sql`;
        /// `sql_end` where the rows of a large answer were counted as they were shown.
        mode: String,
        /// The field whose values were shown, or the event around which was looked.
        field: Option<String>,
    }
    /// An export of a range as evidence.
    Exported {
        /// First position.
        from: u64,
        /// Position after the last.
        to: u64,
        /// Size of the tree that the proofs are against.
        tree_size: u64,
    }
    /// A proof.
    Proved {
        /// The event that was proved.
        event: crate::EventId,
        /// Its position.
        position: u64,
        /// Size of the tree that the proof is against.
        tree_size: u64,
    }
    /// A verification.
    Verified {
        /// Entries that were checked.
        entries: u64,
        /// Size of the checkpoint.
        tree_size: u64,
        /// What was found wrong; empty when nothing.
        damage: Vec<String>,
    }
}
