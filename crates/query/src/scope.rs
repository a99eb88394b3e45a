//! What a reader may see.
//!
//! A scope has no default on purpose: whoever asks must say whose question it is.

use event::{Filter, RecordView};

/// The part of the log that a reader may see.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope(Seen);

#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Everything,
    AnyOf(Vec<Filter>),
}

impl Scope {
    /// The scope of a reader who may see every event.
    pub fn everything() -> Scope {
        Scope(Seen::Everything)
    }

    /// The scope of a reader who may see what a filter takes.
    pub fn only(filter: Filter) -> Scope {
        Scope::any_of(vec![filter])
    }

    /// The scope of a reader who may see what any of the filters takes, one for each role. Without filters it is empty.
    pub fn any_of(filters: Vec<Filter>) -> Scope {
        Scope(Seen::AnyOf(filters))
    }

    /// Says whether nothing is hidden from the reader.
    pub fn is_everything(&self) -> bool {
        self.0 == Seen::Everything
    }

    /// Says whether the reader may see the event.
    pub fn admits(&self, record: &RecordView<'_>) -> bool {
        match &self.0 {
            Seen::Everything => true,
            Seen::AnyOf(filters) => filters.iter().any(|filter| filter.matches(record)),
        }
    }

    /// Returns the filters of which one must take an event; `None` when nothing is hidden.
    pub(crate) fn filters(&self) -> Option<&[Filter]> {
        match &self.0 {
            Seen::Everything => None,
            Seen::AnyOf(filters) => Some(filters),
        }
    }
}
