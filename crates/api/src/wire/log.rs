//! Events, proofs, verification.

use event::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// An event and its place in the log.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EventRow {
    /// Position in the log.
    pub position: u64,
    /// When the log took it.
    #[schema(value_type = String, format = DateTime)]
    pub log_time: Timestamp,
    /// The event, byte for byte as it was stored and hashed.
    #[schema(value_type = Object)]
    pub event: Box<RawValue>,
}

/// A page of events.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Events {
    /// The events.
    pub events: Vec<EventRow>,
    /// Where the page behind this one begins (`after`); absent when there is none.
    pub next: Option<String>,
    /// Where the page before this one ends (`before`); absent when there is none.
    pub previous: Option<String>,
    /// What was searched.
    pub coverage: Coverage,
    /// The newest checkpoint: rows below its size can be proved.
    pub checkpoint: String,
}

/// What an answer covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Coverage {
    /// First position that there is to search.
    pub from: u64,
    /// Position up to which all were searched.
    pub to: u64,
    /// Entries in the log.
    pub size: u64,
    /// Whether nothing within the question's range was left out.
    pub complete: bool,
    /// Entries that were met and could not be read as events; told only to readers from whom nothing is hidden.
    #[serde(default)]
    pub unreadable: u64,
}

/// A signed tree head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Checkpoint {
    /// Entries that it covers.
    pub size: u64,
    /// The signed note (C2SP tlog-checkpoint).
    pub note: String,
    /// The log's verifier key.
    pub key: String,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// Entries that were checked.
    pub entries: u64,
    /// Size of the checkpoint.
    pub tree_size: u64,
    /// `detecting`, `evident` or `witnessed`.
    pub level: String,
    /// What is wrong; empty when nothing.
    pub damage: Vec<String>,
}
