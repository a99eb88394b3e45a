//! The columns of a segment's Parquet file, in order, and what its metadata is called.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{Type, TypePtr};

use crate::extract::COLUMN_COUNT;

/// The schema, as outsiders see it.
const MESSAGE: &str = "message lodge {
    required int64 position;
    required int64 log_time (TIMESTAMP(MICROS, true));
    required int64 time (TIMESTAMP(MICROS, true));
    optional fixed_len_byte_array(16) id (UUID);
    optional fixed_len_byte_array(16) session (UUID);
    optional binary kind (STRING);
    optional binary outcome (STRING);
    optional binary actor_user (STRING);
    optional binary actor_type (STRING);
    optional binary origin_ip (STRING);
    optional binary target_type (STRING);
    optional binary target_name (STRING);
    optional binary source_type (STRING);
    optional binary source_name (STRING);
    optional binary detail_verb (STRING);
    required binary log_source (STRING);
    required int64 log_seq;
    required fixed_len_byte_array(16) salt;
    required binary payload;
}";

pub(super) const POSITION: usize = 0;
pub(super) const LOG_TIME: usize = 1;
pub(super) const TIME: usize = 2;
/// The first of the typed columns.
pub(super) const KEYS: usize = 5;
pub(super) const LOG_SOURCE: usize = KEYS + COLUMN_COUNT;
pub(super) const LOG_SEQ: usize = LOG_SOURCE + 1;
pub(super) const SALT: usize = LOG_SOURCE + 2;
pub(super) const PAYLOAD: usize = LOG_SOURCE + 3;
/// How many columns there are.
pub(super) const WIDTH: usize = PAYLOAD + 1;

/// Version of the format.
pub(super) const FORMAT: &str = "2";
/// The version before, which differs only in how the columns of ids are written.
pub(super) const FORMER_FORMAT: &str = "1";
pub(super) const FORMAT_KEY: &str = "lodge.format";
pub(super) const FIRST_KEY: &str = "lodge.first";
pub(super) const END_KEY: &str = "lodge.end";
pub(super) const ORIGIN_KEY: &str = "lodge.origin";
pub(super) const SOURCES_KEY: &str = "lodge.sources";
pub(super) const LAST_TIME_KEY: &str = "lodge.last_time";

/// Returns the schema of the file.
pub(super) fn parquet_schema() -> TypePtr {
    Arc::new(parse_message_type(MESSAGE).expect("a test reads it"))
}

/// Returns the schema of a file that has nothing but payloads.
pub(super) fn payload_schema() -> TypePtr {
    let schema = parquet_schema();
    let payload = schema.get_fields()[PAYLOAD].clone();
    let alone = Type::group_type_builder(schema.name()).with_fields(vec![payload]);
    Arc::new(alone.build().expect("a column can stand alone"))
}

/// Returns how the columns are held before they are written.
pub(super) fn arrow_schema() -> SchemaRef {
    let schema = parquet_schema();
    let fields = schema.get_fields().iter().enumerate().map(|(at, column)| {
        let held = match at {
            POSITION | LOG_SEQ => DataType::Int64,
            LOG_TIME | TIME => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            PAYLOAD => DataType::Binary,
            KEYS..=LOG_SOURCE => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            _ => DataType::FixedSizeBinary(16),
        };
        Field::new(column.name(), held, column.is_optional())
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::COLUMNS;

    #[test]
    fn the_typed_columns_are_where_they_are_said_to_be() {
        let schema = parquet_schema();
        let names: Vec<&str> = schema.get_fields().iter().map(|column| column.name()).collect();
        let typed: Vec<&str> = COLUMNS.iter().map(|(.., name)| *name).collect();
        assert_eq!(names[KEYS..LOG_SOURCE], typed);
        assert_eq!(COLUMNS.len(), COLUMN_COUNT);
        assert!(COLUMNS.iter().enumerate().all(|(at, (column, ..))| *column as usize == at));
        assert_eq!(names.len(), WIDTH);
        assert_eq!((names[POSITION], names[TIME], names[SALT]), ("position", "time", "salt"));
        assert_eq!((names[LOG_SEQ], names[PAYLOAD]), ("log_seq", "payload"));
    }
}
