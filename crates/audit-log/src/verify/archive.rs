//! Reads an archive's entries one by one, and believes it nothing.

use std::ops::Range;
use std::vec;

use crate::{MAX_READ, Sealed, SealedEntry};

/// The file that is named for what an archive gave.
pub(crate) const ARCHIVE: &str = "archive";
/// The most entries that are given up at once.
const MAX_STEP: u64 = 4096;

/// Entries that the archive did not give.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// How many.
    pub count: u64,
    /// Why.
    pub error: String,
}

/// Walks through an archive.
pub(crate) struct ArchiveReader<'a> {
    sealed: &'a dyn Sealed,
    given: vec::IntoIter<SealedEntry>,
    failures: u32,
}

impl<'a> ArchiveReader<'a> {
    /// Reads what `sealed` gives.
    pub fn new(sealed: &'a dyn Sealed) -> ArchiveReader<'a> {
        ArchiveReader { sealed, given: Vec::new().into_iter(), failures: 0 }
    }

    /// Returns the entry at the start of `range`, or says how many of the range cannot be had from there on.
    ///
    /// Positions only rise. The more often the archive fails, the more is given up at once.
    pub fn entry(&mut self, range: Range<u64>) -> Result<SealedEntry, Gap> {
        for entry in self.given.by_ref() {
            if entry.position == range.start {
                return Ok(entry);
            }
        }
        let end = range.end.min(range.start.saturating_add(MAX_READ));
        match self.ask(range.start..end) {
            Ok(entries) => {
                self.failures = 0;
                self.given = entries.into_iter();
                Ok(self.given.next().expect("there is one at least"))
            }
            Err(error) => {
                let count = (1 << self.failures.min(12)).min(MAX_STEP).min(range.end - range.start);
                self.failures += 1;
                Err(Gap { count, error })
            }
        }
    }

    /// Asks for entries; of what comes, those that are the right ones, one at least.
    fn ask(&self, range: Range<u64>) -> Result<Vec<SealedEntry>, String> {
        let answer = self.sealed.read(range.clone()).or_else(|error| {
            // Those before the one that cannot be read can.
            if range.contains(&error.position) && error.position > range.start {
                self.sealed.read(range.start..error.position)
            } else {
                Err(error)
            }
        });
        let mut entries = answer.map_err(|error| error.why)?;
        let right = range.clone().zip(&entries).take_while(|(position, entry)| entry.position == *position);
        let right = right.count();
        match (right, entries.first()) {
            (0, None) => Err("the archive gave nothing".to_owned()),
            (0, Some(wrong)) => Err(format!("the archive gave entry {} in its place", wrong.position)),
            _ => {
                entries.truncate(right);
                Ok(entries)
            }
        }
    }
}
