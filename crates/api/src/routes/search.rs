//! Questions to the log: pages of events, counts, histograms, values, what happened around an event.
//!
//! Each is an event before its answer is released. Whoever asks for `text/event-stream` is told how far it is until then.

use std::sync::Arc;
use std::time::Duration;

use access::{ApiResource, Verb};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use event::filter::FieldPath;
use event::interval::{TimeZone, zone_name};
use query::{Cut, DEFAULT_BUDGET, Histogramming, Order, Page, QueryError, Question, Ranking, Row};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::asked::{self, cursor, no_such_event, rows};
use crate::caller::Caller;
use crate::extract::Query;
use crate::routes::answering::{Asking, Found, covered, ended, searched};
use crate::wire::{Around, Count, EventRow, Events, Histogram, HistogramBar, Top, TopValue, Values};
use crate::{Problem, Services};

/// How long a question may be worked on at most, in seconds.
const MAX_SECONDS: u32 = 300;

/// What every question has.
#[derive(Deserialize, IntoParams)]
pub struct Asked {
    /// Filter in the language of docs/filter.md; everything when empty.
    #[serde(default)]
    filter: String,
    /// Only events from this time on, by their own time: RFC 3339, a date, or like `now-24h`.
    since: Option<String>,
    /// Only events before this time.
    until: Option<String>,
    /// Zone in which dates are read and days begin: `Europe/Berlin`, `+02:00`; of several, parted by commas, the first that
    /// the server knows. UTC when absent.
    zone: Option<String>,
    /// Seconds that may be searched, 1 to 300, 30 when absent; what was found by then is the answer, and its coverage says so.
    timeout: Option<u32>,
}

/// A page of events.
#[derive(Deserialize, IntoParams)]
pub struct WhichPage {
    /// `newest` (first, the default) or `oldest`.
    #[serde(default)]
    order: WhichFirst,
    /// Rows of a page; 1000 at most.
    #[serde(default = "page")]
    limit: u32,
    /// The page behind this place: `next` of the page before.
    after: Option<String>,
    /// The page that ends before this place: `previous` of the page behind.
    before: Option<String>,
}

/// Which come first.
#[derive(Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WhichFirst {
    /// The latest.
    #[default]
    Newest,
    /// The earliest.
    Oldest,
}

/// How a histogram is cut.
#[derive(Deserialize, IntoParams)]
pub struct WhichBars {
    /// `minute`, `hour`, `day`, `week`, `month`, `year`, like `5m`, `15s`, `3h`, or about how many there should be.
    #[serde(default = "bars")]
    interval: String,
    /// Field by whose values each interval is split.
    split: Option<String>,
    /// How many values of it are told apart; the rest is `other`.
    #[serde(default = "few")]
    series: u32,
}

/// A field and how many of its values.
#[derive(Deserialize, IntoParams)]
pub struct WhichField {
    /// The field, as a filter names it.
    field: String,
    /// How many values; 10000 at most.
    #[serde(default = "few")]
    limit: u32,
    /// What values begin with, in any letter case.
    #[serde(default)]
    prefix: String,
}

/// An event and how much around it.
#[derive(Deserialize, IntoParams)]
pub struct WhichEvent {
    /// The event's id, or its position in the log.
    id: String,
    /// How many events on each side; 1000 at most.
    #[serde(default = "few")]
    limit: u32,
}

fn page() -> u32 {
    100
}

fn bars() -> String {
    "60".to_owned()
}

fn few() -> u32 {
    10
}

/// Searches the log. Events are ordered by their own time.
#[utoipa::path(
    get,
    path = "/v1/events",
    operation_id = "search_events",
    params(Asked, WhichPage),
    responses((status = 200, body = Events)),
    tag = "log"
)]
pub async fn search(
    State(services): State<Arc<Services>>,
    caller: Caller,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
    Query(which): Query<WhichPage>,
) -> Result<Response, Problem> {
    let (mut asking, _) = begin("search", services, &caller, asked).await?;
    let (order, called) = match which.order {
        WhichFirst::Newest => (Order::NewestFirst, "newest"),
        WhichFirst::Oldest => (Order::OldestFirst, "oldest"),
    };
    let question = &mut asking.question;
    (question.order, question.limit) = (order, rows(which.limit)?);
    question.page = which_page(which.after.as_deref(), which.before.as_deref())?;
    asking.searched.order = Some(called.to_owned());
    asking.searched.limit = Some(question.limit as u64);
    let placed = |which: &str, place: Option<String>| place.map(|place| format!("{which} {place}"));
    asking.searched.page = placed("after", which.after).or(placed("before", which.before));
    let log = asking.services.log.clone();
    let work = async move |query: query::Query, question: Question| {
        let found = query.search(&question).await?;
        let (rows, complete) = (found.rows.len(), found.coverage.complete);
        let answer = Events {
            events: found.rows.into_iter().map(shown).collect(),
            next: found.next.map(|cursor| cursor.to_string()),
            previous: found.previous.map(|cursor| cursor.to_string()),
            coverage: covered(found.coverage),
            checkpoint: log.checkpoint().note,
        };
        Ok(Found { answer, rows, ended: ended(complete) })
    };
    asking.answer(&headers, work).await
}

