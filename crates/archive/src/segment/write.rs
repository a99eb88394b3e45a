//! Writes a segment: entries go in one by one, a Parquet file and the bytes of its index come out.
//!
//! In memory are one row group, its payloads packed already, and what the index collects.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder, BinaryBuilder, FixedSizeBinaryBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, DictionaryArray, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::SchemaRef;
use audit_log::Entry;
use event::Timestamp;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use super::file::{self, File, Said, fault};
use super::schema::{self, PAYLOAD};
use crate::blocks::BLOCK_ROWS;
use crate::digest::Digests;
use crate::extract::COLUMN_COUNT;
use crate::intake::{Intake, Rows};
use crate::interner::Interner;
use crate::part::{Keys, PartError};

/// Rows of a row group.
pub(super) const GROUP_ROWS: usize = 16_384;
/// Bytes of payload after which a row group ends with its block, so that blocks and pages of payload are the same.
pub(super) const GROUP_BYTES: usize = 16 << 20;
/// Bytes of payload after which it ends at once.
const MOST_GROUP_BYTES: usize = 2 * GROUP_BYTES;
/// Bytes of payload for which there is room from the begin, at most.
const MOST_ROOM: usize = 1 << 20;

/// Writes a segment, holding one row group and the index in memory.
pub struct SegmentWriter<W: Write + Send> {
    file: File<W>,
    name: String,
    columns: ArrowRowGroupWriterFactory,
    payloads: ArrowRowGroupWriterFactory,
    /// Packs the payloads of the row group.
    packing: Option<ArrowColumnWriter>,
    arrow: SchemaRef,
    intake: Intake,
    group: Group,
    first: u64,
    end: u64,
    origin: String,
    sources: BTreeMap<String, u64>,
    last_time: Timestamp,
}

/// Rows that wait for the end of their row group, but for the columns that the intake has.
#[derive(Default)]
struct Group {
    positions: Vec<i64>,
    log_times: Vec<i64>,
    sources: Interner,
    source_codes: Vec<u32>,
    seqs: Vec<i64>,
    /// The last sequence number of each source.
    last_seqs: Vec<u64>,
    salts: Vec<[u8; 16]>,
    bytes: usize,
    /// Payloads that are not packed yet, of one page.
    payloads: BinaryBuilder,
}

impl<W: Write + Send> SegmentWriter<W> {
    /// Begins a segment of the log named `origin` at a position.
    pub fn new(out: W, origin: &str, first: u64) -> Result<SegmentWriter<W>, PartError> {
        SegmentWriter::begin(out, origin, first, Intake::new())
    }

    /// Begins a segment of entries whose digests were made while they grew; its bytes are the same as without. Digests of
    /// another number of entries are an error when it is finished.
    pub fn with_digests(
        out: W,
        origin: &str,
        first: u64,
        digests: Digests,
    ) -> Result<SegmentWriter<W>, PartError> {
        SegmentWriter::begin(out, origin, first, Intake::with(digests))
    }

    fn begin(out: W, origin: &str, first: u64, intake: Intake) -> Result<SegmentWriter<W>, PartError> {
        let name = format!("the segment that begins at {first}");
        let fault = |error: ParquetError| fault(&name, error);
        let arrow = schema::arrow_schema();
        let file = file::begin(out).map_err(fault)?;
        // How many rows a page may have is a property of a file, and only payloads are to be read block by block: their
        // pages are made under the properties of another file, which is thrown away.
        let properties = Arc::new(file::payload_properties());
        let other = SerializedFileWriter::new(io::sink(), schema::payload_schema(), properties);
        let payload = Arc::new(arrow.project(&[PAYLOAD]).map_err(|error| fault(error.into()))?);
        Ok(SegmentWriter {
            columns: ArrowRowGroupWriterFactory::new(&file, arrow.clone()),
            payloads: ArrowRowGroupWriterFactory::new(&other.map_err(fault)?, payload),
            packing: None,
            file,
            name,
            arrow,
            intake,
            group: Group::default(),
            first,
            end: first,
            origin: origin.to_owned(),
            sources: BTreeMap::new(),
            last_time: Timestamp::MIN,
        })
    }

