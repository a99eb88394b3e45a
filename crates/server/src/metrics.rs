//! Metrics, health and readiness over plain HTTP, for machines on a private network.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use api::Services;
use archive::Archive;
use audit_log::AuditLog;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use event::Ambient;
use gateway::Gateway;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What is measured.
pub struct Metrics {
    log: AuditLog,
    archive: Arc<Archive>,
    gateway: Gateway,
    ambient: Ambient,
    registry: Registry,
    gauges: Gauges,
}

#[derive(Default)]
struct Gauges {
    log_entries: Gauge,
    checkpoint_entries: Gauge,
    checkpoint_age_seconds: Gauge<f64, AtomicU64>,
    queued_bytes: Gauge,
    stored_bytes: Gauge,
    free_bytes: Gauge,
    log_full: Gauge,
    log_failed: Gauge,
    live_sessions: Gauge,
    archive_sealed: Gauge,
    archive_lag: Gauge,
    archive_segments: Gauge,
    archive_bytes: Gauge,
    archive_pruned: Gauge,
    archive_damaged: Gauge,
    archive_failing: Gauge,
}

impl Metrics {
    /// Prepares the figures of one server.
    pub fn new(services: &Services, ambient: Ambient) -> Arc<Metrics> {
        let gauges = Gauges::default();
        let mut registry = Registry::with_prefix("lodge");
        registry.register("log_entries", "Durable entries of the audit log", gauges.log_entries.clone());
        registry.register(
            "checkpoint_entries",
            "Entries under the newest checkpoint",
            gauges.checkpoint_entries.clone(),
        );
        let age = gauges.checkpoint_age_seconds.clone();
        registry.register("checkpoint_age_seconds", "Age of the newest checkpoint", age);
        registry.register("log_queued_bytes", "Bytes that wait for their sync", gauges.queued_bytes.clone());
        registry.register(
            "log_stored_bytes",
            "Bytes that the audit log takes on disk",
            gauges.stored_bytes.clone(),
        );
        registry.register(
            "log_disk_free_bytes",
            "Bytes free on the audit log's disk",
            gauges.free_bytes.clone(),
        );
        registry.register(
            "log_full",
            "1 while new sessions are refused because the disk is nearly full",
            gauges.log_full.clone(),
        );
        registry.register(
            "log_failed",
            "1 once the audit log failed and Lodge must be restarted",
            gauges.log_failed.clone(),
        );
        registry.register("live_sessions", "Sessions that are open now", gauges.live_sessions.clone());
        gauges.register_archive(&mut registry);
        let (log, archive) = (services.log.clone(), services.archive.clone());
        Arc::new(Metrics { log, archive, gateway: services.gateway.clone(), ambient, registry, gauges })
    }

    /// Makes the router that serves them.
    pub fn router(self: &Arc<Metrics>) -> Router {
        Router::new()
            .route("/metrics", get(metrics))
            .route("/healthz", get(health))
            .route("/readyz", get(readiness))
            .with_state(self.clone())
    }

    fn render(&self) -> String {
        let health = self.log.health();
        let age = health.checkpoint_time.map_or(0.0, |time| self.ambient.now().since(time).as_secs_f64());
        self.gauges.log_entries.set(signed(health.size));
        self.gauges.checkpoint_entries.set(signed(health.checkpoint_size));
        self.gauges.checkpoint_age_seconds.set(age);
        self.gauges.queued_bytes.set(signed(health.queued_bytes));
        self.gauges.stored_bytes.set(signed(health.stored_bytes));
        self.gauges.free_bytes.set(signed(health.free_bytes));
        self.gauges.log_full.set(i64::from(health.full));
        self.gauges.log_failed.set(i64::from(health.failed));
        self.gauges.live_sessions.set(signed(self.gateway.sessions().count() as u64));
        self.gauges.set_archive(&self.archive.status(), health.size);
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string cannot fail");
        text
    }
}

impl Gauges {
    fn register_archive(&self, registry: &mut Registry) {
        let gauges = [
            (
                "archive_sealed_entries",
                "Entries that the archive holds, dropped ones too",
                &self.archive_sealed,
            ),
            ("archive_lag_entries", "Entries of the log that cannot be searched yet", &self.archive_lag),
            ("archive_segments", "Segments whose entries are kept", &self.archive_segments),
            ("archive_stored_bytes", "Bytes of the archive's objects", &self.archive_bytes),
            ("archive_pruned_entries", "Entries that retention dropped", &self.archive_pruned),
            ("archive_damaged_segments", "Segments that cannot be read", &self.archive_damaged),
            ("archive_failing", "1 while sealing, merging or dropping fails", &self.archive_failing),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
    }

    fn set_archive(&self, status: &archive::Status, size: u64) {
        self.archive_sealed.set(signed(status.sealed));
        self.archive_lag.set(signed(size.saturating_sub(status.taken)));
        self.archive_segments.set(signed(status.segments));
        self.archive_bytes.set(signed(status.data_bytes + status.index_bytes + status.leaves_bytes));
        self.archive_pruned.set(signed(status.pruned_entries));
        self.archive_damaged.set(signed(status.damaged.len() as u64));
        self.archive_failing.set(i64::from(status.failure.is_some()));
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

async fn metrics(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], metrics.render())
}

/// Alive: a failed log needs a restart.
async fn health(State(metrics): State<Arc<Metrics>>) -> (StatusCode, &'static str) {
    if metrics.log.health().failed {
        return (StatusCode::SERVICE_UNAVAILABLE, "the audit log failed; restart Lodge\n");
    }
    (StatusCode::OK, "ok\n")
}

/// Ready: new sessions would be taken.
async fn readiness(State(metrics): State<Arc<Metrics>>) -> (StatusCode, String) {
    let health = metrics.log.health();
    if health.failed {
        return (StatusCode::SERVICE_UNAVAILABLE, "the audit log failed; restart Lodge\n".to_owned());
    }
    match health.shortage {
        Some(shortage) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{shortage}; new sessions are refused until then\n"))
        }
        None => (StatusCode::OK, "ready\n".to_owned()),
    }
}
