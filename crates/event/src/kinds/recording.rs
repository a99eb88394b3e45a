//! Recordings.

details! {
    /// A completed recording.
    Sealed {
        /// Root hash of its chunk chain, SHA-256 in hexadecimal.
        root: String,
        /// How many chunks it has.
        chunks: u64,
        /// Bytes before compression.
        bytes: u64,
        /// Bytes after compression.
        stored_bytes: u64,
        /// From first to last frame, in milliseconds.
        duration_ms: u64,
    }
    /// A recording that was cut short.
    Truncated {
        /// Root hash of what was saved.
        root: Option<String>,
        /// How many whole chunks were saved.
        chunks: u64,
        /// Bytes at the end that could not be used.
        discarded_bytes: u64,
    }
    /// A viewing.
    Viewed {
        /// Whose recording.
        recording: crate::SessionId,
        /// From where, in milliseconds.
        from_ms: u64,
        /// To where, in milliseconds; absent when to the end.
        to_ms: Option<u64>,
        /// `terminal`, `text`, `json`.
        format: String,
    }
    /// An export.
    Exported {
        /// Whose recording.
        recording: crate::SessionId,
        /// `asciicast-v2`, `asciicast-v3`, `text`, `json`.
        format: String,
    }
}
