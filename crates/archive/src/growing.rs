//! The growing part: the newest entries, indexed in memory, not yet sealed.
//!
//! Payloads stay in the log. A snapshot shares the blocks that are full and has a copy of the one that is not.

use std::error::Error;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use audit_log::{AuditLog, Entry};
use event::Timestamp;
use event::ingested::is_file_source;

use crate::blocks::{BLOCK_ROWS, Blocks};
use crate::cells::Rollups;
use crate::column::Column;
use crate::digest::{Block, Digester, Digests};
use crate::extract::TIME;
use crate::part::{Keys, LoggedRef, Part, PartError, RollupKey, Run, Span, Visit};
use crate::rollup::{DIMENSIONS, RollupBuilder, RollupRows};
use crate::tokens;

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
    end: u64,
    full: Vec<Arc<Block>>,
    digester: Digester,
    bytes: u64,
    first_log_time: Option<Timestamp>,
}

impl Growing {
    /// Begins a part at a position.
    pub fn new(first: u64, source: Arc<dyn Entries>) -> Growing {
        Growing {
            source,
            first,
            end: first,
            full: Vec::new(),
            digester: Digester::new(),
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
        self.full.extend(self.digester.push(&entry.payload, entry.leaf.time).map(Arc::new));
        self.end += 1;
        self.bytes += entry.payload.len() as u64;
        self.first_log_time.get_or_insert(entry.leaf.time);
    }

    /// Ends the part: no entry may follow. Returns the digests of all, for [`crate::SegmentWriter::with_digests`].
    pub fn close(&mut self) -> Digests {
        self.full.extend(self.digester.close().map(Arc::new));
        Digests(self.full.clone())
    }

    /// Position of the first entry.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Position behind the last entry.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// How many entries it has.
    pub fn rows(&self) -> usize {
        (self.end - self.first) as usize
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
        if self.digester.open().rows() > 0 {
            blocks.push(Arc::new(self.digester.open().clone()));
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

/// Says whether a block may hold some tokens.
fn may_hold(block: &Block, tokens: &[u32]) -> bool {
    let holds = |held: &Vec<u32>| tokens.iter().all(|token| held.binary_search(token).is_ok());
    block.tokens.as_ref().is_none_or(holds)
}

fn span(block: &Block) -> Option<Span> {
    let (first, last) = block.span()?;
    Some(Span { first: Timestamp::from_micros(first), last: Timestamp::from_micros(last) })
}

impl Snapshot {
    fn values(&self, column: usize) -> Vec<String> {
        self.blocks.iter().flat_map(|block| &block.values[column]).cloned().collect()
    }

    fn fault(&self, source: Box<dyn Error + Send + Sync>) -> PartError {
        PartError::Read { name: format!("the log from {} on", self.positions.start), source }
    }

    /// Reads the entries of rising positions, those that lie near each other at once.
    fn read(
        &self,
        positions: &[u64],
        visit: &mut dyn FnMut(&Entry) -> ControlFlow<()>,
    ) -> Result<(), PartError> {
        let mut rest = positions;
        while let [first, ..] = rest {
            let near = rest.windows(2).take_while(|pair| pair[1] - pair[0] <= NEAR_ROWS).count();
            let read = self.source.read(*first..rest[near] + 1).map_err(|error| self.fault(error))?;
            let before = rest.len();
            for entry in read {
                if rest.first() == Some(&entry.position) {
                    rest = &rest[1..];
                    if visit(&entry).is_break() {
                        return Ok(());
                    }
                }
            }
            if rest.len() == before {
                return Err(self.fault(format!("the entry at position {first} is not there").into()));
            }
        }
        Ok(())
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
        let spans = || self.blocks.iter().filter_map(|block| span(block));
        let first = spans().map(|span| span.first).min()?;
        let last = spans().map(|span| span.last).max()?;
        Some(Span { first, last })
    }

    fn runs(&self) -> Arc<[Run]> {
        let spans: Vec<Span> = self.blocks.iter().map_while(|block| span(block)).collect();
        Run::cut(&spans, [])
    }

    fn block_span(&self, block: usize) -> Option<Span> {
        span(self.blocks.get(block)?)
    }

    fn holding(&self, parts: &[&str]) -> Result<Blocks, PartError> {
        let hashes = tokens::wanted(parts);
        let mut found = Blocks::none(self.blocks.len());
        for (number, block) in self.blocks.iter().enumerate() {
            if may_hold(block, &hashes) {
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

    fn visit(&self, rows: &[u32], visit: &mut Visit<'_>) -> Result<(), PartError> {
        let positions: Vec<u64> = rows
            .iter()
            .map(|row| self.positions.start + u64::from(*row))
            .filter(|position| *position < self.positions.end)
            .collect();
        self.read(&positions, &mut |entry| {
            let row = (entry.position - self.positions.start) as usize;
            let time = self.blocks[row / BLOCK_ROWS].times[row % BLOCK_ROWS];
            visit(LoggedRef {
                position: entry.position,
                log_time: entry.leaf.time,
                time: Timestamp::from_micros(time),
                payload: &entry.payload,
            })
        })
    }

    fn ingested(&self, rows: &[u32]) -> Result<Vec<bool>, PartError> {
        let positions: Vec<u64> = rows.iter().map(|row| self.positions.start + u64::from(*row)).collect();
        let mut found = Vec::with_capacity(rows.len());
        self.read(&positions, &mut |entry| {
            found.push(is_file_source(&entry.leaf.source));
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// Counts the rows that are there: they are few, and no count is kept that later ones would change.
    fn rollup(&self, key: RollupKey) -> Result<Option<Arc<Rollups>>, PartError> {
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
        Ok(builder.answer(odd, key).map(Arc::new))
    }
}