    /// Adds the next entry.
    pub fn push(&mut self, entry: &Entry) -> Result<(), PartError> {
        if entry.position != self.end {
            let why = format!("the entry at {} does not follow the one before {}", entry.position, self.end);
            return Err(PartError::Damaged { name: self.name.clone(), why });
        }
        self.intake.push(&entry.payload, entry.leaf.time);
        self.group.push(entry);
        self.end += 1;
        self.last_time = self.last_time.max(entry.leaf.time);
        if self.is_group_full() {
            self.end_group().map_err(|error| fault(&self.name, error))?;
        } else if self.group.payloads.len() == BLOCK_ROWS {
            self.pack().map_err(|error| fault(&self.name, error))?;
        }
        Ok(())
    }

    /// How many entries it has.
    pub fn rows(&self) -> u64 {
        self.end - self.first
    }

    /// Finishes the file; returns what was written to, and the bytes of the index.
    pub fn finish(mut self) -> Result<(W, Vec<u8>), PartError> {
        let name = std::mem::take(&mut self.name);
        let fault = |error: ParquetError| fault(&name, error);
        if !self.group.positions.is_empty() {
            self.end_group().map_err(fault)?;
        }
        self.intake.check().map_err(|error| fault(ParquetError::External(error.into())))?;
        let said = Said {
            first: self.first,
            end: self.end,
            origin: &self.origin,
            sources: &self.sources,
            last_time: self.last_time,
        };
        let (out, binding) = file::end(self.file, &said, &name)?;
        Ok((out, self.intake.finish(binding)))
    }

    /// A row group that ended within a block is followed by one that ends with a block again.
    fn is_group_full(&self) -> bool {
        let (rows, bytes) = (self.group.positions.len(), self.group.bytes);
        let ends_block = self.rows().is_multiple_of(BLOCK_ROWS as u64);
        let is_last_block = rows + BLOCK_ROWS > GROUP_ROWS || bytes >= GROUP_BYTES;
        ends_block && is_last_block || bytes >= MOST_GROUP_BYTES
    }

    /// Packs the payloads that wait. While they are few they are near; a whole row group of them would be copied out of memory
    /// that was never touched before.
    fn pack(&mut self) -> Result<(), ParquetError> {
        let packing = match &mut self.packing {
            Some(packing) => packing,
            none => {
                let writer = self.payloads.create_column_writers(self.file.flushed_row_groups().len())?.pop();
                let missing = || ParquetError::General("no column of payloads".to_owned());
                none.insert(writer.ok_or_else(missing)?)
            }
        };
        let array: ArrayRef = Arc::new(self.group.payloads.finish());
        write(packing, self.arrow.field(PAYLOAD), &array)
    }

    fn end_group(&mut self) -> Result<(), ParquetError> {
        let index = self.file.flushed_row_groups().len();
        for (source, seq) in self.group.sources.values().iter().zip(&self.group.last_seqs) {
            let last = self.sources.entry(source.clone()).or_default();
            *last = (*last).max(*seq);
        }
        self.intake.settle().map_err(|error| ParquetError::External(error.into()))?;
        if !self.group.payloads.is_empty() {
            self.pack()?;
        }
        let mut writers = self.columns.create_column_writers(index)?;
        writers.truncate(PAYLOAD);
        let arrays = self.group.take(&self.intake.rows);
        let mut group = self.file.next_row_group()?;
        for (at, (mut writer, array)) in writers.into_iter().zip(arrays).enumerate() {
            write(&mut writer, self.arrow.field(at), &array)?;
            writer.close()?.append_to_row_group(&mut group)?;
        }
        if let Some(packing) = self.packing.take() {
            packing.close()?.append_to_row_group(&mut group)?;
        }
        group.close()?;
        self.intake.end_group();
        Ok(())
    }
}

fn write(
    writer: &mut ArrowColumnWriter,
    field: &arrow_schema::Field,
    array: &ArrayRef,
) -> Result<(), ParquetError> {
    compute_leaves(field, array)?.iter().try_for_each(|leaf| writer.write(leaf))
}

impl Group {
    fn push(&mut self, entry: &Entry) {
        self.positions.push(entry.position.cast_signed());
        self.log_times.push(entry.leaf.time.as_micros());
        let source = self.sources.code(&entry.leaf.source);
        self.source_codes.push(source);
        match self.last_seqs.get_mut(source as usize) {
            Some(last) => *last = entry.leaf.seq.max(*last),
            None => self.last_seqs.push(entry.leaf.seq),
        }
        self.seqs.push(entry.leaf.seq.cast_signed());
        self.salts.push(entry.salt);
        if self.payloads.is_empty() {
            // A page is about as large as those before, where those are not huge.
            let usual = self.bytes / self.positions.len() * BLOCK_ROWS;
            let room = (usual + usual / 8).min(MOST_ROOM);
            self.payloads = BinaryBuilder::with_capacity(BLOCK_ROWS, room);
        }
        self.payloads.append_value(&entry.payload);
        self.bytes += entry.payload.len();
    }

