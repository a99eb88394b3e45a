//! What callers ask of the log: filters, spans of time, rows, places to go on at; and the part of it that they may see.
//!
//! The invariant: every question is put together here or from what is here, so none lacks its reader's scope, and what
//! cannot be meant is refused in the same words everywhere.

use access::{ApiPermit, LogScope};
use event::Timestamp;
use event::filter::{Filter, FilterContext, parse_time, suggest_time};
use event::interval::{TimeZone, parse_zone};
use query::{Cursor, CursorError, Question, Scope, Which, WhichError};

use crate::{Problem, Services};

/// The most rows of one page.
pub const MAX_ROWS: u32 = 1000;

/// What every question has, as it is written in a request.
pub struct Asked<'a> {
    /// Filter in the language of docs/filter.md.
    pub filter: &'a str,
    /// Only events from this time on.
    pub since: Option<&'a str>,
    /// Only events before this time.
    pub until: Option<&'a str>,
}

impl Asked<'_> {
    /// Makes it a question within the scope of the permit's holder, or says what is wrong with it.
    pub fn question(
        &self,
        services: &Services,
        permit: &ApiPermit,
        context: &FilterContext,
    ) -> Result<Question, Problem> {
        let filter = parse(self.filter, context)?;
        let (since, until) = span(self.since, self.until, context)?;
        Ok(Question { filter, since, until, ..Question::new(scope(services, permit)?) })
    }
}

/// In which dates are read where a request names no zone.
fn context(services: &Services) -> FilterContext {
    FilterContext::utc(services.ambient.now())
}

/// In which dates are read where a request may name a zone: of several, parted by commas, the first that this server knows.
pub fn context_in(services: &Services, zone: Option<&str>) -> Result<FilterContext, Problem> {
    Ok(FilterContext { now: services.ambient.now(), zone: self::zone(zone)? })
}

/// Reads a zone; UTC where none is named.
pub fn zone(text: Option<&str>) -> Result<TimeZone, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(TimeZone::UTC) };
    let known = text.split(',').find_map(|one| parse_zone(one.trim()).ok());
    known.ok_or_else(|| Problem::bad_request("zone", format!("`{text}` is {}", event::interval::ZoneError)))
}

/// The rows that the permit's holder may see.
pub fn scope(services: &Services, permit: &ApiPermit) -> Result<Scope, Problem> {
    match permit.log_scope() {
        LogScope::Everything => Ok(Scope::everything()),
        LogScope::Nothing => Ok(Scope::any_of(Vec::new())),
        // A scope that cannot be read shows nothing: it was checked when its role was applied.
        LogScope::Matching(filter) => Ok(Scope::only(
            Filter::parse(filter, &context(services)).map_err(|error| Problem::internal(&error))?,
        )),
    }
}

/// Reads a filter, or says where it is wrong.
pub fn parse(filter: &str, context: &FilterContext) -> Result<Filter, Problem> {
    Filter::parse(filter, context).map_err(|error| Problem::bad_request("filter", error.render()))
}

/// Reads how many rows a page shall have; more than a page takes means a full page.
pub fn rows(limit: u32) -> Result<usize, Problem> {
    if limit == 0 {
        let detail = format!("`limit` is 0, so nothing could be answered; it takes 1 to {MAX_ROWS}");
        return Err(Problem::bad_request("limit", detail));
    }
    Ok(limit.min(MAX_ROWS) as usize)
}

/// Reads the place at which the answer before ended.
pub fn cursor(text: &str) -> Result<Cursor, Problem> {
    text.parse().map_err(|error: CursorError| Problem::bad_request("cursor", error.to_string()))
}

/// Reads which event is meant.
pub fn which(text: &str) -> Result<Which, Problem> {
    text.parse().map_err(|error: WhichError| {
        let shown: String = text.chars().take(80).collect();
        Problem::bad_request("event", format!("`{shown}` is {error}"))
    })
}

/// Says that the event is not there, or hidden.
pub fn no_such_event(which: Which) -> Problem {
    Problem::not_found(format!("there is no event with {which}, or none that you may see"))
}

/// Reads from when on and until when; a span that nothing can lie in is refused.
fn span(
    since: Option<&str>,
    until: Option<&str>,
    context: &FilterContext,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
    let since = since.map(|text| instant(text, context)).transpose()?;
    let until = until.map(|text| instant(text, context)).transpose()?;
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        let detail = format!("`since` ({since}) is not before `until` ({until}), so nothing can lie between");
        return Err(Problem::bad_request("time", detail));
    }
    Ok((since, until))
}

/// Reads a time as people write it.
fn instant(text: &str, context: &FilterContext) -> Result<Timestamp, Problem> {
    parse_time(text, context).ok_or_else(|| {
        let shown: String = text.chars().take(80).collect();
        let meant = suggest_time(text).map_or(String::new(), |meant| format!("; did you mean {meant}"));
        let detail = format!(
            "`{shown}` is no time before 9999-12-31; write 2026-01-31, 2026-01-31T08:00:00Z, now-24h, or now/d for today{meant}"
        );
        Problem::bad_request("time", detail)
    })
}
