//! What the index and the columns of a segment take from the digests of its entries.
//!
//! Writing a segment and making its index anew both go through here, so that they cannot differ.

use std::ops::Range;
use std::sync::Arc;

use event::Timestamp;

use crate::column::Column;
use crate::digest::{Block, Digester, Digests};
use crate::extract::COLUMN_COUNT;
use crate::index::{Binding, IndexBuilder};
use crate::rollup::{DIMENSIONS, RollupRows};

/// The columns of the rows of a row group.
#[derive(Default)]
pub(crate) struct Rows {
    /// Event times in microseconds.
    pub(crate) times: Vec<i64>,
    /// Ids, where they are UUIDs.
    pub(crate) ids: Vec<Option<[u8; 16]>>,
    /// Sessions, where they are UUIDs.
    pub(crate) sessions: Vec<Option<[u8; 16]>>,
    /// Codes of each column.
    pub(crate) codes: [Vec<u32>; COLUMN_COUNT],
    /// What the codes mean, of this and all earlier row groups.
    pub(crate) values: [Vec<String>; COLUMN_COUNT],
}

impl Rows {
    /// Adds rows of a block, whose new texts are known already.
    fn add(&mut self, block: &Block, rows: Range<usize>) {
        self.times.extend_from_slice(&block.times[rows.clone()]);
        self.ids.extend_from_slice(&block.ids[rows.clone()]);
        self.sessions.extend_from_slice(&block.sessions[rows.clone()]);
        for (codes, more) in self.codes.iter_mut().zip(&block.codes) {
            codes.extend_from_slice(&more[rows.clone()]);
        }
    }

    /// Forgets the rows, not what codes mean.
    fn clear(&mut self) {
        self.times.clear();
        self.ids.clear();
        self.sessions.clear();
        self.codes.iter_mut().for_each(Vec::clear);
    }

    /// Shows the columns that are counted.
    fn counted(&self) -> RollupRows<'_> {
        let [user, target, address] = DIMENSIONS;
        let columns = [Column::Kind, Column::Outcome, user, target, address];
        RollupRows {
            times: &self.times,
            codes: columns.map(|column| self.codes[column as usize].as_slice()),
            values: columns.map(|column| self.values[column as usize].as_slice()),
        }
    }
}

/// Why digests cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the digests are those of other entries")]
pub(crate) struct OtherDigests;

/// Where digests come from.
enum Source {
    /// They are made here.
    Making(Box<Digester>),
    /// They were made before; the next is the one of the entries that come.
    Made(std::vec::IntoIter<Arc<Block>>),
}

/// Takes entries in.
pub(crate) struct Intake {
    /// The rows since the last [`Intake::end_group`].
    pub(crate) rows: Rows,
    source: Source,
    index: IndexBuilder,
    /// Entries of the block that is being filled.
    pushed: usize,
    /// How many of them are among the rows, or were in the row group before.
    added: usize,
    /// How many new texts of the block are known.
    named: [usize; COLUMN_COUNT],
}

impl Intake {
    /// Makes one that makes the digests of what comes.
    pub(crate) fn new() -> Intake {
        Intake::of(Source::Making(Box::new(Digester::new())))
    }

    /// Makes one for entries whose digests were made.
    pub(crate) fn with(digests: Digests) -> Intake {
        Intake::of(Source::Made(digests.0.into_iter()))
    }

    fn of(source: Source) -> Intake {
        Intake {
            rows: Rows::default(),
            source,
            index: IndexBuilder::new(),
            pushed: 0,
            added: 0,
            named: [0; COLUMN_COUNT],
        }
    }

    /// Takes an event in.
    pub(crate) fn push(&mut self, payload: &[u8], log_time: Timestamp) {
        self.pushed += 1;
        match &mut self.source {
            Source::Making(digester) => {
                if let Some(block) = digester.push(payload, log_time) {
                    self.end_block(&block);
                }
            }
            Source::Made(blocks) => {
                if blocks.as_slice().first().is_some_and(|block| block.rows() == self.pushed)
                    && let Some(block) = blocks.next()
                {
                    self.end_block(&block);
                }
            }
        }
    }

    /// Fails unless the digests are those of as many entries as came.
    pub(crate) fn check(&self) -> Result<(), OtherDigests> {
        match &self.source {
            Source::Made(blocks) if self.pushed > 0 || !blocks.as_slice().is_empty() => Err(OtherDigests),
            _ => Ok(()),
        }
    }

    fn end_block(&mut self, block: &Block) {
        add(&mut self.rows, block, self.added..block.rows(), &mut self.named);
        if let (Some(span), Some(tokens)) = (block.span(), &block.tokens) {
            self.index.add_block(span, block.odd, tokens);
        }
        (self.pushed, self.added, self.named) = (0, 0, [0; COLUMN_COUNT]);
    }

    /// Brings all entries that came among the rows; a row group may end within a block.
    pub(crate) fn settle(&mut self) -> Result<(), OtherDigests> {
        if self.added == self.pushed {
            return Ok(());
        }
        let block = match &self.source {
            Source::Making(digester) => Some(digester.open()),
            Source::Made(blocks) => blocks.as_slice().first().map(|block| &**block),
        };
        let block = block.filter(|block| block.rows() >= self.pushed).ok_or(OtherDigests)?;
        add(&mut self.rows, block, self.added..self.pushed, &mut self.named);
        self.added = self.pushed;
        Ok(())
    }

    /// Counts the rows so far and forgets them; all entries must be among them.
    pub(crate) fn end_group(&mut self) {
        self.index.count(&self.rows.counted());
        self.rows.clear();
    }

    /// Writes the index; the rows must have been counted.
    pub(crate) fn finish(mut self, binding: Binding) -> Vec<u8> {
        if let Source::Making(digester) = &mut self.source
            && let Some(block) = digester.close()
        {
            self.end_block(&block);
        }
        self.index.finish(binding)
    }
}

/// Adds rows of a block, and what its codes mean.
fn add(rows: &mut Rows, block: &Block, range: Range<usize>, named: &mut [usize; COLUMN_COUNT]) {
    for ((values, new), named) in rows.values.iter_mut().zip(&block.values).zip(named) {
        values.extend_from_slice(&new[*named..]);
        *named = new.len();
    }
    rows.add(block, range);
}
