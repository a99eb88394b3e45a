//! Digests: what the columns and the index take from entries, block by block.
//!
//! An event's bytes are taken apart once. The growing part makes the digests and answers questions from them, and when it is
//! sealed the writer takes them over; where nobody has made them, after a restart or for an index that is made anew, the
//! writer makes them itself, by the same code, so the bytes that it writes are the same.

use std::sync::Arc;

use event::Timestamp;

use crate::blocks::BLOCK_ROWS;
use crate::extract::{COLUMN_COUNT, FieldSet, extract};
use crate::interner::Interner;
use crate::part::Keys;
use crate::tokens::TokenSet;

/// The digest of up to 256 entries.
#[derive(Clone, Default)]
pub(crate) struct Block {
    /// Event times in microseconds.
    pub(crate) times: Vec<i64>,
    /// Ids, where they are UUIDs.
    pub(crate) ids: Vec<Option<[u8; 16]>>,
    /// Sessions, where they are UUIDs.
    pub(crate) sessions: Vec<Option<[u8; 16]>>,
    /// Codes of each column, which hold for all blocks of a part; [`Keys::ABSENT`] where there is none.
    pub(crate) codes: [Vec<u32>; COLUMN_COUNT],
    /// Texts that occur in the part for the first time; their codes follow those of the blocks before.
    pub(crate) values: [Vec<String>; COLUMN_COUNT],
    /// Fields that decide nothing about some row.
    pub(crate) odd: FieldSet,
    /// Tokens, in order; none yet while the block is open, which may then hold anything.
    pub(crate) tokens: Option<Vec<u32>>,
}

impl Block {
    /// How many rows it has.
    pub(crate) fn rows(&self) -> usize {
        self.times.len()
    }

    /// Its earliest and its latest event time, in microseconds.
    pub(crate) fn span(&self) -> Option<(i64, i64)> {
        Some((*self.times.iter().min()?, *self.times.iter().max()?))
    }
}

/// The digests of consecutive entries, the last block closed though it may not be full.
#[derive(Clone, Default)]
pub struct Digests(pub(crate) Vec<Arc<Block>>);

/// Makes digests.
pub(crate) struct Digester {
    open: Block,
    tokens: TokenSet,
    /// Codes of all blocks.
    codes: [Interner; COLUMN_COUNT],
}

impl Digester {
    /// Makes one that begins a part.
    pub(crate) fn new() -> Digester {
        Digester { open: Block::default(), tokens: TokenSet::new(), codes: Default::default() }
    }

    /// Takes an event in; returns the block that it fills.
    pub(crate) fn push(&mut self, payload: &[u8], log_time: Timestamp) -> Option<Block> {
        let row = extract(payload, &mut self.tokens);
        let block = &mut self.open;
        block.times.push(row.time.unwrap_or(log_time).as_micros());
        block.ids.push(row.id);
        block.sessions.push(row.session);
        block.odd |= row.odd;
        for (column, text) in row.columns.iter().enumerate() {
            let codes = &mut self.codes[column];
            let known = codes.values().len();
            let code = text.as_ref().map_or(Keys::ABSENT, |text| codes.code(text));
            block.codes[column].push(code);
            block.values[column].extend_from_slice(&codes.values()[known..]);
        }
        if block.rows() == BLOCK_ROWS { self.close() } else { None }
    }

    /// The block that is being filled.
    pub(crate) fn open(&self) -> &Block {
        &self.open
    }

    /// Closes the block that is being filled, if it has rows.
    pub(crate) fn close(&mut self) -> Option<Block> {
        if self.open.rows() == 0 {
            return None;
        }
        let mut block = std::mem::take(&mut self.open);
        let mut tokens = self.tokens.take();
        tokens.sort_unstable();
        tokens.shrink_to_fit();
        block.tokens = Some(tokens);
        Some(block)
    }
}
