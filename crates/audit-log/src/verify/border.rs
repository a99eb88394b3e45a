//! Where the write-ahead log begins: entry bundles over what lies before it went with its segments.

use std::path::{Path, PathBuf};

use super::log::{Tail, first_segment};
use super::tiles::TILE_WIDTH;

/// The border between what was released and what was not.
#[derive(Debug)]
pub(crate) struct Border {
    wal: PathBuf,
    begin: u64,
    tail: Tail,
}

impl Border {
    /// Takes note of where the first segment in `wal` begins.
    pub fn new(wal: &Path, begin: u64, tail: Tail) -> Border {
        Border { wal: wal.to_owned(), begin, tail }
    }

    /// Tells whether all entries of the block that begins at `first` were released. A running log may move the border on
    /// meanwhile.
    pub fn has_passed(&mut self, first: u64) -> bool {
        let end = first.saturating_add(TILE_WIDTH as u64);
        if end > self.begin && self.tail == Tail::BeingWritten {
            self.begin = first_segment(&self.wal).unwrap_or(self.begin).max(self.begin);
        }
        end <= self.begin
    }
}
