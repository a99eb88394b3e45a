//! What Lodge says of itself, and what clients must trust.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use identity::AuthorityKind;

use crate::Services;
use crate::caller::Caller;
use crate::wire::{LogStatus, Status, Trust};

/// Returns what a client needs before it can trust and reach this Lodge. Needs no certificate.
#[utoipa::path(get, path = "/v1/trust", operation_id = "read_trust", responses((status = 200, body = Trust)), tag = "status")]
pub async fn trust(State(services): State<Arc<Services>>) -> Json<Trust> {
    let identity = &services.identity;
    let keys = |kind| identity.trusted_keys(kind).iter().filter_map(|key| key.to_openssh().ok()).collect();
    Json(Trust {
        public_host: services.facts.public_host.clone(),
        ssh_port: services.facts.ssh_port,
        x509_authorities: identity.x509_bundle(),
        x509_fingerprint: identity.x509_fingerprint(),
        ssh_host_authorities: keys(AuthorityKind::Host),
        ssh_gate_authorities: keys(AuthorityKind::Gate),
        log_key: services.log.verifier_key(),
    })
}

/// Returns who the caller is, and how server and log are doing.
#[utoipa::path(get, path = "/v1/status", operation_id = "read_status", responses((status = 200, body = Status)), tag = "status")]
pub async fn status(State(services): State<Arc<Services>>, caller: Caller) -> Json<Status> {
    let health = services.log.health();
    let state = match (health.failed, health.full) {
        (true, _) => "failed",
        (false, true) => "full",
        (false, false) => "ok",
    };
    Json(Status {
        version: services.facts.version.clone(),
        node: services.facts.node.clone(),
        user: caller.who.user().to_owned(),
        roles: caller.who.roles().to_vec(),
        expires: caller.who.expires(),
        live_sessions: services.gateway.sessions().count() as u64,
        log: LogStatus {
            entries: health.size,
            checkpoint_size: health.checkpoint_size,
            checkpoint_time: health.checkpoint_time,
            queued_bytes: health.queued_bytes,
            stored_bytes: health.stored_bytes,
            free_bytes: health.free_bytes,
            state: state.to_owned(),
        },
    })
}

/// Returns this document. Needs no certificate.
#[utoipa::path(get, path = "/v1/openapi.json", operation_id = "read_openapi", responses((status = 200, description = "OpenAPI 3.1")), tag = "status")]
pub async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(super::openapi())
}
