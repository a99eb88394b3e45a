//! The Parquet file of a segment while it is written: how its columns are written, how it begins and how it ends. Which rows
//! it gets is not known here.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use event::Timestamp;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use super::footer::FooterCrc;
use super::schema;
use super::write::GROUP_ROWS;
use crate::blocks::BLOCK_ROWS;
use crate::index::Binding;
use crate::part::PartError;

/// Bytes of payload after which a page ends, though its block does not.
const PAGE_BYTES: usize = 1 << 20;
/// zstd's own default.
const LEVEL: i32 = 3;

/// A file that is being written.
pub(super) type File<W> = SerializedFileWriter<FooterCrc<W>>;

/// What a segment says of itself in the file's metadata.
pub(super) struct Said<'a> {
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) origin: &'a str,
    /// The last sequence number of each log source.
    pub(super) sources: &'a BTreeMap<String, u64>,
    pub(super) last_time: Timestamp,
}

/// Begins a file.
pub(super) fn begin<W: Write + Send>(out: W) -> Result<File<W>, ParquetError> {
    SerializedFileWriter::new(FooterCrc::new(out), schema::parquet_schema(), Arc::new(properties()))
}

/// Finishes a file; returns what was written to, and what ties an index to it.
pub(super) fn end<W: Write + Send>(
    mut file: File<W>,
    said: &Said<'_>,
    name: &str,
) -> Result<(W, Binding), PartError> {
    let fault = |error: ParquetError| fault(name, error);
    let sources = serde_json::to_string(said.sources).expect("texts and numbers are JSON");
    for (key, value) in [
        (schema::FORMAT_KEY, schema::FORMAT.to_owned()),
        (schema::FIRST_KEY, said.first.to_string()),
        (schema::END_KEY, said.end.to_string()),
        (schema::ORIGIN_KEY, said.origin.to_owned()),
        (schema::SOURCES_KEY, sources),
        (schema::LAST_TIME_KEY, said.last_time.as_micros().to_string()),
    ] {
        file.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
    }
    file.flush().map_err(|error| fault(error.into()))?;
    file.inner_mut().keep();
    let out = file.into_inner().map_err(fault)?;
    let (out, data_bytes, footer_crc) =
        out.finish().map_err(|source| PartError::Read { name: name.to_owned(), source: source.into() })?;
    Ok((out, Binding { first: said.first, end: said.end, data_bytes, footer_crc }))
}

/// Properties of every column but the payload.
pub(super) fn properties() -> WriterProperties {
    let mut properties = shared().set_data_page_row_count_limit(GROUP_ROWS).set_write_batch_size(GROUP_ROWS);
    for name in ["position", "log_time", "time", "log_seq"] {
        let column = ColumnPath::from(name);
        properties = properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
    }
    for name in ["id", "salt"] {
        let column = ColumnPath::from(name);
        properties = properties.set_column_statistics_enabled(column, EnabledStatistics::None);
    }
    properties = properties.set_column_dictionary_enabled(ColumnPath::from("salt"), false);
    // Neighbours' ids begin with nearly the same time; what follows is random, and no work for zstd.
    for name in ["id", "session"] {
        let column = ColumnPath::from(name);
        properties = properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column.clone(), Encoding::DELTA_BYTE_ARRAY)
            .set_column_compression(column, Compression::UNCOMPRESSED);
    }
    properties.set_column_compression(ColumnPath::from("salt"), Compression::UNCOMPRESSED).build()
}

/// Properties of the payload: a page for each block, or several.
pub(super) fn payload_properties() -> WriterProperties {
    shared()
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_data_page_row_count_limit(BLOCK_ROWS)
        .set_write_batch_size(BLOCK_ROWS)
        .set_data_page_size_limit(PAGE_BYTES)
        .build()
}

fn shared() -> WriterPropertiesBuilder {
    let level = ZstdLevel::try_new(LEVEL).expect("a level of zstd");
    WriterProperties::builder()
        .set_created_by("lodge".to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_column_index_truncate_length(Some(64))
        .set_statistics_truncate_length(Some(64))
        // No dictionary is given up: the text of a typed column is short.
        .set_dictionary_page_size_limit(super::page::MOST_PAGE_BYTES)
}

pub(super) fn fault(name: &str, error: ParquetError) -> PartError {
    PartError::Write { name: name.to_owned(), source: error.into() }
}
