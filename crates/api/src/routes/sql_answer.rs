//! Answers questions in SQL. Each leaves an event however it ends, also when its reader hangs up while it runs.
//!
//! The invariant: no byte of an answer is released before an event of it is durable. Where an answer is too large to be
//! counted before, a second event says how many rows were shown.

use std::io;
use std::sync::Arc;

use access::ApiPermit;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use event::Detail;
use event::filter::FilterContext;
use event::interval::zone_name;
use event::kinds::audit::Queried;
use sql::{Format, Rows, SqlError, Statement};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

use super::search::budget;
use super::statements::SqlStatement;
use crate::asked::{scope, zone};
use crate::download::{PATIENCE, Place};
use crate::{Problem, Services};

/// Bytes of an answer that are taken before the first is released, so that most answers are counted and most failures told.
const AHEAD: usize = 2 << 20;
/// Bytes of a statement that an event keeps: as many as a statement may have.
const MOST_KEPT: usize = 64 << 10;
/// Pieces that wait for the client.
const WAITING: usize = 2;

/// Runs a statement and makes the answer of its rows.
pub(super) async fn answer(
    services: Arc<Services>,
    permit: ApiPermit,
    headers: &HeaderMap,
    asked: SqlStatement,
) -> Result<Response, Problem> {
    let format = format(headers)?;
    let zone = zone(asked.zone.as_deref())?;
    let kept = &asked.statement[..asked.statement.floor_char_boundary(MOST_KEPT)];
    let queried = Queried {
        statement: kept.to_owned(),
        zone: zone_name(&zone).unwrap_or_default(),
        format: format.media_type().to_owned(),
        rows: None,
        ended: String::new(),
    };
    let statement = Statement {
        scope: scope(&services, &permit)?,
        context: FilterContext { now: services.ambient.now(), zone },
        budget: budget(asked.timeout)?,
        text: asked.statement,
        format,
    };
    // A task of its own: when the client hangs up this future is dropped, and `here` with it.
    let (here, gone) = oneshot::channel();
    let answered = tokio::spawn(Asking { services, permit, queried }.run(statement, gone)).await;
    drop::<oneshot::Sender<()>>(here);
    answered.map_err(|error| Problem::internal(&error))?
}

fn format(headers: &HeaderMap) -> Result<Format, Problem> {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("*/*");
    let kinds = accept.split(',').map(|kind| kind.split(';').next().unwrap_or_default().trim());
    let known = kinds.map(|kind| match kind {
        "*/*" | "application/*" | "" => Some(Format::Json),
        kind => kind.parse().ok(),
    });
    known.flatten().next().ok_or_else(|| {
        let forms: Vec<&str> = sql::FORMATS.iter().map(|(_, kind)| *kind).collect();
        let detail = format!("rows do not come as {accept}; they come as {}", forms.join(", "));
        Problem::new(StatusCode::NOT_ACCEPTABLE, "format", detail)
    })
}

/// A question, and who asks.
struct Asking {
    services: Arc<Services>,
    permit: ApiPermit,
    queried: Queried,
}

impl Asking {
    async fn run(self, statement: Statement, gone: oneshot::Receiver<()>) -> Result<Response, Problem> {
        let format = statement.format;
        let begun = tokio::select! {
            begun = self.begin(statement) => begun,
            _ = gone => {
                self.record(None, "reader_gone").await?;
                return Err(Problem::inside("the reader of an answer is gone"));
            }
        };
        let (rows, counted) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                self.record(None, error.code()).await?;
                return Err(error.into());
            }
        };
        let place = match Place::take(&self.permit).await {
            Ok(place) => place,
            Err(problem) => {
                self.record(None, "refused").await?;
                return Err(problem);
            }
        };
        self.record(counted, if counted.is_some() { "whole" } else { "begun" }).await?;
        let (client, pieces) = mpsc::channel(WAITING);
        tokio::spawn(self.hand_on(place, rows, counted.is_some(), client));
        let body = Body::from_stream(ReceiverStream::new(pieces));
        Ok(([(header::CONTENT_TYPE, format.media_type())], body).into_response())
    }

    /// Runs the statement until its answer is whole, or too large to wait for its end.
    async fn begin(&self, statement: Statement) -> Result<(Rows, Option<u64>), SqlError> {
        let mut rows = self.services.sql.run(statement).await?;
        let counted = rows.gather(AHEAD).await?;
        Ok((rows, counted))
    }

    /// Hands the answer to the client. It ends with an error unless it is whole, so that no client takes half of it for all.
    async fn hand_on(
        self,
        _place: Place,
        mut rows: Rows,
        is_counted: bool,
        client: mpsc::Sender<io::Result<Vec<u8>>>,
    ) {
        let mut shown = 0;
        let ended = loop {
            match rows.next().await {
                Ok(None) => break "whole",
                Ok(Some(piece)) => {
                    shown += piece.rows;
                    if client.send_timeout(Ok(piece.bytes), PATIENCE).await.is_err() {
                        break "reader_gone";
                    }
                }
                Err(error) => break error.code(),
            }
        };
        drop(rows);
        let recorded = is_counted || self.record(Some(shown), ended).await.is_ok();
        if ended != "whole" || !recorded {
            tracing::warn!(ended, recorded, "an answer in SQL broke off");
            // Whoever is gone needs no error.
            let _ = client.send_timeout(Err(io::Error::other("the answer broke off")), PATIENCE).await;
        }
    }

    async fn record(&self, rows: Option<u64>, ended: &str) -> Result<(), Problem> {
        let queried = Queried { rows, ended: ended.to_owned(), ..self.queried.clone() };
        let detail = Detail::AuditQueried(queried);
        match ended {
            "whole" | "begun" => self.services.record(&self.permit, detail).await,
            why => self.services.record_failed(&self.permit, detail, why).await,
        }
    }
}

impl From<SqlError> for Problem {
    fn from(error: SqlError) -> Problem {
        match error {
            SqlError::Refused(_) | SqlError::Failed(_) => Problem::bad_request("sql", error.to_string()),
            SqlError::OutOfMemory { .. } | SqlError::TooLarge { .. } => {
                Problem::bad_request("sql_memory", error.to_string())
            }
            SqlError::OutOfTime { .. } => Problem::unavailable("out_of_time", error.to_string()),
            SqlError::Busy { .. } => Problem::unavailable("busy", error.to_string()),
            SqlError::Query(error) => error.into(),
            SqlError::Engine(_) => Problem::internal(&error),
        }
    }
}
