//! The right edge of the tree: all that is needed to add leaves, to know the root, and to write tiles.
//!
//! Does no input or output. Its invariant: level `L` holds the hashes of the tile at that level which is not full
//! yet, so the edge of a tree of any size is a few tiles of memory. Full tiles wait in [`Edge::take_full`] until
//! whoever stores them has done so; a disk that is full for a while therefore loses nothing.

use crate::hash::Hash;
use crate::tree::path::{TILE_WIDTH, TileKind, TilePath};

/// A tile's name and bytes.
pub(crate) type Tile = (TilePath, Vec<u8>);

/// The right edge of a tree.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    size: u64,
    bundle: Vec<u8>,
    levels: Vec<Vec<Hash>>,
    full: Vec<Tile>,
}

impl Edge {
    /// The edge of the tree without leaves.
    pub(crate) fn new() -> Edge {
        Edge { size: 0, bundle: Vec::new(), levels: vec![Vec::new()], full: Vec::new() }
    }

    /// Rebuilds the edge of a tree of `size` leaves, a multiple of 256, from full tiles; `None` when one is not whole.
    pub(crate) fn load(size: u64, mut read: impl FnMut(TilePath) -> Option<Vec<u8>>) -> Option<Edge> {
        debug_assert_eq!(size % TILE_WIDTH, 0, "only whole tiles are loaded");
        let mut edge = Edge { size, ..Edge::new() };
        let mut below = 0;
        while let hashes @ 1.. = size.checked_shr(8 * (u32::from(below) + 1)).unwrap_or(0) {
            let mut level = Vec::new();
            for index in hashes - hashes % TILE_WIDTH..hashes {
                let tile = parse_tile(&read(TilePath::full(TileKind::Hashes(below), index))?)?;
                level.push(fold(&tile));
            }
            edge.levels.push(level);
            below += 1;
        }
        Some(edge)
    }

    /// Number of leaves.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Hashes of the tile at each level that is not full yet.
    pub(crate) fn levels(&self) -> &[Vec<Hash>] {
        &self.levels
    }

    /// Adds a leaf.
    pub(crate) fn push(&mut self, leaf: &[u8]) {
        let length = u16::try_from(leaf.len()).expect("leaves are at most 512 bytes");
        self.bundle.extend_from_slice(&length.to_be_bytes());
        self.bundle.extend_from_slice(leaf);
        self.size += 1;
        self.add(0, Hash::of_leaf(leaf));
    }

    fn add(&mut self, level: u8, hash: Hash) {
        let at = usize::from(level);
        if at == self.levels.len() {
            self.levels.push(Vec::with_capacity(256));
        }
        self.levels[at].push(hash);
        if self.levels[at].len() < 256 {
            return;
        }
        let index = (self.size >> (8 * (u32::from(level) + 1))) - 1;
        let root = fold(&self.levels[at]);
        self.full.push((TilePath::full(TileKind::Hashes(level), index), tile_bytes(&self.levels[at])));
        if level == 0 {
            let spare = Vec::with_capacity(self.bundle.len());
            let bundle = std::mem::replace(&mut self.bundle, spare);
            self.full.push((TilePath::full(TileKind::Entries, index), bundle));
        }
        self.levels[at].clear();
        self.add(level + 1, root);
    }

    /// Hands over the tiles that became full, oldest first.
    pub(crate) fn take_full(&mut self) -> Vec<Tile> {
        std::mem::take(&mut self.full)
    }

    /// Names and bytes of the tiles that are not full at this size.
    pub(crate) fn partial(&self) -> Vec<Tile> {
        let mut tiles = Vec::new();
        for (level, hashes) in self.levels.iter().enumerate().filter(|(_, hashes)| !hashes.is_empty()) {
            let kind = TileKind::Hashes(level_number(level));
            let index = self.size.checked_shr(8 * (u32::from(level_number(level)) + 1)).unwrap_or(0);
            let width = u16::try_from(hashes.len()).expect("a tile holds 256 hashes");
            tiles.push((TilePath { kind, index, width }, tile_bytes(hashes)));
            if level == 0 {
                tiles.push((TilePath { kind: TileKind::Entries, index, width }, self.bundle.clone()));
            }
        }
        tiles
    }

