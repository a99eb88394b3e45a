//! Events: search, live tail, one event, its proof. Each reading is an event first.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use access::{ApiPermit, ApiResource, LogScope, Verb};
use audit_log::proof::EventProof;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use event::filter::{Filter, FilterContext};
use event::kinds::audit::{Proved, Searched};
use event::{Detail, EventId, Timestamp};
use query::{CursorError, DEFAULT_BUDGET, Order, QueryError, Question, Row, Scope};
use serde::Deserialize;
use tokio_stream::Stream;
use utoipa::IntoParams;

use crate::caller::Caller;
use crate::download::blocking;
use crate::extract::{Path, Query};
use crate::wire::{Coverage, EventRow, Events};
use crate::{Problem, Services};

/// The most rows of one page.
const MAX_ROWS: u32 = 1000;

/// What is asked.
#[derive(Deserialize, IntoParams)]
pub struct Search {
    /// Filter in the language of docs/filter.md; everything when empty.
    #[serde(default)]
    filter: String,
    /// Only events from this time on: RFC 3339, a date, or like `now-24h`.
    since: Option<String>,
    /// Only events before this time.
    until: Option<String>,
    /// `newest` (first, the default) or `oldest`.
    #[serde(default)]
    order: WhichFirst,
    /// Rows of a page; 1000 at most.
    #[serde(default = "page")]
    limit: u32,
    /// Where the page before ended.
    cursor: Option<String>,
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

fn page() -> u32 {
    100
}

/// Searches the log.
#[utoipa::path(get, path = "/v1/events", params(Search), responses((status = 200, body = Events)), tag = "log")]
pub async fn search(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Query(search): Query<Search>,
) -> Result<Json<Events>, Problem> {
    let permit = services.permit(&caller, ApiResource::Log, Verb::Read).await?;
    let question = question(&services, &search, scope(&services, &permit)?)?;
    let answer = services.query.search(&question).await?;
    let searched = Searched {
        filter: search.filter,
        since: question.since,
        until: question.until,
        rows: Some(answer.rows.len() as u64),
        mode: "search".to_owned(),
    };
    record(&services, &permit, Detail::AuditSearched(searched)).await?;
    Ok(Json(Events {
        events: answer.rows.into_iter().map(shown).collect(),
        next: answer.next.map(|cursor| cursor.to_string()),
        coverage: Coverage {
            from: answer.coverage.from,
            to: answer.coverage.to,
            size: answer.coverage.size,
            complete: answer.coverage.complete,
        },
        checkpoint: services.log.checkpoint().note,
    }))
}

/// What is followed.
#[derive(Deserialize, IntoParams)]
pub struct Tail {
    /// Filter in the language of docs/filter.md; everything when empty.
    #[serde(default)]
    filter: String,
    /// Position to begin at; the log's end when absent.
    from: Option<u64>,
}

/// Follows the log: server-sent events, each with one event and its position as id.
#[utoipa::path(get, path = "/v1/events/stream", params(Tail), responses((status = 200, content_type = "text/event-stream")), tag = "log")]
pub async fn tail(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Query(tail): Query<Tail>,
) -> Result<Sse<impl Stream<Item = Result<Message, Infallible>>>, Problem> {
    let permit = services.permit(&caller, ApiResource::Log, Verb::Read).await?;
    let filter = parse(&services, &tail.filter)?;
    let scope = scope(&services, &permit)?;
    let searched =
        Searched { filter: tail.filter, since: None, until: None, rows: None, mode: "tail".to_owned() };
    record(&services, &permit, Detail::AuditSearched(searched)).await?;
    let from = tail.from.unwrap_or_else(|| services.log.size());
    let following = Following {
        tail: services.query.tail(filter, scope, from),
        waiting: VecDeque::new(),
        scope: permit.log_scope().clone(),
        services,
        caller,
    };
    let rows = futures::stream::unfold(following, |mut following| async move {
        let message = following.next().await?;
        Some((Ok(message), following))
    });
    Ok(Sse::new(rows).keep_alive(KeepAlive::default()))
}

/// A reader who follows the log.
struct Following {
    tail: query::Tail,
    waiting: VecDeque<Row>,
    /// What the reader might read when the stream began, which is what the tail shows.
    scope: LogScope,
    services: Arc<Services>,
    caller: Caller,
}

/// How often a quiet stream looks whether its reader may still read.
const RECHECK: Duration = Duration::from_secs(1);

impl Following {
    /// Waits for the next event; `None` once the reader may no longer read, or the log is closed.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if !self.still_holds() {
                return None;
            }
            if let Some(row) = self.waiting.pop_front() {
                let id = row.position.to_string();
                return Some(Message::default().id(id).data(serde_json::to_string(&shown(row)).ok()?));
            }
            match tokio::time::timeout(RECHECK, self.tail.next()).await {
                Err(_) => {}
                Ok(Ok(rows)) => self.waiting.extend(rows),
                Ok(Err(error)) => {
                    tracing::info!(%error, "a live tail ended");
                    return None;
                }
            }
        }
    }

    /// A server that goes down waits for nobody who follows.
    /// Whoever is locked, signed out, expired or given other roles stops seeing what they saw before, however long the
    /// stream has been open. Who may read more now asks anew.
    fn still_holds(&self) -> bool {
        !self.services.gateway.is_closing()
            && self.services.access.log_scope_now(&self.caller.who) == self.scope
    }
}

