//! What terminals showed: searching the text of recordings. Whatever is shown of one is an event first.

use std::sync::{Arc, LazyLock};

use access::{ApiPermit, ApiResource, Verb};
use axum::extract::State;
use axum::response::Response;
use event::filter::{Filter, FilterContext};
use event::interval::zone_name;
use event::kinds::audit::Searched;
use event::kinds::recording::Viewed;
use event::{Detail, SessionId};
use query::{Order, Page, Places, Question, SessionPage, SessionSummary};
use recording::{Line, RecordingError};
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::IntoParams;

use crate::asked::{Asked, context_in, cursor, parse, rows};
use crate::caller::Caller;
use crate::download::blocking;
use crate::extract::Query;
use crate::routes::answering::{Asking, Found, covered, ended, searched};
use crate::wire::{ScreenLine, ScreenLines};
use crate::{Problem, Services};

/// The most lines that are shown of one session: the first ones.
const LINES_OF_A_SESSION: usize = 100;
/// Recordings that one answer looks into; a cursor leads to the rest.
const SESSIONS_OF_A_PAGE: usize = 200;

/// Recordings that are gone through at once.
static LOOKING: LazyLock<Arc<Places>> = LazyLock::new(|| Places::new(4));

/// What is looked for, and in which recordings.
#[derive(Deserialize, IntoParams)]
pub struct Search {
    /// Words, phrases in quotes, `and`, `or`, `not`: free text of the filter language; it is asked of each line.
    text: String,
    /// Only recordings of sessions whose start this filter takes.
    #[serde(default)]
    filter: String,
    /// Only sessions that began at this time or later.
    since: Option<String>,
    /// Only sessions that began before this time.
    until: Option<String>,
    /// Zone in which dates are read, as for a search; UTC when absent.
    zone: Option<String>,
    /// Lines of an answer; 1000 at most.
    #[serde(default = "page")]
    limit: u32,
    /// Where the answer before ended.
    cursor: Option<String>,
}

fn page() -> u32 {
    100
}

/// Searches what terminals showed and commands wrote, the newest session first. Sessions that still run are searched for whoever
/// may watch them.
#[utoipa::path(
    get,
    path = "/v1/recordings/search",
    operation_id = "search_recordings",
    params(Search),
    responses((status = 200, body = ScreenLines)),
    tag = "recordings"
)]
pub async fn search(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Query(search): Query<Search>,
) -> Result<Response, Problem> {
    let permit = Arc::new(services.permit(&caller, ApiResource::Recordings, Verb::Watch).await?);
    let context = context_in(&services, search.zone.as_deref())?;
    let text = parse(&search.text, &context)?;
    if text == Filter::everything() {
        return Err(Problem::bad_request("text", "say which words to look for"));
    }
    let question = question(&services, &permit, &search, &context)?;
    let limit = rows(search.limit)?;
    let searched = Searched {
        field: Some(search.filter).filter(|filter| !filter.is_empty()),
        limit: Some(limit as u64),
        zone: search.zone.and_then(|_| zone_name(&context.zone)),
        page: search.cursor.map(|place| format!("after {place}")),
        ..searched("recordings", search.text, &question)
    };
    let may_watch = services.may(&caller, ApiResource::Sessions, Verb::Watch);
    let (inside, viewer) = (services.clone(), permit.clone());
    let work = async move |query: query::Query, question: Question| {
        let end = Instant::now() + question.budget;
        let mut page = query.sessions(&question).await?;
        // What a session shows while it runs is for those who may watch it.
        page.sessions.retain(|session| may_watch || inside.gateway.sessions().find(session.id).is_none());
        let answer = look_into(&inside, &viewer, page, &Wanted { text, limit, end }).await?;
        let rows = answer.lines.len();
        let is_in_part = !answer.damaged.is_empty() || !answer.more_in.is_empty();
        let ended = match answer.coverage.complete {
            true if is_in_part => "in_part",
            complete => ended(complete),
        };
        Ok(Found { answer, rows, ended })
    };
    Asking { services, permit, question, searched }.answer_whole(work).await
}

