//! Access: the roles, targets and locks, kept in tables and in memory, changed only under a permit and after the event.
//!
//! Invariant: a change is in the log before it is in the tables, and in the tables before decisions see it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use audit_log::AuditLog;
use event::Ambient;
use identity::Identity;
use store::tables::Tables;
use tokio::sync::{Mutex, watch};

use crate::api_permit::ApiPermit;
use crate::error::AccessError;
use crate::operation::{ApiResource, Operation, Verb};
use crate::rows;
use crate::snapshot::Snapshot;

/// Roles, targets and locks, and the decisions on them. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Access {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub tables: Arc<dyn Tables>,
    pub log: AuditLog,
    pub identity: Identity,
    pub ambient: Ambient,
    pub snapshot: ArcSwap<Snapshot>,
    /// Held by whoever changes state; see `change`.
    pub changing: Arc<Mutex<()>>,
    pub changes: watch::Sender<u64>,
    booted: AtomicBool,
}

impl Access {
    /// Reads what the tables hold. A row that is not valid is an error: a rule that denies must not get lost.
    pub async fn open(
        tables: Arc<dyn Tables>,
        log: AuditLog,
        identity: Identity,
        ambient: Ambient,
    ) -> Result<Access, AccessError> {
        let read = tables.clone();
        let snapshot = crate::change::blocking(move || rows::load(read.as_ref())).await?;
        let inner = Inner {
            tables,
            log,
            identity,
            ambient,
            snapshot: ArcSwap::from_pointee(snapshot),
            changing: Arc::new(Mutex::new(())),
            changes: watch::Sender::new(0),
            booted: AtomicBool::new(false),
        };
        let inner = Arc::new(inner);
        tokio::spawn(pass_on(inner.identity.changes(), Arc::downgrade(&inner)));
        Ok(Access { inner })
    }

    /// Returns a receiver that wakes whenever roles, targets, locks or users change, so that running sessions are
    /// checked again at once.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Gives the permit by which the server applies the resources of its configuration file while it starts. Only the first
    /// call gets it, so that nothing that runs later can act in the server's name. It applies, lists and deletes roles,
    /// targets and locks; its events name the actor `boot`.
    pub fn boot_permit(&self) -> Option<ApiPermit> {
        let first = !self.inner.booted.swap(true, Ordering::SeqCst);
        first.then(ApiPermit::boot)
    }

    /// Returns all roles, targets and locks of this moment.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.inner.snapshot.load_full()
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    pub(crate) fn ambient(&self) -> &Ambient {
        &self.inner.ambient
    }

    pub(crate) fn log(&self) -> &AuditLog {
        &self.inner.log
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.inner.identity
    }

    /// Refuses a permit that is not for this operation.
    pub(crate) fn need(
        &self,
        permit: &ApiPermit,
        resource: ApiResource,
        verb: Verb,
    ) -> Result<(), AccessError> {
        let needed =
            Operation::new(resource, verb).expect("roles, targets, locks and users have these verbs");
        if permit.covers(needed) { Ok(()) } else { Err(AccessError::Permit { needed }) }
    }
}

/// Wakes those who wait for changes here when identity changes, for as long as anybody can wait.
async fn pass_on(mut users: watch::Receiver<u64>, inner: Weak<Inner>) {
    while users.changed().await.is_ok() {
        let Some(inner) = inner.upgrade() else { return };
        inner.changes.send_modify(|count| *count += 1);
    }
}