/// Counts events.
#[utoipa::path(get, path = "/v1/events/count", operation_id = "count_events", params(Asked), responses((status = 200, body = Count)), tag = "log")]
pub async fn count(
    State(services): State<Arc<Services>>,
    caller: Caller,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let (asking, _) = begin("count", services, &caller, asked).await?;
    let work = async move |query: query::Query, question: Question| {
        let found = query.count(&question).await?;
        let answer = Count { events: found.events, coverage: covered(found.coverage) };
        Ok(Found { answer, rows: 0, ended: ended(found.coverage.complete) })
    };
    asking.answer(&headers, work).await
}

/// Counts events by interval, and by the values of a field.
#[utoipa::path(
    get,
    path = "/v1/events/histogram",
    operation_id = "read_histogram",
    params(Asked, WhichBars),
    responses((status = 200, body = Histogram)),
    tag = "log"
)]
pub async fn histogram(
    State(services): State<Arc<Services>>,
    caller: Caller,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
    Query(which): Query<WhichBars>,
) -> Result<Response, Problem> {
    let (mut asking, zone) = begin("histogram", services, &caller, asked).await?;
    let wanted = Histogramming {
        cut: cut(&which.interval)?,
        zone,
        split: which.split.as_deref().map(field).transpose()?,
        series: which.series as usize,
    };
    asking.searched.limit = which.split.is_some().then_some(which.series.into());
    (asking.searched.field, asking.searched.interval) = (which.split, Some(which.interval));
    let work = async move |query: query::Query, question: Question| {
        let found = query.histogram(&question, &wanted).await?;
        let bar = |bar: query::Bar| HistogramBar {
            start: bar.start,
            end: bar.end,
            events: bar.events,
            split: bar.split,
            other: bar.other,
            without: bar.without,
        };
        let (rows, complete) = (found.bars.len(), found.coverage.complete);
        let answer = Histogram {
            interval: found.interval,
            series: found.series,
            bars: found.bars.into_iter().map(bar).collect(),
            events: found.events,
            since: question.since,
            until: question.until,
            coverage: covered(found.coverage),
        };
        Ok(Found { answer, rows, ended: ended(complete) })
    };
    asking.answer(&headers, work).await
}

/// Ranks the values of a field by the events that have them.
#[utoipa::path(
    get,
    path = "/v1/events/top",
    operation_id = "list_top_values",
    params(Asked, WhichField),
    responses((status = 200, body = Top)),
    tag = "log"
)]
pub async fn top(
    State(services): State<Arc<Services>>,
    caller: Caller,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
    Query(which): Query<WhichField>,
) -> Result<Response, Problem> {
    let (asking, _) = begin("top", services, &caller, asked).await?;
    ranked(asking, &headers, which, |found| Top {
        values: found
            .values
            .into_iter()
            .map(|one| TopValue { value: one.value, events: one.events })
            .collect(),
        other: found.other,
        without: found.without,
        distinct: found.distinct,
        events: found.events,
        coverage: covered(found.coverage),
    })
    .await
}

/// Lists values of a field, to complete what is being typed: the most frequent first.
#[utoipa::path(
    get,
    path = "/v1/events/values",
    operation_id = "list_values",
    params(Asked, WhichField),
    responses((status = 200, body = Values)),
    tag = "log"
)]
pub async fn values(
    State(services): State<Arc<Services>>,
    caller: Caller,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
    Query(which): Query<WhichField>,
) -> Result<Response, Problem> {
    let (asking, _) = begin("values", services, &caller, asked).await?;
    ranked(asking, &headers, which, |found| Values {
        values: found.values.into_iter().map(|one| one.value).collect(),
        distinct: found.distinct,
        coverage: covered(found.coverage),
    })
    .await
}

/// Ranks the values of a field and shows of the ranking what `show` takes.
async fn ranked<T: Serialize + Send + 'static>(
    mut asking: Asking,
    headers: &HeaderMap,
    which: WhichField,
    show: impl FnOnce(query::Top) -> T + Send + 'static,
) -> Result<Response, Problem> {
    let (limit, prefix) = (which.limit as usize, which.prefix.clone());
    let ranking = Ranking { field: field(&which.field)?, limit, prefix };
    let told = &mut asking.searched;
    (told.field, told.limit) = (Some(which.field), Some(which.limit.into()));
    told.prefix = Some(which.prefix).filter(|prefix| !prefix.is_empty());
    let work = async move |query: query::Query, question: Question| {
        let found = query.top(&question, &ranking).await?;
        let (rows, complete) = (found.values.len(), found.coverage.complete);
        Ok(Found { answer: show(found), rows, ended: ended(complete) })
    };
    asking.answer(headers, work).await
}

