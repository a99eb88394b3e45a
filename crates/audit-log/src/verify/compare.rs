//! Compares the entries with the tiles and entry bundles that were derived from them, 256 at a time.
//!
//! It collects where the two disagree and does not judge: only the signed root, seen at the end, tells which side
//! is right. Memory is one block of leaves and a bounded number of disagreements.

use std::io;

use super::border::Border;
use super::damage::{DamageKind, DamageList};
use super::shadow::{TileHashes, Trees, Watch};
use super::tiles::{Series, StoredTile, TILE_WIDTH, TileFolder};
use super::tree::leaf_hash;
use crate::Hash;

/// Most disagreements of each sort that are kept.
const MAX_DISAGREEMENTS: usize = 4096;

/// A position where the entry and the stored tile of level 0 have different hashes.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    /// Position of the entry.
    pub position: u64,
    /// Hash of the entry's leaf.
    pub entry: Hash,
    /// Hash in the tile.
    pub tile: Hash,
    /// Hash in the tile at the next position.
    pub tile_next: Option<Hash>,
}

/// A file that disagrees with the entries, with the other tiles, or with both: the first position of each.
#[derive(Clone, Debug)]
pub(crate) struct Mismatch {
    /// Path of the tile or bundle.
    pub file: String,
    /// Entries below one hash of the file.
    pub count: u64,
    /// First position that the entries contradict.
    pub against_entries: Option<u64>,
    /// First position that the tiles contradict.
    pub against_tiles: Option<u64>,
}

/// What the comparison collected.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Leaves in the tree, also those known from tiles alone.
    pub size: u64,
    /// Differences by position.
    pub differences: Vec<Difference>,
    /// Files that disagree.
    pub mismatches: Vec<Mismatch>,
    /// The signed roots, in the order in which they were given.
    pub watches: Vec<Watch>,
}

/// A running comparison.
#[derive(Debug)]
pub(crate) struct Comparison {
    tiles: TileFolder,
    /// Entries that the checkpoint covers: over these the tiles must be there.
    signed: u64,
    /// Entry bundles before it went with the segments.
    border: Border,
    /// Position of the block's first entry; a multiple of 256.
    first: u64,
    hashes: Vec<Option<Hash>>,
    /// The block's leaves in the form of an entry bundle.
    bundle: Vec<u8>,
    /// Where each leaf ends in `bundle`.
    ends: Vec<usize>,
    trees: Trees,
    differences: Vec<Difference>,
    mismatches: Vec<Mismatch>,
}

impl Comparison {
    /// Begins at position 0.
    pub fn new(tiles: TileFolder, signed: u64, border: Border, watches: Vec<Watch>) -> Comparison {
        Comparison {
            tiles,
            signed,
            border,
            first: 0,
            hashes: Vec::with_capacity(TILE_WIDTH),
            bundle: Vec::new(),
            ends: Vec::with_capacity(TILE_WIDTH),
            trees: Trees::new(watches),
            differences: Vec::new(),
            mismatches: Vec::new(),
        }
    }

    /// Adds the leaf of the next entry.
    pub fn push(&mut self, leaf: &[u8], damage: &mut DamageList) {
        // A record's leaf is at most 512 bytes, so its length always fits.
        self.bundle.extend((leaf.len() as u16).to_be_bytes());
        self.bundle.extend(leaf);
        self.add(Some(leaf_hash(leaf)), damage);
    }

    /// Passes over the next entry, which cannot be read; the tiles tell its hash.
    pub fn absent(&mut self, damage: &mut DamageList) {
        self.add(None, damage);
    }

    /// Passes over all entries before `position`.
    pub fn absent_until(&mut self, position: u64, damage: &mut DamageList) {
        while self.size() < position {
            let whole_block = self.hashes.is_empty() && position - self.first >= TILE_WIDTH as u64;
            if whole_block && self.tiles.stored(Series::Level(0), self.first / 256).is_empty() {
                // Nothing knows these leaves, so nothing is gained by walking over them one by one.
                self.trees.break_off();
                self.first = position & !255;
                self.hashes = vec![None; (position & 255) as usize];
                self.ends = vec![0; self.hashes.len()];
                return;
            }
            self.absent(damage);
        }
    }

    /// Compares what is left and gives up what was collected.
    pub fn finish(mut self, damage: &mut DamageList) -> Outcome {
        self.finish_block(damage);
        for (by_entries, by_tiles) in self.trees.open_tiles() {
            self.compare_upper(&by_entries, &by_tiles, damage);
        }
        Outcome {
            size: self.size(),
            differences: self.differences,
            mismatches: self.mismatches,
            watches: self.trees.into_watches(),
        }
    }