/// Returns one event.
#[utoipa::path(get, path = "/v1/events/{id}", params(("id" = String, Path)), responses((status = 200, body = EventRow)), tag = "log")]
pub async fn show(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(id): Path<EventId>,
) -> Result<Json<EventRow>, Problem> {
    let permit = services.permit(&caller, ApiResource::Log, Verb::Read).await?;
    let found = services.query.find(id, &scope(&services, &permit)?).await?;
    let rows = Some(u64::from(found.is_some()));
    let searched =
        Searched { filter: format!("id: {id}"), since: None, until: None, rows, mode: "show".to_owned() };
    record(&services, &permit, Detail::AuditSearched(searched)).await?;
    found.map(shown).map(Json).ok_or_else(|| no_such_event(id))
}

/// Returns the proof of one event, to be checked offline with the log's public key.
#[utoipa::path(get, path = "/v1/events/{id}/proof", params(("id" = String, Path)), responses((status = 200, content_type = "application/json")), tag = "log")]
pub async fn prove(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(id): Path<EventId>,
) -> Result<Response, Problem> {
    let permit = services.permit(&caller, ApiResource::Proofs, Verb::Read).await?;
    let reading = services.permit(&caller, ApiResource::Log, Verb::Read).await?;
    let found = services.query.find(id, &scope(&services, &reading)?).await?;
    let row = found.ok_or_else(|| no_such_event(id))?;
    let position = row.position;
    let checkpoint =
        services.log.checkpoint_covering(position + 1).await.map_err(|error| Problem::internal(&error))?;
    record(
        &services,
        &permit,
        Detail::AuditProved(Proved { event: id, position, tree_size: checkpoint.size }),
    )
    .await?;
    let log = services.log.clone();
    let proof = blocking(move || {
        let failed = |error: audit_log::ReadError| Problem::internal(&error);
        let entries = log.read(position..position + 1).map_err(failed)?;
        let entry =
            entries.first().ok_or_else(|| Problem::inside("an entry that was found cannot be read"))?;
        let inclusion = log.prove(position, checkpoint.size).map_err(failed)?;
        let proof = EventProof::new(entry, &inclusion, &checkpoint);
        Ok(proof.ok_or_else(|| Problem::inside("an entry that was found has no leaf"))?.to_json())
    });
    Ok(([(header::CONTENT_TYPE, "application/json")], proof.await?).into_response())
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
pub fn parse(services: &Services, filter: &str) -> Result<Filter, Problem> {
    Filter::parse(filter, &context(services)).map_err(|error| Problem::bad_request("filter", error.render()))
}

fn context(services: &Services) -> FilterContext {
    FilterContext::utc(services.ambient.now())
}

fn question(services: &Services, search: &Search, scope: Scope) -> Result<Question, Problem> {
    let cursor = search.cursor.as_deref().map(str::parse).transpose();
    let (since, until) = range(services, search.since.as_deref(), search.until.as_deref())?;
    Ok(Question {
        filter: parse(services, &search.filter)?,
        scope,
        since,
        until,
        order: match search.order {
            WhichFirst::Newest => Order::NewestFirst,
            WhichFirst::Oldest => Order::OldestFirst,
        },
        limit: rows(search.limit)?,
        cursor: cursor.map_err(|error: CursorError| Problem::bad_request("cursor", error.to_string()))?,
        budget: DEFAULT_BUDGET,
    })
}

/// Reads how many rows a page shall have; more than a page takes means a full page.
pub fn rows(limit: u32) -> Result<usize, Problem> {
    if limit == 0 {
        let detail = format!("`limit` is 0, so nothing could be answered; it takes 1 to {MAX_ROWS}");
        return Err(Problem::bad_request("limit", detail));
    }
    Ok(limit.min(MAX_ROWS) as usize)
}

/// Reads from when on and until when; a range that nothing can lie in is refused.
pub fn range(
    services: &Services,
    since: Option<&str>,
    until: Option<&str>,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
    let since = since.map(|text| instant(services, text)).transpose()?;
    let until = until.map(|text| instant(services, text)).transpose()?;
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        let detail = format!("`since` ({since}) is not before `until` ({until}), so nothing can lie between");
        return Err(Problem::bad_request("time", detail));
    }
    Ok((since, until))
}

/// Reads a time as people write it.
fn instant(services: &Services, text: &str) -> Result<Timestamp, Problem> {
    event::filter::parse_time(text, &context(services)).ok_or_else(|| {
        let detail = format!(
            "`{text}` is no time before 9999-12-31; write 2026-01-31, 2026-01-31T08:00:00Z, or now-24h"
        );
        Problem::bad_request("time", detail)
    })
}

fn shown(row: Row) -> EventRow {
    EventRow { position: row.position, log_time: row.time, event: row.event }
}

fn no_such_event(id: EventId) -> Problem {
    Problem::not_found(format!("there is no event {id}, or none that you may see"))
}

async fn record(services: &Services, permit: &ApiPermit, detail: Detail) -> Result<(), Problem> {
    let event = permit.author().event(&services.ambient, detail);
    services.log.append(&event).await?;
    Ok(())
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Problem {
        Problem::internal(&error)
    }
}