/// What is looked for, and how far.
struct Wanted {
    text: Filter,
    /// Lines that are enough.
    limit: usize,
    /// When to stop looking.
    end: Instant,
}

/// Searches the recordings of sessions until there are enough lines, or no time.
async fn look_into(
    services: &Services,
    permit: &ApiPermit,
    page: SessionPage,
    wanted: &Wanted,
) -> Result<ScreenLines, Problem> {
    let mut answer = ScreenLines {
        lines: Vec::new(),
        sessions_searched: 0,
        damaged: Vec::new(),
        more_in: Vec::new(),
        next: page.next.map(|cursor| cursor.to_string()),
        coverage: covered(page.coverage),
    };
    let mut sessions = page.sessions.into_iter().peekable();
    while let Some(summary) = sessions.next() {
        answer.sessions_searched += 1;
        match lines_of(services, permit, summary.id, wanted.text.clone()).await? {
            Some(mut found) => {
                if found.len() > LINES_OF_A_SESSION {
                    found.truncate(LINES_OF_A_SESSION);
                    answer.more_in.push(summary.id.to_string());
                }
                record_viewing(services, permit, summary.id, &found).await?;
                answer.lines.extend(found.into_iter().map(|line| shown(&summary, line)));
            }
            None => answer.damaged.push(summary.id.to_string()),
        }
        let is_late = Instant::now() >= wanted.end;
        if (is_late || answer.lines.len() >= wanted.limit) && sessions.peek().is_some() {
            answer.next = Some(summary.cursor().to_string());
            answer.coverage.complete &= !is_late;
            break;
        }
    }
    Ok(answer)
}

fn question(
    services: &Services,
    permit: &ApiPermit,
    search: &Search,
    context: &FilterContext,
) -> Result<Question, Problem> {
    let asked =
        Asked { filter: &search.filter, since: search.since.as_deref(), until: search.until.as_deref() };
    Ok(Question {
        order: Order::NewestFirst,
        limit: SESSIONS_OF_A_PAGE,
        page: search.cursor.as_deref().map(cursor).transpose()?.map_or(Page::First, Page::After),
        ..asked.question(services, permit, context)?
    })
}

/// Finds the first lines of a session's recording that the filter takes, one more than are shown, and none where nothing was
/// recorded; `None` where the recording is damaged, which must not hide what the others hold.
async fn lines_of(
    services: &Services,
    permit: &ApiPermit,
    session: SessionId,
    text: Filter,
) -> Result<Option<Vec<Line>>, Problem> {
    let recordings = services.recordings.clone();
    // A recording is gone through from its beginning, by few readers at a time.
    let place = LOOKING.take(Some(&permit.actor().user)).await;
    blocking(move || {
        let _place = place;
        let mut lines = match recordings.search(session, &text, LINES_OF_A_SESSION + 1) {
            Ok(lines) => lines,
            Err(RecordingError::Missing(_)) => Vec::new(),
            Err(error) => {
                tracing::warn!(%session, %error, "a recording could not be searched");
                return Ok(None);
            }
        };
        lines.sort_by_key(|line| line.at);
        Ok(Some(lines))
    })
    .await
}

/// Seeing lines of a recording is viewing that part of it.
async fn record_viewing(
    services: &Services,
    permit: &ApiPermit,
    session: SessionId,
    lines: &[Line],
) -> Result<(), Problem> {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(()) };
    let millis = |line: &Line| u64::try_from(line.at.as_millis()).unwrap_or(u64::MAX);
    let viewed = Viewed {
        recording: session,
        from_ms: millis(first),
        to_ms: Some(millis(last)),
        format: "search".to_owned(),
    };
    services.record_of_session(permit, Detail::RecordingViewed(viewed), session).await
}

fn shown(summary: &SessionSummary, line: Line) -> ScreenLine {
    ScreenLine {
        session: summary.id.to_string(),
        user: summary.user.clone(),
        target: summary.target.clone(),
        login: summary.login.clone(),
        started: summary.started,
        at_ms: u64::try_from(line.at.as_millis()).unwrap_or(u64::MAX),
        channel: line.channel,
        text: line.text,
    }
}