    fn size(&self) -> u64 {
        self.first + self.hashes.len() as u64
    }

    fn add(&mut self, hash: Option<Hash>, damage: &mut DamageList) {
        self.hashes.push(hash);
        self.ends.push(self.bundle.len());
        if self.hashes.len() == TILE_WIDTH {
            self.finish_block(damage);
        }
    }

    fn finish_block(&mut self, damage: &mut DamageList) {
        let hashes = std::mem::take(&mut self.hashes);
        if hashes.is_empty() {
            return;
        }
        let required = self.signed.saturating_sub(self.first).min(hashes.len() as u64) as usize;
        let stored = self.compare_leaf_tiles(&hashes, required, damage);
        self.compare_bundles(&hashes, &stored, required, damage);
        self.grow(&hashes, &stored);
        for (by_entries, by_tiles) in self.trees.take_full() {
            self.compare_upper(&by_entries, &by_tiles, damage);
        }
        self.first += hashes.len() as u64;
        self.hashes = hashes;
        self.hashes.clear();
        self.bundle.clear();
        self.ends.clear();
    }

    /// Compares the tiles of level 0 and returns the hash that the stored tiles have for each entry of the block.
    fn compare_leaf_tiles(
        &mut self,
        hashes: &[Option<Hash>],
        required: usize,
        damage: &mut DamageList,
    ) -> Vec<Option<Hash>> {
        let mut candidates = self.read_hashes(0, self.first / 256, required, damage);
        // The tile that the checkpoint names speaks for the tiles; wider ones only for entries behind it.
        candidates.sort_by_key(|(tile, _)| tile.width != required);
        let stored: Vec<Option<Hash>> = (0..hashes.len())
            .map(|at| candidates.iter().find_map(|(_, tile_hashes)| tile_hashes.get(at).copied()))
            .collect();
        for (tile, tile_hashes) in &candidates {
            let against = |side: &[Option<Hash>]| {
                let at = side
                    .iter()
                    .zip(tile_hashes)
                    .position(|(have, tile)| have.is_some_and(|have| have != *tile));
                at.map(|at| self.first + at as u64)
            };
            let (against_entries, against_tiles) = (against(hashes), against(&stored));
            self.mismatch(&tile.file, 1, against_entries, against_tiles);
        }
        stored
    }

    fn compare_bundles(
        &mut self,
        hashes: &[Option<Hash>],
        stored: &[Option<Hash>],
        required: usize,
        damage: &mut DamageList,
    ) {
        let mut covered = 0;
        for tile in self.tiles.stored(Series::Entries, self.first / 256) {
            let bytes = match self.tiles.read(Series::Entries, &tile) {
                Ok(bytes) => bytes,
                Err(error)
                    if error.kind() == io::ErrorKind::NotFound && self.border.has_passed(self.first) =>
                {
                    continue;
                }
                Err(error) => {
                    let kind = DamageKind::Unreadable { error: error.to_string() };
                    damage.add(self.first, 1, &tile.file, kind);
                    continue;
                }
            };
            covered = covered.max(tile.width);
            let whole = self.ends.get(tile.width - 1).copied();
            let same = whole.is_some_and(|end| bytes == self.bundle[..end]);
            if !same || hashes.iter().take(tile.width).any(Option::is_none) {
                let (against_entries, against_tiles) =
                    self.compare_bundle(&bytes, tile.width, hashes, stored);
                self.mismatch(&tile.file, 1, against_entries, against_tiles);
            }
        }
        if covered < required && !self.border.has_passed(self.first) {
            self.demand(Series::Entries, self.first / 256, covered, required, damage);
        }
    }

    /// Walks a bundle leaf by leaf: first position that the entries contradict, first that the tiles contradict.
    fn compare_bundle(
        &self,
        bytes: &[u8],
        width: usize,
        hashes: &[Option<Hash>],
        stored: &[Option<Hash>],
    ) -> (Option<u64>, Option<u64>) {
        let (mut against_entries, mut against_tiles) = (None, None);
        let (mut rest, mut begin) = (bytes, 0);
        for at in 0..width.min(hashes.len()) {
            let position = self.first + at as u64;
            let Some((leaf, behind)) = split_leaf(rest) else {
                let broken = Some(position);
                return (against_entries.or(broken), against_tiles.or(broken));
            };
            let ours = &self.bundle[begin..self.ends[at]];
            begin = self.ends[at];
            if hashes[at].is_none() || ours.get(2..) != Some(leaf) {
                let hash = leaf_hash(leaf);
                if hashes[at].is_some() {
                    against_entries = against_entries.or(Some(position));
                }
                if stored[at].or(hashes[at]).is_some_and(|tile| tile != hash) {
                    against_tiles = against_tiles.or(Some(position));
                }
            }
            rest = behind;
        }
        if width <= hashes.len() && !rest.is_empty() {
            let last = Some(self.first + width as u64 - 1);
            return (against_entries.or(last), against_tiles.or(last));
        }
        (against_entries, against_tiles)
    }

