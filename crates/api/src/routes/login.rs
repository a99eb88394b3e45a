//! Signing in and out.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use identity::{LoginError, LoginRequest};

use crate::caller::{Caller, From};
use crate::extract::Body;
use crate::wire;
use crate::{Problem, Services};

/// Signs a user in and certifies the keys of this login. Needs no certificate.
#[utoipa::path(
    post,
    path = "/v1/login",
    operation_id = "login",
    request_body = wire::LoginRequest,
    responses((status = 200, body = wire::LoginGrant), (status = 401, body = Problem)),
    tag = "identity"
)]
pub async fn login(
    State(services): State<Arc<Services>>,
    From(origin): From,
    Body(request): Body<wire::LoginRequest>,
) -> Result<Json<wire::LoginGrant>, Problem> {
    let request = LoginRequest {
        user: request.user,
        password: request.password.into(),
        code: request.code.into(),
        origin,
        ssh_public_key: request.ssh_public_key,
        tls_public_key: request.tls_request,
        ttl: request.ttl_seconds.map_or(identity::MAX_CERTIFICATE_LIFE, Duration::from_secs),
    };
    let grant = services.identity.login(request).await?;
    Ok(Json(wire::LoginGrant {
        login: grant.login.to_string(),
        user: grant.user,
        expires: grant.expires,
        ssh_certificate: grant.ssh_certificate.to_openssh().map_err(|error| Problem::internal(&error))?,
        tls_certificate: grant.tls_certificate,
    }))
}

/// Ends the caller's login; its certificates stop working at once.
#[utoipa::path(post, path = "/v1/logout", operation_id = "logout", responses((status = 204)), tag = "identity")]
pub async fn logout(State(services): State<Arc<Services>>, caller: Caller) -> Result<StatusCode, Problem> {
    services
        .identity
        .logout(&event::Author::of(caller.who.actor(), Some(caller.origin)), caller.who.login())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

impl std::convert::From<LoginError> for Problem {
    fn from(error: LoginError) -> Problem {
        match error {
            LoginError::Refused => Problem::unauthenticated("login", error.to_string()),
            LoginError::Busy => Problem::unavailable("busy", error.to_string()),
            LoginError::Changed => Problem::conflict("changed", error.to_string()),
            LoginError::Key(why) => Problem::bad_request("key", why),
            LoginError::Identity(error) => error.into(),
        }
    }
}
