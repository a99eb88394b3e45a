//! Sessions, live and past.

use std::sync::Arc;
use std::time::Duration;

use access::{ApiPermit, ApiResource, Verb};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use event::filter::{Filter, FilterContext};
use event::kinds::audit::Searched;
use event::{Detail, SessionId};
use gateway::LiveSession;
use query::{Cursor, Order, Page, Question, SessionSummary};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::asked::{Asked, context, cursor, rows, scope};
use crate::caller::Caller;
use crate::extract::{Path, Query};
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
#[utoipa::path(get, path = "/v1/sessions", params(Which), responses((status = 200, body = Sessions)), tag = "sessions")]
pub async fn list(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Query(which): Query<Which>,
) -> Result<Json<Sessions>, Problem> {
    let permit = services.permit(&caller, ApiResource::Sessions, Verb::List).await?;
    let asked = Asked { filter: &which.filter, since: which.since.as_deref(), until: which.until.as_deref() };
    let question = Question {
        order: Order::NewestFirst,
        limit: rows(which.limit)?,
        page: which.cursor.as_deref().map(cursor).transpose()?.map_or(Page::First, Page::After),
        ..asked.question(&services, &permit, &context(&services))?
    };
    let (found, next) = match which.live {
        true => live(&services, &question).await?,
        false => {
            let page = services.query.sessions(&question).await?;
            (page.sessions, page.next)
        }
    };
    let sessions: Vec<Session> = found.into_iter().map(|summary| shown(&services, summary)).collect();
    let next = next.map(|cursor| cursor.to_string());
    services.record(&permit, searched(which.filter, &question, sessions.len())).await?;
    Ok(Json(Sessions { sessions, next }))
}

/// Finds the sessions of a question that are open: goes on to further pages until one is full, and not back behind the
/// first that is open.
async fn live(
    services: &Services,
    question: &Question,
) -> Result<(Vec<SessionSummary>, Option<Cursor>), Problem> {
    let open = services.gateway.sessions().list();
    let Some(first) = open.first().and_then(|session| session.id.time()) else {
        return Ok((Vec::new(), None));
    };
    let (mut found, mut question) = (Vec::new(), question.clone());
    question.since = question.since.max(Some(first.minus(CLOCK_SLACK)));
    loop {
        let page = services.query.sessions(&question).await?;
        let is_open = |summary: &SessionSummary| open.iter().any(|session| session.id == summary.id);
        found.extend(page.sessions.into_iter().filter(is_open));
        if found.len() >= question.limit {
            found.truncate(question.limit);
            let next = found.last().map(SessionSummary::cursor);
            return Ok((found, next));
        }
        match page.next.filter(|_| page.coverage.complete) {
            Some(next) => question.page = Page::After(next),
            None => return Ok((found, None)),
        }
    }
}

/// Returns one session.
#[utoipa::path(get, path = "/v1/sessions/{id}", params(("id" = String, Path)), responses((status = 200, body = Session)), tag = "sessions")]
pub async fn read(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<Json<Session>, Problem> {
    let permit = services.permit(&caller, ApiResource::Sessions, Verb::Read).await?;
    let found = find(&services, &permit, id).await?;
    let asked = Question::about_session(id, scope(&services, &permit)?);
    let rows = usize::from(found.is_some());
    services.record(&permit, searched(format!("session: {id}"), &asked, rows)).await?;
    let summary = found
        .ok_or_else(|| Problem::not_found(format!("there is no session {id}, or none that you may see")))?;
    Ok(Json(shown(&services, summary)))
}

/// Cuts a live session.
#[utoipa::path(delete, path = "/v1/sessions/{id}", params(("id" = String, Path)), responses((status = 204)), tag = "sessions")]
pub async fn kill(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, Problem> {
    let permit = services.permit(&caller, ApiResource::Sessions, Verb::Kill).await?;
    let why = format!("cut by {}", permit.actor().user);
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
    let filter = Filter::parse(&format!("session: {id}"), &FilterContext::utc(services.ambient.now()));
    let mut question = Question::about_session(id, scope(services, permit)?);
    question.filter = filter.map_err(|error| Problem::internal(&error))?;
    question.order = Order::NewestFirst;
    question.limit = 1;
    Ok(services.query.sessions(&question).await?.sessions.into_iter().next())
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

fn searched(filter: String, question: &Question, rows: usize) -> Detail {
    let (since, until, rows) = (question.since, question.until, Some(rows as u64));
    let mode = "sessions".to_owned();
    Detail::AuditSearched(Searched { filter, since, until, rows, mode, field: None })
}
