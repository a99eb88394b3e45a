//! Questions in SQL.

use std::sync::Arc;

use access::{ApiResource, Verb};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

#[cfg(feature = "sql")]
use super::sql_answer as answers;
use crate::caller::Caller;
use crate::extract::Body;
use crate::{Problem, Services};

/// A statement.
#[derive(Deserialize, ToSchema)]
#[cfg_attr(not(feature = "sql"), expect(dead_code, reason = "a server without SQL only reads it"))]
pub struct SqlStatement {
    /// One statement; docs/sql.md lists the tables.
    pub(super) statement: String,
    /// Zone in which dates and times without a zone are read, and times are shown: `Europe/Berlin`, `+02:00`; of several,
    /// parted by commas, the first that the server knows. UTC when absent.
    pub(super) zone: Option<String>,
    /// Seconds that it may take until its last row is taken: 1 to 300, 30 when absent.
    pub(super) timeout: Option<u32>,
}

/// Runs a statement. `Accept` says in which form its rows come: `application/json` (the default), `application/x-ndjson`,
/// `text/csv`, `application/vnd.apache.arrow.stream`, `application/vnd.apache.parquet`.
#[utoipa::path(
    post,
    path = "/v1/sql",
    operation_id = "run_statement",
    request_body = SqlStatement,
    responses((status = 200, content_type = "application/json")),
    tag = "log"
)]
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
