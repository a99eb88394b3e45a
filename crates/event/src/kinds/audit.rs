//! Reading the log is an action too.

details! {
    /// A search.
    Searched {
        /// The filter, as it was typed.
        filter: String,
        /// Start of the time range.
        since: Option<crate::Timestamp>,
        /// End of the time range.
        until: Option<crate::Timestamp>,
        /// Rows, bars or values that were shown; absent where there is no answer, and for a live tail, which has no end.
        rows: Option<u64>,
        /// `search`, `show`, `around`, `count`, `histogram`, `top`, `values`, `sessions`, `recordings` or `tail`.
        mode: String,
        /// The field whose values were shown, or the event around which was looked.
        field: Option<String>,
        /// In whose zone dates were read and days began; UTC when absent.
        zone: Option<String>,
        /// Which came first: `newest` or `oldest`.
        order: Option<String>,
        /// Rows, or values, that were asked for at most.
        limit: Option<u64>,
        /// Which page: `after` or `before` and a place, or the position at which a tail began; the first when absent.
        page: Option<String>,
        /// How a histogram was cut.
        interval: Option<String>,
        /// With what the values that were asked for begin.
        prefix: Option<String>,
        /// How far it came: `whole`; `in_part`, where recordings were damaged or have more lines than were shown; `out_of_time`,
        /// where `rows` were found by then and shown, or none could be; `following`, a live tail; or why nothing was shown, such
        /// as `reader_gone`.
        ended: String,
    }
    /// A question in SQL. It succeeded when its reader has, or will get, all of the answer.
    Queried {
        /// The statement, as it was typed; only its begin where it was refused for its length.
        statement: String,
        /// In whose zone dates were read and times shown.
        zone: String,
        /// Media type of the answer.
        format: String,
        /// Rows that were shown, or written for a reader who then hung up; absent while that is not known.
        rows: Option<u64>,
        /// How far it came: `whole`; `begun`, where the answer is so large that a second event counts its rows; or why it is
        /// not whole: `refused`, `failed`, `out_of_memory`, `out_of_time`, `unread`, `engine`, `reader_gone`, `unrecorded`.
        ended: String,
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
