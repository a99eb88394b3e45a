//! The archive: how it stands, what a verification or rebuilding found.

use event::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the archive stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArchiveStatus {
    /// Entries of the log.
    pub log_entries: u64,
    /// Entries that are sealed, or sealed and dropped.
    pub sealed: u64,
    /// Entries that can be searched, or were dropped.
    pub searchable: u64,
    /// Segments whose entries are kept.
    pub segments: u64,
    /// Entries in them.
    pub entries: u64,
    /// Bytes of their data.
    pub data_bytes: u64,
    /// Bytes of their indexes.
    pub index_bytes: u64,
    /// Segments whose index is missing or damaged; `lodge archive rebuild` makes it anew.
    pub without_index: u64,
    /// Entries that retention dropped; their leaves are kept.
    pub pruned_entries: u64,
    /// Bytes of those leaves.
    pub leaves_bytes: u64,
    /// Log time of the newest sealed entry.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub newest: Option<Timestamp>,
    /// Segments that cannot be read, and why.
    pub damaged: Vec<String>,
    /// What fails at present: sealing, merging or dropping. The log keeps what is not sealed.
    pub failure: Option<String>,
    /// Since when.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub failing_since: Option<Timestamp>,
}

/// What a verification of the archive's objects found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArchiveVerification {
    /// Segments that were looked at.
    pub segments: u64,
    /// Entries that were read.
    pub entries: u64,
    /// Dropped entries whose leaves were read.
    pub pruned: u64,
    /// Whether every entry was compared with the log's tree.
    pub against_tree: bool,
    /// What is wrong; empty when nothing.
    pub problems: Vec<String>,
}

/// Which indexes to make anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RebuildScope {
    /// Those that are missing or do not fit.
    #[default]
    Unsound,
    /// All of them.
    All,
}

/// A wish to make indexes anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RebuildArchive {
    /// Which.
    #[serde(default)]
    pub which: RebuildScope,
}

/// What a rebuilding did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArchiveRebuilt {
    /// Segments that were looked at.
    pub segments: u64,
    /// Indexes that were made anew.
    pub rebuilt: u64,
    /// Segments whose data are damaged.
    pub problems: Vec<String>,
}
