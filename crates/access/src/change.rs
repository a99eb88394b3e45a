//! Changes: the event, durable; then the row; then the snapshot that decisions see.
//!
//! The three run in a task of their own, so that a caller who hangs up cannot stop them half way, and one at a time.

use std::sync::Arc;

use event::kinds::change::Change;
use event::{Detail, Event, Target};
use serde::Serialize;
use serde_json::Value;
use store::tables::{Expect, Row, Write};
use tokio::sync::OwnedMutexGuard;

use crate::access::{Access, Inner};
use crate::api_permit::ApiPermit;
use crate::error::AccessError;
use crate::guard::World;
use crate::operation::{Operation, Verb};
use crate::preset::is_preset;
use crate::resource::{Resource, ResourceKind};
use crate::rows;
use crate::words::words;

words! {
    /// What applying a resource did.
    Applied {
        /// It is new.
        Created = "created",
        /// It is another than before.
        Updated = "updated",
        /// It was like this already; no event was left.
        Unchanged = "unchanged",
    }
}

/// A resource in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The resource.
    #[serde(flatten)]
    pub resource: Resource,
    /// Whether it is a preset, which cannot be changed.
    pub preset: bool,
}

/// The right to change state, held from the first look at it until decisions see the change.
pub(crate) type Turn = OwnedMutexGuard<()>;

/// Keeps changes from being made, see [`Access::hold_changes`].
pub struct ChangesHeld {
    _turn: Turn,
}

/// A change that was checked and is to be made.
struct Planned {
    kind: ResourceKind,
    name: String,
    after: Option<Resource>,
    event: Event,
    turn: Turn,
}

impl Access {
    /// Says which operation applying a resource would be now, for which a permit is needed.
    pub fn operation_of_apply(&self, resource: &Resource) -> Operation {
        let exists = rows::find(&self.snapshot(), resource.kind(), resource.name()).is_some();
        operation(resource.kind(), if exists { Verb::Update } else { Verb::Create })
    }

    /// Makes a resource be as it is declared. The permit must be for what this turns out to be, see
    /// [`operation_of_apply`](Access::operation_of_apply). Where nothing changes, no event is left.
    pub async fn apply(&self, permit: &ApiPermit, resource: Resource) -> Result<Applied, AccessError> {
        let (kind, name) = (resource.kind(), resource.name().to_owned());
        if kind == ResourceKind::User {
            return Err(AccessError::User);
        }
        let turn = self.turn().await;
        let before = rows::find(&self.snapshot(), kind, &name);
        let verb = if before.is_some() { Verb::Update } else { Verb::Create };
        self.need(permit, kind.api_resource(), verb)?;
        if before.as_ref() == Some(&resource) {
            return Ok(Applied::Unchanged);
        }
        self.check_apply(permit, &resource)?;
        if decides_on_people(kind) {
            let world = self.world();
            let after = World { snapshot: rows::with(world.snapshot, resource.clone()), ..world };
            let operation = self.operation_of_apply(&resource);
            self.keep_an_administrator(permit, operation, at(kind, &name), &after).await?;
        }
        let event = change_event(self, permit, kind, &name, before.as_ref(), Some(&resource));
        let applied = if before.is_some() { Applied::Updated } else { Applied::Created };
        self.perform(Planned { kind, name, after: Some(resource), event, turn }).await?;
        Ok(applied)
    }

    /// Removes a resource.
    pub async fn delete(
        &self,
        permit: &ApiPermit,
        kind: ResourceKind,
        name: &str,
    ) -> Result<(), AccessError> {
        if kind == ResourceKind::User {
            return Err(AccessError::User);
        }
        self.need(permit, kind.api_resource(), Verb::Delete)?;
        if kind == ResourceKind::Role && is_preset(name) {
            return Err(AccessError::Preset(name.to_owned()));
        }
        let turn = self.turn().await;
        let before = rows::find(&self.snapshot(), kind, name).ok_or_else(|| not_found(kind, name))?;
        if decides_on_people(kind) {
            let world = self.world();
            let after = World { snapshot: rows::without(world.snapshot, kind, name), ..world };
            let operation = operation(kind, Verb::Delete);
            self.keep_an_administrator(permit, operation, at(kind, name), &after).await?;
        }
        let event = change_event(self, permit, kind, name, Some(&before), None);
        self.perform(Planned { kind, name: name.to_owned(), after: None, event, turn }).await
    }

    /// Reads one resource.
    pub fn read(&self, permit: &ApiPermit, kind: ResourceKind, name: &str) -> Result<Listed, AccessError> {
        self.need(permit, kind.api_resource(), Verb::Read)?;
        let resource = rows::find(&self.snapshot(), kind, name).ok_or_else(|| not_found(kind, name))?;
        Ok(listed(resource))
    }

    /// Lists the resources of a kind by name, presets among them.
    pub fn list(&self, permit: &ApiPermit, kind: ResourceKind) -> Result<Vec<Listed>, AccessError> {
        self.need(permit, kind.api_resource(), Verb::List)?;
        Ok(rows::all(&self.snapshot(), kind).into_iter().map(listed).collect())
    }

    /// Says whether applying the resource would be refused as things stand, so that nothing of a file is applied when some of
    /// it cannot be.
    pub fn check_apply(&self, permit: &ApiPermit, resource: &Resource) -> Result<(), AccessError> {
        let name = || resource.name().to_owned();
        match resource {
            Resource::Role(role) if is_preset(&role.name) => return Err(AccessError::Preset(name())),
            Resource::Lock(lock) if !lock.holds(self.ambient().now()) => {
                return Err(AccessError::Expired(name()));
            }
            _ => {}
        }
        if permit.is_hit_by(resource) {
            return Err(AccessError::LocksYourself(name()));
        }
        let kind = resource.kind();
        let snapshot = self.snapshot();
        let new = rows::find(&snapshot, kind, resource.name()).is_none();
        if new && rows::all(&snapshot, kind).len() >= rows::MOST {
            return Err(AccessError::Full { kind, most: rows::MOST });
        }
        Ok(())
    }

