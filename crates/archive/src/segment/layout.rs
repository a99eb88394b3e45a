//! Where the pages of a segment lie, in a few bytes a page: what is kept of a Parquet file's metadata.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use event::Timestamp;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader,
};
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::reader::{ChunkReader, Length};

use super::page::Packing;
use super::schema::{self, WIDTH};
use crate::read_at::ReadAt;

/// Why a file is no segment.
#[derive(Debug, thiserror::Error)]
pub(super) enum LayoutError {
    /// The library refuses its metadata.
    #[error("its metadata cannot be read: {0}")]
    Metadata(#[from] ParquetError),
    /// They say something that no segment says.
    #[error("{0}")]
    Shape(String),
}

fn shape<T>(why: impl Into<String>) -> Result<T, LayoutError> {
    Err(LayoutError::Shape(why.into()))
}

/// A segment's metadata.
pub(super) struct Layout {
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) origin: String,
    pub(super) sources: BTreeMap<String, u64>,
    pub(super) last_time: Timestamp,
    pub(super) groups: Vec<Group>,
}

/// A row group.
pub(super) struct Group {
    /// Row of the segment with which it begins.
    pub(super) first_row: usize,
    pub(super) rows: usize,
    pub(super) chunks: Vec<Chunk>,
}

/// A column's share of a row group.
pub(super) struct Chunk {
    pub(super) packing: Packing,
    /// Where the page of the dictionary lies; of no length where there is none.
    pub(super) dictionary: (u64, u32),
    /// The data pages.
    pub(super) pages: Box<[PagePlace]>,
}

/// Where a data page lies.
#[derive(Clone, Copy)]
pub(super) struct PagePlace {
    pub(super) offset: u64,
    pub(super) length: u32,
    /// Row of the group with which it begins.
    pub(super) first_row: u32,
}

impl Group {
    /// Where all of its columns lie.
    pub(super) fn bytes(&self) -> Range<u64> {
        let start = self.chunks.iter().map(|chunk| chunk.bytes().start).min().unwrap_or_default();
        start..self.chunks.iter().map(|chunk| chunk.bytes().end).max().unwrap_or(start)
    }
}

impl Chunk {
    /// Where its pages lie, that of the dictionary too.
    pub(super) fn bytes(&self) -> Range<u64> {
        let (first, last) = (self.pages.first(), self.pages.last());
        let (offset, length) = self.dictionary;
        let start = if length > 0 { offset } else { first.map_or(0, |page| page.offset) };
        start..last.map_or(start, |page| page.offset + u64::from(page.length))
    }

    /// How many rows a page has.
    pub(super) fn rows_of(&self, page: usize, group_rows: usize) -> usize {
        let next = self.pages.get(page + 1).map_or(group_rows, |next| next.first_row as usize);
        next - self.pages[page].first_row as usize
    }
}

impl Layout {
    /// Reads a file's metadata and checks that they are those of a segment.
    pub(super) fn read(data: &Arc<dyn ReadAt>) -> Result<Layout, LayoutError> {
        let reader = ParquetMetaDataReader::new()
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_offset_index_policy(PageIndexPolicy::Required);
        let metadata = reader.parse_and_finish(&Chunks(data.clone()))?;
        check_schema(&metadata)?;
        let said = Said::read(&metadata)?;
        let groups = read_groups(&metadata, data.len())?;
        let rows = groups.last().map_or(0, |group| group.first_row + group.rows) as u64;
        if said.end.checked_sub(said.first) != Some(rows) {
            return shape(format!("it has {rows} rows, but should cover {}..{}", said.first, said.end));
        }
        Ok(Layout {
            first: said.first,
            end: said.end,
            origin: said.origin,
            sources: said.sources,
            last_time: said.last_time,
            groups,
        })
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        (self.end - self.first) as usize
    }

    /// Finds the row group of a row.
    pub(super) fn group_of(&self, row: usize) -> usize {
        self.groups.partition_point(|group| group.first_row <= row).saturating_sub(1)
    }
}

/// Reads all that a file's metadata say, so that it can be said again of a copy.
pub(super) fn whole_metadata(data: &Arc<dyn ReadAt>) -> Result<ParquetMetaData, ParquetError> {
    let options = ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false);
    let reader = ParquetMetaDataReader::new()
        .with_metadata_options(Some(options))
        .with_column_index_policy(PageIndexPolicy::Optional)
        .with_offset_index_policy(PageIndexPolicy::Required);
    reader.parse_and_finish(&Chunks(data.clone()))
}

/// Says whether the schema is to the letter the one that is written.
pub(super) fn is_as_written(metadata: &ParquetMetaData) -> bool {
    *metadata.file_metadata().schema_descr().root_schema() == *schema::parquet_schema()
}

/// What the key-value metadata say.
struct Said {
    first: u64,
    end: u64,
    origin: String,
    sources: BTreeMap<String, u64>,
    last_time: Timestamp,
}

