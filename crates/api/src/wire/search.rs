//! Answers to questions about the log, in numbers and in context.

use event::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Coverage, EventRow};

/// How many events there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Count {
    /// How many.
    pub events: u64,
    /// What was searched.
    pub coverage: Coverage,
}

/// Events over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Histogram {
    /// The length of the intervals.
    pub interval: String,
    /// The values by which bars are split, the most frequent first.
    pub series: Vec<String>,
    /// The intervals in which something happened, in order; what lies between them is empty.
    pub bars: Vec<HistogramBar>,
    /// Events in all.
    pub events: u64,
    /// From when on was searched; absent where nothing bounds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Up to when; absent where nothing bounds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// What was searched.
    pub coverage: Coverage,
}

/// One interval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistogramBar {
    /// Its begin.
    #[schema(value_type = String, format = DateTime)]
    pub start: Timestamp,
    /// The begin of the next.
    #[schema(value_type = String, format = DateTime)]
    pub end: Timestamp,
    /// Events in it.
    pub events: u64,
    /// Events with each value of the series; an event with several values counts for each.
    pub split: Vec<u64>,
    /// Occurrences of values that are not among the series.
    pub other: u64,
    /// Events without any value.
    pub without: u64,
}

/// The most frequent values of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Top {
    /// The values, the most frequent first.
    pub values: Vec<TopValue>,
    /// Occurrences of all other values.
    pub other: u64,
    /// Events without any value.
    pub without: u64,
    /// How many different values there are.
    pub distinct: u64,
    /// Events in all.
    pub events: u64,
    /// What was searched.
    pub coverage: Coverage,
}

/// A value and how many events have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TopValue {
    /// The value.
    pub value: String,
    /// Events with it.
    pub events: u64,
}

/// Values of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Values {
    /// The values, the most frequent first.
    pub values: Vec<String>,
    /// How many different values there are.
    pub distinct: u64,
    /// What was searched.
    pub coverage: Coverage,
}

/// What happened around an event.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Around {
    /// The events just before it, the earliest first.
    pub before: Vec<EventRow>,
    /// The event.
    pub event: EventRow,
    /// The events just after it.
    pub after: Vec<EventRow>,
    /// What was searched.
    pub coverage: Coverage,
}
