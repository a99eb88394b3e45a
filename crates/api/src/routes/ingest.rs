//! What other systems report: where a file stands, and its next batch.

use std::sync::Arc;
use std::time::Duration;

use access::{ApiResource, Verb};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use futures::StreamExt;
use ingest::{Batch, Buffer, IngestError, MAX_BATCH_BYTES};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::caller::Caller;
use crate::extract::{Path, Query};
use crate::wire::{IngestContent, IngestFile, IngestFiles, IngestReceipt};
use crate::{Problem, Services};

/// How long the bytes of a batch may take.
const BATCH_PATIENCE: Duration = Duration::from_secs(120);

/// Of which system.
#[derive(Deserialize, IntoParams)]
pub struct Of {
    /// Name of the reporting system.
    name: String,
}

/// Returns how far files that begin so were taken. Shows no record.
#[utoipa::path(
    get,
    path = "/v1/ingest/{source}/{beginning}",
    operation_id = "read_ingest_holdings",
    params(
        ("source" = String, Path, description = "`kubernetes` or `ndjson`"),
        ("beginning" = String, Path, description = "first 16 bytes of the SHA-256 of the first line, hexadecimal"),
        Of
    ),
    responses((status = 200, body = IngestFiles)),
    tag = "ingest"
)]
pub async fn holdings(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path((source, beginning)): Path<(String, String)>,
    Query(of): Query<Of>,
) -> Result<Json<IngestFiles>, Problem> {
    services.permit(&caller, ApiResource::Log, Verb::Create).await?;
    let held = services.ingest.holdings(&source, &of.name, &beginning).await?;
    let files = held.into_iter().map(|held| IngestFile {
        identity: held.identity,
        taken: held.taken,
        content: held.known.map(|known| IngestContent {
            file: known.file,
            offset: known.offset,
            sha256: known.sha256,
        }),
    });
    Ok(Json(IngestFiles { files: files.collect() }))
}

/// Where a batch stands in its file.
#[derive(Deserialize, IntoParams)]
pub struct Place {
    /// Name of the reporting system.
    name: String,
    /// Identity of the file.
    identity: String,
    /// The file's name where it lies.
    file: String,
    /// Names the sending: the same for all batches that one program sends of the file.
    run: String,
    /// Byte of the file at which the batch begins.
    offset: u64,
    /// Byte behind it.
    end: u64,
    /// Number of its first line, counted from 1.
    line: u64,
    /// SHA-256 of the file up to `offset`, hexadecimal.
    before: String,
    /// SHA-256 of the file up to `end`, hexadecimal.
    after: String,
    /// Whether the file ends here, as far as is known.
    #[serde(default)]
    last: bool,
    /// Length of a line that is too long to be sent, of which the body is the beginning.
    cut: Option<u64>,
}

/// Takes consecutive lines of a file. The answer follows once they are durable, each exactly once.
#[utoipa::path(
    post,
    path = "/v1/ingest/{source}",
    operation_id = "ingest_records",
    params(("source" = String, Path, description = "`kubernetes` or `ndjson`"), Place),
    request_body(content = String, content_type = "application/octet-stream", description = "whole lines, as they stand in the file"),
    responses(
        (status = 200, body = IngestReceipt),
        (status = 409, body = Problem, description = "`ingest_place`: the file stands elsewhere; `ingest_content`: it is another file"),
        (status = 503, body = Problem, description = "try again shortly"),
        (status = 507, body = Problem, description = "`log_full`: the log's disk is nearly full; make room before trying again")
    ),
    tag = "ingest"
)]
pub async fn take(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(source): Path<String>,
    Query(place): Query<Place>,
    body: Body,
) -> Result<Json<IngestReceipt>, Problem> {
    let permit = services.permit(&caller, ApiResource::Log, Verb::Create).await?;
    let batch = place.batch(source);
    // Nobody's bytes are read before it is known who sends them and that there is room.
    let room = services.ingest.room(&batch).await?;
    let mut buffer = services.ingest.buffer(&room);
    // It holds a place meanwhile, of which there are few.
    let read = tokio::time::timeout(BATCH_PATIENCE, read(body, &mut buffer)).await.map_err(|_| {
        let detail =
            format!("the batch did not arrive within {} s; send smaller ones", BATCH_PATIENCE.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", detail)
    })?;
    read.map_err(|why| {
        let detail = format!("cannot read the batch, of at most {MAX_BATCH_BYTES} bytes: {why}");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "ingest_body", detail)
    })?;
    let taken = services.ingest.take(batch, buffer, permit.author().clone(), room).await?;
    Ok(Json(IngestReceipt {
        taken: taken.taken,
        events: taken.events,
        rejected: taken.rejected,
        log_size: taken.size,
    }))
}

/// Reads a batch's bytes as they come, so that each part's memory is free for the next.
async fn read(body: Body, buffer: &mut Buffer) -> Result<(), String> {
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        if !buffer.add(&part.map_err(|error| error.to_string())?, MAX_BATCH_BYTES) {
            return Err("it is longer".to_owned());
        }
    }
    Ok(())
}

impl Place {
    fn batch(self, source: String) -> Batch {
        Batch {
            source,
            name: self.name,
            identity: self.identity,
            file: self.file,
            run: self.run,
            offset: self.offset,
            end: self.end,
            line: self.line,
            before: self.before,
            after: self.after,
            last: self.last,
            cut: self.cut,
        }
    }
}

impl From<IngestError> for Problem {
    fn from(error: IngestError) -> Problem {
        let said = error.to_string();
        match error {
            IngestError::Source { .. } => Problem::not_found(said),
            IngestError::Request(_) => Problem::bad_request("ingest_request", said),
            IngestError::Place { .. } => Problem::conflict("ingest_place", said),
            IngestError::Content { .. } => Problem::conflict("ingest_content", said),
            IngestError::Busy => Problem::unavailable("ingest_busy", said),
            IngestError::Append(error) => error.into(),
            IngestError::Notes(_) | IngestError::Inside(_) => Problem::inside(&said),
        }
    }
}
