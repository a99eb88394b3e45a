//! Roll-ups that were read once, kept between questions: a sealed segment never changes, and reading a roll-up costs far
//! more than using it.
//!
//! All segments of the process share one bound of memory; what nobody asked for the longest goes first.

use std::collections::BTreeMap;
use std::mem::size_of;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::part::{RollupCell, Rollups};

/// The most bytes of roll-ups that are kept.
const MOST_BYTES: usize = 32 << 20;
/// A larger one is not kept: it would drive out too many others.
const MOST_OF_ONE: usize = MOST_BYTES / 4;

static SHELF: Mutex<Shelf> = Mutex::new(Shelf { kept: BTreeMap::new(), bytes: 0, asked: 0 });
static SEGMENTS: AtomicU64 = AtomicU64::new(0);

/// The roll-ups of one segment that are kept; they go with it.
pub(super) struct Counts {
    segment: u64,
}

impl Default for Counts {
    fn default() -> Counts {
        Counts { segment: SEGMENTS.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Counts {
    /// Returns the roll-up of a section, where it is kept.
    pub(super) fn recall(&self, section: usize) -> Option<Arc<Rollups>> {
        shelf().recall((self.segment, section))
    }

    /// Keeps the roll-up of a section as long as there is room.
    pub(super) fn keep(&self, section: usize, rollups: &Arc<Rollups>) {
        shelf().keep((self.segment, section), rollups);
    }
}

impl Drop for Counts {
    fn drop(&mut self) {
        shelf().forget(self.segment);
    }
}

fn shelf() -> MutexGuard<'static, Shelf> {
    SHELF.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which roll-up: a number of the segment, and the section.
type Key = (u64, usize);

struct Shelf {
    kept: BTreeMap<Key, Kept>,
    bytes: usize,
    /// How often anything was asked for: the time, as far as it matters here.
    asked: u64,
}

struct Kept {
    rollups: Arc<Rollups>,
    bytes: usize,
    last_asked: u64,
}

impl Shelf {
    fn recall(&mut self, key: Key) -> Option<Arc<Rollups>> {
        self.asked += 1;
        let kept = self.kept.get_mut(&key)?;
        kept.last_asked = self.asked;
        Some(kept.rollups.clone())
    }

    fn keep(&mut self, key: Key, rollups: &Arc<Rollups>) {
        let bytes = size(rollups);
        if bytes > MOST_OF_ONE {
            return;
        }
        self.remove(key);
        while self.bytes + bytes > MOST_BYTES {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.last_asked).map(|(key, _)| *key);
            let Some(oldest) = oldest else { break };
            self.remove(oldest);
        }
        self.bytes += bytes;
        self.kept.insert(key, Kept { rollups: rollups.clone(), bytes, last_asked: self.asked });
    }

    fn forget(&mut self, segment: u64) {
        let keys: Vec<Key> =
            self.kept.range((segment, 0)..=(segment, usize::MAX)).map(|(key, _)| *key).collect();
        keys.into_iter().for_each(|key| self.remove(key));
    }

    fn remove(&mut self, key: Key) {
        if let Some(kept) = self.kept.remove(&key) {
            self.bytes -= kept.bytes;
        }
    }
}

fn size(rollups: &Rollups) -> usize {
    let texts: usize = rollups.texts.iter().map(|text| size_of::<String>() + text.len()).sum();
    texts + size_of::<RollupCell>() * rollups.cells.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A roll-up of about so many mebibytes.
    fn rollups(mebibytes: usize) -> Arc<Rollups> {
        Arc::new(Rollups { texts: Arc::new(vec!["x".repeat(mebibytes << 20)]), cells: Vec::new() })
    }

    #[test]
    fn what_nobody_asked_for_the_longest_goes_first() {
        let mut shelf = Shelf { kept: BTreeMap::new(), bytes: 0, asked: 0 };
        let one = rollups(7);
        for segment in 0..4 {
            assert!(shelf.recall((segment, 0)).is_none());
            shelf.keep((segment, 0), &one);
        }
        assert!(shelf.recall((0, 0)).is_some());
        shelf.keep((4, 0), &one);
        let kept: Vec<u64> = shelf.kept.keys().map(|(segment, _)| *segment).collect();
        assert_eq!(kept, [0, 2, 3, 4]);
        assert!(shelf.bytes <= MOST_BYTES);
    }

    #[test]
    fn what_is_kept_goes_with_its_segment() {
        let mut shelf = Shelf { kept: BTreeMap::new(), bytes: 0, asked: 0 };
        for key in [(1, 0), (1, 3), (2, 0)] {
            shelf.keep(key, &rollups(1));
        }
        shelf.keep((3, 0), &rollups(9));
        shelf.forget(1);
        assert_eq!(shelf.kept.keys().collect::<Vec<_>>(), [&(2, 0)]);
        shelf.forget(2);
        assert_eq!((shelf.bytes, shelf.kept.len()), (0, 0));
    }
}
