//! The log itself: checkpoints, tiles, evidence, verification.

use std::sync::Arc;

use access::{ApiPermit, ApiResource, LogScope, Verb};
use audit_log::Sealed;
use audit_log::evidence;
use audit_log::verify::{Checks, Level, Tail, VerifierKey, VerifyError, verify_log_with};
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use event::Detail;
use event::kinds::audit::{Exported, Verified};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::caller::Caller;
use crate::download::{Place, blocking, octets, reading_everything};
use crate::extract::{Path, Query};
use crate::wire::{Checkpoint, Verification};
use crate::{Problem, Services};

/// Returns the newest signed checkpoint. It tells the log's size and nothing of its content.
#[utoipa::path(get, path = "/v1/log/checkpoint", operation_id = "read_checkpoint", responses((status = 200, body = Checkpoint)), tag = "log")]
pub async fn checkpoint(
    State(services): State<Arc<Services>>,
    caller: Caller,
) -> Result<Json<Checkpoint>, Problem> {
    services.permit(&caller, ApiResource::Proofs, Verb::Read).await?;
    let checkpoint = services.log.checkpoint();
    Ok(Json(Checkpoint { size: checkpoint.size, note: checkpoint.note, key: services.log.verifier_key() }))
}

/// Returns a tile, an entry bundle or the checkpoint by its C2SP tlog-tiles path. Leaves hold no payload.
#[utoipa::path(
    get,
    path = "/v1/log/tiles/{*path}",
    operation_id = "read_log_resource",
    params(("path" = String, Path, description = "such as `tile/0/x001/234` or `checkpoint`")),
    responses((status = 200, content_type = "application/octet-stream")),
    tag = "log"
)]
pub async fn resource(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    services.permit(&caller, ApiResource::Proofs, Verb::Read).await?;
    let log = services.log.clone();
    let wanted = path.clone();
    let bytes = blocking(move || log.resource(&wanted).map_err(|error| Problem::internal(&error))).await?;
    let bytes = bytes.ok_or_else(|| Problem::not_found(format!("the log has no {path}")))?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
pub struct Range {
    /// First position.
    #[serde(default)]
    from: u64,
    /// Position after the last; the newest checkpoint's size when absent.
    to: Option<u64>,
}

/// Exports a contiguous range as an evidence bundle. The caller must be allowed to read the whole log.
#[utoipa::path(
    get,
    path = "/v1/log/export",
    operation_id = "export_log",
    params(Range),
    responses((status = 200, content_type = "application/x-ndjson")),
    tag = "log"
)]
pub async fn export(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Query(range): Query<Range>,
) -> Result<Response, Problem> {
    let permit = services.permit(&caller, ApiResource::Log, Verb::Export).await?;
    require_whole_log(&permit, "a contiguous range")?;
    let checkpoint = services.log.checkpoint();
    let (from, to) = (range.from, range.to.unwrap_or(checkpoint.size));
    if from >= to || to > checkpoint.size {
        let size = checkpoint.size;
        let detail = format!("{from}..{to} is not within 0..{size}, which the newest checkpoint covers");
        return Err(Problem::bad_request("range", detail));
    }
    let place = Place::take(&permit).await?;
    let exported = Exported { from, to, tree_size: checkpoint.size };
    services.record(&permit, Detail::AuditExported(exported)).await?;
    let log = services.log.clone();
    Ok(octets(place, "application/x-ndjson", move |out| {
        let mut source = log;
        evidence::write(&mut source, from..to, &checkpoint, out).map_err(std::io::Error::other)
    }))
}

/// Verifies the whole log where it lies: every byte from payload to signed checkpoint.
#[utoipa::path(post, path = "/v1/log/verify", operation_id = "verify_log", responses((status = 200, body = Verification)), tag = "log")]
pub async fn verify(
    State(services): State<Arc<Services>>,
    caller: Caller,
) -> Result<Json<Verification>, Problem> {
    let permit = services.permit(&caller, ApiResource::Log, Verb::Verify).await?;
    require_whole_log(&permit, "verification")?;
    let key: VerifierKey = services.log.verifier_key().parse().map_err(|error| Problem::internal(&error))?;
    let folder = services.facts.log_folder.clone();
    let sealed = services.log.sealed();
    reading_everything(async move {
        let found = match blocking(move || own_log(&folder, &key, sealed.as_deref())).await {
            Ok(found) => found,
            Err(problem) => {
                let verified = Verified { entries: 0, tree_size: 0, damage: Vec::new() };
                services.record_failed(&permit, Detail::AuditVerified(verified), &problem.code).await?;
                return Err(problem);
            }
        };
        let verified =
            Verified { entries: found.entries, tree_size: found.tree_size, damage: found.damage.clone() };
        services.record(&permit, Detail::AuditVerified(verified)).await?;
        Ok(Json(found))
    })
    .await
}

fn own_log(
    folder: &std::path::Path,
    key: &VerifierKey,
    sealed: Option<&dyn Sealed>,
) -> Result<Verification, Problem> {
    let checks = Checks { earlier: Vec::new(), tail: Tail::BeingWritten, sealed };
    match verify_log_with(folder, key, &checks, &mut |_| {}) {
        Ok(report) => Ok(Verification {
            entries: report.entries,
            tree_size: report.tree_size(),
            level: report.level.to_string(),
            damage: report.damage.iter().map(ToString::to_string).collect(),
        }),
        // The server's own key is the right one, so what another key signed was put there.
        Err(error @ VerifyError::OtherLog { .. }) => Ok(Verification {
            entries: 0,
            tree_size: 0,
            level: Level::Detecting.to_string(),
            damage: vec![error.to_string()],
        }),
        Err(error) => Err(Problem::internal(&error)),
    }
}

pub(super) fn require_whole_log(permit: &ApiPermit, what: &str) -> Result<(), Problem> {
    if *permit.log_scope() != LogScope::Everything {
        let detail = format!("{what} needs every entry, and your roles do not let you read them all");
        return Err(Problem::forbidden("scoped", detail));
    }
    Ok(())
}
