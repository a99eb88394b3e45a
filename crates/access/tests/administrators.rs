//! No change leaves a world in which nobody could change roles, and so nobody could take it back.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up must stop")]

mod common;

use access::{Access, AccessError, ResourceKind};
use common::{Gate, operation, resources};
use identity::{Authenticated, UserUpdate};

/// Applies what nobody but identity keeps elsewhere, and users too, as the API does.
async fn apply(gate: &Gate, who: &Authenticated, yaml: &str) -> Result<(), AccessError> {
    for resource in resources(yaml) {
        let permit = gate.access.authorize_api(who, gate.access.operation_of_apply(&resource)).await.unwrap();
        gate.access.apply(&permit, resource).await?;
    }
    Ok(())
}

async fn give(access: &Access, who: &Authenticated, user: &str, roles: &[&str]) -> Result<(), AccessError> {
    let permit = access.authorize_api(who, operation("users.update")).await.unwrap();
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    access.update_user(&permit, user, UserUpdate { roles: Some(roles), ..UserUpdate::default() }).await?;
    Ok(())
}

async fn remove(access: &Access, who: &Authenticated, user: &str) -> Result<(), AccessError> {
    let permit = access.authorize_api(who, operation("users.delete")).await.unwrap();
    access.delete_user(&permit, user).await
}

async fn switch_off(access: &Access, who: &Authenticated, user: &str) -> Result<(), AccessError> {
    let permit = access.authorize_api(who, operation("users.update")).await.unwrap();
    let update = UserUpdate { disabled: Some(true), ..UserUpdate::default() };
    access.update_user(&permit, user, update).await.map(drop)
}

#[track_caller]
fn refused(gate: &Gate, result: Result<(), AccessError>, before: usize) {
    let error = result.unwrap_err();
    assert!(matches!(error, AccessError::LastAdministrator { .. }), "{error}");
    assert!(error.to_string().contains("--invite-admin"), "{error}");
    assert_eq!(gate.count("access.denied"), before + 1, "the refusal is recorded");
    assert_eq!(gate.newest("access.denied").body.detail["code"], "last_administrator");
}

#[tokio::test]
async fn the_last_administrator_is_neither_deleted_nor_switched_off_nor_demoted() {
    let gate = Gate::open().await;
    let root = gate.person("root", &["admin"]).await;
    gate.person("alice", &["access"]).await;
    refused(&gate, remove(&gate.access, &root, "root").await, 0);
    refused(&gate, switch_off(&gate.access, &root, "root").await, 1);
    refused(&gate, give(&gate.access, &root, "root", &["access"]).await, 2);
    let event = gate.newest("access.denied");
    assert_eq!(event.body.detail["login"], "users.update");
    assert_eq!(event.target.unwrap().name, "root");
    let kept = gate.identity.user("root").unwrap();
    assert_eq!((kept.roles, kept.status), (vec!["admin".to_owned()], identity::UserStatus::Active));
    assert_eq!(gate.count("user.delete"), 0);

    // Somebody who was invited and has not joined administers nothing yet.
    let permit = gate.access.authorize_api(&root, operation("users.create")).await.unwrap();
    let new = |name: &str| identity::NewUser {
        name: name.to_owned(),
        roles: vec!["admin".to_owned()],
        traits: Default::default(),
        disabled: false,
    };
    gate.access.create_user(&permit, new("invited")).await.unwrap();
    refused(&gate, remove(&gate.access, &root, "root").await, 3);
    gate.person("second", &["admin"]).await;
    remove(&gate.access, &root, "root").await.unwrap();
}

#[tokio::test]
async fn a_role_that_denies_everyone_is_refused_once_it_would_bite() {
    let gate = Gate::open().await;
    let root = gate.person("root", &["admin"]).await;
    apply(&gate, &root, "{kind: role, name: no-api, deny: {api: {resources: '*', verbs: '*'}}}")
        .await
        .unwrap();
    refused(&gate, give(&gate.access, &root, "root", &["admin", "no-api"]).await, 0);

    apply(&gate, &root, "{kind: role, name: tame}").await.unwrap();
    give(&gate.access, &root, "root", &["admin", "tame"]).await.unwrap();
    for deny in
        ["{api: {resources: roles, verbs: [update]}}", "{from: 192.0.2.0/24}", "{from: [0.0.0.0/0, '::/0']}"]
    {
        let before = gate.count("access.denied");
        let biting = format!("{{kind: role, name: tame, deny: {deny}}}");
        refused(&gate, apply(&gate, &root, &biting).await, before);
        assert_eq!(gate.newest("access.denied").body.detail["login"], "roles.update");
    }
    // From elsewhere than here it may be denied.
    apply(&gate, &root, "{kind: role, name: tame, deny: {from: 203.0.113.0/24}}").await.unwrap();
}

