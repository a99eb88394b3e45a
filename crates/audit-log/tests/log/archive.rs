//! An archive in memory, as small and as slow in its answers as the contract allows.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use audit_log::{AuditLog, Entry, Leaf, Sealed, SealedBody, SealedEntry, SealedError};
use event::Timestamp;

#[derive(Debug, Default)]
pub struct Archive {
    entries: Mutex<Vec<SealedEntry>>,
    reads: Mutex<Vec<Range<u64>>>,
}

impl Archive {
    fn with<T>(&self, ask: impl FnOnce(&mut Vec<SealedEntry>) -> T) -> T {
        ask(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes entries of the log up to a position.
    pub fn seal(&self, log: &AuditLog, up_to: u64) {
        while self.end() < up_to {
            let read = log.read(self.end()..up_to).unwrap();
            self.with(|entries| entries.extend(read.iter().map(sealed)));
        }
    }

    /// Drops the payloads of a range.
    pub fn prune(&self, range: Range<usize>) {
        self.with(|entries| entries[range].iter_mut().for_each(|entry| entry.body = None));
    }

    /// Changes something.
    pub fn change(&self, change: impl FnOnce(&mut Vec<SealedEntry>)) {
        self.with(change);
    }

    /// What was read since the last call.
    pub fn take_reads(&self) -> Vec<Range<u64>> {
        std::mem::take(&mut self.reads.lock().unwrap())
    }
}

fn sealed(entry: &Entry) -> SealedEntry {
    let body = SealedBody { salt: entry.salt, payload: entry.payload.clone() };
    SealedEntry { position: entry.position, leaf: entry.leaf.encode(), body: Some(body) }
}

fn leaf(entry: &SealedEntry) -> Leaf {
    Leaf::decode(&entry.leaf).unwrap()
}

impl Sealed for Archive {
    fn end(&self) -> u64 {
        self.with(|entries| entries.len() as u64)
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<SealedEntry>, SealedError> {
        self.reads.lock().unwrap().push(range.clone());
        // A block of an archive ends where it ends.
        let end = range.end.min((range.start / 100 + 1) * 100);
        let read = |entries: &mut Vec<SealedEntry>| {
            entries.get(range.start as usize..end as usize).map(<[SealedEntry]>::to_vec)
        };
        self.with(read).ok_or_else(|| SealedError { position: range.start, why: "not sealed".to_owned() })
    }

    fn last_seq(&self, source: &str) -> Option<u64> {
        self.with(|entries| {
            entries.iter().rev().map(leaf).find(|leaf| leaf.source == source).map(|leaf| leaf.seq)
        })
    }

    fn last_time(&self) -> Option<Timestamp> {
        self.with(|entries| entries.last().map(|entry| leaf(entry).time))
    }

    fn first_at(&self, time: Timestamp) -> Result<u64, SealedError> {
        Ok(self.with(|entries| entries.partition_point(|entry| leaf(entry).time < time) as u64))
    }
}
