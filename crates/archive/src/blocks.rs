//! Sets of blocks: runs of 256 rows, the unit in which the index answers and payloads are read.

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
        (0..self.count).filter(|block| self.contains(*block))
    }
}
