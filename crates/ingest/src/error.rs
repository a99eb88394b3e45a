//! Why a batch was not taken. None of these leaves part of it in the log without saying where the source stands.

use audit_log::AppendError;
use store::tables::TableError;

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// No such source.
    #[error("there is no source `{asked}`; there are {}", known.join(", "))]
    Source {
        /// What was asked for.
        asked: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// A part of the request is not as it must be.
    #[error("{0}")]
    Request(&'static str),
    /// The batch does not begin where the source stands.
    #[error(
        "the source stands at byte {stands} and the batch begins at {offset}; ask where it stands and go on there"
    )]
    Place {
        /// Where the source stands.
        stands: u64,
        /// Where the batch begins.
        offset: u64,
    },
    /// What was taken before is not what stands before the batch.
    #[error(
        "the first {offset} bytes of the file are not those that were taken; the file was changed or replaced"
    )]
    Content {
        /// Where the contents were compared.
        offset: u64,
    },
    /// Others send as much as there is room for.
    #[error("too many batches are being taken now; try again shortly")]
    Busy,
    /// The log refused.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The notes beside the log cannot be read or written.
    #[error("cannot note how far the file was taken: {0}")]
    Notes(#[from] TableError),
    /// A task ended without an answer.
    #[error("the batch was given up inside: {0}")]
    Inside(String),
}
