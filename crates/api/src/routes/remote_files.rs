//! Files on targets, for pages of the console: over SFTP through the SSH gate, each request a session of its own.

use std::fmt::Write;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, BodyDataStream};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use gateway::{Content, EntryKind, Reach, RemoteFileError};
use serde::Deserialize;
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::IntoParams;

use crate::caller::{Caller, OwnSession};
use crate::extract::Query;
use crate::wire::{RemoteEntry, RemoteFolder};
use crate::{Problem, Services};

/// Requests at once; roles bound those of a person.
const MOST: usize = 128;
/// How long nothing may come of a file that is uploaded.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest path, in bytes.
const LONGEST_PATH: usize = 4096;

static ROOM: Semaphore = Semaphore::const_new(MOST);

/// Which file or folder.
#[derive(Deserialize, IntoParams)]
pub struct Which {
    /// The target's name.
    target: String,
    /// Account on the target.
    login: String,
    /// Path on the target; one that is not absolute begins in the home folder.
    #[serde(default)]
    path: String,
}

/// Whether a file may be replaced.
#[derive(Deserialize, IntoParams)]
pub struct Replacing {
    /// Whether a file that exists is replaced; refused otherwise.
    #[serde(default)]
    overwrite: bool,
}

impl Which {
    /// Takes a place, and says who wants to reach what.
    fn reach(self, caller: Caller) -> Result<(SemaphorePermit<'static>, Reach, String), Problem> {
        if self.path.len() > LONGEST_PATH || self.path.contains('\0') {
            let detail = format!("a path has at most {LONGEST_PATH} bytes, and no NUL among them");
            return Err(Problem::bad_request("path", detail));
        }
        let place = ROOM.try_acquire().map_err(|_| {
            let detail = format!("{MOST} requests for files are running, which is the most; try again later");
            Problem::unavailable("too_many_files", detail)
        })?;
        let reach = Reach { who: caller.who, origin: caller.origin, target: self.target, login: self.login };
        Ok((place, reach, self.path))
    }
}

/// Lists a folder on a target.
#[utoipa::path(
    get,
    path = "/v1/console/files",
    operation_id = "list_remote_files",
    params(Which),
    responses((status = 200, body = RemoteFolder), (status = 403, body = Problem), (status = 404, body = Problem)),
    tag = "console"
)]
pub async fn list(
    State(services): State<Arc<Services>>,
    OwnSession(caller): OwnSession,
    Query(which): Query<Which>,
) -> Result<Json<RemoteFolder>, Problem> {
    let (_place, reach, path) = which.reach(caller)?;
    let folder = services.remote_files.list(reach, path).await?;
    let entries = folder.entries.into_iter().map(|entry| RemoteEntry {
        name: entry.name,
        kind: kind(entry.kind).to_owned(),
        bytes: entry.bytes,
        modified: entry.modified,
    });
    Ok(Json(RemoteFolder { path: folder.path, entries: entries.collect(), is_whole: folder.is_whole }))
}

fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "file",
        EntryKind::Folder => "folder",
        EntryKind::Link => "link",
        EntryKind::Other => "other",
    }
}

/// Returns a file on a target.
#[utoipa::path(
    get,
    path = "/v1/console/file",
    operation_id = "read_remote_file",
    params(Which),
    responses(
        (status = 200, content_type = "application/octet-stream"),
        (status = 403, body = Problem),
        (status = 404, body = Problem)
    ),
    tag = "console"
)]
pub async fn read(
    State(services): State<Arc<Services>>,
    OwnSession(caller): OwnSession,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    let (place, reach, path) = which.reach(caller)?;
    let saved_as = HeaderValue::try_from(disposition(&path)).map_err(|error| Problem::internal(&error))?;
    let reading = services.remote_files.read(reach, path).await?;
    // The place is given back with the last byte, or when the page hangs up.
    let content = stream::unfold((reading.content, place), |(mut content, place)| async move {
        let piece = content.next().await?;
        Some((piece, (content, place)))
    });
    let kind = HeaderValue::from_static("application/octet-stream");
    Ok(([(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, saved_as)], Body::from_stream(content)).into_response())
}

/// Writes a file on a target; what the body holds is handed on as it comes.
#[utoipa::path(
    put,
    path = "/v1/console/file",
    operation_id = "write_remote_file",
    params(Which, Replacing),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204), (status = 403, body = Problem), (status = 409, body = Problem)),
    tag = "console"
)]
pub async fn write(
    State(services): State<Arc<Services>>,
    OwnSession(caller): OwnSession,
    Query(which): Query<Which>,
    Query(Replacing { overwrite }): Query<Replacing>,
    body: Body,
) -> Result<StatusCode, Problem> {
    let (_place, reach, path) = which.reach(caller)?;
    services.remote_files.write(reach, path, overwrite, pieces(body.into_data_stream())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The body as it comes; it ends with an error where nothing comes for long.
fn pieces(body: BodyDataStream) -> Content {
    Box::pin(stream::try_unfold(body, |mut body| async move {
        match tokio::time::timeout(PATIENCE, body.next()).await {
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the page stopped sending the file")),
            Ok(None) => Ok(None),
            Ok(Some(Ok(piece))) => Ok(Some((piece.into(), body))),
            Ok(Some(Err(error))) => Err(io::Error::other(error)),
        }
    }))
}

/// Names the file that a browser saves (RFC 6266, with the name as RFC 8187 has it).
fn disposition(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut text = "attachment; filename*=UTF-8''".to_owned();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => text.push(byte.into()),
            // Writing to a string cannot fail.
            byte => drop(write!(text, "%{byte:02X}")),
        }
    }
    text
}

impl From<RemoteFileError> for Problem {
    fn from(error: RemoteFileError) -> Problem {
        let (status, code) = match &error {
            RemoteFileError::Refused(_) => (StatusCode::FORBIDDEN, "refused"),
            RemoteFileError::Denied(_) => (StatusCode::FORBIDDEN, "denied_by_target"),
            RemoteFileError::Missing(_) => (StatusCode::NOT_FOUND, "no_such_file"),
            RemoteFileError::Exists(_) => (StatusCode::CONFLICT, "exists"),
            RemoteFileError::Failed(_) => (StatusCode::BAD_GATEWAY, "target"),
        };
        Problem::new(status, code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_file_is_named_as_on_the_target() {
        assert_eq!(disposition("/var/log/a b\".txt"), "attachment; filename*=UTF-8''a%20b%22.txt");
        assert_eq!(disposition("ü\r\n"), "attachment; filename*=UTF-8''%C3%BC%0D%0A");
    }
}
