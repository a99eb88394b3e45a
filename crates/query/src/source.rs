//! Where entries are read that no part has yet: the log, or a list of events in tests.

use std::ops::Range;

use archive::Logged;
use audit_log::{AuditLog, Entry, ReadError};
use event::ingested::is_file_source;
use event::view::Node;
use event::{RecordView, Timestamp};

/// Entries in order. Reading blocks the calling thread.
pub(crate) trait Source: Send + Sync + 'static {
    /// Says how many durable entries there are.
    fn size(&self) -> u64;
    /// Reads entries from the beginning of the range, at least one of them where there is one.
    fn read(&self, range: Range<u64>) -> Result<Vec<Logged>, ReadError>;
    /// Says whether the entry at a position came in with a file.
    fn is_ingested(&self, position: u64) -> Result<bool, ReadError>;
}

impl Source for AuditLog {
    fn size(&self) -> u64 {
        AuditLog::size(self)
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<Logged>, ReadError> {
        Ok(AuditLog::read(self, range)?.into_iter().map(logged).collect())
    }

    fn is_ingested(&self, position: u64) -> Result<bool, ReadError> {
        let read = AuditLog::read(self, position..position + 1)?;
        Ok(read.iter().all(|entry| is_file_source(&entry.leaf.source)))
    }
}

/// Takes from an entry what a search needs. Its time is the log's until [`time_of`] has looked.
pub(crate) fn logged(entry: Entry) -> Logged {
    let time = entry.leaf.time;
    Logged { position: entry.position, log_time: time, time, payload: entry.payload }
}

/// Reads the time by which an event is ordered, as parts do: its own where that is exactly one text that names an
/// instant, else the log's.
pub(crate) fn time_of(view: &RecordView<'_>, log_time: Timestamp) -> Timestamp {
    let Node::Object(entries) = view.root() else { return log_time };
    let mut times =
        entries.iter().filter(|(key, value)| key == "time" && *value != Node::Null).map(|(_, value)| value);
    match (times.next(), times.next()) {
        (Some(Node::Text(text)), None) => text.parse().unwrap_or(log_time),
        _ => log_time,
    }
}
