//! What can go wrong with an archive, and what its keeper can do about it.

use audit_log::{AppendError, ReadError, ReleaseError};
use store::objects::ObjectError;

use crate::part::PartError;

/// Why the archive could not do what was asked. Nothing that was sealed is lost by any of these.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The object store refused, or was not reached.
    #[error("the archive's objects cannot be used")]
    Objects(#[from] ObjectError),
    /// A segment could not be read or written.
    #[error(transparent)]
    Part(#[from] PartError),
    /// The log could not be read.
    #[error("cannot read what is to be sealed")]
    Log(#[from] ReadError),
    /// The log could not give up what is sealed.
    #[error("the log keeps entries that are sealed")]
    Release(#[from] ReleaseError),
    /// What must be recorded first could not be.
    #[error("cannot record what the archive is about to drop")]
    Append(#[from] AppendError),
    /// A segment that was read back is not what was written.
    #[error(
        "{name} differs from the log at position {position}, so it is not used and the log keeps its entries: {why}"
    )]
    Differs {
        /// Which.
        name: String,
        /// The first entry that differs.
        position: u64,
        /// In what.
        why: String,
    },
    /// Objects lie behind a gap.
    #[error(
        "the archive has objects beyond position {end} but none that begins there ({first} is the first of them); restore \
         what is missing, or move them away, and start again"
    )]
    Stranded {
        /// Where the archive ends.
        end: u64,
        /// The first object beyond.
        first: String,
    },
    /// The archive is being stopped; what was begun is done again at the next start.
    #[error("the archive is being stopped")]
    Stopped,
    /// A thread or a setting of the system failed.
    #[error("the archive cannot work: {0}")]
    System(String),
}
