//! The audit log: append, prove, follow, verify.
//!
//! An append is answered once the event is durable; the tree over all entries is published as a C2SP tlog-tiles log
//! with signed checkpoints. There is no way to change or remove an entry. What a log is not: a search engine (followers
//! build those), or a judge of what its events say.
//!
//! One thread writes (`writer`), one grows the tree and publishes (`tiler`); the formats and the rules of recovery are
//! written down in `docs/formats/log.md`.
#![forbid(unsafe_code)]

pub mod checkpoint;
mod clock;
mod config;
mod draft;
mod error;
pub mod evidence;
mod feed;
mod follow;
pub mod hash;
mod key;
pub mod leaf;
mod log;
mod memory;
mod need;
pub mod note;
pub mod proof;
mod queue;
mod recovery;
mod release;
mod sealed;
mod shared;
mod space;
mod stored;
mod tiler;
pub mod tree;
pub mod verify;
pub mod wal;
mod writer;

use event::Timestamp;

pub use checkpoint::Checkpoint;
pub use config::{LogConfig, Rollback};
pub use error::{AppendError, OpenError, ReadError, ReleaseError, Shortage};
pub use follow::Follower;
pub use hash::Hash;
pub use leaf::Leaf;
pub use log::{AuditLog, MAX_APPEND_BYTES, MAX_READ, MAX_READ_BYTES};
pub use release::Released;
pub use sealed::{Sealed, SealedBody, SealedEntry, SealedError};
pub use shared::chain_of_causes;

/// Proof that an event is durable. Only the log makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    position: u64,
    time: Timestamp,
}

impl Receipt {
    /// Position in the log.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Log time.
    pub fn time(&self) -> Timestamp {
        self.time
    }
}

/// Proof that a batch is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchReceipt {
    first: u64,
    count: u64,
}

impl BatchReceipt {
    /// Position of the first event.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Number of events; they follow each other.
    pub fn count(&self) -> u64 {
        self.count
    }
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Position in the log.
    pub position: u64,
    /// What the tree holds of it.
    pub leaf: Leaf,
    /// Random bytes beside the payload.
    pub salt: [u8; hash::SALT_BYTES],
    /// The event's exact JSON bytes.
    pub payload: Vec<u8>,
}

/// A portable inclusion proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// Position of the proved entry.
    pub position: u64,
    /// Size of the tree.
    pub size: u64,
    /// Audit path, from the leaf's sibling upwards.
    pub hashes: Vec<Hash>,
}

/// Figures for metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Durable entries.
    pub size: u64,
    /// Entries that the newest published checkpoint covers.
    pub checkpoint_size: u64,
    /// When it was published.
    pub checkpoint_time: Option<Timestamp>,
    /// Bytes that wait for their sync.
    pub queued_bytes: u64,
    /// Position of the first entry that the write-ahead log still holds; those before are in the archive.
    pub released: u64,
    /// Segments of the write-ahead log.
    pub segments: u64,
    /// Bytes of entries in them.
    pub stored_bytes: u64,
    /// Bytes free on the disk.
    pub free_bytes: u64,
    /// Whether new sessions are refused for want of space.
    pub full: bool,
    /// What is short, while they are.
    pub shortage: Option<Shortage>,
    /// Whether the log failed and takes nothing any more.
    pub failed: bool,
}
