//! The archive of the log: its objects checked, its indexes made anew.

details! {
    /// A verification of the archive's objects.
    Verified {
        /// Segments that were looked at.
        segments: u64,
        /// Entries that were read, dropped ones not counted.
        entries: u64,
        /// What was found wrong; empty when nothing.
        problems: Vec<String>,
    }
    /// A rebuilding of indexes.
    Rebuilt {
        /// Segments that were looked at.
        segments: u64,
        /// Indexes that were made anew.
        rebuilt: u64,
        /// What was found wrong; empty when nothing.
        problems: Vec<String>,
    }
}