    /// Waits for the change that is being made, whose caller may be gone, and lets no other begin while the answer is held.
    pub async fn hold_changes(&self) -> ChangesHeld {
        ChangesHeld { _turn: self.turn().await }
    }

    pub(crate) async fn turn(&self) -> Turn {
        self.inner().changing.clone().lock_owned().await
    }

    async fn perform(&self, planned: Planned) -> Result<(), AccessError> {
        let inner = self.inner().clone();
        settle(tokio::spawn(async move { inner.perform(planned).await })).await
    }
}

impl Inner {
    async fn perform(self: Arc<Inner>, planned: Planned) -> Result<(), AccessError> {
        let table = rows::table_of(planned.kind).ok_or(AccessError::User)?;
        let row = self.row(table, &planned.name).await?;
        let write = match &planned.after {
            Some(resource) => rows::put(table, resource, row.as_ref()),
            None => Write::Delete {
                table,
                key: planned.name.clone(),
                expect: row.map_or(Expect::Absent, |row| Expect::Revision(row.revision)),
            },
        };
        self.log.append(&planned.event).await?;
        self.commit(write, &planned.event).await?;
        let snapshot = self.snapshot.load().as_ref().clone();
        let snapshot = match planned.after {
            Some(resource) => rows::with(snapshot, resource),
            None => rows::without(snapshot, planned.kind, &planned.name),
        };
        self.snapshot.store(Arc::new(snapshot));
        self.changes.send_modify(|count| *count += 1);
        drop(planned.turn);
        Ok(())
    }

    async fn row(&self, table: &'static str, name: &str) -> Result<Option<Row>, AccessError> {
        let (tables, name) = (self.tables.clone(), name.to_owned());
        Ok(blocking(move || tables.get(table, &name)).await?)
    }

    /// Commits the row; when that fails, a second event says that the recorded change did not come to pass.
    async fn commit(&self, write: Write, event: &Event) -> Result<(), AccessError> {
        let tables = self.tables.clone();
        let Err(error) = blocking(move || tables.commit(&[write])).await else { return Ok(()) };
        let mut undone = event.clone().failed(format!("recorded, but not made: {error}"));
        undone.id = self.ambient.event_id();
        undone.time = self.ambient.now();
        // When the log fails too, the caller still gets the first error.
        let _ = self.log.append(&undone).await;
        Err(error.into())
    }
}

fn change_event(
    access: &Access,
    permit: &ApiPermit,
    kind: ResourceKind,
    name: &str,
    before: Option<&Resource>,
    after: Option<&Resource>,
) -> Event {
    let change = Change { name: name.to_owned(), before: before.map(json), after: after.map(json) };
    let detail = match (kind, before.is_some(), after.is_some()) {
        (ResourceKind::Role, false, _) => Detail::RoleCreate(change),
        (ResourceKind::Role, true, true) => Detail::RoleUpdate(change),
        (ResourceKind::Role, true, false) => Detail::RoleDelete(change),
        (ResourceKind::Target, false, _) => Detail::TargetCreate(change),
        (ResourceKind::Target, true, true) => Detail::TargetUpdate(change),
        (ResourceKind::Target, true, false) => Detail::TargetDelete(change),
        (ResourceKind::Lock, false, _) => Detail::LockCreate(change),
        (ResourceKind::Lock, true, true) => Detail::LockUpdate(change),
        (ResourceKind::Lock, true, false) => Detail::LockDelete(change),
        (ResourceKind::User, false, _) => Detail::UserCreate(change),
        (ResourceKind::User, true, true) => Detail::UserUpdate(change),
        (ResourceKind::User, true, false) => Detail::UserDelete(change),
    };
    permit.author().event(access.ambient(), detail).at_target(Some(at(kind, name)))
}

/// Names a resource as events do.
pub(crate) fn at(kind: ResourceKind, name: &str) -> Target {
    Target {
        kind: kind.as_str().to_owned(),
        name: name.to_owned(),
        labels: Default::default(),
        address: None,
    }
}

/// Says whether resources of this kind have a say in who may use the API.
fn decides_on_people(kind: ResourceKind) -> bool {
    matches!(kind, ResourceKind::Role | ResourceKind::Lock)
}

fn operation(kind: ResourceKind, verb: Verb) -> Operation {
    Operation::new(kind.api_resource(), verb)
        .expect("every kind of resource can be created, updated and deleted")
}

fn json(resource: &Resource) -> Value {
    serde_json::to_value(resource).expect("resources have string keys only, so JSON can always be written")
}

fn listed(resource: Resource) -> Listed {
    let preset = resource.kind() == ResourceKind::Role && is_preset(resource.name());
    Listed { resource, preset }
}

fn not_found(kind: ResourceKind, name: &str) -> AccessError {
    AccessError::NotFound { kind, name: crate::names::shorten(name) }
}

/// Runs what blocks away from the runtime's own threads.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    settle(tokio::task::spawn_blocking(work)).await
}

/// Waits for a task and passes its panic on.
pub(crate) async fn settle<T>(task: tokio::task::JoinHandle<T>) -> T {
    match task.await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Tasks are cancelled only when the runtime ends, and this one with it.
            Err(_) => std::future::pending().await,
        },
    }
}
