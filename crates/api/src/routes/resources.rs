//! Roles, targets and locks, and the users that are declared beside them.

use std::sync::Arc;

use access::{AccessError, ApiPermit, ApiResource, Listed, Operation, Resource, ResourceKind, Verb};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use identity::{NewUser, UserUpdate};

use crate::caller::Caller;
use crate::extract::{Path, Text};
use crate::routes::users;
use crate::wire;
use crate::{Problem, Services};

/// Creates or updates roles, targets, locks and users from YAML documents. All are authorised and checked before the first is
/// applied.
#[utoipa::path(
    post,
    path = "/v1/apply",
    operation_id = "apply_resources",
    request_body(content = String, content_type = "application/yaml"),
    responses((status = 200, body = [wire::Applied])),
    tag = "access"
)]
pub async fn apply(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Text(text): Text,
) -> Result<Json<Vec<wire::Applied>>, Problem> {
    let resources =
        Resource::parse_all(&text).map_err(|error| Problem::bad_request("resource", error.to_string()))?;
    if resources.is_empty() {
        let detail =
            "there is no resource in it; a document begins with `kind: role`, `target`, `lock` or `user`";
        return Err(Problem::bad_request("resource", detail));
    }
    // Users come last: they may hold roles of the same text.
    let (users, others): (Vec<_>, Vec<_>) =
        resources.into_iter().partition(|resource| resource.kind() == ResourceKind::User);
    let resources: Vec<Resource> = others.into_iter().chain(users).collect();
    let mut permits = Vec::with_capacity(resources.len());
    for resource in &resources {
        permits.push(services.access.authorize_api(&caller.who, operation(&services, resource)?).await?);
    }
    // Only whoever may do all of it learns what stands against it: these checks tell which roles there are.
    services.access.check_roles_of(&resources)?;
    for (permit, resource) in permits.iter().zip(&resources) {
        if !matches!(resource, Resource::User(_)) {
            services.access.check_apply(permit, resource)?;
        }
    }
    let mut applied = Vec::with_capacity(resources.len());
    for (permit, resource) in permits.into_iter().zip(resources) {
        let (kind, name) = (resource.kind().to_string(), resource.name().to_owned());
        match apply_one(&services, &permit, resource).await {
            Ok((change, invite)) => applied.push(wire::Applied { kind, name, change, invite }),
            Err(problem) => return Err(after(&applied, problem)),
        }
    }
    Ok(Json(applied))
}

/// Adds to a problem what was done before it, which stays done.
fn after(applied: &[wire::Applied], mut problem: Problem) -> Problem {
    if applied.is_empty() {
        return problem;
    }
    let done: Vec<String> =
        applied.iter().map(|one| format!("{} {} ({})", one.kind, one.name, one.change)).collect();
    problem.detail = format!("{}; done before that, and kept: {}", problem.detail, done.join(", "));
    if applied.iter().any(|one| one.invite.is_some()) {
        problem.detail.push_str("; for a new invite of a user created so, run `lodge users reset NAME`");
    }
    problem
}

fn operation(services: &Services, resource: &Resource) -> Result<Operation, Problem> {
    let Resource::User(user) = resource else { return Ok(services.access.operation_of_apply(resource)) };
    let verb = if services.identity.user(&user.name).is_some() { Verb::Update } else { Verb::Create };
    Operation::new(ApiResource::Users, verb).ok_or_else(|| Problem::not_found("there is no such operation"))
}

/// Applies one resource; returns what that did, and the invite of a user who is new.
async fn apply_one(
    services: &Services,
    permit: &ApiPermit,
    resource: Resource,
) -> Result<(String, Option<String>), Problem> {
    match resource {
        Resource::User(user) => apply_user(services, permit, user).await,
        resource => Ok((services.access.apply(permit, resource).await?.to_string(), None)),
    }
}

