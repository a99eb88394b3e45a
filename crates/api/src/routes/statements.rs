//! Questions in SQL.
//!
//! Each is an event before its first row is released. Where an answer is too large to be counted before, a second event says
//! how many rows were shown.

use std::sync::Arc;

use access::{ApiResource, Verb};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::extract::Body;
use crate::{Problem, Services};

/// A statement.
#[derive(Deserialize, ToSchema)]
#[cfg_attr(not(feature = "sql"), expect(dead_code, reason = "a server without SQL only reads it"))]
pub struct SqlStatement {
    /// One statement; docs/sql.md lists the tables.
    statement: String,
    /// Zone in which dates and times without a zone are read: `Europe/Berlin`, `+02:00`; of several, parted by commas, the
    /// first that the server knows. UTC when absent.
    zone: Option<String>,
    /// Seconds that it may take until its last row is taken: 30 when absent, 300 at most.
    timeout: Option<u32>,
}

/// Runs a statement. `Accept` says in which form its rows come: `application/json` (the default), `application/x-ndjson`,
/// `text/csv`, `application/vnd.apache.arrow.stream`, `application/vnd.apache.parquet`.
#[utoipa::path(post, path = "/v1/sql", request_body = SqlStatement, responses((status = 200, content_type = "application/json")), tag = "log")]
pub async fn run(
    State(services): State<Arc<Services>>,
    caller: Caller,
    headers: HeaderMap,
    Body(asked): Body<SqlStatement>,
) -> Result<Response, Problem> {
    let permit = services.permit(&caller, ApiResource::Log, Verb::Read).await?;
    answers::answer(services, permit, &headers, asked).await
}

#[cfg(not(feature = "sql"))]
mod answers {
    use access::ApiPermit;
    use axum::http::StatusCode;

    use super::*;

    pub(super) async fn answer(
        _: Arc<Services>,
        _: ApiPermit,
        _: &HeaderMap,
        _: SqlStatement,
    ) -> Result<Response, Problem> {
        let detail =
            "this server was built without SQL; build it with `--features sql`, or ask by /v1/events";
        Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "no_sql", detail))
    }
}

#[cfg(feature = "sql")]
mod answers {
    use std::io;
    use std::time::Duration;

    use access::ApiPermit;
    use axum::http::{StatusCode, header};
    use event::Detail;
    use event::filter::FilterContext;
    use event::kinds::audit::Searched;
    use query::DEFAULT_BUDGET;
    use sql::{Format, SqlError, Statement};

    use super::*;
    use crate::asked::scope;
    use crate::download::{Place, octets};
    use crate::routes::search::{MAX_SECONDS, zone};

    /// Bytes of rows that are taken before the first is released, so that most answers are counted and most failures told.
    const AHEAD: usize = 8 << 20;

    pub(super) async fn answer(
        services: Arc<Services>,
        permit: ApiPermit,
        headers: &HeaderMap,
        asked: SqlStatement,
    ) -> Result<Response, Problem> {
        let format = format(headers)?;
        let zone = zone(asked.zone.as_deref())?;
        let seconds = asked.timeout.map(|seconds| Duration::from_secs(seconds.clamp(1, MAX_SECONDS).into()));
        let statement = Statement {
            text: asked.statement.clone(),
            scope: scope(&services, &permit)?,
            context: FilterContext { now: services.ambient.now(), zone },
            budget: seconds.unwrap_or(DEFAULT_BUDGET),
        };
        let place = Place::take()?;
        let mut rows = services.sql.run(statement).await?;
        let counted = rows.gather(AHEAD).await?;
        let searched = move |rows: Option<u64>, mode: &str| {
            Detail::AuditSearched(Searched {
                filter: asked.statement.clone(),
                since: None,
                until: None,
                rows,
                mode: mode.to_owned(),
                field: None,
            })
        };
        services.record(&permit, searched(counted, "sql")).await?;
        Ok(octets(place, format.media_type(), move |out| {
            let mut shown = 0;
            let written = rows.write(format, out, &mut shown);
            if counted.is_none() {
                let record = services.record(&permit, searched(Some(shown), "sql_end"));
                tokio::runtime::Handle::current().block_on(record).map_err(io::Error::other)?;
            }
            written
        }))
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

    impl From<SqlError> for Problem {
        fn from(error: SqlError) -> Problem {
            match error {
                SqlError::Refused(_) | SqlError::Failed(_) => Problem::bad_request("sql", error.to_string()),
                SqlError::OutOfMemory { .. } => Problem::bad_request("sql_memory", error.to_string()),
                SqlError::OutOfTime { .. } => Problem::unavailable("out_of_time", error.to_string()),
                SqlError::Query(error) => error.into(),
                SqlError::Engine(_) => Problem::internal(&error),
            }
        }
    }
}
