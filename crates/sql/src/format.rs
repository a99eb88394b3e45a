//! The forms in which rows are written.

use std::io::{self, Write};
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

/// Writes batches in one form.
pub(crate) struct Writer<'w> {
    out: &'w mut dyn Write,
    form: Form,
}

/// What makes the bytes; they are handed on after each batch.
enum Form {
    Arrow(StreamWriter<Vec<u8>>),
    Csv,
    Json(Json<Vec<u8>, JsonArray>),
    Ndjson(Json<Vec<u8>, LineDelimited>),
    Parquet(Box<ArrowWriter<Vec<u8>>>),
}

impl<'w> Writer<'w> {
    pub(crate) fn new(format: Format, schema: &SchemaRef, out: &'w mut dyn Write) -> io::Result<Writer<'w>> {
        let form = match format {
            Format::Arrow => Form::Arrow(StreamWriter::try_new(Vec::new(), schema).map_err(arrow)?),
            Format::Csv => {
                let names: Vec<String> =
                    schema.fields().iter().map(|field| quoted(&disarmed(field.name()))).collect();
                writeln!(out, "{}", names.join(","))?;
                Form::Csv
            }
            Format::Json => {
                let column = |name: &str, held: &DataType| serde_json::json!({ "name": name, "type": held.to_string() });
                let columns: Vec<serde_json::Value> =
                    schema.fields().iter().map(|field| column(field.name(), field.data_type())).collect();
                write!(out, "{{\"columns\":{},\"rows\":", serde_json::Value::Array(columns))?;
                let lists =
                    WriterBuilder::new().with_explicit_nulls(true).with_struct_mode(StructMode::ListOnly);
                Form::Json(lists.build(Vec::new()))
            }
            Format::Ndjson => Form::Ndjson(WriterBuilder::new().with_explicit_nulls(true).build(Vec::new())),
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_max_row_group_row_count(Some(GROUP_ROWS))
                    .build();
                let writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties));
                Form::Parquet(Box::new(writer.map_err(parquet)?))
            }
        };
        Ok(Writer { out, form })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let bytes = match &mut self.form {
            Form::Arrow(writer) => {
                writer.write(batch).map_err(arrow)?;
                std::mem::take(writer.get_mut())
            }
            Form::Csv => {
                let mut writer = CsvBuilder::new().with_header(false).build(&mut *self.out);
                return writer.write(&safe(batch)?).map_err(arrow);
            }
            Form::Json(writer) => {
                writer.write(batch).map_err(arrow)?;
                std::mem::take(writer.get_mut())
            }
            Form::Ndjson(writer) => {
                writer.write(batch).map_err(arrow)?;
                std::mem::take(writer.get_mut())
            }
            Form::Parquet(writer) => {
                writer.write(batch).map_err(parquet)?;
                std::mem::take(writer.inner_mut())
            }
        };
        self.out.write_all(&bytes)
    }

    pub(crate) fn finish(self) -> io::Result<()> {
        let out = self.out;
        match self.form {
            Form::Arrow(mut writer) => {
                writer.finish().map_err(arrow)?;
                out.write_all(writer.get_ref())
            }
            Form::Csv => Ok(()),
            Form::Json(mut writer) => {
                writer.finish().map_err(arrow)?;
                out.write_all(writer.get_ref())?;
                out.write_all(b"}\n")
            }
            Form::Ndjson(mut writer) => {
                writer.finish().map_err(arrow)?;
                out.write_all(writer.get_ref())
            }
            Form::Parquet(writer) => out.write_all(&writer.into_inner().map_err(parquet)?),
        }
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
