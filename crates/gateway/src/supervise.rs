//! Watches over all open sessions from one task: locks, limits, and the health of the log.
//!
//! One task for all, so that an idle session costs no task of its own. It only gives the order to end;
//! the session's own task obeys and writes the end.

use std::sync::Weak;
use std::time::Duration;

use audit_log::Shortage;
use event::Timestamp;
use tokio::time::{MissedTickBehavior, interval};

use crate::core::Shared;
use crate::session::Core;
use crate::{Cut, LiveSession};

/// Room on a full disk that is kept for ending sessions and sealing their recordings: what is above it running sessions
/// may still write.
const CLOSING_ROOM: u64 = 16 << 20;

/// Between two visits when nothing changes; so long can an expiry be overdue.
const VISIT_EVERY: Duration = Duration::from_secs(1);

pub(crate) async fn run(shared: Weak<Shared>) {
    let mut changes = match shared.upgrade() {
        Some(shared) => shared.access.changes(),
        None => return,
    };
    let mut visits = interval(VISIT_EVERY);
    visits.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watch_changes = true;
    let mut shortage = None;
    loop {
        tokio::select! {
            _ = visits.tick() => {}
            changed = changes.changed(), if watch_changes => watch_changes = changed.is_ok(),
        }
        match shared.upgrade() {
            Some(shared) => {
                visit(&shared);
                tell(&mut shortage, shared.log.health().shortage);
            }
            None => return,
        }
    }
}

/// Tells the operator when the log's disk becomes full, and when it has room again.
fn tell(told: &mut Option<Shortage>, now: Option<Shortage>) {
    match (&*told, &now) {
        (None, Some(shortage)) => {
            tracing::error!("{shortage}; new sessions and changes are refused until then")
        }
        (Some(_), None) => tracing::info!("the audit log's disk has room again; new sessions are taken"),
        _ => {}
    }
    *told = now;
}

fn visit(shared: &Shared) {
    let now = shared.ambient.now();
    let health = shared.log.health();
    let log_ends = match (health.failed, health.full && health.free_bytes < CLOSING_ROOM) {
        (true, _) => Some("it failed"),
        (false, true) => Some("its disk is full"),
        (false, false) => None,
    };
    for (live, core) in shared.sessions.with_cores() {
        let order = log_ends.map(|why| Cut::log(&why)).or_else(|| due(shared, &live, &core, now));
        if let Some(order) = order {
            live.cut(order);
        }
    }
}

fn due(shared: &Shared, live: &LiveSession, core: &Core, now: Timestamp) -> Option<Cut> {
    if let Some(ending) = shared.access.must_end(&core.permit) {
        return Some(Cut::ending(ending));
    }
    let idle = now.since(live.idle_since(now));
    core.permit.options().idle_timeout.filter(|limit| idle >= *limit).map(|_| Cut::idle())
}
