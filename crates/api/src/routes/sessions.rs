//! Sessions, live and past.

use std::sync::Arc;
use std::time::Duration;

use access::{ApiPermit, ApiResource, Verb};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use event::SessionId;
use event::interval::zone_name;
use event::kinds::audit::Searched;
use gateway::LiveSession;
use query::{Order, Page, Question, SessionPage, SessionSummary};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::asked::{Asked, context_in, cursor, rows, scope};
use crate::caller::Caller;
use crate::extract::{Path, Query};
use crate::routes::answering::{Asking, Found, covered, ended, searched};
use crate::wire::{Session, Sessions};
use crate::{Problem, Services};

/// How far the clock may have gone back between the making of a session's id and its first event.
const CLOCK_SLACK: Duration = Duration::from_secs(3600);

/// Which sessions.
#[derive(Deserialize, IntoParams)]
pub struct Which {
    /// Only sessions that are open now.
    #[serde(default)]
    live: bool,
    /// Filter on the session's start.
    #[serde(default)]
    filter: String,
    /// Only sessions that began at this time or later.
    since: Option<String>,
    /// Only sessions that began before this time.
    until: Option<String>,
    /// Zone in which dates are read, as for a search; UTC when absent.
    zone: Option<String>,
    /// Sessions of a page; 1000 at most.
    #[serde(default = "page")]
    limit: u32,
    /// Where the page before ended.
    cursor: Option<String>,
}

fn page() -> u32 {
    50
}

/// Lists sessions, newest first.
#[utoipa::path(
    get,
    path = "/v1/sessions",
    operation_id = "list_sessions",
    params(Which),
    responses((status = 200, body = Sessions)),
    tag = "sessions"
)]
pub async fn list(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    let permit = services.permit(&caller, ApiResource::Sessions, Verb::List).await?;
    let asked = Asked { filter: &which.filter, since: which.since.as_deref(), until: which.until.as_deref() };
    let context = context_in(&services, which.zone.as_deref())?;
    let question = Question {
        order: Order::NewestFirst,
        limit: rows(which.limit)?,
        page: which.cursor.as_deref().map(cursor).transpose()?.map_or(Page::First, Page::After),
        ..asked.question(&services, &permit, &context)?
    };
    let searched = Searched {
        limit: Some(question.limit as u64),
        zone: which.zone.and_then(|_| zone_name(&context.zone)),
        page: which.cursor.map(|place| format!("after {place}")),
        ..searched("sessions", which.filter, &question)
    };
    let inside = services.clone();
    let work = async move |query: query::Query, question: Question| {
        let page = match which.live {
            true => live(&inside, &query, question).await?,
            false => query.sessions(&question).await?,
        };
        let sessions: Vec<Session> =
            page.sessions.into_iter().map(|summary| shown(&inside, summary)).collect();
        let (rows, complete) = (sessions.len(), page.coverage.complete);
        let next = page.next.map(|cursor| cursor.to_string());
        Ok(Found {
            answer: Sessions { sessions, next, coverage: covered(page.coverage) },
            rows,
            ended: ended(complete),
        })
    };
    Asking { services, permit: permit.into(), question, searched }.answer_whole(work).await
}

/// Finds the sessions of a question that are open: goes on to further pages until one is full, and not back behind the
/// first that is open.
async fn live(
    services: &Services,
    query: &query::Query,
    mut question: Question,
) -> Result<SessionPage, Problem> {
    let open = services.gateway.sessions().list();
    // Where none is open there is nothing to look for; the search still says what there was to search.
    let first = open.first().and_then(|session| session.id.time()).unwrap_or_else(|| services.ambient.now());
    question.since = question.since.max(Some(first.minus(CLOCK_SLACK)));
    let mut found = Vec::new();
    loop {
        let mut page = query.sessions(&question).await?;
        let is_open = |summary: &SessionSummary| open.iter().any(|session| session.id == summary.id);
        found.extend(page.sessions.into_iter().filter(is_open));
        if found.len() > question.limit {
            found.truncate(question.limit);
            page.next = found.last().map(SessionSummary::cursor);
        }
        match page.next.filter(|_| page.coverage.complete && found.len() < question.limit) {
            Some(next) => question.page = Page::After(next),
            None => return Ok(SessionPage { sessions: found, ..page }),
        }
    }
}

