//! Puts segments that follow each other together by copying their row groups as they are; the index is merged too.
//!
//! Only where each segment but the last ends with a block. What was copied is compared byte by byte, and every entry of it is
//! read, so that a page that was damaged since is not copied along unnoticed.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use event::Timestamp;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::reader::{ChunkReader, Length};

use super::Segment;
use super::file::{self, File, Said, fault};
use super::layout::{self, Group};
use super::schema::{KEYS, PAYLOAD, TIME};
use super::sheet::Sheet;
use super::write::{GROUP_BYTES, GROUP_ROWS};
use crate::blocks::BLOCK_ROWS;
use crate::column::Column;
use crate::index::IndexMerger;
use crate::interner::Interner;
use crate::part::{Part, PartError};
use crate::rollup::{DIMENSIONS, RollupRows};

/// The most bytes between the columns of a row group.
const MOST_SPARE_BYTES: u64 = 1 << 20;

/// Segments that can be copied.
pub(crate) struct Copying<'a> {
    inputs: Vec<(&'a Segment, ParquetMetaData)>,
}

impl<'a> Copying<'a> {
    /// Looks whether segments can be copied; none where their entries must be written again.
    pub(crate) fn of(segments: &[&'a Segment]) -> Result<Option<Copying<'a>>, PartError> {
        let follow = |pair: &[&Segment]| {
            let [one, next] = pair else { return true };
            let positions = one.positions();
            let ends_block = (positions.end - positions.start).is_multiple_of(BLOCK_ROWS as u64);
            ends_block && positions.end == next.positions().start && one.origin() == next.origin()
        };
        if segments.is_empty() || !segments.windows(2).all(follow) {
            return Ok(None);
        }
        let mut inputs = Vec::with_capacity(segments.len());
        for segment in segments {
            let sheet = &segment.sheet;
            let metadata = layout::whole_metadata(&sheet.data).map_err(|error| sheet.damaged(error))?;
            if !layout::is_as_written(&metadata) {
                return Ok(None);
            }
            inputs.push((*segment, metadata));
        }
        Ok(Some(Copying { inputs }))
    }

    /// Says whether copying leaves no more than twice the row groups that writing the entries again would.
    pub(crate) fn is_worth_it(&self) -> bool {
        let (mut groups, mut rows, mut bytes) = (0, 0, 0);
        for group in self.inputs.iter().flat_map(|(_, metadata)| metadata.row_groups()) {
            groups += 1;
            rows += group.num_rows().unsigned_abs();
            bytes += group.column(PAYLOAD).uncompressed_size().unsigned_abs();
        }
        groups <= 2 * rows.div_ceil(GROUP_ROWS as u64).max(bytes / GROUP_BYTES as u64)
    }

    /// Writes them as one; returns what was written to, and the index where theirs could be merged. `go_on` is asked between
    /// row groups.
    pub(crate) fn write<W: Write + Send, E: From<PartError>>(
        &self,
        out: W,
        go_on: &dyn Fn() -> Result<(), E>,
    ) -> Result<(W, Option<Vec<u8>>), E> {
        let positions = self.positions();
        let name = format!("the merged segment that begins at {}", positions.start);
        let mut file = file::begin(out).map_err(|error| fault(&name, error))?;
        let mut index = Indexing { merger: Some(IndexMerger::new()), texts: Default::default() };
        let mut sources: BTreeMap<String, u64> = BTreeMap::new();
        let mut last_time = Timestamp::MIN;
        for (segment, metadata) in &self.inputs {
            index.begin(segment);
            for number in 0..segment.sheet.layout.groups.len() {
                go_on()?;
                append(&mut file, &segment.sheet, metadata, number).map_err(|error| error.of(&name))?;
                index.count(&segment.sheet, number)?;
            }
            for (source, seq) in segment.sources() {
                let last = sources.entry(source.clone()).or_default();
                *last = (*last).max(*seq);
            }
            last_time = last_time.max(segment.last_time());
        }
        let (first, end) = (positions.start, positions.end);
        let said = Said { first, end, origin: self.inputs[0].0.origin(), sources: &sources, last_time };
        let (out, binding) = file::end(file, &said, &name)?;
        let merged = index.merger.map(|merger| merger.finish(binding)).transpose();
        let merged = merged.unwrap_or_else(|why| {
            tracing::warn!(segment = name, %why, "an index could not be merged and is made anew");
            None
        });
        Ok((out, merged))
    }

    /// Compares what was written, as it is read back, with the segments; fails where it cannot be read, and returns the first
    /// position of a row group that differs.
    pub(crate) fn difference<E: From<PartError>>(
        &self,
        merged: &Segment,
        go_on: &dyn Fn() -> Result<(), E>,
    ) -> Result<Option<u64>, E> {
        let mut copies = merged.sheet.layout.groups.iter();
        for (segment, _) in &self.inputs {
            for group in &segment.sheet.layout.groups {
                go_on()?;
                let position = segment.positions().start + group.first_row as u64;
                let Some(copy) = copies.next() else { return Ok(Some(position)) };
                let is_same = merged.positions().start + copy.first_row as u64 == position
                    && shape(copy) == shape(group)
                    && read(&merged.sheet, copy)? == read(&segment.sheet, group)?;
                if !is_same {
                    return Ok(Some(position));
                }
            }
        }
        let mut cursor = merged.cursor(merged.positions());
        while let Some(entry) = cursor.next()? {
            if entry.position.is_multiple_of(GROUP_ROWS as u64) {
                go_on()?;
            }
        }
        Ok(copies.next().map(|group| merged.positions().start + group.first_row as u64))
    }

    fn positions(&self) -> Range<u64> {
        let start = self.inputs.first().map_or(0, |(segment, _)| segment.positions().start);
        start..self.inputs.last().map_or(start, |(segment, _)| segment.positions().end)
    }
}

/// Merges the indexes as long as every segment has one.
struct Indexing<'a> {
    merger: Option<IndexMerger<'a>>,
    /// What the codes of the columns that are counted mean.
    texts: [Interner; 5],
}

impl<'a> Indexing<'a> {
    fn begin(&mut self, segment: &'a Segment) {
        match segment.index.as_ref().filter(|_| segment.index_is_sound()) {
            Some(index) => self.merger.iter_mut().for_each(|merger| merger.add(index)),
            None => self.merger = None,
        }
    }

