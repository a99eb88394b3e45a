//! Certificate authorities.

use std::sync::Arc;
use std::time::Duration;

use access::{ApiResource, Verb};
use axum::Json;
use axum::extract::State;
use identity::{AuthorityKind, AuthorityStatus};

use crate::caller::Caller;
use crate::extract::{Body, Path};
use crate::wire::{Authority, HostCertificate, HostCertificateRequest, Rotation, RotationStep};
use crate::{Problem, Services};

/// Lists the certificate authorities and where their rotations stand.
#[utoipa::path(get, path = "/v1/authorities", operation_id = "list_authorities", responses((status = 200, body = [Authority])), tag = "identity")]
pub async fn list(
    State(services): State<Arc<Services>>,
    caller: Caller,
) -> Result<Json<Vec<Authority>>, Problem> {
    services.permit(&caller, ApiResource::Authorities, Verb::List).await?;
    Ok(Json(services.identity.authorities().into_iter().map(shown).collect()))
}

/// Takes the next step of an authority's rotation.
#[utoipa::path(
    post,
    path = "/v1/authorities/{kind}/rotate",
    operation_id = "rotate_authority",
    params(("kind" = String, Path, description = "`user`, `host`, `gate` or `x509`")),
    request_body = Rotation,
    responses((status = 200, body = Authority)),
    tag = "identity"
)]
pub async fn rotate(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(kind): Path<String>,
    Body(rotation): Body<Rotation>,
) -> Result<Json<Authority>, Problem> {
    let kind = AuthorityKind::ALL.into_iter().find(|known| known.word() == kind);
    let kind =
        kind.ok_or_else(|| Problem::not_found("there are the authorities user, host, gate and x509"))?;
    let permit = services.permit(&caller, ApiResource::Authorities, Verb::Rotate).await?;
    let step = match rotation.step {
        RotationStep::Prepare => identity::RotationStep::Prepare,
        RotationStep::Overlap => identity::RotationStep::Overlap,
        RotationStep::Complete => identity::RotationStep::Complete,
        RotationStep::Rollback => identity::RotationStep::Rollback,
    };
    let status = services.identity.rotate(permit.author(), kind, step).await?;
    Ok(Json(shown(status)))
}

/// Signs a server's own host key, so that the gate knows the server by its certificate instead of a pinned key.
#[utoipa::path(
    post,
    path = "/v1/authorities/host/sign",
    operation_id = "sign_host_key",
    request_body = HostCertificateRequest,
    responses((status = 200, body = HostCertificate)),
    tag = "identity"
)]
pub async fn sign_host(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Body(request): Body<HostCertificateRequest>,
) -> Result<Json<HostCertificate>, Problem> {
    let permit = services.permit(&caller, ApiResource::Authorities, Verb::Sign).await?;
    let life = Duration::from_secs(request.ttl_seconds);
    let identity = &services.identity;
    let signed =
        identity.target_host_certificate(permit.author(), &request.public_key, &request.names, life).await?;
    let certificate = signed.to_openssh().map_err(|error| Problem::internal(&error))?;
    Ok(Json(HostCertificate { certificate }))
}

fn shown(status: AuthorityStatus) -> Authority {
    Authority {
        kind: status.kind.word().to_owned(),
        phase: status.phase.to_string(),
        signing: status.signing,
        trusted: status.public,
    }
}
