//! Sealed segments: one Parquet file and the index beside it, read in ranges.
//!
//! The data are the truth; the index is believed only while it fits them and shows no damage. The formats are written down
//! in `docs/formats/archive.md`.

mod copy;
mod decode;
mod entries;
mod file;
mod footer;
mod keys;
mod layout;
mod page;
mod schema;
mod sheet;
mod write;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use audit_log::SealedEntry;
use event::Timestamp;
use event::ingested::is_file_source;

use self::page::Unpacker;
use self::schema::{LOG_SOURCE, LOG_TIME, TIME};
use self::sheet::Sheet;
use crate::blocks::{BLOCK_ROWS, Blocks};
use crate::cells::Rollups;
use crate::column::Column;
use crate::extract::{ODD_COUNT, TIME as ODD_TIME};
use crate::index::{Binding, Index};
use crate::intake::Intake;
use crate::part::{Keys, Part, PartError, RollupKey, Run, Span, Visit};
use crate::read_at::ReadAt;
use crate::rollup::section_of;
use crate::shelf::What;
pub(crate) use copy::Copying;
#[doc(hidden)]
pub use copy::probe_copy;
pub(crate) use entries::{Cursor, Whole};
pub use write::SegmentWriter;

/// A sealed segment.
pub struct Segment {
    sheet: Sheet,
    index: Option<Index>,
    sound: AtomicBool,
    /// Event times of the blocks, from the index or from the rows.
    spans: Vec<Span>,
    /// The blocks of each row group.
    runs: Arc<[Run]>,
    /// Event times of all of it.
    span: Option<Span>,
    odd: [Blocks; ODD_COUNT],
}

impl Segment {
    /// Opens a segment; `name` is for messages. Without an index, or with one that does not fit, it still answers
    /// everything, but leaves out no block: see [`Segment::index_is_sound`]. Damaged data are an error.
    pub fn open(
        data: Arc<dyn ReadAt>,
        index: Option<Arc<dyn ReadAt>>,
        name: &str,
    ) -> Result<Segment, PartError> {
        let sheet = Sheet::open(data, name)?;
        let binding = binding(&sheet)?;
        let index = index.and_then(|index| match Index::open(index, &binding) {
            Ok(index) => Some(index),
            Err(why) => {
                tracing::warn!(segment = name, %why, "an index is not used");
                None
            }
        });
        let (spans, odd) = match &index {
            Some(index) => (index.spans.clone(), index.odd.clone()),
            None => without_index(&sheet)?,
        };
        let sound = AtomicBool::new(index.is_some());
        // A block that lies in two row groups is of the first.
        let ends = sheet.layout.groups.iter().map(|group| group.first_row.div_ceil(BLOCK_ROWS));
        let runs = Run::cut(&spans, ends);
        let span = runs.iter().map(|run| run.span).reduce(Span::join);
        Ok(Segment { sheet, index, sound, spans, runs, span, odd })
    }

    /// Says whether the index is there, fits its data, and showed no damage so far.
    pub fn index_is_sound(&self) -> bool {
        self.sound.load(Ordering::Relaxed)
    }

    /// Makes the bytes of the index anew from the data.
    pub fn rebuild_index(data: &Arc<dyn ReadAt>, name: &str) -> Result<Vec<u8>, PartError> {
        let sheet = Sheet::open(data.clone(), name)?;
        let mut intake = Intake::new();
        let mut unpacker = Unpacker::new();
        for (number, group) in sheet.layout.groups.iter().enumerate() {
            let log_times = sheet.numbers(number, LOG_TIME)?;
            let mut row = 0;
            while row < group.rows {
                let page = sheet.payloads(group.first_row + row, &mut unpacker)?;
                for at in page.rows.clone() {
                    intake.push(page.of(at), Timestamp::from_micros(log_times[row]));
                    row += 1;
                }
            }
            intake.settle().map_err(|error| sheet.damaged(error))?;
            intake.end_group();
        }
        Ok(intake.finish(binding(&sheet)?))
    }

    /// The log's origin.
    pub fn origin(&self) -> &str {
        &self.sheet.layout.origin
    }

    /// Bytes of data, the index not counted.
    pub fn data_bytes(&self) -> u64 {
        self.sheet.data.len()
    }

    /// Reads entries in order from the start of the range, which lies within the segment: at least one, and no more than a
    /// reader can be expected to hold ([`audit_log::MAX_READ`], [`audit_log::MAX_READ_BYTES`]). What lies outside the
    /// segment is passed over.
    pub fn read(&self, range: Range<u64>) -> Result<Vec<SealedEntry>, PartError> {
        entries::sealed(&self.sheet, self.rows(range))
    }