    /// The root of the tree (RFC 6962 section 2.1).
    pub(crate) fn root(&self) -> Hash {
        // Perfect subtrees from right to left: within a tile the small ones stand at its right end.
        let mut root: Option<Hash> = None;
        for hashes in &self.levels {
            let mut rest = hashes.as_slice();
            while !rest.is_empty() {
                let (left, subtree) = rest.split_at(rest.len() - (1 << rest.len().trailing_zeros()));
                let subtree = fold(subtree);
                root = Some(root.map_or(subtree, |right| Hash::of_node(&subtree, &right)));
                rest = left;
            }
        }
        root.unwrap_or_else(Hash::empty_root)
    }
}

fn level_number(at: usize) -> u8 {
    u8::try_from(at).expect("a tree of u64 leaves has 8 tile levels")
}

/// The root over a power of two of hashes.
pub(crate) fn fold(hashes: &[Hash]) -> Hash {
    debug_assert!(hashes.len().is_power_of_two(), "only perfect subtrees are folded");
    if let [single] = hashes {
        return *single;
    }
    let mut row: Vec<Hash> = hashes.chunks_exact(2).map(|pair| Hash::of_node(&pair[0], &pair[1])).collect();
    while row.len() > 1 {
        for at in 0..row.len() / 2 {
            row[at] = Hash::of_node(&row[2 * at], &row[2 * at + 1]);
        }
        row.truncate(row.len() / 2);
    }
    row[0]
}

fn tile_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The bytes of a tile's narrower version; `None` where the tile is not that wide.
pub(crate) fn narrow(kind: TileKind, bytes: &[u8], width: u16) -> Option<&[u8]> {
    let end = match kind {
        TileKind::Hashes(_) => usize::from(width) * 32,
        TileKind::Entries => (0..width).try_fold(0, |at, _| {
            let length = bytes.get(at..)?.first_chunk()?;
            Some(at + 2 + usize::from(u16::from_be_bytes(*length)))
        })?,
    };
    bytes.get(..end)
}

/// Reads the hashes of a full tile.
pub(crate) fn parse_tile(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    (rest.is_empty() && hashes.len() == 256).then(|| hashes.iter().copied().map(Hash).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn roots_are_those_of_another_implementation() {
        let mut edge = Edge::new();
        let mut theirs = ct_merkle::mem_backed_tree::MemoryBackedTree::<sha2::Sha256, Vec<u8>>::new();
        for number in 0..1100u32 {
            assert_eq!(edge.root().0.as_slice(), theirs.root().as_bytes().as_slice(), "{number} leaves");
            edge.push(&number.to_be_bytes());
            theirs.push(number.to_be_bytes().to_vec());
        }
    }

    #[test]
    fn a_narrower_tile_is_what_the_edge_had_when_it_was_smaller() {
        let (mut edge, mut smaller) = (Edge::new(), Vec::new());
        for number in 0..20u64 {
            edge.push(&number.to_be_bytes()[..number as usize % 8]);
            smaller.push(edge.partial());
        }
        for tiles in smaller {
            for ((path, bytes), (_, now)) in tiles.iter().zip(edge.partial()) {
                assert_eq!(narrow(path.kind, &now, path.width), Some(bytes.as_slice()));
                assert_eq!(narrow(path.kind, &now, 21), None);
            }
        }
    }

    #[test]
    fn an_edge_loaded_from_tiles_goes_on_like_the_one_that_wrote_them() {
        let mut edge = Edge::new();
        let mut tiles = HashMap::new();
        let total = 256 * 256 + 3 * 256;
        for number in 0..total as u32 {
            edge.push(&number.to_be_bytes());
            tiles.extend(edge.take_full());
        }
        let mut loaded = Edge::load(total, |path| tiles.get(&path).cloned()).unwrap();
        assert_eq!(loaded.root(), edge.root());
        loaded.push(b"more");
        edge.push(b"more");
        assert_eq!(loaded.root(), edge.root());
        assert_eq!(loaded.partial(), edge.partial());
        assert!(Edge::load(total, |_| None).is_none());
        assert!(Edge::load(total, |_| Some(vec![0; 31])).is_none());
    }
}
