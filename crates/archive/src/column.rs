//! The typed columns: fields that are kept beside the payload so that most questions need not read it.

/// A typed column of text. What it holds of an event: see [`Keys`](crate::Keys).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// `kind`
    Kind,
    /// `outcome`
    Outcome,
    /// `actor.user`
    User,
    /// `actor.type`
    ActorType,
    /// `origin.ip`
    Address,
    /// `target.type`
    TargetType,
    /// `target.name`
    Target,
    /// `source.type`
    SourceType,
    /// `source.name`
    Source,
    /// `detail.verb`
    Verb,
}

/// Every typed column: its field, and its name in the Parquet file.
pub const COLUMNS: &[(Column, &str, &str)] = &[
    (Column::Kind, "kind", "kind"),
    (Column::Outcome, "outcome", "outcome"),
    (Column::User, "actor.user", "actor_user"),
    (Column::ActorType, "actor.type", "actor_type"),
    (Column::Address, "origin.ip", "origin_ip"),
    (Column::TargetType, "target.type", "target_type"),
    (Column::Target, "target.name", "target_name"),
    (Column::SourceType, "source.type", "source_type"),
    (Column::Source, "source.name", "source_name"),
    (Column::Verb, "detail.verb", "detail_verb"),
];

impl Column {
    /// Finds the column that holds a field of the filter language.
    pub fn of_field(field: &str) -> Option<Column> {
        COLUMNS.iter().find(|(_, path, _)| *path == field).map(|(column, ..)| *column)
    }

    /// Returns the field that it holds.
    pub fn field(self) -> &'static str {
        COLUMNS[self as usize].1
    }

    /// Returns its name in the Parquet file.
    pub fn name(self) -> &'static str {
        COLUMNS[self as usize].2
    }
}
