//! Recordings. Every way to see one is an event first.

use std::sync::Arc;

use access::{ApiPermit, ApiResource, Verb};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::Response;
use base16ct::lower::encode_string;
use event::kinds::recording::{Exported, Viewed};
use event::{Detail, SessionId};
use query::SessionSummary;
use recording::{Format, RecordingError};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::caller::Caller;
use crate::download::{Place, blocking, octets, to_its_end};
use crate::extract::{Path, Query};
use crate::routes::watching;
use crate::wire::Recording;
use crate::{Problem, Services};

/// Checks a recording chunk by chunk and against the root hash that the log holds.
#[utoipa::path(
    get,
    path = "/v1/recordings/{session}",
    operation_id = "read_recording",
    params(("session" = String, Path)),
    responses((status = 200, body = Recording)),
    tag = "recordings"
)]
pub async fn read(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(session): Path<SessionId>,
) -> Result<Json<Recording>, Problem> {
    let permit = services.permit(&caller, ApiResource::Recordings, Verb::Watch).await?;
    let viewed = Viewed { recording: session, from_ms: 0, to_ms: None, format: "check".to_owned() };
    let permit = Arc::new(permit);
    let seen = Seen { services: services.clone(), permit, session, detail: Detail::RecordingViewed(viewed) };
    let (summary, _) = seen.recorded(async { Ok(()) }).await?;
    let logged_root = summary.recording_root;
    let recordings = services.recordings.clone();
    let checked = blocking(move || Ok(recordings.read(session)?.verify())).await?;
    let (seal, damage) = match checked {
        Ok(seal) => (Some(seal), None),
        Err(damage) => (None, Some(damage.to_string())),
    };
    let root = seal.as_ref().map(|seal| encode_string(&seal.root));
    Ok(Json(Recording {
        session: session.to_string(),
        verified: root.is_some() && root == logged_root,
        duration_ms: seal.as_ref().map_or(0, |seal| seal.duration_ms),
        bytes: seal.as_ref().map_or(0, |seal| seal.bytes),
        root,
        logged_root,
        damage,
    }))
}

/// Header of the answer that says whether the session still runs, so that its recording has no seal yet.
pub const LIVE: &str = "lodge-live";

/// How a recording will be shown; it goes into the event.
#[derive(Deserialize, IntoParams)]
pub struct Viewing {
    /// `terminal`, `text`, `json`, …
    #[serde(default = "terminal")]
    format: String,
    /// From where, in milliseconds.
    #[serde(default)]
    from_ms: u64,
}

fn terminal() -> String {
    "terminal".to_owned()
}

/// Returns the recording itself, to be played and verified by the client. Of a live session: what there is so far, for whoever
/// may watch it too.
#[utoipa::path(
    get,
    path = "/v1/recordings/{session}/file",
    operation_id = "watch_recording",
    params(("session" = String, Path), Viewing),
    responses((status = 200, content_type = "application/octet-stream")),
    tag = "recordings"
)]
pub async fn watch(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(session): Path<SessionId>,
    Query(viewing): Query<Viewing>,
) -> Result<Response, Problem> {
    let permit = services.permit(&caller, ApiResource::Recordings, Verb::Watch).await?;
    let format: String = viewing.format.chars().take(40).collect();
    let viewed = Viewed { recording: session, from_ms: viewing.from_ms, to_ms: None, format };
    look_on(&services, &caller, session).await?;
    let permit = Arc::new(permit);
    let seen = Seen {
        services: services.clone(),
        permit: permit.clone(),
        session,
        detail: Detail::RecordingViewed(viewed),
    };
    let (summary, place) = seen.recorded(async move { Place::take(&permit).await }).await?;
    let recordings = services.recordings.clone();
    let file = blocking(move || Ok(recordings.file(session)?)).await?;
    let live = summary.end.is_none();
    let mut response = octets(place, "application/octet-stream", move |out| {
        let mut file = file;
        std::io::copy(&mut file, out).map(drop)
    });
    response.headers_mut().insert(LIVE, HeaderValue::from_static(if live { "true" } else { "false" }));
    Ok(response)
}

