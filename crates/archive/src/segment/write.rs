//! Writes a segment: entries go in one by one, a Parquet file and the bytes of its index come out.

use std::io::Write;

use audit_log::Entry;

use crate::part::PartError;

/// Writes a segment, holding one row group and the index in memory.
pub struct SegmentWriter<W: Write + Send> {
    out: W,
}

impl<W: Write + Send> SegmentWriter<W> {
    /// Begins a segment of the log named `origin` at a position.
    pub fn new(out: W, origin: &str, first: u64) -> Result<SegmentWriter<W>, PartError> {
        let _ = (origin, first);
        Ok(SegmentWriter { out })
    }

    /// Adds the next entry.
    pub fn push(&mut self, entry: &Entry) -> Result<(), PartError> {
        let _ = entry;
        unimplemented!()
    }

    /// Finishes the file; returns what was written to, and the bytes of the index.
    pub fn finish(self) -> Result<(W, Vec<u8>), PartError> {
        let _ = self.out;
        unimplemented!()
    }
}
