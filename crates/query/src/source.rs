//! Where entries are read from: the log, or a list of events in tests.

use std::ops::Range;

use audit_log::{AuditLog, ReadError};
use event::Timestamp;

/// What a search needs of an entry.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) position: u64,
    pub(crate) time: Timestamp,
    pub(crate) payload: Vec<u8>,
}

/// Entries in order, their times never falling. Reading blocks the calling thread.
pub(crate) trait Source: Send + Sync + 'static {
    /// Says how many durable entries there are.
    fn size(&self) -> u64;
    /// Reads entries from the beginning of the range, at least one of them where there is one.
    fn read(&self, range: Range<u64>) -> Result<Vec<Logged>, ReadError>;
}

impl Source for AuditLog {
    fn size(&self) -> u64 {
        AuditLog::size(self)
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<Logged>, ReadError> {
        let entries = AuditLog::read(self, range)?;
        let logged = |entry: audit_log::Entry| Logged {
            position: entry.position,
            time: entry.leaf.time,
            payload: entry.payload,
        };
        Ok(entries.into_iter().map(logged).collect())
    }
}
