//! Browsers' sessions: signing in with a password and a second factor for a cookie, and out again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use identity::{ConsoleRequest, MAX_CERTIFICATE_LIFE};
use secrecy::ExposeSecret;

use crate::caller::{Caller, From, OwnPage};
use crate::console::{self, Cookie, csrf_token};
use crate::extract::Body;
use crate::wire::{ConsoleLogin, ConsoleSession};
use crate::{Problem, Services};

/// Signs a user in to the console and sets the cookie of the session. Only from a page of this Lodge.
#[utoipa::path(
    post,
    path = "/v1/console/login",
    operation_id = "login_console",
    request_body = ConsoleLogin,
    responses((status = 200, body = ConsoleSession), (status = 401, body = Problem)),
    tag = "console"
)]
pub async fn login(
    State(services): State<Arc<Services>>,
    From(origin): From,
    _: OwnPage,
    Body(request): Body<ConsoleLogin>,
) -> Result<Response, Problem> {
    let request = ConsoleRequest {
        user: request.name,
        password: request.password.into(),
        code: request.code.into(),
        origin: origin.clone(),
        ttl: MAX_CERTIFICATE_LIFE,
    };
    let grant = services.identity.login_to_console(request).await?;
    let life = grant.expires.since(services.ambient.now());
    let cookie = Cookie(grant.token.expose_secret().to_owned());
    let who = services.identity.verify_console_token(&cookie.0, &origin).await;
    let who = who.map_err(|error| Problem::internal(&error))?;
    let session = ConsoleSession {
        user: grant.user,
        roles: who.roles().to_vec(),
        may: services.allowed(&who),
        csrf_token: csrf_token(&cookie),
        expires: grant.expires,
        recovery_codes: Some(grant.recovery_codes),
    };
    Ok(([(SET_COOKIE, console::set(&cookie.0, life)?)], Json(session)).into_response())
}

/// Returns the browser's session: who is signed in, and the token that changes must carry as `X-Lodge-CSRF`.
#[utoipa::path(
    get,
    path = "/v1/console/session",
    operation_id = "read_console_session",
    responses((status = 200, body = ConsoleSession)),
    tag = "console"
)]
pub async fn session(
    State(services): State<Arc<Services>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Json<ConsoleSession>, Problem> {
    let cookie = shown(&headers)?;
    Ok(Json(ConsoleSession {
        user: caller.who.user().to_owned(),
        roles: caller.who.roles().to_vec(),
        may: services.allowed(&caller.who),
        csrf_token: csrf_token(&cookie),
        expires: caller.who.expires(),
        recovery_codes: None,
    }))
}

fn shown(headers: &HeaderMap) -> Result<Cookie, Problem> {
    Cookie::of(headers).ok_or_else(console::no_session)
}

/// Ends the browser's session and takes its cookie away.
#[utoipa::path(post, path = "/v1/console/logout", operation_id = "logout_console", responses((status = 204)), tag = "console")]
pub async fn logout(
    State(services): State<Arc<Services>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    shown(&headers)?;
    let author = event::Author::of(caller.who.actor(), Some(caller.origin));
    services.identity.logout(&author, caller.who.login()).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, console::clear())]).into_response())
}
