//! Looking on while a session runs: its recording, followed while it grows. A right of its own, and an event first.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use access::{ApiPermit, ApiResource, LogScope, Verb};
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use event::kinds::session::Watched;
use event::{Detail, SessionId};
use futures::stream::{self, Stream};
use gateway::LiveSession;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::caller::Caller;
use crate::download::{blocking, to_its_end};
use crate::extract::Path;
use crate::{Problem, Services};

/// Header of the answer that says whether the person whose session it is was told.
pub const TOLD: &str = "lodge-watched-told";

/// How often a session that is watched is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// Bytes that are handed to the watcher at once.
const CHUNK: usize = 64 << 10;
/// Sessions that may be watched at once.
const MOST: usize = 256;

static ROOM: Semaphore = Semaphore::const_new(MOST);

/// Follows the recording of a live session from its beginning until its seal, as its file has it.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/watch",
    operation_id = "watch_session",
    params(("id" = String, Path)),
    responses(
        (status = 200, content_type = "application/octet-stream"),
        (status = 404, body = Problem),
        (status = 409, body = Problem)
    ),
    tag = "sessions"
)]
pub async fn watch(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<Response, Problem> {
    let permit = services.permit(&caller, ApiResource::Sessions, Verb::Watch).await?;
    let place = ROOM.try_acquire().map_err(|_| {
        let detail = format!("{MOST} sessions are being watched, which is the most; try again later");
        Problem::unavailable("too_many_watchers", detail)
    })?;
    let (inside, scope) = (services.clone(), permit.log_scope().clone());
    let (file, told) = to_its_end(async move { open(&inside, &permit, id).await }).await?;
    let following = Following { file, id, services, caller, scope, _place: place };
    let told = if told { "true" } else { "false" };
    let headers = [(header::CONTENT_TYPE.as_str(), "application/octet-stream"), (TOLD, told)];
    Ok((headers, Body::from_stream(following.chunks())).into_response())
}

/// Opens the recording of a live session that the permit's holder may see, and records that it is watched, or was to be. Returns
/// whether the session's person was told, too.
async fn open(services: &Services, permit: &ApiPermit, id: SessionId) -> Result<(File, bool), Problem> {
    let found = async {
        let seen = super::sessions::find(services, permit, id).await?;
        let live = seen.and_then(|_| services.gateway.sessions().find(id)).ok_or_else(|| {
            let detail = format!("no session {id} that you may see is open now; its recording can be played");
            Problem::not_found(detail)
        })?;
        if !services.recordings.exists(id) {
            let detail = format!("session {id} is not recorded, so there is nothing to watch");
            return Err(Problem::conflict("not_recorded", detail));
        }
        let recordings = services.recordings.clone();
        let file = blocking(move || Ok(recordings.file(id)?)).await?;
        Ok((file, live))
    };
    match found.await {
        Ok((file, live)) => Ok((file, begin(services, permit, &live).await?)),
        Err(problem) => {
            let tried = Detail::SessionWatched(Watched { told: false });
            services.record_failed(permit, tried, &problem.code).await?;
            Err(problem)
        }
    }
}

/// Records that the permit's holder watches a session, and then tells the session's person where their role wants it. Returns
/// whether they were told.
pub async fn begin(services: &Services, permit: &ApiPermit, live: &LiveSession) -> Result<bool, Problem> {
    let told = live.announces_watching();
    services.record_of_session(permit, Detail::SessionWatched(Watched { told }), live.id).await?;
    live.announce_watching(&permit.actor().user);
    Ok(told)
}

/// A recording that grows, and who watches it.
struct Following {
    file: File,
    id: SessionId,
    services: Arc<Services>,
    caller: Caller,
    /// What of the log the watcher might read when the watching began.
    scope: LogScope,
    _place: SemaphorePermit<'static>,
}

impl Following {
    fn chunks(self) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static {
        stream::unfold(Some(self), |following| async move {
            let mut following = following?;
            match following.next().await {
                Ok(None) => None,
                Ok(Some(bytes)) => Some((Ok(bytes), Some(following))),
                // An end without an error would pass for the end of the session.
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    /// Waits for more; `None` once the session has ended and all of it was handed on.
    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if !self.still_holds() {
                return Err(io::Error::other("the right to watch this session has ended"));
            }
            // Asked before reading: what was written before the end is then read.
            let is_live = self.services.gateway.sessions().find(self.id).is_some();
            let bytes = self.read().await?;
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
            if !is_live {
                return Ok(None);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn read(&self) -> io::Result<Vec<u8>> {
        let mut file = self.file.try_clone()?;
        let read = move || {
            let mut bytes = Vec::new();
            file.by_ref().take(CHUNK as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
    }

    /// Whoever is locked, signed out, expired or given other roles sees no more of it.
    fn still_holds(&self) -> bool {
        self.services.may(&self.caller, ApiResource::Sessions, Verb::Watch)
            && self.services.access.log_scope_now(&self.caller.who) == self.scope
    }
}
