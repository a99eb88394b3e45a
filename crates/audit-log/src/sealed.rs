//! Sealed entries: those that have left the write-ahead log for an archive.
//!
//! The log does not know how an archive keeps them. It asks for them by position, and releases its own copy of a range
//! only when told that the archive's copy has been read back and compared.

use std::fmt;
use std::ops::Range;

use event::Timestamp;

use crate::hash::SALT_BYTES;

/// An entry that an archive gives back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedEntry {
    /// Position in the log.
    pub position: u64,
    /// The leaf's bytes, as the tree holds their hash.
    pub leaf: Vec<u8>,
    /// Salt and payload; `None` when retention has dropped them.
    pub body: Option<SealedBody>,
}

/// What retention drops of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBody {
    /// Random bytes beside the payload.
    pub salt: [u8; SALT_BYTES],
    /// The event's exact JSON bytes.
    pub payload: Vec<u8>,
}

/// Why sealed entries could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the sealed entry at position {position}: {why}")]
pub struct SealedError {
    /// Which entry.
    pub position: u64,
    /// Why.
    pub why: String,
}

/// An archive of entries, without a gap from position 0 on.
pub trait Sealed: Send + Sync + fmt::Debug {
    /// Position behind the last sealed entry; everything below has been sealed, or sealed and pruned.
    fn end(&self) -> u64;

    /// Reads entries in order from the start of the range, which lies below [`Sealed::end`]: at least one, and no more than
    /// a reader can be expected to hold ([`crate::MAX_READ`] entries, [`crate::MAX_READ_BYTES`] of payload).
    fn read(&self, range: Range<u64>) -> Result<Vec<SealedEntry>, SealedError>;

    /// The last sequence number of a source among them.
    fn last_seq(&self, source: &str) -> Option<u64>;

    /// Log time of the last of them.
    fn last_time(&self) -> Option<Timestamp>;

    /// Position of the first entry whose log time is `time` or later; [`Sealed::end`] when there is none.
    fn first_at(&self, time: Timestamp) -> Result<u64, SealedError>;
}
