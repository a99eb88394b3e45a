//! The growing part: the newest entries, indexed in memory, not yet sealed.
//!
//! Payloads stay in the log. A snapshot shares the blocks that are full and has a copy of the one that is not.

use std::error::Error;
use std::ops::Range;
use std::sync::Arc;

use audit_log::{AuditLog, Entry};
use event::Timestamp;

use crate::blocks::{BLOCK_ROWS, Blocks};
use crate::column::Column;
use crate::extract::{COLUMN_COUNT, FieldSet, TIME, extract};
use crate::interner::Interner;
use crate::part::{Keys, Logged, Part, PartError, RollupKey, Rollups, Span};
use crate::rollup::{DIMENSIONS, RollupBuilder, RollupRows};
use crate::tokens::{self, TokenSet};

/// Rows that are read for nothing rather than asking the log once more.
const NEAR_ROWS: u64 = 32;

/// Where the payloads of a growing part are read: the log, or a list in tests.
pub trait Entries: Send + Sync {
    /// Reads entries in order from the start of the range: at least one, and perhaps not all.
    fn read(&self, range: Range<u64>) -> Result<Vec<Entry>, Box<dyn Error + Send + Sync>>;
}

impl Entries for AuditLog {
    fn read(&self, range: Range<u64>) -> Result<Vec<Entry>, Box<dyn Error + Send + Sync>> {
        Ok(AuditLog::read(self, range)?)
    }
}

/// Takes entries in and indexes them.
pub struct Growing {
    source: Arc<dyn Entries>,
    first: u64,
    full: Vec<Arc<Block>>,
    open: Block,
    tokens: TokenSet,
    /// Codes of the whole part.
    codes: [Interner; COLUMN_COUNT],
    bytes: u64,
    first_log_time: Option<Timestamp>,
}

/// Up to 256 rows.
#[derive(Clone, Default)]
struct Block {
    times: Vec<i64>,
    codes: [Vec<u32>; COLUMN_COUNT],
    /// Texts that occur in the part for the first time; their codes follow those of the blocks before.
    values: [Vec<String>; COLUMN_COUNT],
    odd: FieldSet,
    /// In order; none yet while the block is open, which may then hold anything.
    tokens: Option<Vec<u32>>,
}

impl Growing {
    /// Begins a part at a position.
    pub fn new(first: u64, source: Arc<dyn Entries>) -> Growing {
        Growing {
            source,
            first,
            full: Vec::new(),
            open: Block::default(),
            tokens: TokenSet::new(),
            codes: Default::default(),
            bytes: 0,
            first_log_time: None,
        }
    }

    /// Takes the next entry in.
    ///
    /// # Panics
    /// When its position is not [`Growing::end`].
    pub fn push(&mut self, entry: &Entry) {
        assert_eq!(entry.position, self.end(), "entries follow one another");
        let row = extract(&entry.payload, &mut self.tokens);
        let block = &mut self.open;
        block.times.push(row.time.unwrap_or(entry.leaf.time).as_micros());
        block.odd |= row.odd;
        for (column, text) in row.columns.iter().enumerate() {
            let codes = &mut self.codes[column];
            let known = codes.values().len();
            let code = text.as_ref().map_or(Keys::ABSENT, |text| codes.code(text));
            block.codes[column].push(code);
            block.values[column].extend_from_slice(&codes.values()[known..]);
        }
        self.bytes += entry.payload.len() as u64;
        self.first_log_time.get_or_insert(entry.leaf.time);
        if self.open.times.len() == BLOCK_ROWS {
            let mut block = std::mem::take(&mut self.open);
            let mut tokens = self.tokens.take();
            tokens.sort_unstable();
            tokens.shrink_to_fit();
            block.tokens = Some(tokens);
            self.full.push(Arc::new(block));
        }
    }

    /// Position of the first entry.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Position behind the last entry.
    pub fn end(&self) -> u64 {
        self.first + self.rows() as u64
    }

    /// How many entries it has.
    pub fn rows(&self) -> usize {
        self.full.len() * BLOCK_ROWS + self.open.times.len()
    }

    /// How many bytes of payload its entries have.
    pub fn payload_bytes(&self) -> u64 {
        self.bytes
    }

    /// Log time of the first entry.
    pub fn first_log_time(&self) -> Option<Timestamp> {
        self.first_log_time
    }

    /// The part as it is now; later entries do not change it. Cheap enough for every question.
    pub fn snapshot(&self) -> Arc<dyn Part> {
        let mut blocks = self.full.clone();
        if !self.open.times.is_empty() {
            blocks.push(Arc::new(self.open.clone()));
        }
        Arc::new(Snapshot { source: self.source.clone(), positions: self.first..self.end(), blocks })
    }
}

/// A growing part as it was at one moment.
struct Snapshot {
    source: Arc<dyn Entries>,
    positions: Range<u64>,
    blocks: Vec<Arc<Block>>,
}

impl Block {
    fn span(&self) -> Option<Span> {
        let first = *self.times.iter().min()?;
        let last = *self.times.iter().max()?;
        Some(Span { first: Timestamp::from_micros(first), last: Timestamp::from_micros(last) })
    }

