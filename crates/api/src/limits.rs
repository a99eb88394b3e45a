//! What every request meets before its handler: a request id, a rate limit, a body limit, a log line.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use event::Ambient;
use governor::clock::Clock;
use governor::{DefaultKeyedRateLimiter, Quota};

use crate::Problem;
use crate::listen::Peer;

/// The largest request body, in bytes: a file of resources.
pub const MAX_BODY_BYTES: usize = 4 << 20;

/// A request's id, which its answer, its problem and Lodge's own messages carry.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Limits how fast one client may ask.
pub struct Limits {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    ambient: Ambient,
}

impl Limits {
    /// Lets each address make `per_second` requests over time, and ten times as many at once.
    pub fn new(per_second: u32, ambient: Ambient) -> Arc<Limits> {
        let per_second = std::num::NonZeroU32::new(per_second.max(1)).unwrap_or(std::num::NonZeroU32::MIN);
        let quota = Quota::per_second(per_second).allow_burst(per_second.saturating_mul(BURST));
        Arc::new(Limits { limiter: DefaultKeyedRateLimiter::keyed(quota), ambient })
    }
}

const BURST: std::num::NonZeroU32 = std::num::NonZeroU32::new(10).expect("ten is not zero");

/// Gives the request an id, refuses it when its client asks too fast, and marks the answer.
pub async fn apply(State(limits): State<Arc<Limits>>, mut request: Request, next: Next) -> Response {
    let id = RequestId(limits.ambient.event_id().to_string());
    request.extensions_mut().insert(id.clone());
    let peer = request.extensions().get::<Peer>().map(|peer| peer.address.ip().to_canonical());
    let line = format!("{} {}", request.method(), request.uri().path());
    let refused = peer.and_then(|address| limits.limiter.check_key(&address).err());
    let response = match refused {
        Some(until) => too_fast(until.wait_time_from(limits.limiter.clock().now()).as_secs() + 1),
        None => next.run(request).await,
    };
    tracing::info!(request_id = id.0, ?peer, status = response.status().as_u16(), "{line}");
    mark(response, &id)
}

fn too_fast(wait_seconds: u64) -> Response {
    let detail = format!("too many requests from your address; wait {wait_seconds} s and try again");
    let mut response = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_fast", detail).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_seconds));
    response
}

fn mark(mut response: Response, id: &RequestId) -> Response {
    if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        problem.request_id = Some(id.0.clone());
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(body);
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert("x-request-id", value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