    /// Adds the block to the trees and notes where entries and tiles differ.
    fn grow(&mut self, hashes: &[Option<Hash>], stored: &[Option<Hash>]) {
        if let Some(last) = self.differences.last_mut().filter(|last| last.position + 1 == self.first) {
            last.tile_next = stored[0];
        }
        for at in 0..hashes.len() {
            let (Some(entry), Some(tile)) = (hashes[at].or(stored[at]), stored[at].or(hashes[at])) else {
                self.trees.break_off();
                continue;
            };
            self.trees.push(entry, tile);
            if entry != tile && self.differences.len() < MAX_DISAGREEMENTS {
                let tile_next = stored.get(at + 1).copied().flatten();
                let position = self.first + at as u64;
                self.differences.push(Difference { position, entry, tile, tile_next });
            }
        }
    }

    /// Compares a tile above the leaves.
    fn compare_upper(&mut self, by_entries: &TileHashes, by_tiles: &TileHashes, damage: &mut DamageList) {
        let (level, index) = (by_entries.level, by_entries.index);
        let below = 8 * u32::from(level);
        let first_hash = index * TILE_WIDTH as u64;
        let required = (self.signed >> below).saturating_sub(first_hash).min(by_entries.hashes.len() as u64);
        let position = |at: usize| (first_hash + at as u64) << below;
        for (tile, hashes) in self.read_hashes(level, index, required as usize, damage) {
            let against =
                |side: &TileHashes| side.hashes.iter().zip(&hashes).position(|(a, b)| a != b).map(position);
            self.mismatch(&tile.file, 1 << below, against(by_entries), against(by_tiles));
        }
    }

    /// Reads all tiles at an index; those of a wrong length are damage, and so is a required one that is not there.
    fn read_hashes(
        &self,
        level: u8,
        index: u64,
        required: usize,
        damage: &mut DamageList,
    ) -> Vec<(StoredTile, Vec<Hash>)> {
        let series = Series::Level(level);
        let first = (index * TILE_WIDTH as u64) << (8 * u32::from(level));
        let mut found = Vec::new();
        for tile in self.tiles.stored(series, index) {
            match self.tiles.read(series, &tile) {
                Ok(bytes) => {
                    if bytes.len() != tile.width * 32 {
                        damage.add(first, 1, &tile.file, DamageKind::TileDiffers);
                    }
                    let hashes =
                        bytes.as_chunks::<32>().0.iter().take(tile.width).map(|hash| Hash(*hash)).collect();
                    found.push((tile, hashes));
                }
                Err(error) => {
                    damage.add(first, 1, &tile.file, DamageKind::Unreadable { error: error.to_string() });
                }
            }
        }
        let covered = found.iter().map(|(_, hashes): &(_, Vec<Hash>)| hashes.len()).max().unwrap_or(0);
        self.demand(series, index, covered, required, damage);
        found
    }

    fn demand(&self, series: Series, index: u64, covered: usize, required: usize, damage: &mut DamageList) {
        if covered >= required {
            return;
        }
        let below = if let Series::Level(level) = series { 8 * u32::from(level) } else { 0 };
        let position = (index * TILE_WIDTH as u64 + covered as u64) << below;
        let mut file = super::tiles::path(series, index);
        if required < TILE_WIDTH {
            file = format!("{file}.p/{required}");
        }
        damage.add(position, ((required - covered) as u64) << below, &file, DamageKind::TileMissing);
    }

    fn mismatch(&mut self, file: &str, count: u64, against_entries: Option<u64>, against_tiles: Option<u64>) {
        let disagrees = against_entries.is_some() || against_tiles.is_some();
        if disagrees && self.mismatches.len() < MAX_DISAGREEMENTS {
            self.mismatches.push(Mismatch { file: file.to_owned(), count, against_entries, against_tiles });
        }
    }
}

fn split_leaf(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}