    fn may_hold(&self, tokens: &[u32]) -> bool {
        let holds = |held: &Vec<u32>| tokens.iter().all(|token| held.binary_search(token).is_ok());
        self.tokens.as_ref().is_none_or(holds)
    }
}

impl Snapshot {
    fn values(&self, column: usize) -> Vec<String> {
        self.blocks.iter().flat_map(|block| &block.values[column]).cloned().collect()
    }

    fn fault(&self, source: Box<dyn Error + Send + Sync>) -> PartError {
        PartError::Read { name: format!("the log from {} on", self.positions.start), source }
    }

    /// Reads the entries of rising positions, those that lie near each other at once.
    fn read(&self, positions: &[u64]) -> Result<Vec<Entry>, PartError> {
        let mut found = Vec::with_capacity(positions.len());
        let mut rest = positions;
        while let [first, ..] = rest {
            let near = rest.windows(2).take_while(|pair| pair[1] - pair[0] <= NEAR_ROWS).count();
            let read = self.source.read(*first..rest[near] + 1).map_err(|error| self.fault(error))?;
            let before = rest.len();
            for entry in read {
                if rest.first() == Some(&entry.position) {
                    rest = &rest[1..];
                    found.push(entry);
                }
            }
            if rest.len() == before {
                return Err(self.fault(format!("the entry at position {first} is not there").into()));
            }
        }
        Ok(found)
    }
}

impl Snapshot {
    /// The blocks in which a field is odd.
    fn odd(&self, field: usize) -> Blocks {
        let mut odd = Blocks::none(self.blocks.len());
        for (number, block) in self.blocks.iter().enumerate() {
            if block.odd >> field & 1 == 1 {
                odd.insert(number);
            }
        }
        odd
    }
}

impl Part for Snapshot {
    fn positions(&self) -> Range<u64> {
        self.positions.clone()
    }

    fn span(&self) -> Option<Span> {
        let spans = || self.blocks.iter().filter_map(|block| block.span());
        let first = spans().map(|span| span.first).min()?;
        let last = spans().map(|span| span.last).max()?;
        Some(Span { first, last })
    }

    fn block_span(&self, block: usize) -> Option<Span> {
        self.blocks.get(block)?.span()
    }

    fn holding(&self, parts: &[&str]) -> Result<Blocks, PartError> {
        let hashes = tokens::wanted(parts);
        let mut found = Blocks::none(self.blocks.len());
        for (number, block) in self.blocks.iter().enumerate() {
            if block.may_hold(&hashes) {
                found.insert(number);
            }
        }
        Ok(found)
    }

    fn keys(&self, column: Column, blocks: &Blocks) -> Result<Keys, PartError> {
        let column = column as usize;
        let odd = self.odd(column);
        let asked = blocks.iter().filter_map(|number| Some((number, self.blocks.get(number)?)));
        let blocks = asked.map(|(number, block)| (number, block.codes[column].clone())).collect();
        Ok(Keys { values: Arc::new(self.values(column)), blocks, odd })
    }

    fn times(&self, blocks: &Blocks) -> Result<Vec<(usize, Vec<Timestamp>)>, PartError> {
        let asked = blocks.iter().filter_map(|number| Some((number, self.blocks.get(number)?)));
        let times = |block: &Block| block.times.iter().copied().map(Timestamp::from_micros).collect();
        Ok(asked.map(|(number, block)| (number, times(block))).collect())
    }

    fn odd_times(&self) -> Result<Blocks, PartError> {
        Ok(self.odd(TIME))
    }

    fn entries(&self, rows: &[u32]) -> Result<Vec<Logged>, PartError> {
        let positions: Vec<u64> = rows
            .iter()
            .map(|row| self.positions.start + u64::from(*row))
            .filter(|position| *position < self.positions.end)
            .collect();
        let logged = |entry: Entry| {
            let row = (entry.position - self.positions.start) as usize;
            let time = self.blocks[row / BLOCK_ROWS].times[row % BLOCK_ROWS];
            Logged {
                position: entry.position,
                log_time: entry.leaf.time,
                time: Timestamp::from_micros(time),
                payload: entry.payload,
            }
        };
        Ok(self.read(&positions)?.into_iter().map(logged).collect())
    }

    /// Counts the rows that are there: they are few, and no count is kept that later ones would change.
    fn rollup(&self, key: RollupKey) -> Result<Option<Rollups>, PartError> {
        let [user, target, address] = DIMENSIONS;
        let columns = [Column::Kind, Column::Outcome, user, target, address];
        let values = columns.map(|column| self.values(column as usize));
        let mut builder = RollupBuilder::only(key);
        let mut odd = 0;
        for block in &self.blocks {
            odd |= block.odd;
            builder.add(&RollupRows {
                times: &block.times,
                codes: columns.map(|column| block.codes[column as usize].as_slice()),
                values: std::array::from_fn(|at| values[at].as_slice()),
            });
        }
        Ok(builder.answer(odd, key))
    }
}