/// Returns one session.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}",
    operation_id = "read_session",
    params(("id" = String, Path)),
    responses((status = 200, body = Session)),
    tag = "sessions"
)]
pub async fn read(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<Response, Problem> {
    let permit = services.permit(&caller, ApiResource::Sessions, Verb::Read).await?;
    let question = Question::about_session(id, scope(&services, &permit)?);
    let searched = searched("sessions", format!("session: {id}"), &question);
    let inside = services.clone();
    let work = async move |query: query::Query, question: Question| {
        let summary = query.session(id, &question.scope).await?.ok_or_else(|| {
            Problem::not_found(format!("there is no session {id}, or none that you may see"))
        })?;
        Ok(Found { answer: shown(&inside, summary), rows: 1, ended: ended(true) })
    };
    Asking { services, permit: permit.into(), question, searched }.answer_whole(work).await
}

/// Why a session is cut.
#[derive(Deserialize, IntoParams)]
pub struct Killing {
    /// A sentence for the person whose session it is, and for the log; at most 500 characters.
    #[serde(default)]
    reason: String,
}

/// The longest reason, in characters.
const LONGEST_REASON: usize = 500;

/// Cuts a live session.
#[utoipa::path(
    delete,
    path = "/v1/sessions/{id}",
    operation_id = "kill_session",
    params(("id" = String, Path), Killing),
    responses((status = 204), (status = 404, body = Problem)),
    tag = "sessions"
)]
pub async fn kill(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(id): Path<SessionId>,
    Query(Killing { reason }): Query<Killing>,
) -> Result<StatusCode, Problem> {
    let permit = services.permit(&caller, ApiResource::Sessions, Verb::Kill).await?;
    // It is shown on the person's terminal.
    if reason.chars().count() > LONGEST_REASON || reason.chars().any(char::is_control) {
        let detail = format!("a reason has at most {LONGEST_REASON} characters, and no control characters");
        return Err(Problem::bad_request("reason", detail));
    }
    let mut why = format!("cut by {}", permit.actor().user);
    if !reason.trim().is_empty() {
        why = format!("{why}: {}", reason.trim());
    }
    if !services.gateway.sessions().kill(id, permit.actor().clone(), &why) {
        return Err(Problem::not_found(format!("no session {id} is open now")));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Finds a session that the permit's holder may see.
pub async fn find(
    services: &Services,
    permit: &ApiPermit,
    id: SessionId,
) -> Result<Option<SessionSummary>, Problem> {
    Ok(services.asking(permit).session(id, &scope(services, permit)?).await?)
}

/// Joins what the log says of a session with what the gate knows while it is open.
fn shown(services: &Services, summary: SessionSummary) -> Session {
    let live = services.gateway.sessions().find(summary.id);
    let end = summary.end.as_ref();
    let moved = |count: fn(&LiveSession) -> u64, ended: Option<u64>| {
        live.as_deref().map(count).or(ended).unwrap_or(0)
    };
    Session {
        id: summary.id.to_string(),
        user: summary.user,
        target: summary.target,
        login: summary.login,
        started: summary.started,
        ended: end.map(|end| end.ended),
        bytes_in: moved(LiveSession::bytes_in, end.and_then(|end| end.bytes_in)),
        bytes_out: moved(LiveSession::bytes_out, end.and_then(|end| end.bytes_out)),
        ended_by: end.map(|end| end.ended_by.clone()),
        recording_root: summary.recording_root,
        origin: live.and_then(|live| live.origin.as_ref().map(|origin| origin.ip.to_string())),
    }
}
