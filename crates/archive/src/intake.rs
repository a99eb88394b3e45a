//! What the index and the columns of a segment take from its entries, block by block.
//!
//! Writing a segment and making its index anew both go through here, so that they cannot differ.

use event::Timestamp;

use crate::blocks::BLOCK_ROWS;
use crate::column::Column;
use crate::extract::{COLUMN_COUNT, Extracted, FieldSet, extract};
use crate::index::{Binding, IndexBuilder};
use crate::interner::Interner;
use crate::part::Keys;
use crate::rollup::{DIMENSIONS, RollupRows};
use crate::tokens::TokenSet;

/// The columns of some rows.
#[derive(Default)]
pub(crate) struct Rows {
    /// Event times in microseconds.
    pub(crate) times: Vec<i64>,
    /// Codes of each column; [`Keys::ABSENT`] where there is none.
    pub(crate) codes: [Vec<u32>; COLUMN_COUNT],
    /// What the codes mean.
    pub(crate) values: [Interner; COLUMN_COUNT],
}

impl Rows {
    /// Adds a row; returns its time.
    pub(crate) fn push(&mut self, row: &Extracted<'_>, log_time: Timestamp) -> i64 {
        let time = row.time.unwrap_or(log_time).as_micros();
        self.times.push(time);
        for (column, text) in row.columns.iter().enumerate() {
            let code = text.as_ref().map_or(Keys::ABSENT, |text| self.values[column].code(text));
            self.codes[column].push(code);
        }
        time
    }

    /// Forgets the rows and what their codes meant.
    pub(crate) fn clear(&mut self) {
        self.times.clear();
        self.codes.iter_mut().for_each(Vec::clear);
        self.values.iter_mut().for_each(Interner::clear);
    }

    /// Shows the columns that are counted.
    pub(crate) fn counted(&self) -> RollupRows<'_> {
        let [user, target, address] = DIMENSIONS;
        let columns = [Column::Kind, Column::Outcome, user, target, address];
        RollupRows {
            times: &self.times,
            codes: columns.map(|column| self.codes[column as usize].as_slice()),
            values: columns.map(|column| self.values[column as usize].values()),
        }
    }
}

/// Takes entries in.
pub(crate) struct Intake {
    /// The rows since the last [`Intake::end_group`].
    pub(crate) rows: Rows,
    index: IndexBuilder,
    tokens: TokenSet,
    block: Block,
}

/// The block that is being filled.
struct Block {
    rows: usize,
    span: (i64, i64),
    odd: FieldSet,
}

const EMPTY: Block = Block { rows: 0, span: (i64::MAX, i64::MIN), odd: 0 };

impl Intake {
    /// Makes an empty one.
    pub(crate) fn new() -> Intake {
        Intake { rows: Rows::default(), index: IndexBuilder::new(), tokens: TokenSet::new(), block: EMPTY }
    }

    /// Takes an event in; returns what else it says.
    pub(crate) fn push<'a>(&mut self, payload: &'a [u8], log_time: Timestamp) -> Extracted<'a> {
        let row = extract(payload, &mut self.tokens);
        let time = self.rows.push(&row, log_time);
        self.block.span = (self.block.span.0.min(time), self.block.span.1.max(time));
        self.block.odd |= row.odd;
        self.block.rows += 1;
        if self.block.rows == BLOCK_ROWS {
            self.end_block();
        }
        row
    }

    fn end_block(&mut self) {
        self.index.add_block(self.block.span, self.block.odd, &self.tokens.take());
        self.block = EMPTY;
    }

    /// Counts the rows so far and forgets them.
    pub(crate) fn end_group(&mut self) {
        self.index.rollups.add(&self.rows.counted());
        self.rows.clear();
    }

    /// Writes the index; the rows must have been counted.
    pub(crate) fn finish(mut self, binding: Binding) -> Vec<u8> {
        if self.block.rows > 0 {
            self.end_block();
        }
        self.index.finish(binding)
    }
}