/// What to export as.
#[derive(Deserialize, IntoParams)]
pub struct Export {
    /// `asciicast-v2`, `asciicast-v3`, `text` or `json`.
    format: String,
    /// Which channel; the first terminal when absent.
    channel: Option<u32>,
}

/// Exports a recording in another form.
#[utoipa::path(
    get,
    path = "/v1/recordings/{session}/export",
    operation_id = "export_recording",
    params(("session" = String, Path), Export),
    responses((status = 200, content_type = "application/octet-stream")),
    tag = "recordings"
)]
pub async fn export(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(session): Path<SessionId>,
    Query(export): Query<Export>,
) -> Result<Response, Problem> {
    let permit = services.permit(&caller, ApiResource::Recordings, Verb::Export).await?;
    let format: Format = export.format.parse().map_err(|why: String| Problem::bad_request("format", why))?;
    look_on(&services, &caller, session).await?;
    let exported = Exported { recording: session, format: format.to_string() };
    let recordings = services.recordings.clone();
    let permit = Arc::new(permit);
    let seen =
        Seen { services, permit: permit.clone(), session, detail: Detail::RecordingExported(exported) };
    let opened = seen.recorded(async move {
        let place = Place::take(&permit).await?;
        let reader = blocking(move || {
            let reader = recordings.read(session)?;
            export.channel.map_or(Ok(()), |channel| reader.require_channel(channel))?;
            Ok(reader)
        });
        Ok((place, reader.await?))
    });
    let (_, (place, mut reader)) = opened.await?;
    Ok(octets(place, "application/octet-stream", move |out| {
        recording::export(&mut reader, format, export.channel, out).map_err(std::io::Error::other)
    }))
}

/// Where the session still runs, asks for the right to watch it, records that it is watched, and lets its person be told.
async fn look_on(services: &Services, caller: &Caller, session: SessionId) -> Result<(), Problem> {
    let Some(live) = services.gateway.sessions().find(session) else { return Ok(()) };
    let permit = services.permit(caller, ApiResource::Sessions, Verb::Watch).await?;
    match super::sessions::find(services, &permit, session).await? {
        Some(_) => watching::begin(services, &permit, &live).await.map(drop),
        // Whoever may not know of it is told so where the recording is looked for.
        None => Ok(()),
    }
}

/// A recording that is about to be seen, and by whom.
struct Seen {
    services: Arc<Services>,
    permit: Arc<ApiPermit>,
    session: SessionId,
    /// What the event says of it.
    detail: Detail,
}

impl Seen {
    /// Finds the session, of which the permit's holder may know only where its start lies within their scope, gets what else
    /// is needed, and records that the recording is seen, or that it was tried in vain; also when the client hangs up.
    async fn recorded<T: Send + 'static>(
        self,
        needed: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<(SessionSummary, T), Problem> {
        to_its_end(async move {
            let found = async {
                let summary = self.visible().await?;
                Ok((summary, needed.await?))
            };
            let Seen { services, permit, session, detail } = &self;
            match found.await {
                Ok(found) => {
                    services.record_of_session(permit, detail.clone(), *session).await?;
                    Ok(found)
                }
                Err(problem) => {
                    let problem: Problem = problem;
                    services.record_failed(permit, detail.clone(), &problem.code).await?;
                    Err(problem)
                }
            }
        })
        .await
    }

    async fn visible(&self) -> Result<SessionSummary, Problem> {
        let summary = super::sessions::find(&self.services, &self.permit, self.session).await?;
        let recorded = summary.filter(|_| self.services.recordings.exists(self.session));
        recorded.ok_or_else(|| {
            let session = self.session;
            Problem::not_found(format!(
                "there is no recording of a session {session}, or none that you may see"
            ))
        })
    }
}

impl From<RecordingError> for Problem {
    fn from(error: RecordingError) -> Problem {
        match error {
            RecordingError::NoChannel { .. } => Problem::bad_request("channel", error.to_string()),
            error => Problem::internal(&error),
        }
    }
}
