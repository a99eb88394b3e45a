//! The list of segments, shared by the writer, which adds to its end, and everyone who reads.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use crate::wal::index::Index;
use crate::wal::scan::Spot;

/// One segment file and where its entries lie.
#[derive(Debug)]
pub(crate) struct Segment {
    /// The file.
    pub(crate) path: PathBuf,
    index: RwLock<Index>,
}

impl Segment {
    /// Joins a file and its index.
    pub(crate) fn new(path: PathBuf, index: Index) -> Segment {
        Segment { path, index: RwLock::new(index) }
    }

    /// Asks the index.
    pub(crate) fn look<T>(&self, ask: impl FnOnce(&Index) -> T) -> T {
        ask(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds to the index; only the writer does.
    pub(crate) fn note(&self, add: impl FnOnce(&mut Index)) {
        add(&mut self.index.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The segments in the order of their positions.
#[derive(Debug, Default)]
pub(crate) struct Segments(RwLock<Vec<Arc<Segment>>>);

impl Segments {
    /// Takes the segments that recovery found.
    pub(crate) fn new(list: Vec<Arc<Segment>>) -> Segments {
        Segments(RwLock::new(list))
    }

    /// Adds the newest segment.
    pub(crate) fn push(&self, segment: Arc<Segment>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(segment);
    }

    /// Finds the segment that holds `position`, and the nearest known spot in it.
    pub(crate) fn find(&self, position: u64) -> Option<(Arc<Segment>, Spot)> {
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let after = list.partition_point(|segment| segment.look(|index| index.first) <= position);
        let segment = list.get(after.checked_sub(1)?)?;
        Some((segment.clone(), segment.look(|index| index.nearest(position))?))
    }

    /// Position of the first entry in a segment: all before were released. `u64::MAX` where there is no segment.
    pub(crate) fn begin(&self) -> u64 {
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner);
        list.first().map_or(u64::MAX, |segment| segment.look(|index| index.first))
    }

    /// The oldest segment, where it is closed and ends at or below `limit`.
    pub(crate) fn oldest_closed(&self, limit: u64) -> Option<Arc<Segment>> {
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (_, closed) = list.split_last()?;
        closed.first().filter(|segment| segment.look(|index| index.end) <= limit).cloned()
    }

    /// Forgets the oldest segment, whose entries the archive holds.
    pub(crate) fn forget_oldest(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(0);
    }

    /// Takes the oldest segment back, whose file could not be removed.
    pub(crate) fn remember_oldest(&self, segment: Arc<Segment>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(0, segment);
    }

    /// The last sequence number of a source in the segments.
    pub(crate) fn last_seq(&self, source: &str) -> Option<u64> {
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        list.iter().rev().find_map(|segment| segment.look(|index| index.sources.get(source).copied()))
    }

    /// Position up to which entries below `size` lie in closed segments.
    pub(crate) fn closed_before(&self, size: u64) -> u64 {
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let newest = list.last().map_or(0, |segment| segment.look(|index| index.first));
        if newest <= size { newest } else { 0 }
    }

    /// Number of segments, and bytes of entries in them.
    pub(crate) fn totals(&self) -> (u64, u64) {
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (list.len() as u64, list.iter().map(|segment| segment.look(|index| index.offset)).sum())
    }
}
