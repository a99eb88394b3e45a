//! Sets of blocks: runs of 256 rows, the unit in which the index answers and payloads are read.

use std::ops::Range;

/// Rows of a block; the last block of a part may have fewer.
pub const BLOCK_ROWS: usize = 256;

/// A set of a part's blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocks {
    words: Vec<u64>,
    count: usize,
}

impl Blocks {
    /// Makes the set of none of `count` blocks.
    pub fn none(count: usize) -> Blocks {
        Blocks { words: vec![0; count.div_ceil(64)], count }
    }

    /// Makes the set of all of `count` blocks.
    pub fn all(count: usize) -> Blocks {
        let mut blocks = Blocks { words: vec![u64::MAX; count.div_ceil(64)], count };
        if let (Some(last), rest @ 1..) = (blocks.words.last_mut(), count % 64) {
            *last = (1 << rest) - 1;
        }
        blocks
    }

    /// Returns how many blocks there are to choose from.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Adds a block; one beyond the count is passed over.
    pub fn insert(&mut self, block: usize) {
        if block < self.count {
            self.words[block / 64] |= 1 << (block % 64);
        }
    }

    /// Takes a block out.
    pub fn remove(&mut self, block: usize) {
        if block < self.count {
            self.words[block / 64] &= !(1 << (block % 64));
        }
    }

    /// Says whether a block is in the set.
    pub fn contains(&self, block: usize) -> bool {
        block < self.count && self.words[block / 64] >> (block % 64) & 1 == 1
    }

    /// Says whether no block is in the set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Returns how many blocks are in the set.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Keeps what is in the other set too.
    pub fn intersect(&mut self, other: &Blocks) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    /// Adds what is in the other set.
    pub fn unite(&mut self, other: &Blocks) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    /// Walks the set's blocks in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        // Most sets hold few of very many.
        (0..self.words.len()).filter(|at| self.words[*at] != 0).flat_map(|at| bits(at, self.words[at]))
    }

    /// Walks those of the set's blocks that lie in a range, in order.
    pub fn within(&self, range: &Range<usize>) -> impl Iterator<Item = usize> + '_ {
        let Range { start, end } = range.start..range.end.min(self.count);
        let words = (start / 64..end.div_ceil(64)).filter(|at| self.words[*at] != 0);
        words.flat_map(|at| bits(at, self.words[at])).filter(move |block| (start..end).contains(block))
    }
}

/// Walks the blocks of a word, which is `at` its place.
fn bits(at: usize, word: u64) -> impl DoubleEndedIterator<Item = usize> {
    (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn blocks_are_walked_in_order_whole_and_in_ranges(
            wanted in prop::collection::btree_set(0_usize..300, 0..40), count in 0_usize..300, start in 0_usize..300,
            length in 0_usize..200,
        ) {
            let mut blocks = Blocks::none(count);
            wanted.iter().for_each(|block| blocks.insert(*block));
            let all: Vec<usize> = wanted.iter().copied().filter(|block| *block < count).collect();
            prop_assert_eq!(blocks.iter().collect::<Vec<_>>(), all.clone());
            let within: Vec<usize> = blocks.within(&(start..start + length)).collect();
            let inside = all.into_iter().filter(|block| (start..start + length).contains(block));
            prop_assert_eq!(within, inside.collect::<Vec<_>>());
        }
    }
}
