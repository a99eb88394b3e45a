//! What every request meets before its handler: a request id, a rate limit, a body limit, a log line.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use event::Ambient;
use gateway::one_host;
use governor::clock::Clock;
use governor::{DefaultKeyedRateLimiter, Quota};

use crate::Problem;
use crate::listen::Peer;

/// The largest request body, in bytes: a file of resources.
pub const MAX_BODY_BYTES: usize = 4 << 20;

/// A request's id, which its answer, its problem and Lodge's own messages carry.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Limits how fast one client may ask. What it keeps of clients is forgotten once they have been quiet for as long as a burst
/// takes to come back.
pub struct Limits {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    since_swept: AtomicU32,
    ambient: Ambient,
}

impl Limits {
    /// Lets each address make `per_second` requests over time, and ten times as many at once.
    pub fn new(per_second: u32, ambient: Ambient) -> Arc<Limits> {
        let per_second = std::num::NonZeroU32::new(per_second.max(1)).unwrap_or(std::num::NonZeroU32::MIN);
        let quota = Quota::per_second(per_second).allow_burst(per_second.saturating_mul(BURST));
        let limiter = DefaultKeyedRateLimiter::keyed(quota);
        Arc::new(Limits { limiter, since_swept: AtomicU32::new(0), ambient })
    }

    /// Takes one request of the client's allowance, or says how many seconds it must wait.
    fn spend(&self, address: IpAddr) -> Result<(), u64> {
        if self.since_swept.fetch_add(1, Ordering::Relaxed) >= SWEEP_EVERY {
            self.since_swept.store(0, Ordering::Relaxed);
            self.limiter.retain_recent();
        }
        let wait = self.limiter.check_key(&one_host(address)).err();
        wait.map_or(Ok(()), |until| Err(until.wait_time_from(self.limiter.clock().now()).as_secs() + 1))
    }
}

/// Requests after which clients that are quiet are forgotten.
const SWEEP_EVERY: u32 = 1024;

const BURST: std::num::NonZeroU32 = std::num::NonZeroU32::new(10).expect("ten is not zero");

/// Gives the request an id, refuses it when its client asks too fast, and marks the answer.
pub async fn apply(State(limits): State<Arc<Limits>>, mut request: Request, next: Next) -> Response {
    let id = RequestId(limits.ambient.event_id().to_string());
    request.extensions_mut().insert(id.clone());
    let peer = request.extensions().get::<Peer>().map(|peer| peer.address.ip().to_canonical());
    let line = format!("{} {}", request.method(), request.uri().path());
    let refused = peer.and_then(|address| limits.spend(address).err());
    let response = match refused {
        Some(wait_seconds) => too_fast(wait_seconds),
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

#[cfg(test)]
mod tests {
    use super::*;
    use event::Timestamp;

    fn limits() -> Arc<Limits> {
        Limits::new(1, Ambient::fixed(Timestamp::EPOCH, 1).0)
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_one_allowance() {
        let limits = limits();
        let spend = |last: u32| limits.spend(format!("2001:db8::{last:x}").parse().unwrap());
        assert!((0..10).all(|last| spend(last).is_ok()), "the burst");
        assert!(spend(10).is_err());
        assert!(limits.spend("2001:db8:0:1::".parse().unwrap()).is_ok(), "another network");
    }

    #[test]
    fn quiet_clients_are_forgotten() {
        let quota = Quota::per_second(std::num::NonZeroU32::MAX);
        let limiter = DefaultKeyedRateLimiter::keyed(quota);
        let ambient = Ambient::fixed(Timestamp::EPOCH, 1).0;
        let limits = Limits { limiter, since_swept: AtomicU32::new(0), ambient };
        for client in 0..10 * SWEEP_EVERY {
            limits.spend(IpAddr::V4(client.into())).unwrap();
        }
        assert!(limits.limiter.len() <= SWEEP_EVERY as usize + 1, "{} are kept", limits.limiter.len());
    }
}
