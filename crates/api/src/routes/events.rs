//! Events: live tail, one event, its proof. Each reading is an event first.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use access::{ApiPermit, ApiResource, Verb};
use audit_log::proof::EventProof;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use event::filter::{Filter, FilterContext};
use event::kinds::audit::{Proved, Searched};
use event::{Detail, Event, EventId, Timestamp};
use query::{Row, Scope};
use serde::Deserialize;
use tokio_stream::Stream;
use utoipa::IntoParams;

use crate::caller::Caller;
use crate::extract::{Path, Query};
use crate::routes::recordings::blocking;
use crate::routes::search::shown;
use crate::wire::EventRow;
use crate::{Problem, Services};

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
    let searched = Searched {
        filter: tail.filter,
        since: None,
        until: None,
        rows: None,
        mode: "tail".to_owned(),
        field: None,
    };
    record(&services, &permit, Detail::AuditSearched(searched)).await?;
    let from = tail.from.unwrap_or_else(|| services.log.size());
    let following = Following {
        tail: services.query.tail(filter, scope, from),
        waiting: VecDeque::new(),
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
    services: Arc<Services>,
    caller: Caller,
}

/// How often a quiet stream looks whether its reader may still read.
const RECHECK: Duration = Duration::from_secs(1);

impl Following {
    /// Waits for the next event; `None` once the reader may no longer read, or the log is closed.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if !self.may_read() {
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

    /// Whoever is locked, signed out or expired stops seeing events, however long the stream has been open.
    fn may_read(&self) -> bool {
        let who = &self.caller.who;
        let stands = self.services.identity.login_stands(who.user(), who.login());
        stands
            && who.expires() > self.services.ambient.now()
            && self.services.may(&self.caller, ApiResource::Log, Verb::Read)
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
    let searched = Searched {
        filter: format!("id: {id}"),
        since: None,
        until: None,
        rows,
        mode: "show".to_owned(),
        field: None,
    };
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
            entries.first().ok_or_else(|| Problem::internal(&"an entry that was found cannot be read"))?;
        let inclusion = log.prove(position, checkpoint.size).map_err(failed)?;
        let proof = EventProof::new(entry, &inclusion, &checkpoint);
        Ok(proof.ok_or_else(|| Problem::internal(&"an entry that was found has no leaf"))?.to_json())
    });
    Ok(([(header::CONTENT_TYPE, "application/json")], proof.await?).into_response())
}

/// The rows that the permit's holder may see.
pub fn scope(services: &Services, permit: &ApiPermit) -> Result<Scope, Problem> {
    match permit.log_scope() {
        None => Ok(Scope::everything()),
        // A scope that cannot be read shows nothing: it was checked when its role was applied.
        Some(filter) => Ok(Scope::only(
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

/// Reads a time as people write it.
pub fn instant(services: &Services, text: &str) -> Result<Timestamp, Problem> {
    event::filter::parse_time(text, &context(services)).ok_or_else(|| {
        let detail = format!("`{text}` is no time; write 2026-01-31, 2026-01-31T08:00:00Z, or now-24h");
        Problem::bad_request("time", detail)
    })
}

fn no_such_event(id: EventId) -> Problem {
    Problem::not_found(format!("there is no event {id}, or none that you may see"))
}

async fn record(services: &Services, permit: &ApiPermit, detail: Detail) -> Result<(), Problem> {
    let event = Event::new(&services.ambient, permit.actor().clone(), detail)
        .from_origin(permit.origin().cloned())
        .under(permit.policy().clone());
    services.log.append(&event).await?;
    Ok(())
}
