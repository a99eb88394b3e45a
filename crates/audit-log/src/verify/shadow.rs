//! A tree that is built twice where it must be: from the entries, and from the hashes in the stored tiles.
//!
//! As long as both agree there is one tree. From the first difference on there are two, so that at the end the
//! signed root tells which of them is the true one.

use super::tiles::TILE_WIDTH;
use super::tree::Peaks;
use crate::Hash;

/// A tree and the open tile of each of its levels above the leaves.
#[derive(Clone, Debug, Default)]
struct Tree {
    peaks: Peaks,
    /// Open tile of level 1 and up: its index and its hashes.
    open: Vec<(u64, Vec<Hash>)>,
    /// Tiles that became full and were not taken yet.
    full: Vec<TileHashes>,
}

/// What a tile above the leaves should hold.
#[derive(Clone, Debug)]
pub(crate) struct TileHashes {
    /// Level, from 1 on.
    pub level: u8,
    /// Index within the level.
    pub index: u64,
    /// Its hashes, up to 256.
    pub hashes: Vec<Hash>,
}

impl Tree {
    fn push(&mut self, leaf: Hash) {
        let (open, full) = (&mut self.open, &mut self.full);
        self.peaks.push_leaf(leaf, |height, _, hash| {
            if height == 0 || height % 8 != 0 {
                return;
            }
            let level = (height / 8) as usize;
            if open.len() < level {
                open.resize(level, (0, Vec::new()));
            }
            let (index, hashes) = &mut open[level - 1];
            hashes.push(hash);
            if hashes.len() == TILE_WIDTH {
                full.push(TileHashes { level: level as u8, index: *index, hashes: std::mem::take(hashes) });
                *index += 1;
            }
        });
    }

    fn open_tiles(&self) -> Vec<TileHashes> {
        let open = self.open.iter().enumerate().filter(|(_, (_, hashes))| !hashes.is_empty());
        open.map(|(at, (index, hashes))| TileHashes {
            level: at as u8 + 1,
            index: *index,
            hashes: hashes.clone(),
        })
        .collect()
    }
}

/// A signed root that the tree should have at some size.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    /// Size at which to look.
    pub size: u64,
    /// Root that was signed.
    pub root: Hash,
    /// Whether the entries have this root; nothing where that size was not reached.
    pub entries_agree: Option<bool>,
    /// Whether the stored tiles have it.
    pub tiles_agree: Option<bool>,
}

/// Both trees.
#[derive(Debug, Default)]
pub(crate) struct Trees {
    entries: Tree,
    tiles: Option<Tree>,
    watches: Vec<Watch>,
    broken: bool,
}

impl Trees {
    /// Begins empty trees whose roots will be compared at the watched sizes.
    pub fn new(watches: Vec<Watch>) -> Trees {
        let mut trees = Trees { watches, ..Trees::default() };
        trees.look();
        trees
    }

    /// Adds a leaf as the entries have it and as the tiles have it.
    pub fn push(&mut self, by_entries: Hash, by_tiles: Hash) {
        if self.broken {
            return;
        }
        if by_entries != by_tiles && self.tiles.is_none() {
            self.tiles = Some(self.entries.clone());
        }
        self.entries.push(by_entries);
        if let Some(tiles) = &mut self.tiles {
            tiles.push(by_tiles);
        }
        self.look();
    }

    /// Says that a leaf is known from nowhere, so that no root can be computed any more.
    pub fn break_off(&mut self) {
        self.broken = true;
    }

    /// Takes the tiles that became full, each as the entries give it and as the tiles below give it.
    pub fn take_full(&mut self) -> Vec<(TileHashes, TileHashes)> {
        let by_entries = std::mem::take(&mut self.entries.full);
        let by_tiles = self.tiles.as_mut().map(|tiles| std::mem::take(&mut tiles.full));
        pair(by_entries, by_tiles)
    }

    /// Returns the tiles that are not full at the end.
    pub fn open_tiles(&self) -> Vec<(TileHashes, TileHashes)> {
        if self.broken {
            return Vec::new();
        }
        pair(self.entries.open_tiles(), self.tiles.as_ref().map(Tree::open_tiles))
    }

    /// Gives up what was seen at the watched sizes.
    pub fn into_watches(self) -> Vec<Watch> {
        self.watches
    }

    fn look(&mut self) {
        let size = self.entries.peaks.size();
        for watch in self.watches.iter_mut().filter(|watch| watch.size == size) {
            let agrees = self.entries.peaks.root() == watch.root;
            watch.entries_agree = Some(agrees);
            let tiles = self.tiles.as_ref();
            watch.tiles_agree = Some(tiles.map_or(agrees, |tiles| tiles.peaks.root() == watch.root));
        }
    }
}

fn pair(by_entries: Vec<TileHashes>, by_tiles: Option<Vec<TileHashes>>) -> Vec<(TileHashes, TileHashes)> {
    let by_tiles = by_tiles.unwrap_or_else(|| by_entries.clone());
    by_entries.into_iter().zip(by_tiles).collect()
}
