//! Who may reach what, and why.

use std::sync::Arc;

use access::{ApiResource, Subject, Verb};
use axum::Json;
use axum::extract::State;
use identity::IdentityError;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::caller::Caller;
use crate::extract::Query;
use crate::wire::{Explanation, ReachableTarget};
use crate::{Problem, Services};

/// Returns the targets that the caller may reach now, and under which logins.
#[utoipa::path(
    get,
    path = "/v1/targets/reachable",
    operation_id = "list_reachable_targets",
    responses((status = 200, body = [ReachableTarget])),
    tag = "access"
)]
pub async fn reachable(State(services): State<Arc<Services>>, caller: Caller) -> Json<Vec<ReachableTarget>> {
    let targets = services.access.targets_for(&caller.who);
    Json(
        targets
            .into_iter()
            .map(|target| ReachableTarget { name: target.name, labels: target.labels, logins: target.logins })
            .collect(),
    )
}

/// What is to be explained.
#[derive(Deserialize, IntoParams)]
pub struct Question {
    /// User.
    user: String,
    /// Target.
    target: String,
    /// Login on the target.
    login: Option<String>,
}

/// Explains whether a user may reach a target, and which rule decides.
#[utoipa::path(
    get,
    path = "/v1/access/explain",
    operation_id = "explain_access",
    params(Question),
    responses((status = 200, body = Explanation)),
    tag = "access"
)]
pub async fn explain(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Query(question): Query<Question>,
) -> Result<Json<Explanation>, Problem> {
    let login = question.login.as_deref();
    // One's own access may be explained to anyone, no further than one may know; another's needs a permit.
    let explanation = if question.user == caller.who.user()
        && !services.may(&caller, ApiResource::Roles, Verb::Read)
    {
        services.access.explain_own(&caller.who, &question.target, login)?
    } else {
        let permit = services.permit(&caller, ApiResource::Roles, Verb::Read).await?;
        let user = services.identity.user(&question.user).ok_or(IdentityError::NoSuchUser(question.user))?;
        let subject = Subject { user: user.name, roles: user.roles, traits: user.traits, origin: None };
        services.access.explain(&permit, &subject, &question.target, login)?
    };
    Ok(Json(Explanation {
        allowed: explanation.allowed,
        text: explanation.to_string(),
        reasoning: serde_json::to_value(&explanation).map_err(|error| Problem::internal(&error))?,
    }))
}