#[tokio::test]
async fn a_role_that_alone_makes_administrators_is_not_deleted() {
    let gate = Gate::open().await;
    let root = gate.person("root", &["admin"]).await;
    apply(&gate, &root, "{kind: role, name: ops, allow: {api: {resources: '*', verbs: '*'}}}").await.unwrap();
    // The real decision counts, not the preset's name.
    give(&gate.access, &root, "root", &["ops"]).await.unwrap();
    let permit = gate.access.authorize_api(&root, operation("roles.delete")).await.unwrap();
    refused(&gate, gate.access.delete(&permit, ResourceKind::Role, "ops").await, 0);
    refused(
        &gate,
        apply(&gate, &root, "{kind: role, name: ops, allow: {api: {resources: users, verbs: '*'}}}").await,
        1,
    );
}

#[tokio::test]
async fn the_last_administrator_is_not_locked_by_others() {
    let gate = Gate::open().await;
    let root = gate.person("root", &["admin"]).await;
    apply(&gate, &root, "{kind: role, name: guard, allow: {api: {resources: locks, verbs: '*'}}}")
        .await
        .unwrap();
    let guard = gate.person("guard", &["guard"]).await;
    for locked in ["user: root", "role: admin"] {
        let before = gate.count("access.denied");
        let lock = format!("{{kind: lock, name: l, reason: r, {locked}}}");
        refused(&gate, apply(&gate, &guard, &lock).await, before);
    }
    gate.person("second", &["admin"]).await;
    apply(&gate, &guard, "{kind: lock, name: l, reason: r, user: root}").await.unwrap();
    // With one of them locked, the other is the last.
    let before = gate.count("access.denied");
    refused(&gate, apply(&gate, &guard, "{kind: lock, name: m, reason: r, user: second}").await, before);
}

#[tokio::test]
async fn what_was_lost_before_does_not_hold_up_other_changes() {
    let gate = Gate::open().await;
    let permit = gate.access.boot_permit().unwrap();
    let role = resources("{kind: role, name: no-api, deny: {api: {resources: '*', verbs: '*'}}}").remove(0);
    gate.access.apply(&permit, role).await.unwrap();
}

#[tokio::test]
async fn a_user_is_given_only_roles_that_exist() {
    let gate = Gate::open().await;
    let root = gate.person("root", &["admin"]).await;
    let error = give(&gate.access, &root, "root", &["admin", "auditer"]).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no role `auditer`; did you mean `auditor`?");
    let permit = gate.access.authorize_api(&root, operation("users.create")).await.unwrap();
    let new = identity::NewUser {
        name: "bob".to_owned(),
        roles: vec!["zzzzzzzz".to_owned()],
        traits: Default::default(),
        disabled: false,
    };
    let error = gate.access.create_user(&permit, new).await.unwrap_err();
    assert!(error.to_string().contains("`lodge get roles` lists them"), "{error}");

    // In one text a user may hold a role that comes with it.
    let user = "{kind: user, name: eve, roles: [newcomers]}";
    let error = gate.access.check_roles_of(&resources(user)).unwrap_err();
    assert!(matches!(error, AccessError::NoSuchRole { .. }));
    gate.access.check_roles_of(&resources(&format!("{user}\n---\n{{kind: role, name: newcomers}}"))).unwrap();

    // Who holds a role that was deleted since can be changed all the same.
    gate.person("old", &["gone"]).await;
    give(&gate.access, &root, "old", &["gone", "access"]).await.unwrap();
}

#[tokio::test]
async fn a_caller_who_hangs_up_lets_no_other_change_pass_by() {
    for looks in 1..8 {
        let gate = Gate::open().await;
        let root = gate.person("root", &["admin"]).await;
        gate.person("second", &["admin"]).await;
        {
            let mut given_up = Box::pin(give(&gate.access, &root, "second", &["access"]));
            for _ in 0..looks {
                if tokio::time::timeout(std::time::Duration::ZERO, &mut given_up).await.is_ok() {
                    break;
                }
            }
        }
        // Whichever of the two came to pass, not both did.
        let _ = give(&gate.access, &root, "root", &["access"]).await;
        drop(gate.access.hold_changes().await);
        drop(gate.identity.hold_changes().await);
        let administers = |name: &str| gate.identity.user(name).unwrap().roles == ["admin"];
        assert!(administers("root") || administers("second"), "after {looks} looks");
    }
}
