//! Answers in numbers: how many, when, and of what.

use event::filter::{FieldPath, tokens};
use event::interval::TimeZone;
use event::{Interval, Timestamp};
use serde::Serialize;

use crate::ground::Survey;
use crate::search::search;
use crate::sweep::Watch;
use crate::tally::Of;
use crate::tallying::{self, Counted, Grouping};
use crate::{Count, Coverage, Order, Page, QueryError, Question};

/// The most series of a histogram, and the most values of a list.
pub const MAX_VALUES: usize = 10_000;
/// Numbers in a histogram, at most: bars times series.
const MAX_BARS: usize = 1 << 20;

/// How a histogram is cut.
#[derive(Clone, Debug)]
pub struct Histogramming {
    /// Into which intervals.
    pub cut: Cut,
    /// In which zone days begin.
    pub zone: TimeZone,
    /// By which field each interval is split.
    pub split: Option<FieldPath>,
    /// How many of the field's most frequent values are told apart.
    pub series: usize,
}

/// The intervals of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Of one length.
    Every(Interval),
    /// About so many.
    About(usize),
}

/// How often something happened, over time.
#[derive(Clone, Debug, Serialize)]
pub struct Histogram {
    /// The length of the intervals, as [`Interval`] reads it.
    pub interval: String,
    /// The values of the split, the most frequent first.
    pub series: Vec<String>,
    /// The intervals in which something happened, in order; what lies between them is empty.
    pub bars: Vec<Bar>,
    /// How many events there are in all.
    pub events: u64,
    /// What was searched.
    pub coverage: Coverage,
}

/// One interval of a histogram.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bar {
    /// Its begin.
    pub start: Timestamp,
    /// The begin of the next.
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

/// A field whose values are ranked.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// The field.
    pub field: FieldPath,
    /// How many values to answer with, at most [`MAX_VALUES`].
    pub limit: usize,
    /// What values must begin with, in any letter case.
    pub prefix: String,
}

/// The most frequent values of a field.
#[derive(Clone, Debug, Serialize)]
pub struct Top {
    /// The values, the most frequent first.
    pub values: Vec<TopValue>,
    /// Occurrences of all other values.
    pub other: u64,
    /// Events without any value.
    pub without: u64,
    /// How many different values there are.
    pub distinct: u64,
    /// How many events there are.
    pub events: u64,
    /// What was searched.
    pub coverage: Coverage,
}

/// A value and how many events have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopValue {
    /// The value, as a filter would name it.
    pub value: String,
    /// Events with it.
    pub events: u64,
}

pub(crate) fn count(survey: &Survey, question: &Question, watch: Watch<'_>) -> Result<Count, QueryError> {
    let Counted { tally, coverage } = tallying::count(survey, question, Grouping::default(), watch)?;
    Ok(Count { events: tally.total(Of::All), coverage })
}

pub(crate) fn top(
    survey: &Survey,
    question: &Question,
    ranking: &Ranking,
    watch: Watch<'_>,
) -> Result<Top, QueryError> {
    let prefix = tokens::fold(&ranking.prefix);
    let grouping = Grouping { prefix: &prefix, ..Grouping::by(Some(&ranking.field)) };
    let Counted { tally, coverage } = tallying::count(survey, question, grouping, watch)?;
    let ranked = tally.ranked(ranking.limit.clamp(1, MAX_VALUES));
    let value =
        |(value, _, events): &(&str, u32, u64)| TopValue { value: (*value).to_owned(), events: *events };
    Ok(Top {
        values: ranked.first.iter().map(value).collect(),
        other: ranked.rest,
        without: tally.total(Of::Without),
        distinct: ranked.distinct as u64,
        events: tally.total(Of::All),
        coverage,
    })
}

pub(crate) fn histogram(
    survey: &Survey,
    question: &Question,
    wanted: &Histogramming,
    watch: Watch<'_>,
) -> Result<Histogram, QueryError> {
    let interval = match wanted.cut {
        Cut::Every(interval) => interval,
        Cut::About(bars) => fitting(survey, question, bars, watch)?,
    };
    let grouping =
        Grouping { interval: Some((interval, &wanted.zone)), ..Grouping::by(wanted.split.as_ref()) };
    let Counted { tally, coverage } = tallying::count(survey, question, grouping, watch)?;
    let series = tally.ranked(wanted.series.clamp(1, MAX_VALUES)).first;
    let intervals = tally.intervals();
    if intervals.len().saturating_mul(series.len().max(1)) > MAX_BARS {
        return Err(QueryError::TooManyGroups { most: MAX_BARS });
    }
    // Few series are shown of perhaps many values, so the rest is counted once, not for each bar anew.
    let all_values = tally.values_by_interval();
    let bar = |(start, number): (i64, u32)| {
        let split: Vec<u64> =
            series.iter().map(|(_, value, _)| tally.within(number, Of::Value(*value))).collect();
        let range = interval.around(Timestamp::from_micros(start), &wanted.zone);
        Bar {
            start: Timestamp::from_micros(start),
            end: range.end,
            events: tally.within(number, Of::All),
            other: all_values[number as usize] - split.iter().sum::<u64>(),
            without: tally.within(number, Of::Without),
            split,
        }
    };
    Ok(Histogram {
        interval: interval.to_string(),
        series: series.iter().map(|(value, ..)| (*value).to_owned()).collect(),
        bars: intervals.into_iter().map(bar).collect(),
        events: tally.total(Of::All),
        coverage,
    })
}

/// Finds the interval for about so many bars, from each bound of the question, or else from its first or last event.
fn fitting(
    survey: &Survey,
    question: &Question,
    bars: usize,
    watch: Watch<'_>,
) -> Result<Interval, QueryError> {
    let end = |order: Order| -> Result<Option<Timestamp>, QueryError> {
        let one = Question { order, limit: 1, page: Page::First, ..question.clone() };
        Ok(search(survey, &one, watch)?.rows.first().map(|row| row.time))
    };
    let since = question.since.map_or_else(|| end(Order::OldestFirst), |since| Ok(Some(since)))?;
    let until = question.until.map_or_else(|| end(Order::NewestFirst), |until| Ok(Some(until)))?;
    // What has neither bound nor event has no length either.
    let range = since.zip(until).map(|(since, until)| since..until.max(since));
    Ok(Interval::fitting(&range.unwrap_or(Timestamp::EPOCH..Timestamp::EPOCH), bars))
}