impl Said {
    fn read(metadata: &ParquetMetaData) -> Result<Said, LayoutError> {
        let pairs = metadata.file_metadata().key_value_metadata();
        let text = |key: &str| {
            let pair = pairs.into_iter().flatten().find(|pair| pair.key == key);
            let value = pair.and_then(|pair| pair.value.as_deref());
            value.ok_or_else(|| LayoutError::Shape(format!("its metadata lack {key}")))
        };
        let unread = |key: &str| LayoutError::Shape(format!("its metadata have an unreadable {key}"));
        let number = |key: &str| text(key)?.parse::<u64>().map_err(|_| unread(key));
        let format = text(schema::FORMAT_KEY)?;
        if ![schema::FORMAT, schema::FORMER_FORMAT].contains(&format) {
            return shape(format!("its format is {format}, of which this release knows nothing"));
        }
        let last_time = text(schema::LAST_TIME_KEY)?.parse().map_err(|_| unread(schema::LAST_TIME_KEY))?;
        Ok(Said {
            first: number(schema::FIRST_KEY)?,
            end: number(schema::END_KEY)?,
            origin: text(schema::ORIGIN_KEY)?.to_owned(),
            sources: serde_json::from_str(text(schema::SOURCES_KEY)?)
                .map_err(|_| unread(schema::SOURCES_KEY))?,
            last_time: Timestamp::from_micros(last_time),
        })
    }
}

fn check_schema(metadata: &ParquetMetaData) -> Result<(), LayoutError> {
    let wanted = schema::parquet_schema();
    let found = metadata.file_metadata().schema_descr();
    let same = found.num_columns() == WIDTH
        && wanted.get_fields().iter().enumerate().all(|(at, wanted)| {
            let column = found.column(at);
            column.path().parts() == [wanted.name()]
                && column.physical_type() == wanted.get_physical_type()
                && column.max_def_level() == i16::from(wanted.is_optional())
                && column.max_rep_level() == 0
                && (wanted.name() != "salt" || column.type_length() == 16)
        });
    if same { Ok(()) } else { shape("its columns are not those of a segment") }
}

fn read_groups(metadata: &ParquetMetaData, length: u64) -> Result<Vec<Group>, LayoutError> {
    let indexes = metadata.offset_index().map(Vec::as_slice).unwrap_or_default();
    if indexes.len() != metadata.num_row_groups() {
        return shape("it has no page index");
    }
    let mut groups = Vec::with_capacity(indexes.len());
    let mut first_row = 0_usize;
    for (group, indexes) in metadata.row_groups().iter().zip(indexes) {
        let rows = u32::try_from(group.num_rows()).ok().filter(|rows| *rows > 0);
        let Some(rows) = rows.filter(|rows| *rows as usize <= super::write::GROUP_ROWS) else {
            return shape("a row group is empty or too large");
        };
        if group.num_columns() != WIDTH || indexes.len() != WIDTH {
            return shape("a row group lacks columns");
        }
        let chunks = group.columns().iter().zip(indexes);
        let chunks = chunks.map(|(chunk, index)| read_chunk(chunk, index, rows, length));
        groups.push(Group { first_row, rows: rows as usize, chunks: chunks.collect::<Result<_, _>>()? });
        first_row += rows as usize;
    }
    Ok(groups)
}

fn read_chunk(
    chunk: &ColumnChunkMetaData,
    index: &OffsetIndexMetaData,
    rows: u32,
    length: u64,
) -> Result<Chunk, LayoutError> {
    let packing = match chunk.compression() {
        Compression::UNCOMPRESSED => Packing::None,
        Compression::ZSTD(_) => Packing::Zstd,
        other => return shape(format!("a column is packed by {other}")),
    };
    let mut pages = Vec::with_capacity(index.page_locations().len());
    let (mut end, mut next) = (0, None);
    for page in index.page_locations() {
        let place = (
            u64::try_from(page.offset),
            u32::try_from(page.compressed_page_size),
            u32::try_from(page.first_row_index),
        );
        let (Ok(offset), Ok(size), Ok(first_row)) = place else { return shape("a page lies nowhere") };
        let rises = next.map_or(first_row == 0, |last| first_row > last) && first_row < rows;
        if !rises || offset < end || offset.checked_add(u64::from(size)).is_none_or(|end| end > length) {
            return shape("a page does not lie behind the one before");
        }
        end = offset + u64::from(size);
        next = Some(first_row);
        pages.push(PagePlace { offset, length: size, first_row });
    }
    let Some(first) = pages.first() else { return shape("a column has no pages") };
    let dictionary = match chunk.dictionary_page_offset().map(u64::try_from) {
        None => (0, 0),
        Some(offset) => {
            let offset = offset.ok().filter(|offset| *offset <= first.offset);
            let size = offset.and_then(|offset| u32::try_from(first.offset - offset).ok());
            match (offset, size) {
                (Some(offset), Some(size)) => (offset, size),
                _ => return shape("a dictionary lies behind its pages"),
            }
        }
    };
    Ok(Chunk { packing, dictionary, pages: pages.into_boxed_slice() })
}

/// A file as the library reads it.
struct Chunks(Arc<dyn ReadAt>);

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Chunks {
    type T = Stream;

    fn get_read(&self, start: u64) -> Result<Stream, ParquetError> {
        Ok(Stream { data: self.0.clone(), offset: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.0.len()) {
            return Err(ParquetError::EOF("the file is cut short".to_owned()));
        }
        Ok(self.0.read_at(start, length)?)
    }
}

/// Reads on from an offset.
struct Stream {
    data: Arc<dyn ReadAt>,
    offset: u64,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.data.len().saturating_sub(self.offset);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let bytes = self.data.read_at(self.offset, count)?;
        buffer[..count].copy_from_slice(&bytes);
        self.offset += count as u64;
        Ok(count)
    }
}
