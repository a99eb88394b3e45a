//! The forms in which rows are written.

use std::io;
use std::str::FromStr;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray as _, RecordBatch, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::csv::WriterBuilder as CsvBuilder;
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::writer::StreamWriter;
use datafusion::arrow::json::writer::{JsonArray, LineDelimited, WriterBuilder};
use datafusion::arrow::json::{StructMode, Writer as Json};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::properties::WriterProperties;

/// Rows that a row group of Parquet collects.
const GROUP_ROWS: usize = 16_384;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A stream of Arrow's inter-process format.
    Arrow,
    /// Comma-separated values (RFC 4180) with a line of names.
    Csv,
    /// One object: `columns` (name and type of each), and `rows`, each a list.
    Json,
    /// One object a line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
}

/// All formats with their media types.
pub const FORMATS: &[(Format, &str)] = &[
    (Format::Json, "application/json"),
    (Format::Ndjson, "application/x-ndjson"),
    (Format::Csv, "text/csv"),
    (Format::Arrow, "application/vnd.apache.arrow.stream"),
    (Format::Parquet, "application/vnd.apache.parquet"),
];

impl Format {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        FORMATS.iter().find(|(format, _)| *format == self).map_or("", |(_, kind)| kind)
    }
}

/// A media type in which nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no form in which rows are written")]
pub struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(kind: &str) -> Result<Format, UnknownFormat> {
        FORMATS.iter().find(|(_, known)| *known == kind).map(|(format, _)| *format).ok_or(UnknownFormat)
    }
}

/// Writes batches in one form; hands out the bytes that are ready.
pub(crate) enum Writer {
    Arrow(StreamWriter<Vec<u8>>),
    Csv {
        /// What comes before the first rows.
        names: Vec<u8>,
    },
    Json(Json<Vec<u8>, JsonArray>),
    Ndjson(Json<Vec<u8>, LineDelimited>),
    Parquet(Box<ArrowWriter<Vec<u8>>>),
}

impl Writer {
    pub(crate) fn new(format: Format, schema: &SchemaRef) -> io::Result<Writer> {
        Ok(match format {
            Format::Arrow => Writer::Arrow(StreamWriter::try_new(Vec::new(), schema).map_err(arrow)?),
            Format::Csv => {
                let names: Vec<String> =
                    schema.fields().iter().map(|field| quoted(&disarmed(field.name()))).collect();
                Writer::Csv { names: format!("{}\n", names.join(",")).into_bytes() }
            }
            Format::Json => {
                let column = |name: &str, held: &DataType| serde_json::json!({ "name": name, "type": held.to_string() });
                let columns: Vec<serde_json::Value> =
                    schema.fields().iter().map(|field| column(field.name(), field.data_type())).collect();
                let begin = format!("{{\"columns\":{},\"rows\":", serde_json::Value::Array(columns));
                let lists =
                    WriterBuilder::new().with_explicit_nulls(true).with_struct_mode(StructMode::ListOnly);
                Writer::Json(lists.build(begin.into_bytes()))
            }
            Format::Ndjson => {
                Writer::Ndjson(WriterBuilder::new().with_explicit_nulls(true).build(Vec::new()))
            }
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_max_row_group_row_count(Some(GROUP_ROWS))
                    .build();
                let writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties));
                Writer::Parquet(Box::new(writer.map_err(parquet)?))
            }
        })
    }

    /// Writes rows; the bytes that are returned may be of rows before them, and theirs may come later.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> io::Result<Vec<u8>> {
        Ok(match self {
            Writer::Arrow(writer) => {
                writer.write(batch).map_err(arrow)?;
                std::mem::take(writer.get_mut())
            }
            Writer::Csv { names } => {
                let mut bytes = std::mem::take(names);
                CsvBuilder::new().with_header(false).build(&mut bytes).write(&safe(batch)?).map_err(arrow)?;
                bytes
            }
            Writer::Json(writer) => {
                writer.write(batch).map_err(arrow)?;
                std::mem::take(writer.get_mut())
            }
            Writer::Ndjson(writer) => {
                writer.write(batch).map_err(arrow)?;
                std::mem::take(writer.get_mut())
            }
            Writer::Parquet(writer) => {
                writer.write(batch).map_err(parquet)?;
                std::mem::take(writer.inner_mut())
            }
        })
    }

    /// Ends the answer; returns the bytes that are left.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        Ok(match self {
            Writer::Arrow(mut writer) => {
                writer.finish().map_err(arrow)?;
                std::mem::take(writer.get_mut())
            }
            Writer::Csv { names } => names,
            Writer::Json(mut writer) => {
                writer.finish().map_err(arrow)?;
                let mut bytes = std::mem::take(writer.get_mut());
                bytes.extend(b"}\n");
                bytes
            }
            Writer::Ndjson(mut writer) => {
                writer.finish().map_err(arrow)?;
                std::mem::take(writer.get_mut())
            }
            Writer::Parquet(writer) => writer.into_inner().map_err(parquet)?,
        })
    }
}

fn arrow(error: ArrowError) -> io::Error {
    io::Error::other(error)
}

fn parquet(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

/// Puts an apostrophe before text that a spreadsheet would run as a formula.
fn safe(batch: &RecordBatch) -> io::Result<RecordBatch> {
    let schema = batch.schema();
    let mut fields = Vec::with_capacity(schema.fields().len());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        if matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
            let texts = cast(column, &DataType::Utf8).map_err(arrow)?;
            let texts: StringArray = texts.as_string::<i32>().iter().map(|text| text.map(disarmed)).collect();
            columns.push(Arc::new(texts));
            fields.push(Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)));
        } else {
            columns.push(column.clone());
            fields.push(field.clone());
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(arrow)
}

fn disarmed(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

fn quoted(name: &str) -> String {
    match name.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.to_owned(),
    }
}
