//! Rows: how roles, targets and locks lie in the tables, one JSON row each, and how they come back, checked again.

use std::sync::Arc;

use serde::Serialize;
use store::tables::{Expect, Row, Tables, Write};

use crate::error::AccessError;
use crate::preset;
use crate::resource::{Lock, Resource, ResourceKind, role, target};
use crate::snapshot::Snapshot;

/// Most resources of one kind.
pub(crate) const MOST: usize = 100_000;

/// Names the table of a kind; users have none here.
pub(crate) fn table_of(kind: ResourceKind) -> Option<&'static str> {
    match kind {
        ResourceKind::Role => Some("roles"),
        ResourceKind::Target => Some("targets"),
        ResourceKind::Lock => Some("locks"),
        ResourceKind::User => None,
    }
}

/// Reads everything.
pub(crate) fn load(tables: &dyn Tables) -> Result<Snapshot, AccessError> {
    let mut snapshot = Snapshot::default();
    for kind in [ResourceKind::Role, ResourceKind::Target, ResourceKind::Lock] {
        let Some(table) = table_of(kind) else { continue };
        for row in tables.scan(table, "")? {
            snapshot = add(snapshot, kind, &row)?;
        }
    }
    Ok(snapshot)
}

fn add(snapshot: Snapshot, kind: ResourceKind, row: &Row) -> Result<Snapshot, AccessError> {
    let resource = read(kind, &row.value).and_then(|resource| {
        let own = resource.name() == row.key;
        if own { Ok(resource) } else { Err(serde::de::Error::custom("it bears another name than its row")) }
    });
    let resource = resource.map_err(|source| AccessError::Row { kind, key: row.key.clone(), source })?;
    Ok(with(snapshot, resource))
}

fn read(kind: ResourceKind, json: &[u8]) -> Result<Resource, serde_json::Error> {
    match kind {
        ResourceKind::Role => role::read_stored(json).map(Resource::Role),
        ResourceKind::Target => target::read_stored(json).map(Resource::Target),
        ResourceKind::Lock => serde_json::from_slice::<Lock>(json).map(Resource::Lock),
        ResourceKind::User => Err(serde::de::Error::custom("users are not kept here")),
    }
}

/// Returns the snapshot with the resource in it.
pub(crate) fn with(snapshot: Snapshot, resource: Resource) -> Snapshot {
    match resource {
        Resource::Role(role) => snapshot.with_role(role),
        Resource::Target(target) => snapshot.with_target(target),
        Resource::Lock(lock) => snapshot.with_lock(lock),
        Resource::User(_) => snapshot,
    }
}

/// Returns the snapshot without the resource.
pub(crate) fn without(mut snapshot: Snapshot, kind: ResourceKind, name: &str) -> Snapshot {
    match kind {
        ResourceKind::Role if preset::is_preset(name) => {}
        ResourceKind::Role => drop(snapshot.roles.remove(name)),
        ResourceKind::Target => drop(snapshot.targets.remove(name)),
        ResourceKind::Lock => drop(snapshot.locks.remove(name)),
        ResourceKind::User => {}
    }
    snapshot
}

/// Finds a resource.
pub(crate) fn find(snapshot: &Snapshot, kind: ResourceKind, name: &str) -> Option<Resource> {
    match kind {
        ResourceKind::Role => snapshot.roles.get(name).map(|role| Resource::Role(role.as_ref().clone())),
        ResourceKind::Target => {
            snapshot.targets.get(name).map(|target| Resource::Target(target.as_ref().clone()))
        }
        ResourceKind::Lock => snapshot.locks.get(name).map(|lock| Resource::Lock(lock.as_ref().clone())),
        ResourceKind::User => None,
    }
}

/// Returns all resources of a kind by name.
pub(crate) fn all(snapshot: &Snapshot, kind: ResourceKind) -> Vec<Resource> {
    fn each<T: Clone>(
        map: &std::collections::BTreeMap<String, Arc<T>>,
        make: fn(T) -> Resource,
    ) -> Vec<Resource> {
        map.values().map(|value| make(value.as_ref().clone())).collect()
    }
    match kind {
        ResourceKind::Role => each(&snapshot.roles, Resource::Role),
        ResourceKind::Target => each(&snapshot.targets, Resource::Target),
        ResourceKind::Lock => each(&snapshot.locks, Resource::Lock),
        ResourceKind::User => Vec::new(),
    }
}

