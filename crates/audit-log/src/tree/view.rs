//! Proofs from tiles: the tree at a published size, read from full tiles and a copy of the edge.
//!
//! The inclusion and consistency proofs are those of RFC 6962 sections 2.1.1 and 2.1.2. A view never sees a leaf
//! that is not published, and needs no lock.

use std::collections::HashMap;

use crate::error::ReadError;
use crate::hash::Hash;
use crate::tree::edge::{fold, parse_tile};
use crate::tree::path::{TILE_WIDTH, TileKind, TilePath};

/// The tree of a published size.
pub(crate) struct TreeView<'a, R> {
    size: u64,
    edge: &'a [Vec<Hash>],
    read: R,
    tiles: HashMap<(u8, u64), Vec<Hash>>,
}

impl<'a, R: FnMut(TilePath) -> Result<Vec<u8>, ReadError>> TreeView<'a, R> {
    /// Looks at the tree of `size` leaves with that edge; `read` fetches full tiles.
    pub(crate) fn new(size: u64, edge: &'a [Vec<Hash>], read: R) -> TreeView<'a, R> {
        TreeView { size, edge, read, tiles: HashMap::new() }
    }

    /// Proves that `position` is in the tree of the first `size` leaves.
    pub(crate) fn inclusion(&mut self, position: u64, size: u64) -> Result<Vec<Hash>, ReadError> {
        let (mut low, mut high) = (0, size);
        let mut hashes = Vec::new();
        while high - low > 1 {
            let middle = low + split(high - low);
            if position < middle {
                hashes.push(self.subtree(middle, high)?);
                high = middle;
            } else {
                hashes.push(self.subtree(low, middle)?);
                low = middle;
            }
        }
        hashes.reverse();
        Ok(hashes)
    }

    /// Proves that the first `to` leaves begin with the first `from`.
    pub(crate) fn consistency(&mut self, from: u64, to: u64) -> Result<Vec<Hash>, ReadError> {
        let (mut low, mut high) = (0, to);
        let mut hashes = Vec::new();
        if from == 0 {
            return Ok(hashes);
        }
        while high > from {
            let middle = low + split(high - low);
            if from <= middle {
                hashes.push(self.subtree(middle, high)?);
                high = middle;
            } else {
                hashes.push(self.subtree(low, middle)?);
                low = middle;
            }
        }
        if low > 0 {
            // The old tree's root is not on the path, so the verifier needs its last part.
            hashes.push(self.subtree(low, high)?);
        }
        hashes.reverse();
        Ok(hashes)
    }

    /// The root over the leaves `low..high`, which begin where a subtree of RFC 6962 begins.
    fn subtree(&mut self, low: u64, high: u64) -> Result<Hash, ReadError> {
        let width = high - low;
        if width.is_power_of_two() && low.is_multiple_of(width) {
            return self.node(width.trailing_zeros(), low / width);
        }
        let middle = low + split(width);
        let left = self.subtree(low, middle)?;
        let right = self.subtree(middle, high)?;
        Ok(Hash::of_node(&left, &right))
    }

    /// The root over the perfect subtree of 2^`height` leaves with that index.
    pub(crate) fn node(&mut self, height: u32, index: u64) -> Result<Hash, ReadError> {
        let level = u8::try_from(height / 8).expect("trees are at most 64 high");
        let count = 1usize << (height % 8);
        let first = index * count as u64;
        let at = usize::try_from(first % TILE_WIDTH).expect("less than 256");
        let hashes = self.tile(level, first / TILE_WIDTH)?;
        let range = hashes.get(at..at + count).ok_or(ReadError::Tile { path: format!("tile/{level}") })?;
        Ok(fold(range))
    }

    fn tile(&mut self, level: u8, index: u64) -> Result<&[Hash], ReadError> {
        let full = self.size.checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0);
        if index >= full {
            return Ok(self.edge.get(usize::from(level)).map_or(&[], Vec::as_slice));
        }
        if !self.tiles.contains_key(&(level, index)) {
            let path = TilePath::full(TileKind::Hashes(level), index);
            let tile =
                parse_tile(&(self.read)(path)?).ok_or_else(|| ReadError::Tile { path: path.to_string() })?;
            self.tiles.insert((level, index), tile);
        }
        Ok(&self.tiles[&(level, index)])
    }
}

/// The largest power of two below `width`, which is at least 2.
fn split(width: u64) -> u64 {
    1 << (width - 1).ilog2()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::tree::edge::Edge;

    fn tree(size: u64) -> (Edge, HashMap<TilePath, Vec<u8>>) {
        let mut edge = Edge::new();
        for number in 0..size {
            edge.push(&number.to_be_bytes());
        }
        let tiles = edge.take_full().into_iter().collect();
        (edge, tiles)
    }

    fn check(size: u64, probes: impl Iterator<Item = (u64, u64)>) {
        let (edge, tiles) = tree(size);
        let roots: HashMap<u64, tlog_tiles::Hash> = HashMap::new();
        let root = |size: u64, roots: &mut HashMap<u64, tlog_tiles::Hash>| {
            *roots.entry(size).or_insert_with(|| tlog_tiles::Hash(tree(size).0.root().0))
        };
        let mut roots = roots;
        let mut view = TreeView::new(size, edge.levels(), |path| Ok(tiles[&path].clone()));
        for (position, size) in probes {
            let hashes =
                view.inclusion(position, size).unwrap().iter().map(|hash| tlog_tiles::Hash(hash.0)).collect();
            let leaf = tlog_tiles::record_hash(&position.to_be_bytes());
            tlog_tiles::check_record(&hashes, size, root(size, &mut roots), position, leaf).unwrap();
            let hashes = view
                .consistency(position + 1, size)
                .unwrap()
                .iter()
                .map(|hash| tlog_tiles::Hash(hash.0))
                .collect();
            let old = root(position + 1, &mut roots);
            tlog_tiles::check_tree(&hashes, size, root(size, &mut roots), position + 1, old).unwrap();
        }
    }

    #[test]
    fn every_proof_of_small_trees_convinces_another_implementation() {
        check(66, (1..=66).flat_map(|size| (0..size).map(move |position| (position, size))));
    }

    #[test]
    fn proofs_across_tiles_convince_another_implementation() {
        let sizes = [255, 256, 257, 511, 512, 513, 767, 1000];
        check(
            1000,
            sizes
                .into_iter()
                .flat_map(|size| (0..size).step_by(37).chain([size - 1]).map(move |at| (at, size))),
        );
    }

    #[test]
    fn proofs_over_two_levels_of_tiles_convince_another_implementation() {
        check(
            66_000,
            [(0, 66_000), (65_535, 65_536), (65_536, 66_000), (300, 65_999), (65_999, 66_000)].into_iter(),
        );
    }

    #[test]
    fn a_consistency_proof_from_nothing_or_to_itself_is_empty() {
        let (edge, tiles) = tree(300);
        let mut view = TreeView::new(300, edge.levels(), |path| Ok(tiles[&path].clone()));
        assert!(view.consistency(0, 300).unwrap().is_empty());
        assert!(view.consistency(300, 300).unwrap().is_empty());
    }
}