    /// Counts a row group from its columns: what an index keeps of the counts is less than what it was made from.
    fn count(&mut self, sheet: &Sheet, group: usize) -> Result<(), PartError> {
        let Some(merger) = &mut self.merger else { return Ok(()) };
        let [user, target, address] = DIMENSIONS;
        let times = sheet.numbers(group, TIME)?;
        let mut codes: [Vec<u32>; 5] = Default::default();
        for (at, column) in [Column::Kind, Column::Outcome, user, target, address].into_iter().enumerate() {
            let meaning = sheet.dictionary(group, KEYS + column as usize, &mut self.texts[at])?;
            codes[at] = sheet.codes(group, KEYS + column as usize, &meaning)?;
        }
        merger.count(&RollupRows {
            times: &times,
            codes: std::array::from_fn(|at| codes[at].as_slice()),
            values: std::array::from_fn(|at| self.texts[at].values()),
        });
        Ok(())
    }
}

/// Why a row group was not copied.
enum CopyError {
    Read(PartError),
    Write(ParquetError),
}

impl CopyError {
    fn of(self, name: &str) -> PartError {
        match self {
            CopyError::Read(error) => error,
            CopyError::Write(error) => fault(name, error),
        }
    }
}

impl From<PartError> for CopyError {
    fn from(error: PartError) -> CopyError {
        CopyError::Read(error)
    }
}

impl From<ParquetError> for CopyError {
    fn from(error: ParquetError) -> CopyError {
        CopyError::Write(error)
    }
}

fn append<W: Write + Send>(
    file: &mut File<W>,
    sheet: &Sheet,
    metadata: &ParquetMetaData,
    number: usize,
) -> Result<(), CopyError> {
    let group = &sheet.layout.groups[number];
    let share = Share { bytes: read(sheet, group)?, offset: group.bytes().start };
    let mut out = file.next_row_group()?;
    for (at, column) in metadata.row_group(number).columns().iter().enumerate() {
        let columns = metadata.column_index().and_then(|groups| groups.get(number)?.get(at));
        let offsets = metadata.offset_index().and_then(|groups| groups.get(number)?.get(at));
        let close = ColumnCloseResult {
            bytes_written: column.compressed_size().unsigned_abs(),
            rows_written: group.rows as u64,
            metadata: column.clone(),
            bloom_filter: None,
            column_index: columns.filter(|index| !matches!(index, ColumnIndexMetaData::NONE)).cloned(),
            offset_index: offsets.cloned(),
        };
        out.append_column(&share, close)?;
    }
    out.close()?;
    Ok(())
}

/// Reads all columns of a row group at once; they lie together.
fn read(sheet: &Sheet, group: &Group) -> Result<Bytes, PartError> {
    let range = group.bytes();
    let columns: u64 = group.chunks.iter().map(|chunk| chunk.bytes().end - chunk.bytes().start).sum();
    if range.end - range.start > columns + MOST_SPARE_BYTES {
        return Err(sheet.damaged("the columns of a row group do not lie together"));
    }
    sheet.read(range)
}

/// Where the pages of a row group lie in it, and what they are: two of the same shape and the same bytes hold the same.
fn shape(group: &Group) -> Vec<u64> {
    let start = group.bytes().start;
    let mut shape = vec![group.rows as u64];
    for chunk in &group.chunks {
        let (offset, length) = chunk.dictionary;
        let dictionary = if length == 0 { [0, 0] } else { [offset - start, length.into()] };
        shape.extend([chunk.packing as u64, chunk.pages.len() as u64]);
        shape.extend(dictionary);
        let pages = chunk.pages.iter();
        shape.extend(pages.flat_map(|page| [page.offset - start, page.length.into(), page.first_row.into()]));
    }
    shape
}

/// A range of a file, found at the offset that it has there.
struct Share {
    bytes: Bytes,
    offset: u64,
}

impl Length for Share {
    fn len(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }
}

impl ChunkReader for Share {
    type T = <Bytes as ChunkReader>::T;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        self.bytes.get_read(self.within(start)?)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.bytes.get_bytes(self.within(start)?, length)
    }
}

impl Share {
    fn within(&self, start: u64) -> Result<u64, ParquetError> {
        let outside = || ParquetError::EOF("a column lies outside of its row group".to_owned());
        start.checked_sub(self.offset).ok_or_else(outside)
    }
}

/// Copies segments and says what differs in the copy, for the fuzzer and the tests: data, index, and the first position that
/// differs in `merged`, or in the copy where there is none.
#[doc(hidden)]
pub fn probe_copy(segments: &[&Segment], merged: Option<&Segment>) -> Result<Option<Probed>, PartError> {
    let Some(copying) = Copying::of(segments)? else { return Ok(None) };
    let go_on = || Ok::<(), PartError>(());
    let (data, index) = copying.write(Vec::new(), &go_on)?;
    let copy = Segment::open(Arc::new(Bytes::from(data.clone())), None, "probe")?;
    let difference = copying.difference(merged.unwrap_or(&copy), &go_on);
    Ok(Some(Probed { data, index, difference }))
}

/// What [`probe_copy`] found.
#[doc(hidden)]
pub struct Probed {
    pub data: Vec<u8>,
    pub index: Option<Vec<u8>>,
    pub difference: Result<Option<u64>, PartError>,
}
