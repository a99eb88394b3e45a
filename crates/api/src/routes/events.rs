//! Events: live tail, one event, its proof. Each reading is an event first.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use access::{ApiPermit, ApiResource, LogScope, Verb};
use audit_log::proof::EventProof;
use axum::extract::State;
use axum::http::header;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use event::interval::zone_name;
use event::kinds::audit::{Proved, Searched};
use event::{Detail, Record};
use query::{Question, Row, Which};
use serde::Deserialize;
use tokio_stream::Stream;
use utoipa::IntoParams;

use crate::asked::{context_in, no_such_event, parse, scope, which};
use crate::caller::Caller;
use crate::download::{blocking, to_its_end};
use crate::extract::{Path, Query};
use crate::routes::answering::{Asking, Found, ended, searched};
use crate::routes::search::shown;
use crate::wire::EventRow;
use crate::{Problem, Services};

/// What is followed.
#[derive(Deserialize, IntoParams)]
pub struct Tail {
    /// Filter in the language of docs/filter.md; everything when empty.
    #[serde(default)]
    filter: String,
    /// Zone in which dates of the filter are read, as for a search; UTC when absent.
    zone: Option<String>,
    /// Position to begin at; the log's end when absent.
    from: Option<u64>,
}

/// Follows the log: server-sent events, each with one event and its position as id.
#[utoipa::path(
    get,
    path = "/v1/events/stream",
    operation_id = "tail_events",
    params(Tail),
    responses((status = 200, content_type = "text/event-stream")),
    tag = "log"
)]
pub async fn tail(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Query(tail): Query<Tail>,
) -> Result<Sse<impl Stream<Item = Result<Message, Infallible>>>, Problem> {
    let permit = services.permit(&caller, ApiResource::Log, Verb::Read).await?;
    let context = context_in(&services, tail.zone.as_deref())?;
    let filter = parse(&tail.filter, &context)?;
    let scope = scope(&services, &permit)?;
    let from = tail.from.unwrap_or_else(|| services.log.size());
    let searched = Searched {
        page: Some(format!("after {from}")),
        ended: "following".to_owned(),
        zone: tail.zone.and_then(|_| zone_name(&context.zone)),
        ..searched("tail", tail.filter, &Question::new(scope.clone()))
    };
    services.record(&permit, Detail::AuditSearched(searched)).await?;
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
#[utoipa::path(
    get,
    path = "/v1/events/{id}",
    operation_id = "read_event",
    params(("id" = String, Path, description = "the event's id, or its position in the log")),
    responses((status = 200, body = EventRow)),
    tag = "log"
)]
pub async fn show(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let permit = services.permit(&caller, ApiResource::Log, Verb::Read).await?;
    let which = which(&id)?;
    let question = Question::new(scope(&services, &permit)?);
    let searched = searched("show", which.to_string(), &question);
    let work = async move |query: query::Query, question: Question| {
        let found = query.find(which, &question.scope).await?;
        let answer = shown(found.ok_or_else(|| no_such_event(which))?);
        Ok(Found { answer, rows: 1, ended: ended(true) })
    };
    Asking { services, permit: permit.into(), question, searched }.answer_whole(work).await
}

/// Returns the proof of one event, to be checked offline with the log's public key.
#[utoipa::path(
    get,
    path = "/v1/events/{id}/proof",
    operation_id = "prove_event",
    params(("id" = String, Path, description = "the event's id, or its position in the log")),
    responses((status = 200, content_type = "application/json")),
    tag = "log"
)]
pub async fn prove(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let permit = services.permit(&caller, ApiResource::Proofs, Verb::Read).await?;
    let reading = services.permit(&caller, ApiResource::Log, Verb::Read).await?;
    let which = which(&id)?;
    let proof = to_its_end(async move {
        let scope = scope(&services, &reading)?;
        let row = match services.asking(&permit).find(which, &scope).await.map_err(Problem::from) {
            Ok(Some(row)) => row,
            other => {
                let problem = other.err().unwrap_or_else(|| no_such_event(which));
                let tried = searched("prove", which.to_string(), &Question::new(scope));
                let tried = Searched { ended: problem.code.clone(), ..tried };
                services.record_failed(&permit, Detail::AuditSearched(tried), &problem.code).await?;
                return Err(problem);
            }
        };
        proven(services, permit, which, row).await
    });
    Ok(([(header::CONTENT_TYPE, "application/json")], proof.await?).into_response())
}

/// Records that an event is proved, then proves it.
async fn proven(
    services: Arc<Services>,
    permit: ApiPermit,
    which: Which,
    row: Row,
) -> Result<String, Problem> {
    let id = match which {
        Which::Id(id) => id,
        Which::Position(_) => {
            Record::parse(row.event.get().as_bytes()).map_err(|error| Problem::internal(&error))?.id
        }
    };
    let position = row.position;
    let checkpoint =
        services.log.checkpoint_covering(position + 1).await.map_err(|error| Problem::internal(&error))?;
    let proved = Proved { event: id, position, tree_size: checkpoint.size };
    services.record(&permit, Detail::AuditProved(proved)).await?;
    let log = services.log.clone();
    blocking(move || {
        let failed = |error: audit_log::ReadError| Problem::internal(&error);
        let entries = log.read(position..position + 1).map_err(failed)?;
        let entry =
            entries.first().ok_or_else(|| Problem::inside("an entry that was found cannot be read"))?;
        let inclusion = log.prove(position, checkpoint.size).map_err(failed)?;
        let proof = EventProof::new(entry, &inclusion, &checkpoint);
        Ok(proof.ok_or_else(|| Problem::inside("an entry that was found has no leaf"))?.to_json())
    })
    .await
}
