//! Sealed segments: one Parquet file and the index beside it, read in ranges.

mod write;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use audit_log::SealedEntry;
use event::Timestamp;

use crate::part::PartError;
use crate::read_at::ReadAt;
pub use write::SegmentWriter;

/// A sealed segment. Implements [`crate::Part`].
pub struct Segment {
    data: Arc<dyn ReadAt>,
}

impl Segment {
    /// Opens a segment; `name` is for messages. Without an index, or with one that does not fit, it still answers
    /// everything, but prunes by nothing: see [`Segment::index_is_sound`]. Damaged data is an error.
    pub fn open(
        data: Arc<dyn ReadAt>,
        index: Option<Arc<dyn ReadAt>>,
        name: &str,
    ) -> Result<Segment, PartError> {
        let _ = (index, name);
        Ok(Segment { data })
    }

    /// Says whether the index is there, fits its data, and showed no damage so far.
    pub fn index_is_sound(&self) -> bool {
        unimplemented!()
    }

    /// Makes the bytes of the index anew from the data.
    pub fn rebuild_index(data: &Arc<dyn ReadAt>, name: &str) -> Result<Vec<u8>, PartError> {
        let _ = (data, name);
        unimplemented!()
    }

    /// The positions of its entries.
    pub fn range(&self) -> Range<u64> {
        unimplemented!()
    }

    /// The log's origin.
    pub fn origin(&self) -> &str {
        unimplemented!()
    }

    /// Bytes of data.
    pub fn data_bytes(&self) -> u64 {
        self.data.len()
    }

    /// Reads entries in order from the start of the range, which lies within the segment: at least one, and no more than a
    /// reader can be expected to hold ([`audit_log::MAX_READ`], [`audit_log::MAX_READ_BYTES`]).
    pub fn read(&self, range: Range<u64>) -> Result<Vec<SealedEntry>, PartError> {
        let _ = range;
        unimplemented!()
    }

    /// Position of the first entry whose log time is `time` or later; the end of the segment when there is none.
    pub fn first_at(&self, time: Timestamp) -> Result<u64, PartError> {
        let _ = time;
        unimplemented!()
    }

    /// Log time of the last entry.
    pub fn last_time(&self) -> Timestamp {
        unimplemented!()
    }

    /// The last sequence number of each log source in it.
    pub fn sources(&self) -> &BTreeMap<String, u64> {
        unimplemented!()
    }

    /// The last sequence number of one log source.
    pub fn last_seq(&self, source: &str) -> Option<u64> {
        self.sources().get(source).copied()
    }
}
