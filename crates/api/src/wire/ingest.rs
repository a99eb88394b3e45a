//! Taking what other systems report.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest line that is taken, its line feed not counted, in bytes.
pub const MAX_LINE_BYTES: usize = ingest::MAX_LINE_BYTES;
/// The most lines of a batch.
pub const MAX_BATCH_LINES: usize = ingest::MAX_BATCH_LINES;

/// Files that begin alike, as far as they were taken.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct IngestFiles {
    /// The files.
    pub files: Vec<IngestFile>,
}

/// A file of which something was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IngestFile {
    /// Its identity: its beginning, and a number where several files begin so.
    pub identity: String,
    /// Byte up to which it was taken.
    pub taken: u64,
    /// What its content was; absent when that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<IngestContent>,
}

/// What a file's content was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IngestContent {
    /// The file's name where it lay.
    pub file: String,
    /// Byte up to which the content was hashed.
    pub offset: u64,
    /// SHA-256 of the content up to there, hexadecimal.
    pub sha256: String,
}

/// What became of a batch. It is durable in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IngestReceipt {
    /// Byte of the file up to which it was taken.
    pub taken: u64,
    /// Events that were appended, those of rejections included; none for a batch that was sent twice.
    pub events: u64,
    /// How many of them say that a record was rejected.
    pub rejected: u64,
    /// Entries in the log.
    pub log_size: u64,
}