    /// Reads entries of a range one after another, without keeping them.
    pub(crate) fn cursor(&self, range: Range<u64>) -> Cursor<'_> {
        Cursor::new(&self.sheet, self.rows(range))
    }

    /// The rows of a range, as far as it lies within the segment.
    fn rows(&self, range: Range<u64>) -> Range<usize> {
        let positions = self.positions();
        let row = |position: u64| (position.clamp(positions.start, positions.end) - positions.start) as usize;
        row(range.start)..row(range.end)
    }

    /// Position of the first entry whose log time is `time` or later; the end of the segment when there is none.
    pub fn first_at(&self, time: Timestamp) -> Result<u64, PartError> {
        let groups = &self.sheet.layout.groups;
        let (mut low, mut high) = (0, groups.len());
        // Log times never fall: the group wanted is the first whose last entry is not earlier.
        while low < high {
            let middle = low.midpoint(high);
            let last = self.sheet.numbers(middle, LOG_TIME)?.last().copied();
            if last.is_none_or(|last| last < time.as_micros()) { low = middle + 1 } else { high = middle }
        }
        let Some(group) = groups.get(low) else { return Ok(self.positions().end) };
        let times = self.sheet.numbers(low, LOG_TIME)?;
        let row = group.first_row + times.partition_point(|at| *at < time.as_micros());
        Ok(self.positions().start + row as u64)
    }

    /// Log time of the last entry.
    pub fn last_time(&self) -> Timestamp {
        self.sheet.layout.last_time
    }

    /// The last sequence number of each log source in it.
    pub fn sources(&self) -> &BTreeMap<String, u64> {
        &self.sheet.layout.sources
    }

    /// The last sequence number of one log source.
    pub fn last_seq(&self, source: &str) -> Option<u64> {
        self.sources().get(source).copied()
    }

    /// Asks the index; when it turns out to be damaged, it is asked no more.
    fn ask<T>(&self, ask: impl FnOnce(&Index) -> Result<T, crate::index::IndexError>) -> Option<T> {
        let index = self.index.as_ref().filter(|_| self.index_is_sound())?;
        match ask(index) {
            Ok(answer) => Some(answer),
            Err(why) => {
                tracing::warn!(segment = self.sheet.name, %why, "an index is not used any more");
                self.sound.store(false, Ordering::Relaxed);
                None
            }
        }
    }
}

fn binding(sheet: &Sheet) -> Result<Binding, PartError> {
    let footer_crc = footer::footer_crc(&*sheet.data)
        .map_err(|source| PartError::Read { name: sheet.name.clone(), source: source.into() })?;
    Ok(Binding { first: sheet.layout.first, end: sheet.layout.end, data_bytes: sheet.data.len(), footer_crc })
}

/// What can be said without an index: times from the rows, and that no column decides anything.
fn without_index(sheet: &Sheet) -> Result<(Vec<Span>, [Blocks; ODD_COUNT]), PartError> {
    let blocks = Blocks::all(sheet.layout.rows().div_ceil(crate::BLOCK_ROWS));
    let times = |group: usize| sheet.numbers(group, TIME).map(Arc::new);
    let times = keys::by_block(sheet, &blocks, times, |_, time| time)?;
    let span = |(_, times): &(usize, Vec<i64>)| Span {
        first: Timestamp::from_micros(times.iter().copied().min().unwrap_or_default()),
        last: Timestamp::from_micros(times.iter().copied().max().unwrap_or_default()),
    };
    Ok((times.iter().map(span).collect(), std::array::from_fn(|_| blocks.clone())))
}

impl Part for Segment {
    fn positions(&self) -> Range<u64> {
        self.sheet.layout.first..self.sheet.layout.end
    }

    fn span(&self) -> Option<Span> {
        self.span
    }

    fn runs(&self) -> Arc<[Run]> {
        self.runs.clone()
    }

    fn block_span(&self, block: usize) -> Option<Span> {
        self.spans.get(block).copied()
    }

    fn holding(&self, parts: &[&str]) -> Result<Blocks, PartError> {
        Ok(self.ask(|index| index.holding(parts)).unwrap_or_else(|| Blocks::all(self.spans.len())))
    }

    fn keys(&self, column: Column, blocks: &Blocks) -> Result<Keys, PartError> {
        let (values, blocks) = keys::keys(&self.sheet, column, blocks)?;
        Ok(Keys { values, blocks, odd: self.odd[column as usize].clone() })
    }

    fn times(&self, blocks: &Blocks) -> Result<Vec<(usize, Vec<Timestamp>)>, PartError> {
        let times = |group: usize| self.sheet.kept_numbers(group, TIME);
        keys::by_block(&self.sheet, blocks, times, |_, time| Timestamp::from_micros(time))
    }

    fn odd_times(&self) -> Result<Blocks, PartError> {
        Ok(self.odd[ODD_TIME].clone())
    }

    fn visit(&self, rows: &[u32], visit: &mut Visit<'_>) -> Result<(), PartError> {
        entries::visit(&self.sheet, rows, visit)
    }

    fn ingested(&self, rows: &[u32]) -> Result<Vec<bool>, PartError> {
        if !self.sources().keys().any(|source| is_file_source(source)) {
            return Ok(vec![false; rows.len()]);
        }
        let mut held: Option<(usize, Vec<bool>, Arc<Vec<u32>>)> = None;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows.iter().map(|row| *row as usize).take_while(|row| *row < self.sheet.layout.rows()) {
            let number = self.sheet.layout.group_of(row);
            let (_, files, codes) = match &mut held {
                Some(held) if held.0 == number => held,
                held => {
                    let texts = self.sheet.kept_texts(number, LOG_SOURCE)?;
                    let codes = self.sheet.kept_codes(number, LOG_SOURCE, texts.len())?;
                    held.insert((number, texts.iter().map(|text| is_file_source(text)).collect(), codes))
                }
            };
            let code = codes.get(row - self.sheet.layout.groups[number].first_row);
            let is_file = code.and_then(|code| files.get(*code as usize));
            found.push(*is_file.ok_or_else(|| self.sheet.damaged("a row has no log source"))?);
        }
        Ok(found)
    }

    fn rollup(&self, key: RollupKey) -> Result<Option<Arc<Rollups>>, PartError> {
        let Some(section) = section_of(key).filter(|_| self.index_is_sound()) else { return Ok(None) };
        let read = || self.ask(|index| index.rollup(key)).flatten().ok_or(());
        Ok(self.sheet.shelf.get(What::Rollup(section), read).ok())
    }
}