/// Writes a resource over what is there now, or for the first time.
pub(crate) fn put(table: &'static str, resource: &Resource, now: Option<&Row>) -> Write {
    let value = serde_json::to_vec(&body(resource))
        .expect("resources have string keys only, so JSON can always be written");
    let expect = now.map_or(Expect::Absent, |row| Expect::Revision(row.revision));
    Write::Put { table, key: resource.name().to_owned(), value, expect }
}

/// The resource without its kind, which the table says.
fn body(resource: &Resource) -> impl Serialize + '_ {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Body<'a> {
        Role(&'a crate::resource::Role),
        Target(&'a crate::resource::Target),
        Lock(&'a Lock),
        User(&'a crate::resource::UserDocument),
    }
    match resource {
        Resource::Role(role) => Body::Role(role),
        Resource::Target(target) => Body::Target(target),
        Resource::Lock(lock) => Body::Lock(lock),
        Resource::User(user) => Body::User(user),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::tables::Sqlite;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    fn resources() -> Vec<Resource> {
        let text = "
            {kind: role, name: dev, allow: {labels: {env: [a, b]}, logins: '{{user.name}}', from: 10.0.0.0/8}, deny: {logins: root}, options: {session_ttl: 2h}}
---
            {kind: target, name: web, address: 'web:22', labels: {env: a}, host_key: {pinned: KEY}}
---
            {kind: target, name: db, address: 'db:22', host_key: {authority: db.example.com}}
---
            {kind: lock, name: stop, everything: true, reason: drill, expires: '2030-01-01T00:00:00Z'}";
        Resource::parse_all(&text.replace("KEY", KEY)).unwrap()
    }

    fn tables() -> (tempfile::TempDir, Sqlite) {
        let folder = tempfile::tempdir().unwrap();
        let tables = Sqlite::open(&folder.path().join("state.db")).unwrap();
        (folder, tables)
    }

    #[test]
    fn what_is_stored_comes_back_the_same() {
        let (_folder, tables) = tables();
        for resource in resources() {
            tables.commit(&[put(table_of(resource.kind()).unwrap(), &resource, None)]).unwrap();
        }
        let snapshot = load(&tables).unwrap();
        for resource in resources() {
            assert_eq!(find(&snapshot, resource.kind(), resource.name()), Some(resource));
        }
        assert_eq!(all(&snapshot, ResourceKind::Role).len(), 1 + preset::PRESETS.len());
    }

    #[test]
    fn a_row_that_is_not_valid_stops_the_opening() {
        let good = serde_json::to_value(body(&resources()[0])).unwrap();
        let mut renamed = good.clone();
        renamed["name"] = "other".into();
        let mut unknown = good.clone();
        unknown["denny"] = good["deny"].clone();
        let mut misleading = good.clone();
        misleading["allow"][0]["labels"] = serde_json::json!({});
        for bad in [renamed, unknown, misleading, serde_json::Value::Null] {
            let (_folder, tables) = tables();
            let value = serde_json::to_vec(&bad).unwrap();
            let write = Write::Put { table: "roles", key: "dev".to_owned(), value, expect: Expect::Absent };
            tables.commit(&[write]).unwrap();
            let error = load(&tables).unwrap_err();
            assert!(matches!(&error, AccessError::Row { key, .. } if key == "dev"), "{bad}: {error}");
        }
    }

    #[test]
    fn a_stored_role_never_replaces_a_preset() {
        let (_folder, tables) = tables();
        let Resource::Role(mut role) = resources().remove(0) else { panic!("a role") };
        role.name = "admin".to_owned();
        tables.commit(&[put("roles", &Resource::Role(role), None)]).unwrap();
        let snapshot = load(&tables).unwrap();
        assert_eq!(*snapshot.roles["admin"], preset::presets()[1]);
    }
}
