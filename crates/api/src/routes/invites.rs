//! Using an invite, in two steps: a password, then a second factor. Needs no certificate.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use identity::{InviteError, InviteToken};
use secrecy::ExposeSecret;

use crate::caller::From;
use crate::extract::Body;
use crate::wire::{InviteBegin, InviteDone, InviteEnrolment, InviteFinish};
use crate::{Problem, Services};

/// Sets the password and returns what to enrol in an authenticator. Nothing is spent until the second step.
#[utoipa::path(
    post,
    path = "/v1/invites/begin",
    operation_id = "begin_invite",
    request_body = InviteBegin,
    responses((status = 200, body = InviteEnrolment)),
    tag = "identity"
)]
pub async fn begin(
    State(services): State<Arc<Services>>,
    From(origin): From,
    Body(request): Body<InviteBegin>,
) -> Result<Json<InviteEnrolment>, Problem> {
    let token = parse(&request.token)?;
    let enrolment = services.identity.begin_invite(&origin, &token, request.password.into()).await?;
    Ok(Json(InviteEnrolment {
        user: enrolment.user,
        totp_secret: enrolment.secret.expose_secret().to_owned(),
        totp_uri: enrolment.uri.expose_secret().to_owned(),
    }))
}

/// Confirms the authenticator with a code, spends the invite and returns recovery codes.
#[utoipa::path(
    post,
    path = "/v1/invites/finish",
    operation_id = "finish_invite",
    request_body = InviteFinish,
    responses((status = 200, body = InviteDone)),
    tag = "identity"
)]
pub async fn finish(
    State(services): State<Arc<Services>>,
    From(origin): From,
    Body(request): Body<InviteFinish>,
) -> Result<Json<InviteDone>, Problem> {
    let token = parse(&request.token)?;
    let done = services.identity.finish_invite(&origin, &token, request.code.into()).await?;
    let recovery_codes = done.codes.iter().map(|code| code.expose_secret().to_owned()).collect();
    Ok(Json(InviteDone { user: done.user, recovery_codes }))
}

fn parse(token: &str) -> Result<InviteToken, Problem> {
    token.parse().map_err(|_| InviteError::Unknown.into())
}

impl std::convert::From<InviteError> for Problem {
    fn from(error: InviteError) -> Problem {
        match error {
            InviteError::Unknown => Problem::not_found(error.to_string()),
            InviteError::Busy => Problem::unavailable("busy", error.to_string()),
            InviteError::Identity(error) => error.into(),
            InviteError::Password(_) | InviteError::NotBegun | InviteError::WrongCode => {
                Problem::bad_request("invite", error.to_string())
            }
        }
    }
}