async fn apply_user(
    services: &Services,
    permit: &ApiPermit,
    user: access::UserDocument,
) -> Result<(String, Option<String>), Problem> {
    let new = user.into_new();
    let Some(before) = services.identity.user(&new.name) else {
        let invite = services.access.create_user(permit, new).await?;
        return Ok(("created".to_owned(), Some(users::link(services, &invite))));
    };
    let NewUser { name, roles, traits, disabled } = new;
    let update = UserUpdate { roles: Some(roles), traits: Some(traits), disabled: Some(disabled) };
    let after = services.access.update_user(permit, &name, update).await?;
    Ok((if after == before { "unchanged" } else { "updated" }.to_owned(), None))
}

/// Lists the roles, targets or locks.
#[utoipa::path(
    get,
    path = "/v1/{kind}",
    operation_id = "list_resources",
    params(("kind" = String, Path, description = "`roles`, `targets` or `locks`")),
    responses((status = 200, body = [wire::Resource])),
    tag = "access"
)]
pub async fn list(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(kind): Path<String>,
) -> Result<Json<Vec<wire::Resource>>, Problem> {
    let kind = kind_of(&kind)?;
    let permit = services.permit(&caller, kind.api_resource(), Verb::List).await?;
    let listed = services.access.list(&permit, kind)?;
    listed.into_iter().map(shown).collect::<Result<Vec<_>, _>>().map(Json)
}

/// Returns one role, target or lock.
#[utoipa::path(
    get,
    path = "/v1/{kind}/{name}",
    operation_id = "read_resource",
    params(("kind" = String, Path, description = "`roles`, `targets` or `locks`"), ("name" = String, Path)),
    responses((status = 200, body = wire::Resource)),
    tag = "access"
)]
pub async fn read(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path((kind, name)): Path<(String, String)>,
) -> Result<Json<wire::Resource>, Problem> {
    let kind = kind_of(&kind)?;
    let permit = services.permit(&caller, kind.api_resource(), Verb::Read).await?;
    Ok(Json(shown(services.access.read(&permit, kind, &name)?)?))
}

/// Deletes one role, target or lock.
#[utoipa::path(
    delete,
    path = "/v1/{kind}/{name}",
    operation_id = "delete_resource",
    params(("kind" = String, Path, description = "`roles`, `targets` or `locks`"), ("name" = String, Path)),
    responses((status = 204)),
    tag = "access"
)]
pub async fn delete(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path((kind, name)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let kind = kind_of(&kind)?;
    let permit = services.permit(&caller, kind.api_resource(), Verb::Delete).await?;
    services.access.delete(&permit, kind, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn kind_of(plural: &str) -> Result<ResourceKind, Problem> {
    match plural {
        "roles" => Ok(ResourceKind::Role),
        "targets" => Ok(ResourceKind::Target),
        "locks" => Ok(ResourceKind::Lock),
        other => {
            Err(Problem::not_found(format!("there is no /v1/{other}; /v1/openapi.json lists what there is")))
        }
    }
}

fn shown(listed: Listed) -> Result<wire::Resource, Problem> {
    Ok(wire::Resource {
        kind: listed.resource.kind().to_string(),
        name: listed.resource.name().to_owned(),
        preset: listed.preset,
        yaml: listed.resource.to_string(),
        document: serde_json::to_value(&listed.resource).map_err(|error| Problem::internal(&error))?,
    })
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Problem {
        if let AccessError::Identity(error) = error {
            return error.into();
        }
        match &error {
            AccessError::NotFound { .. } => Problem::not_found(error.to_string()),
            AccessError::Preset(_) | AccessError::Full { .. } | AccessError::LocksYourself(_) => {
                Problem::conflict("not_possible", error.to_string())
            }
            AccessError::LastAdministrator { .. } => {
                Problem::conflict(access::code::LAST_ADMINISTRATOR, error.to_string())
            }
            AccessError::User | AccessError::Expired(_) | AccessError::NoSuchRole { .. } => {
                Problem::bad_request("invalid", error.to_string())
            }
            AccessError::Log(_) => Problem::unavailable("log_unavailable", error.to_string()),
            AccessError::Permit { .. }
            | AccessError::Table(_)
            | AccessError::Row { .. }
            | AccessError::Identity(_) => Problem::internal(&error),
        }
    }
}
