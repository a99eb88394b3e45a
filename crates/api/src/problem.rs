//! Errors as RFC 9457 problem details: what failed, why, and what to do next.

use audit_log::AppendError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::told;

/// Says why a request failed (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("{title}: {detail}")]
pub struct Problem {
    /// Stable name of the problem: `https://lodge.dev/problems/<code>` is not fetched, only compared.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for every problem of this type.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened this time and what to do next.
    pub detail: String,
    /// Stable word for programs.
    pub code: String,
    /// Id of the request, which Lodge's own messages carry too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Problem {
    /// Makes a problem.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Problem {
        Problem {
            kind: format!("urn:lodge:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            request_id: None,
        }
    }

    /// The request is not well-formed.
    pub fn bad_request(code: &str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// Nobody proved who they are.
    pub fn unauthenticated(code: &str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    /// The caller may not do this.
    pub fn forbidden(code: &str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// There is no such thing, or the caller may not know of it.
    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// The state is not as the request expects.
    pub fn conflict(code: &str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::CONFLICT, code, detail)
    }

    /// Lodge cannot do this now, and refuses rather than doing it unrecorded.
    pub fn unavailable(code: &str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
    }

    /// Something inside failed; the detail stays in Lodge's own messages.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Problem {
        Problem::inside(&told(error))
    }

    /// Something inside is not as it must be; the detail stays in Lodge's own messages.
    pub fn inside(what: &str) -> Problem {
        tracing::error!(error = what, "a request failed inside");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something inside Lodge failed; its own messages say what, under this request's id",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.extensions_mut().insert(self);
        response
    }
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Problem {
        let said = format!("this cannot be recorded now, so it was not done: {error}");
        match error {
            // Trying again shortly helps nobody: somebody must make room.
            AppendError::Full(_) => Problem::new(StatusCode::INSUFFICIENT_STORAGE, "log_full", said),
            _ => Problem::unavailable("log_unavailable", said),
        }
    }
}
