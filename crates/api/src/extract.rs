//! Reading requests: axum's extractors, with refusals as problems and an end to waiting.

use std::time::Duration;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection, StringRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use crate::Problem;

/// How long a request's body may take to arrive.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// A JSON body.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Problem> {
        let axum::Json(value) = in_time(axum::Json::from_request(request, state)).await?;
        Ok(Body(value))
    }
}

/// Reads a body, unless it takes too long: a client that sends a byte now and then must not hold its place for ever.
async fn in_time<T, E>(reading: impl Future<Output = Result<T, E>>) -> Result<T, Problem>
where
    Problem: From<E>,
{
    match tokio::time::timeout(BODY_PATIENCE, reading).await {
        Ok(read) => Ok(read?),
        Err(_) => {
            let detail = format!("the request's body did not arrive within {} s", BODY_PATIENCE.as_secs());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", detail))
        }
    }
}

/// The parameters in the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub struct Path<T>(pub T);

/// The parameters behind the `?`.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub struct Query<T>(pub T);

/// A body of text.
pub struct Text(pub String);

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Text, Problem> {
        Ok(Text(in_time(String::from_request(request, state)).await?))
    }
}

fn refused(status: StatusCode, why: &str) -> Problem {
    Problem::new(status, "request", format!("{why}; /v1/openapi.json says what this endpoint takes"))
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Problem {
        refused(rejection.status(), &rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Problem {
        refused(rejection.status(), &rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Problem {
        refused(rejection.status(), &rejection.body_text())
    }
}

impl From<StringRejection> for Problem {
    fn from(rejection: StringRejection) -> Problem {
        refused(rejection.status(), &rejection.body_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_given_up() {
        let never = axum::body::Body::from_stream(tokio_stream::pending::<std::io::Result<Vec<u8>>>());
        let refused = Text::from_request(Request::new(never), &()).await.err().unwrap();
        assert_eq!((refused.status, refused.code.as_str()), (408, "too_slow"));
    }
}
