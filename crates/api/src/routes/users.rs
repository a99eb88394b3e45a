//! Users.

use std::sync::Arc;

use access::{ApiResource, Verb};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use identity::{IdentityError, NewUser, UserUpdate};

use crate::caller::Caller;
use crate::extract::{Body, Path};
use crate::wire;
use crate::{Problem, Services};

/// Lists the users.
#[utoipa::path(get, path = "/v1/users", operation_id = "list_users", responses((status = 200, body = [wire::User])), tag = "identity")]
pub async fn list(
    State(services): State<Arc<Services>>,
    caller: Caller,
) -> Result<Json<Vec<wire::User>>, Problem> {
    services.permit(&caller, ApiResource::Users, Verb::List).await?;
    Ok(Json(services.identity.users().into_iter().map(shown).collect()))
}

/// Creates a user and returns the single-use invite link.
#[utoipa::path(
    post,
    path = "/v1/users",
    operation_id = "create_user",
    request_body = wire::NewUser,
    responses((status = 201, body = wire::Invite)),
    tag = "identity"
)]
pub async fn create(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Body(user): Body<wire::NewUser>,
) -> Result<(StatusCode, Json<wire::Invite>), Problem> {
    let permit = services.permit(&caller, ApiResource::Users, Verb::Create).await?;
    let new = NewUser { name: user.name, roles: user.roles, traits: user.traits, disabled: false };
    let invite = services.access.create_user(&permit, new).await?;
    Ok((StatusCode::CREATED, Json(invited(&services, &invite))))
}

/// Returns one user.
#[utoipa::path(
    get,
    path = "/v1/users/{name}",
    operation_id = "read_user",
    params(("name" = String, Path)),
    responses((status = 200, body = wire::User)),
    tag = "identity"
)]
pub async fn read(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<wire::User>, Problem> {
    services.permit(&caller, ApiResource::Users, Verb::Read).await?;
    let user = services.identity.user(&name).ok_or(IdentityError::NoSuchUser(name))?;
    Ok(Json(shown(user)))
}

/// Changes a user; what is absent stays.
#[utoipa::path(
    patch,
    path = "/v1/users/{name}",
    operation_id = "update_user",
    params(("name" = String, Path)),
    request_body = wire::UserChange,
    responses((status = 200, body = wire::User)),
    tag = "identity"
)]
pub async fn update(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(name): Path<String>,
    Body(change): Body<wire::UserChange>,
) -> Result<Json<wire::User>, Problem> {
    let permit = services.permit(&caller, ApiResource::Users, Verb::Update).await?;
    let update = UserUpdate { roles: change.roles, traits: change.traits, disabled: change.disabled };
    let user = services.access.update_user(&permit, &name, update).await?;
    Ok(Json(shown(user)))
}

/// Deletes a user; logins and live sessions end at once.
#[utoipa::path(
    delete,
    path = "/v1/users/{name}",
    operation_id = "delete_user",
    params(("name" = String, Path)),
    responses((status = 204)),
    tag = "identity"
)]
pub async fn delete(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let permit = services.permit(&caller, ApiResource::Users, Verb::Delete).await?;
    services.access.delete_user(&permit, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a user's logins and second factor and returns a new invite link.
#[utoipa::path(
    post,
    path = "/v1/users/{name}/reset",
    operation_id = "reset_user",
    params(("name" = String, Path)),
    responses((status = 200, body = wire::Invite)),
    tag = "identity"
)]
pub async fn reset(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<wire::Invite>, Problem> {
    let permit = services.permit(&caller, ApiResource::Users, Verb::Update).await?;
    let invite = services.identity.reset_user(permit.author(), &name).await?;
    Ok(Json(invited(&services, &invite)))
}

/// Writes an invite as the link that `lodge login --invite` takes.
pub fn link(services: &Services, invite: &identity::Invite) -> String {
    services.facts.invite_link(&invite.token.expose(), &services.identity.x509_fingerprint())
}

fn invited(services: &Services, invite: &identity::Invite) -> wire::Invite {
    wire::Invite { user: invite.user.clone(), url: link(services, invite), expires: invite.expires }
}

fn shown(user: identity::User) -> wire::User {
    let status = match user.status {
        identity::UserStatus::Invited => "invited",
        identity::UserStatus::Active => "active",
        identity::UserStatus::Disabled => "disabled",
    };
    wire::User {
        name: user.name,
        roles: user.roles,
        traits: user.traits,
        status: status.to_owned(),
        created: user.created,
        recovery_codes: user.recovery_codes,
        locked_until: user.locked_until,
    }
}

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Problem {
        match &error {
            IdentityError::NoSuchUser(_) | IdentityError::NoSuchLogin(_) => {
                Problem::not_found(error.to_string())
            }
            IdentityError::UserExists(_) | IdentityError::Rotation { .. } => {
                Problem::conflict("not_possible", error.to_string())
            }
            IdentityError::Name { .. }
            | IdentityError::Attribute(_)
            | IdentityError::Key(_)
            | IdentityError::Life(_) => Problem::bad_request("invalid", error.to_string()),
            IdentityError::Log(_) => Problem::unavailable("log_unavailable", error.to_string()),
            IdentityError::Tables(_)
            | IdentityError::Vault(_)
            | IdentityError::Row { .. }
            | IdentityError::Certificate(_) => Problem::internal(&error),
        }
    }
}
