//! The growing part: the newest entries, indexed in memory, not yet sealed.

use std::error::Error;
use std::ops::Range;
use std::sync::Arc;

use audit_log::{AuditLog, Entry};
use event::Timestamp;

use crate::part::Part;

/// Where the payloads of a growing part are read: the log, or a list in tests.
pub trait Entries: Send + Sync {
    /// Reads entries in order from the start of the range: at least one, and perhaps not all.
    fn read(&self, range: Range<u64>) -> Result<Vec<Entry>, Box<dyn Error + Send + Sync>>;
}

impl Entries for AuditLog {
    fn read(&self, range: Range<u64>) -> Result<Vec<Entry>, Box<dyn Error + Send + Sync>> {
        Ok(AuditLog::read(self, range)?)
    }
}

/// Takes entries in and indexes them.
pub struct Growing {
    first: u64,
}

impl Growing {
    /// Begins a part at a position.
    pub fn new(first: u64, source: Arc<dyn Entries>) -> Growing {
        let _ = source;
        Growing { first }
    }

    /// Takes the next entry in; its position must be [`Growing::end`].
    pub fn push(&mut self, entry: &Entry) {
        let _ = entry;
        unimplemented!()
    }

    /// Position of the first entry.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Position behind the last entry.
    pub fn end(&self) -> u64 {
        unimplemented!()
    }

    /// How many entries it has.
    pub fn rows(&self) -> usize {
        unimplemented!()
    }

    /// How many bytes of payload its entries have.
    pub fn payload_bytes(&self) -> u64 {
        unimplemented!()
    }

    /// Log time of the first entry.
    pub fn first_log_time(&self) -> Option<Timestamp> {
        unimplemented!()
    }

    /// The part as it is now; later entries do not change it. Cheap enough for every question.
    pub fn snapshot(&self) -> Arc<dyn Part> {
        unimplemented!()
    }
}
