//! The archive: its state, its verification, its indexes.

use std::sync::Arc;

use ::archive::{Problem as Found, Rebuild};
use access::{ApiResource, Verb};
use axum::Json;
use axum::extract::State;
use event::Detail;
use event::kinds::archive::{Rebuilt, Verified};

use crate::caller::Caller;
use crate::download::{blocking, reading_everything};
use crate::extract::Body;
use crate::routes::log::require_whole_log;
use crate::wire::{ArchiveRebuilt, ArchiveStatus, ArchiveVerification, RebuildArchive, RebuildScope};
use crate::{Problem, Services};

/// Tells how the archive stands, in figures; nothing of its content.
#[utoipa::path(get, path = "/v1/archive", operation_id = "read_archive_status", responses((status = 200, body = ArchiveStatus)), tag = "archive")]
pub async fn status(
    State(services): State<Arc<Services>>,
    caller: Caller,
) -> Result<Json<ArchiveStatus>, Problem> {
    services.permit(&caller, ApiResource::Proofs, Verb::Read).await?;
    let archive = services.archive.clone();
    let status = blocking(move || Ok::<_, Problem>(archive.look_over())).await?;
    let (failure, failing_since) = status.failure.map(|failure| (failure.why, failure.since)).unzip();
    Ok(Json(ArchiveStatus {
        log_entries: services.log.size(),
        sealed: status.sealed,
        searchable: status.taken,
        segments: status.segments,
        entries: status.entries,
        data_bytes: status.data_bytes,
        index_bytes: status.index_bytes,
        without_index: status.without_index,
        pruned_entries: status.pruned_entries,
        leaves_bytes: status.leaves_bytes,
        newest: status.newest,
        damaged: status.damaged,
        failure,
        failing_since,
    }))
}

/// Verifies every object of the archive, and its entries against the log's tree.
#[utoipa::path(
    post,
    path = "/v1/archive/verify",
    operation_id = "verify_archive",
    responses((status = 200, body = ArchiveVerification)),
    tag = "archive"
)]
pub async fn verify(
    State(services): State<Arc<Services>>,
    caller: Caller,
) -> Result<Json<ArchiveVerification>, Problem> {
    let permit = services.permit(&caller, ApiResource::Log, Verb::Verify).await?;
    require_whole_log(&permit, "verification")?;
    reading_everything(async move {
        let (archive, log) = (services.archive.clone(), services.log.clone());
        let checked = blocking(move || {
            let tiles = |path: &str| log.resource(path).map_err(std::io::Error::other);
            archive.verify(Some(&tiles)).map_err(|error| Problem::internal(&error))
        });
        let checked = match checked.await {
            Ok(checked) => checked,
            Err(problem) => {
                let verified = Verified { segments: 0, entries: 0, problems: Vec::new() };
                services.record_failed(&permit, Detail::ArchiveVerified(verified), &problem.code).await?;
                return Err(problem);
            }
        };
        let found = ArchiveVerification {
            segments: checked.segments,
            entries: checked.entries,
            pruned: checked.pruned,
            against_tree: checked.against_tree,
            problems: sentences(&checked.problems),
        };
        let verified =
            Verified { segments: found.segments, entries: found.entries, problems: found.problems.clone() };
        services.record(&permit, Detail::ArchiveVerified(verified)).await?;
        Ok(Json(found))
    })
    .await
}

/// Makes indexes of the archive anew from its data. Nothing is lost by it, whatever happens meanwhile.
#[utoipa::path(
    post,
    path = "/v1/archive/rebuild",
    operation_id = "rebuild_archive",
    request_body = RebuildArchive,
    responses((status = 200, body = ArchiveRebuilt)),
    tag = "archive"
)]
pub async fn rebuild(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Body(wish): Body<RebuildArchive>,
) -> Result<Json<ArchiveRebuilt>, Problem> {
    let permit = services.permit(&caller, ApiResource::Log, Verb::Verify).await?;
    require_whole_log(&permit, "rebuilding indexes")?;
    let which = match wish.which {
        RebuildScope::Unsound => Rebuild::Unsound,
        RebuildScope::All => Rebuild::All,
    };
    reading_everything(async move {
        let archive = services.archive.clone();
        let done = blocking(move || archive.rebuild(which).map_err(|error| Problem::internal(&error)));
        let done = match done.await {
            Ok(done) => done,
            Err(problem) => {
                let rebuilt = Rebuilt { segments: 0, rebuilt: 0, problems: Vec::new() };
                services.record_failed(&permit, Detail::ArchiveRebuilt(rebuilt), &problem.code).await?;
                return Err(problem);
            }
        };
        let done = ArchiveRebuilt {
            segments: done.segments,
            rebuilt: done.rebuilt,
            problems: sentences(&done.problems),
        };
        let rebuilt =
            Rebuilt { segments: done.segments, rebuilt: done.rebuilt, problems: done.problems.clone() };
        services.record(&permit, Detail::ArchiveRebuilt(rebuilt)).await?;
        Ok(Json(done))
    })
    .await
}

fn sentences(problems: &[Found]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}