    /// Takes the rows out as arrays, in the order of the schema, but for the payloads.
    fn take(&mut self, rows: &Rows) -> Vec<ArrayRef> {
        let times = |times: Vec<i64>| TimestampMicrosecondArray::from(times).with_timezone("UTC");
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(PAYLOAD);
        arrays.push(Arc::new(Int64Array::from(std::mem::take(&mut self.positions))));
        arrays.push(Arc::new(times(std::mem::take(&mut self.log_times))));
        arrays.push(Arc::new(times(rows.times.clone())));
        arrays.push(uuids(&rows.ids));
        arrays.push(uuids(&rows.sessions));
        for column in 0..COLUMN_COUNT {
            arrays.push(texts(&rows.codes[column], &rows.values[column]));
        }
        arrays.push(texts(&self.source_codes, self.sources.values()));
        arrays.push(Arc::new(Int64Array::from(std::mem::take(&mut self.seqs))));
        let mut salts = FixedSizeBinaryBuilder::with_capacity(self.salts.len(), 16);
        self.salts.iter().for_each(|salt| salts.append_value(salt).expect("a salt has 16 bytes"));
        arrays.push(Arc::new(salts.finish()));
        *self = Group::default();
        arrays
    }
}

fn uuids(ids: &[Option<[u8; 16]>]) -> ArrayRef {
    let mut array = FixedSizeBinaryBuilder::with_capacity(ids.len(), 16);
    for id in ids {
        match id {
            Some(id) => array.append_value(id).expect("a UUID has 16 bytes"),
            None => array.append_null(),
        }
    }
    Arc::new(array.finish())
}

/// Makes a column of texts, with a dictionary of those that the rows have, in the order in which they come.
fn texts(codes: &[u32], values: &[String]) -> ArrayRef {
    let mut places = vec![Keys::ABSENT; values.len()];
    let mut dictionary: Vec<&str> = Vec::new();
    let key = |code: &u32| {
        let place = places.get_mut(*code as usize)?;
        if *place == Keys::ABSENT {
            *place = dictionary.len() as u32;
            dictionary.push(&values[*code as usize]);
        }
        Some(place.cast_signed())
    };
    let keys: Int32Array = codes.iter().map(key).collect();
    let values = Arc::new(StringArray::from_iter_values(dictionary));
    Arc::new(DictionaryArray::<Int32Type>::try_new(keys, values).expect("codes come from the values"))
}

#[cfg(test)]
mod tests {
    use audit_log::{Leaf, hash};
    use bytes::Bytes;

    use super::super::Segment;
    use super::*;

    /// The row with which each row group begins.
    fn begins(sizes: &[usize]) -> Vec<usize> {
        let mut writer = SegmentWriter::new(Vec::new(), "log.example", 0).unwrap();
        for (position, size) in (0..).zip(sizes) {
            let payload = vec![b'x'; *size];
            let commitment = hash::commitment(&[7; 16], &payload);
            let leaf = Leaf { time: Timestamp::EPOCH, source: "gate".to_owned(), seq: position, commitment };
            writer.push(&Entry { position, leaf, salt: [7; 16], payload }).unwrap();
        }
        let (data, _) = writer.finish().unwrap();
        let segment = Segment::open(Arc::new(Bytes::from(data)), None, "test").unwrap();
        segment.sheet.layout.groups.iter().map(|group| group.first_row).collect()
    }

    #[test]
    fn row_groups_end_with_their_blocks_unless_events_are_huge() {
        assert_eq!(begins(&[1; 16_500]), [0, 16_384]);
        assert_eq!(begins(&[10_000; 4_000]), [0, 1792, 3584]);
        // Thirty-two of these are enough, wherever their block ends; later row groups end with blocks again.
        let huge_in_between = [&[10; 300][..], &[1 << 20; 40], &[10; 17_000]].concat();
        assert_eq!(begins(&huge_in_between), [0, 332, 16_640]);
    }
}
