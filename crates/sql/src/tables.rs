//! Which tables there are, and where each of their columns comes from.

use std::sync::{Arc, LazyLock};

use archive::Column;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use event::tables::{Holds, TableField, envelope_fields, family_tables};

/// What a column shows of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Its position in the log.
    Position,
    /// When the log took it.
    LogTime,
    /// The time by which it is ordered.
    Time,
    /// A typed column.
    Typed(Column),
    /// What stands at a path of its event.
    Path(Vec<String>, Holds),
    /// The event's bytes.
    Payload,
    /// How many events a row stands for; only where rows are counted.
    Count,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableColumn {
    pub name: String,
    pub source: Source,
}

/// A table's name, the filter that all of its rows pass, and its columns.
#[derive(Clone, Debug)]
pub(crate) struct TableShape {
    pub name: String,
    pub filter: String,
    pub columns: Arc<Vec<TableColumn>>,
}

/// Lists the tables: all events, and each family's.
pub(crate) fn tables() -> &'static [TableShape] {
    static TABLES: LazyLock<Vec<TableShape>> = LazyLock::new(made);
    &TABLES
}

fn made() -> Vec<TableShape> {
    let mut tables = vec![TableShape {
        name: "events".to_owned(),
        filter: String::new(),
        columns: Arc::new(columns(&[of_path("detail.verb")])),
    }];
    tables.extend(family_tables().into_iter().map(|(family, fields)| TableShape {
        name: format!("{family}_events"),
        filter: format!("kind: {family}.*"),
        columns: Arc::new(columns(&fields)),
    }));
    tables
}

fn of_path(path: &str) -> TableField {
    TableField { path: path.split('.').map(str::to_owned).collect(), holds: Holds::Text }
}

fn columns(details: &[TableField]) -> Vec<TableColumn> {
    let column = |name: &str, source| TableColumn { name: name.to_owned(), source };
    let mut columns = vec![column("position", Source::Position), column("log_time", Source::LogTime)];
    for field in envelope_fields().iter().chain(details) {
        let path = field.path.join(".");
        let source = match Column::of_field(&path) {
            _ if path == "time" => Source::Time,
            Some(typed) if field.holds == Holds::Text => Source::Typed(typed),
            _ => Source::Path(field.path.clone(), field.holds),
        };
        columns.push(column(&field.name(), source));
    }
    columns.push(column("payload", Source::Payload));
    columns
}

/// The type of times, which are read and shown in a reader's zone.
fn instant(zone: &str) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into()))
}

impl TableColumn {
    fn field(&self, zone: &str) -> Field {
        let (held, nullable) = match &self.source {
            Source::Position | Source::Count => (DataType::Int64, false),
            Source::LogTime | Source::Time => (instant(zone), false),
            Source::Typed(_) => (DataType::Utf8View, true),
            Source::Path(_, Holds::Time) => (instant(zone), true),
            Source::Path(_, Holds::Whole) => (DataType::Int64, true),
            Source::Path(_, Holds::Number) => (DataType::Float64, true),
            Source::Path(_, Holds::Truth) => (DataType::Boolean, true),
            Source::Path(_, Holds::Text | Holds::Json) => (DataType::Utf8, true),
            Source::Payload => (DataType::Utf8, false),
        };
        Field::new(&self.name, held, nullable)
    }
}

/// Returns the schema of some columns, for readers in a zone.
pub(crate) fn schema_of(columns: &[TableColumn], zone: &str) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(|column| column.field(zone)).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_table_has_two_columns_of_one_name() {
        for table in tables() {
            let names: BTreeSet<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
            assert_eq!(names.len(), table.columns.len(), "{}", table.name);
            assert_eq!(schema_of(&table.columns, "UTC").fields().len(), table.columns.len());
        }
    }

    #[test]
    fn every_typed_column_is_a_column_of_events_under_its_own_name() {
        let events = &tables()[0];
        for (column, _, name) in archive::COLUMNS {
            let found = events.columns.iter().find(|one| one.name == *name).unwrap();
            assert_eq!(found.source, Source::Typed(*column));
        }
    }
}