/// Returns an event and those that happened just before and after it, of those that the filter takes.
#[utoipa::path(
    get,
    path = "/v1/events/around",
    operation_id = "read_events_around",
    params(Asked, WhichEvent),
    responses((status = 200, body = Around)),
    tag = "log"
)]
pub async fn around(
    State(services): State<Arc<Services>>,
    caller: Caller,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
    Query(which): Query<WhichEvent>,
) -> Result<Response, Problem> {
    let (mut asking, _) = begin("around", services, &caller, asked).await?;
    let event = asked::which(&which.id)?;
    asking.question.limit = rows(which.limit)?;
    let told = &mut asking.searched;
    (told.field, told.limit) = (Some(event.to_string()), Some(asking.question.limit as u64));
    let work = async move |query: query::Query, question: Question| {
        let found = query.around(event, &question).await?.ok_or_else(|| no_such_event(event))?;
        let (rows, complete) = (found.before.len() + 1 + found.after.len(), found.coverage.complete);
        let answer = Around {
            before: found.before.into_iter().map(shown).collect(),
            event: shown(found.event),
            after: found.after.into_iter().map(shown).collect(),
            coverage: covered(found.coverage),
        };
        Ok(Found { answer, rows, ended: ended(complete) })
    };
    asking.answer(&headers, work).await
}

/// Makes a request a question of someone who may ask it; returns the zone in which its days begin too.
async fn begin(
    mode: &str,
    services: Arc<Services>,
    caller: &Caller,
    asked: Asked,
) -> Result<(Asking, TimeZone), Problem> {
    let permit = services.permit(caller, ApiResource::Log, Verb::Read).await?;
    let context = asked::context_in(&services, asked.zone.as_deref())?;
    let what =
        asked::Asked { filter: &asked.filter, since: asked.since.as_deref(), until: asked.until.as_deref() };
    let question =
        Question { budget: budget(asked.timeout)?, ..what.question(&services, &permit, &context)? };
    let mut searched = searched(mode, asked.filter, &question);
    searched.zone = asked.zone.and_then(|_| zone_name(&context.zone));
    Ok((Asking { services, permit: permit.into(), question, searched }, context.zone))
}

/// Reads how many seconds may be searched.
pub(super) fn budget(seconds: Option<u32>) -> Result<Duration, Problem> {
    match seconds {
        None => Ok(DEFAULT_BUDGET),
        Some(seconds) if (1..=MAX_SECONDS).contains(&seconds) => Ok(Duration::from_secs(seconds.into())),
        Some(seconds) => {
            let detail = format!("`timeout` is {seconds} s; a question may take 1 to {MAX_SECONDS} s");
            Err(Problem::bad_request("timeout", detail))
        }
    }
}

fn which_page(after: Option<&str>, before: Option<&str>) -> Result<Page, Problem> {
    match (after, before) {
        (None, None) => Ok(Page::First),
        (Some(after), None) => Ok(Page::After(cursor(after)?)),
        (None, Some(before)) => Ok(Page::Before(cursor(before)?)),
        (Some(_), Some(_)) => Err(Problem::bad_request(
            "cursor",
            "a page lies after one place or before one; leave one of the two out",
        )),
    }
}

fn cut(text: &str) -> Result<Cut, Problem> {
    if let Ok(bars) = text.parse::<u16>() {
        return Ok(Cut::About(bars.max(1).into()));
    }
    text.parse().map(Cut::Every).map_err(|error: event::interval::IntervalError| {
        Problem::bad_request("interval", format!("`{text}` is {error}"))
    })
}

fn field(name: &str) -> Result<FieldPath, Problem> {
    FieldPath::parse(name).map_err(|error| Problem::bad_request("field", error.to_string()))
}

/// Shows a row.
pub fn shown(row: Row) -> EventRow {
    EventRow { position: row.position, log_time: row.log_time, event: row.event }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Problem {
        match error {
            QueryError::TooManyGroups { .. } => Problem::bad_request("too_many_groups", error.to_string()),
            QueryError::OutOfTime => Problem::unavailable("out_of_time", error.to_string()),
            QueryError::Busy => Problem::unavailable("busy", error.to_string()),
            QueryError::Behind { .. } => Problem::unavailable("behind", error.to_string()),
            other => Problem::internal(&other),
        }
    }
}
