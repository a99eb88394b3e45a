//! Why a question could not be answered.

/// Why a question could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The log could not be read.
    #[error("cannot read the audit log at position {position}")]
    Read {
        /// Where.
        position: u64,
        /// Why.
        source: audit_log::ReadError,
    },
    /// The log gave fewer entries than it has.
    #[error(
        "the audit log ends at position {position}, before the size that it told; run `lodge audit verify`"
    )]
    Missing {
        /// Where.
        position: u64,
    },
    /// The archive could not be read.
    #[error("cannot search the archive")]
    Archive(#[from] archive::PartError),
    /// The log was shut down while it was followed.
    #[error("the audit log is closed; follow it again once the server runs")]
    Closed,
    /// There is more to count than is kept in memory.
    #[error(
        "there are more than {most} different values or intervals to count; narrow the filter or the time range, or take a \
         longer interval"
    )]
    TooManyGroups {
        /// How many are counted.
        most: usize,
    },
    /// The time budget ran out before the answer was certain.
    #[error("the search ran out of time before it was certain; narrow its time range or allow it more time")]
    OutOfTime,
    /// There was no place to search in for as long as the question was given.
    #[error("other searches took all the time that this one was given; ask again, or allow it more time")]
    Busy,
    /// More was logged than the archive has taken in, and than can be taken in for one question.
    #[error(
        "the archive has yet to take in the last {entries} entries, too many for a question in SQL; see \
         `lodge archive status`, and ask again once it has caught up"
    )]
    Behind {
        /// How many.
        entries: u64,
    },
    /// The searching thread ended without an answer.
    #[error("the search was interrupted; try again")]
    Interrupted,
}
