//! What was read of sealed segments and their indexes, kept decoded between questions: a sealed segment never changes, and reading costs far
//! more than using.
//!
//! All segments of the process share the room; what nobody asked for the longest goes first. Roll-ups have room of their own,
//! so that a question that reads much does not drive out what every dashboard asks for.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::cells::Rollups;

/// The most bytes of roll-ups that are kept.
const ROLLUP_BYTES: usize = 48 << 20;
/// The most bytes of columns and pages.
const COLUMN_BYTES: usize = 48 << 20;
/// What takes a larger share of its room is not kept: it would drive out too many others.
const LARGEST_SHARE: usize = 4;

static ROLLUPS: Mutex<Room> = Mutex::new(Room::new(ROLLUP_BYTES));
static COLUMNS: Mutex<Room> = Mutex::new(Room::new(COLUMN_BYTES));
static SEGMENTS: AtomicU64 = AtomicU64::new(0);

/// What is kept of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// A roll-up, by its section.
    Rollup(usize),
    /// A column of a row group, as numbers or as the codes of its own dictionary.
    Column(usize, usize),
    /// The texts of that dictionary.
    Texts(usize, usize),
    /// The texts of a column in all row groups.
    Dictionary(usize),
    /// A page of payloads, by its first row.
    Payloads(usize),
    /// A group of the index's postings.
    Postings(usize),
}

/// What can be kept.
pub(crate) trait Keep: Any + Send + Sync {
    /// Bytes that it takes, about.
    fn bytes(&self) -> usize;
}

/// What an allocation takes beside its bytes, about.
const ALLOCATION: usize = 16;

impl Keep for Vec<i64> {
    fn bytes(&self) -> usize {
        size_of_val(self.as_slice())
    }
}

impl Keep for Vec<u32> {
    fn bytes(&self) -> usize {
        size_of_val(self.as_slice())
    }
}

impl Keep for Vec<String> {
    fn bytes(&self) -> usize {
        self.iter().map(|text| size_of::<String>() + ALLOCATION + text.len()).sum()
    }
}

impl Keep for Rollups {
    fn bytes(&self) -> usize {
        self.texts.bytes() + self.cell_bytes()
    }
}

/// What is kept of one file of a segment; it goes with it.
pub(crate) struct Shelf {
    segment: u64,
}

impl Default for Shelf {
    fn default() -> Shelf {
        Shelf { segment: SEGMENTS.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Shelf {
    /// Returns what is kept, or reads it and keeps it as long as there is room.
    pub(crate) fn get<T: Keep, E>(
        &self,
        what: What,
        read: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        // Nobody waits for another's reading; two that come at once both read.
        if let Some(kept) = self.recall(what) {
            return Ok(kept);
        }
        let read = Arc::new(read()?);
        room(what).keep((self.segment, what), read.bytes(), read.clone());
        Ok(read)
    }

    /// Returns what is kept.
    pub(crate) fn recall<T: Keep>(&self, what: What) -> Option<Arc<T>> {
        room(what).recall((self.segment, what))?.downcast().ok()
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        for room in [&ROLLUPS, &COLUMNS] {
            locked(room).forget(self.segment);
        }
    }
}

fn room(what: What) -> MutexGuard<'static, Room> {
    locked(if matches!(what, What::Rollup(_)) { &ROLLUPS } else { &COLUMNS })
}

fn locked(room: &'static Mutex<Room>) -> MutexGuard<'static, Room> {
    room.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number of the segment, and what of it.
type Key = (u64, What);

struct Room {
    most: usize,
    kept: BTreeMap<Key, Kept>,
    /// What was asked for when: each at its last time.
    order: BTreeMap<u64, Key>,
    bytes: usize,
    /// How often anything was asked for: the time, as far as it matters here.
    asked: u64,
}

struct Kept {
    value: Arc<dyn Any + Send + Sync>,
    bytes: usize,
    last_asked: u64,
}

impl Room {
    const fn new(most: usize) -> Room {
        Room { most, kept: BTreeMap::new(), order: BTreeMap::new(), bytes: 0, asked: 0 }
    }

    fn recall(&mut self, key: Key) -> Option<Arc<dyn Any + Send + Sync>> {
        let kept = self.kept.get_mut(&key)?;
        self.asked += 1;
        self.order.remove(&kept.last_asked);
        self.order.insert(self.asked, key);
        kept.last_asked = self.asked;
        Some(kept.value.clone())
    }

    fn keep(&mut self, key: Key, bytes: usize, value: Arc<dyn Any + Send + Sync>) {
        if bytes > self.most / LARGEST_SHARE {
            return;
        }
        self.remove(key);
        while self.bytes + bytes > self.most {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.remove(oldest);
        }
        self.bytes += bytes;
        self.asked += 1;
        self.order.insert(self.asked, key);
        self.kept.insert(key, Kept { value, bytes, last_asked: self.asked });
    }

    fn forget(&mut self, segment: u64) {
        let of_segment = (segment, What::Rollup(0))..(segment + 1, What::Rollup(0));
        let keys: Vec<Key> = self.kept.range(of_segment).map(|(key, _)| *key).collect();
        keys.into_iter().for_each(|key| self.remove(key));
    }

    fn remove(&mut self, key: Key) {
        if let Some(kept) = self.kept.remove(&key) {
            self.bytes -= kept.bytes;
            self.order.remove(&kept.last_asked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> Room {
        Room::new(100)
    }

    #[test]
    fn what_nobody_asked_for_the_longest_goes_first() {
        let mut room = room();
        for segment in 0..4 {
            assert!(room.recall((segment, What::Rollup(0))).is_none());
            room.keep((segment, What::Rollup(0)), 25, Arc::new(segment));
        }
        let first = room.recall((0, What::Rollup(0))).unwrap();
        assert_eq!(first.downcast_ref(), Some(&0_u64));
        room.keep((4, What::Rollup(0)), 25, Arc::new(4_u64));
        let kept: Vec<u64> = room.kept.keys().map(|(segment, _)| *segment).collect();
        assert_eq!((kept, room.bytes), (vec![0, 2, 3, 4], 100));
    }

    #[test]
    fn what_is_kept_goes_with_its_segment_and_what_is_too_large_is_not_kept() {
        let mut room = room();
        for (segment, what) in
            [(1, What::Rollup(0)), (1, What::Column(3, 2)), (1, What::Payloads(256)), (2, What::Rollup(0))]
        {
            room.keep((segment, what), 10, Arc::new(()));
        }
        room.keep((3, What::Rollup(0)), 26, Arc::new(()));
        room.forget(1);
        assert_eq!(room.kept.keys().collect::<Vec<_>>(), [&(2, What::Rollup(0))]);
        room.forget(2);
        assert_eq!((room.bytes, room.kept.len(), room.order.len()), (0, 0, 0));
    }

    #[test]
    fn what_is_kept_is_not_read_again() {
        let (shelf, mut reads) = (Shelf::default(), 0);
        for _ in 0..3 {
            let read = || {
                reads += 1;
                Ok::<_, ()>(vec![1_i64, 2])
            };
            assert_eq!(*shelf.get(What::Column(0, 1), read).unwrap(), [1, 2]);
        }
        assert_eq!(reads, 1);
        assert!(shelf.get(What::Column(0, 2), || Err::<Vec<i64>, _>("no")).is_err());
    }
}
