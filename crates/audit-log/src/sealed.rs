//! Sealed entries: those that have left the write-ahead log for an archive.
//!
//! The log does not know how an archive keeps them. It asks for them by position, and releases its own copy of a range
//! only when told that the archive's copy has been read back and compared.

use std::fmt;
use std::ops::Range;

use event::Timestamp;
use event::envelope::MAX_EVENT_BYTES;

use crate::hash::SALT_BYTES;
use crate::leaf::MAX_LEAF_BYTES;
use crate::log::MAX_READ;

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
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the sealed entry at position {position}: {why}")]
pub struct SealedError {
    /// Which entry.
    pub position: u64,
    /// Why.
    pub why: String,
}

/// An archive of entries, without a gap from position 0 on.
///
/// Its answers are checked where they are used: positions that do not follow each other, a missing first entry and leaves or
/// payloads beyond the limits are errors there, and nothing that an archive says can panic.
pub trait Sealed: Send + Sync + fmt::Debug {
    /// Position behind the last sealed entry; everything below has been sealed, or sealed and pruned. Never moves back.
    fn end(&self) -> u64;

    /// Reads entries in order from the start of the range, which lies below [`Sealed::end`]: at least one, none at or
    /// behind the range's end, and no more than a reader can be expected to hold ([`crate::MAX_READ`] entries,
    /// [`crate::MAX_READ_BYTES`] of payload). An error names the first entry that cannot be read; those before it can.
    fn read(&self, range: Range<u64>) -> Result<Vec<SealedEntry>, SealedError>;

    /// Position of the first entry at `position` or later that retention has not dropped; [`Sealed::end`] when there is none.
    ///
    /// An archive that drops long ranges should answer from what it knows of them: this walks through their leaves.
    fn first_kept(&self, position: u64) -> Result<u64, SealedError> {
        let (mut next, end) = (position, self.end());
        while next < end {
            let entries = read(self, next..end)?;
            if let Some(kept) = entries.iter().find(|entry| entry.body.is_some()) {
                return Ok(kept.position);
            }
            next += entries.len() as u64;
        }
        Ok(end)
    }

    /// The last sequence number of a source among them, pruned ones too: a source goes on from there.
    fn last_seq(&self, source: &str) -> Option<u64>;

    /// Log time of the last of them; `None` only where there is none.
    fn last_time(&self) -> Option<Timestamp>;

    /// Position of the first entry whose log time is `time` or later; [`Sealed::end`] when there is none.
    fn first_at(&self, time: Timestamp) -> Result<u64, SealedError>;
}

/// Reads as [`Sealed::read`] does, and checks that the answer keeps to the contract.
pub(crate) fn read<S: Sealed + ?Sized>(
    sealed: &S,
    range: Range<u64>,
) -> Result<Vec<SealedEntry>, SealedError> {
    let most = range.end.min(range.start.saturating_add(MAX_READ));
    let entries = sealed.read(range.start..most)?;
    let fault = |position, why: &str| Err(SealedError { position, why: why.to_owned() });
    if entries.is_empty() {
        return fault(range.start, "the archive gave nothing");
    }
    for (position, entry) in (range.start..).zip(&entries) {
        if entry.position != position || position >= most {
            return fault(position, "the archive gave an entry that was not asked for");
        }
        let payload = entry.body.as_ref().map_or(0, |body| body.payload.len());
        if entry.leaf.len() > MAX_LEAF_BYTES || payload > MAX_EVENT_BYTES {
            return fault(position, "the archive gave more bytes than an entry has");
        }
    }
    Ok(entries)
}
