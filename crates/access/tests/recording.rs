//! What is decided and changed is in the log before it takes effect, and running sessions follow what changes.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up must stop")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use access::{Access, AccessError, Applied, Cause, LogScope, Refusal, ResourceKind, code};
use common::{Gate, ask, operation, resources};
use event::{Decision, Outcome};
use identity::UserUpdate;
use store::tables::{Row, Sqlite, TableError, Tables, Write};

const WORLD: &str = r#"
{kind: target, name: web, address: "web:22", labels: {env: staging}, host_key: {pinned: KEY}}
---
{kind: target, name: db, address: "db:22", labels: {env: prod}, host_key: {authority: db.example.com}}
---
{kind: role, name: dev, allow: {labels: {env: staging}, logins: [deploy, "{{user.traits.logins}}"]}, options: {session_ttl: 2h}}
"#;

async fn world() -> (Gate, identity::Authenticated, identity::Authenticated) {
    let gate = Gate::open().await;
    let root = gate.person("root", &["admin"]).await;
    gate.apply(&root, WORLD).await;
    let alice = gate.person("alice", &["dev"]).await;
    (gate, root, alice)
}

#[tokio::test]
async fn granted_access_is_recorded_before_the_permit_exists() {
    let (gate, _, alice) = world().await;
    let permit = gate.granted(&alice, "web", "svc").await;
    let event = gate.newest("access.granted");
    assert_eq!(permit.granted_by(), event.id);
    let at = gate.events().into_iter().find(|(_, record)| record.id == event.id).unwrap().0;
    assert_eq!(permit.receipt().position(), at);
    assert_eq!(event.session, Some(permit.session()));
    assert_eq!(event.actor, alice.actor());
    assert_eq!(event.origin, Some(common::origin()));
    let target = event.target.unwrap();
    assert_eq!((target.name.as_str(), target.address.as_deref()), ("web", Some("web:22")));
    let policy = event.policy.unwrap();
    assert_eq!((policy.decision, policy.roles), (Decision::Allow, vec!["dev".to_owned()]));
    assert_eq!(policy.why, "allowed by role `dev`, allow rule 1");
    assert_eq!(event.body.detail["options"]["session_ttl"], "2h");
    assert_eq!(permit.expires(), gate.ambient.now().plus(Duration::from_secs(7200)));
}

#[tokio::test]
async fn denied_access_is_recorded_with_its_reason() {
    let (gate, _, alice) = world().await;
    for (target, login, told, recorded) in [
        ("db", "deploy", code::NO_ACCESS, code::NO_ROLE),
        ("nowhere", "deploy", code::NO_ACCESS, code::UNKNOWN_TARGET),
        ("web", "root", code::LOGIN, code::LOGIN),
        ("web", "a,b", code::LOGIN, code::LOGIN),
    ] {
        let (code, why) = gate.denied(&alice, target, login).await;
        assert_eq!(code, told);
        let event = gate.newest("access.denied");
        assert_eq!((event.outcome, event.actor.user.as_str()), (Outcome::Denied, "alice"));
        assert_eq!(event.target.unwrap().name, target);
        assert_eq!(
            (&event.body.detail["code"], &event.body.detail["login"]),
            (&recorded.into(), &login.into())
        );
        let policy = event.policy.unwrap();
        assert_eq!((policy.decision, Some(policy.why)), (Decision::Deny, event.reason));
        assert!(!why.contains("db:22"));
    }
    assert_eq!(gate.count("access.granted"), 0);
}

#[tokio::test]
async fn a_log_that_cannot_append_means_no_access() {
    let (gate, root, alice) = world().await;
    let permit = gate.access.authorize_api(&root, operation("roles.create")).await.unwrap();
    gate.log.shutdown();
    assert!(matches!(gate.access.authorize(&alice, ask("web", "deploy")).await, Err(Refusal::Log(_))));
    assert!(matches!(gate.access.authorize(&alice, ask("db", "deploy")).await, Err(Refusal::Log(_))));
    assert!(matches!(gate.access.authorize_api(&alice, operation("log.read")).await, Err(Refusal::Log(_))));
    let role = resources("{kind: role, name: more}").remove(0);
    assert!(matches!(gate.access.apply(&permit, role).await, Err(AccessError::Log(_))));
    let gate = gate.reopen().await;
    let permit = gate.access.authorize_api(&root, operation("roles.read")).await.unwrap();
    let missing = gate.access.read(&permit, ResourceKind::Role, "more");
    assert!(matches!(missing, Err(AccessError::NotFound { .. })), "what is not recorded is not done");
}

#[tokio::test]
async fn a_refused_operation_of_the_api_is_recorded() {
    let (gate, _, alice) = world().await;
    let refused = gate.access.authorize_api(&alice, operation("roles.update")).await.unwrap_err();
    assert_eq!(refused.to_string(), "your roles do not allow roles.update");
    let event = gate.newest("access.denied");
    assert_eq!(
        (&event.body.detail["protocol"], &event.body.detail["login"]),
        (&"api".into(), &"roles.update".into())
    );
}

#[tokio::test]
async fn every_change_carries_before_and_after_and_no_change_no_event() {
    let (gate, root, _) = world().await;
    let event = gate.newest("role.create");
    assert_eq!(event.body.detail["after"]["name"], "dev");
    assert!(event.body.detail.get("before").is_none_or(serde_json::Value::is_null));
    assert_eq!((event.actor.user.as_str(), event.target.unwrap().kind.as_str()), ("root", "role"));
    assert_eq!(event.policy.unwrap().roles, ["admin"]);

    let same = resources(WORLD).remove(2);
    let permit = gate.access.authorize_api(&root, operation("roles.update")).await.unwrap();
    assert_eq!(gate.access.apply(&permit, same).await.unwrap(), Applied::Unchanged);
    assert_eq!(gate.count("role.update"), 0);

    gate.apply(&root, "{kind: target, name: db, address: 'db:2222', host_key: {pinned: KEY}}").await;
    let event = gate.newest("target.update");
    assert_eq!(event.body.detail["before"]["host_key"]["authority"], "db.example.com");
    assert_eq!(event.body.detail["after"]["host_key"]["pinned"][0], common::KEY);

    gate.delete(&root, ResourceKind::Target, "db").await;
    let event = gate.newest("target.delete");
    assert_eq!(event.body.detail["before"]["address"], "db:2222");
}

#[tokio::test]
async fn what_was_applied_is_there_after_a_restart() {
    let (gate, root, alice) = world().await;
    gate.apply(&root, "{kind: lock, name: stop, login: deploy, reason: drill}").await;
    let gate = gate.reopen().await;
    gate.granted(&alice, "web", "svc").await;
    assert_eq!(gate.denied(&alice, "web", "deploy").await.0, code::LOCKED);
    assert_eq!(gate.access.targets_for(&alice)[0].logins, ["svc"]);
    gate.apply(
        &root,
        "{kind: lock, name: stop, login: deploy, reason: drill, expires: '2100-01-01T00:00:00Z'}",
    )
    .await;
    gate.delete(&root, ResourceKind::Lock, "stop").await;
    gate.granted(&alice, "web", "deploy").await;
}

#[tokio::test]
async fn a_permit_is_good_for_its_own_operation_only() {
    let (gate, root, _) = world().await;
    let permit = gate.access.authorize_api(&root, operation("roles.list")).await.unwrap();
    let role = resources("{kind: role, name: more}").remove(0);
    assert!(matches!(gate.access.apply(&permit, role).await, Err(AccessError::Permit { .. })));
    assert!(matches!(
        gate.access.delete(&permit, ResourceKind::Role, "dev").await,
        Err(AccessError::Permit { .. })
    ));
    assert!(matches!(gate.access.list(&permit, ResourceKind::Target), Err(AccessError::Permit { .. })));
    let names: Vec<String> = gate
        .access
        .list(&permit, ResourceKind::Role)
        .unwrap()
        .iter()
        .map(|each| each.resource.name().to_owned())
        .collect();
    assert_eq!(names, ["access", "admin", "auditor", "dev"]);
}

#[tokio::test]
async fn presets_are_neither_changed_nor_deleted() {
    let (gate, root, _) = world().await;
    let before = gate.log.size();
    let permit = gate.access.authorize_api(&root, operation("roles.update")).await.unwrap();
    let role = resources("{kind: role, name: admin, deny: {logins: root}}").remove(0);
    assert!(matches!(gate.access.apply(&permit, role).await, Err(AccessError::Preset(_))));
    let permit = gate.access.authorize_api(&root, operation("roles.delete")).await.unwrap();
    for preset in access::PRESETS {
        assert!(matches!(
            gate.access.delete(&permit, ResourceKind::Role, preset).await,
            Err(AccessError::Preset(_))
        ));
    }
    assert_eq!(gate.log.size(), before);
}

#[tokio::test]
async fn nobody_locks_themselves_out_and_no_lock_ends_in_the_past() {
    let (gate, root, _) = world().await;
    let permit = gate.access.authorize_api(&root, operation("locks.create")).await.unwrap();
    for own in ["user: root", "role: admin"] {
        let lock = resources(&format!("{{kind: lock, name: l, reason: r, {own}}}")).remove(0);
        assert!(
            matches!(gate.access.apply(&permit, lock).await, Err(AccessError::LocksYourself(_))),
            "{own}"
        );
    }
    let lock =
        resources("{kind: lock, name: l, reason: r, user: bob, expires: '2001-01-01T00:00:00Z'}").remove(0);
    assert!(matches!(gate.access.apply(&permit, lock).await, Err(AccessError::Expired(_))));
    assert_eq!(gate.count("lock.create"), 0);
}

#[tokio::test]
async fn the_permit_of_the_start_is_given_once() {
    let (gate, ..) = world().await;
    let permit = gate.access.boot_permit().unwrap();
    assert!(gate.access.boot_permit().is_none());
    let role = resources("{kind: role, name: declared}").remove(0);
    assert_eq!(gate.access.apply(&permit, role).await.unwrap(), Applied::Created);
    assert_eq!(gate.newest("role.create").actor.user, "boot");
}

#[tokio::test]
async fn a_running_session_ends_when_the_answer_would_now_be_no() {
    let (gate, root, alice) = world().await;
    let changes = [
        "{kind: lock, name: l, reason: r, user: alice}",
        "{kind: lock, name: l, reason: r, login: deploy}",
        "{kind: lock, name: l, reason: r, role: dev}",
        "{kind: lock, name: l, reason: r, target: web}",
        "{kind: lock, name: l, reason: r, everything: true}",
        "{kind: lock, name: l, reason: r, session: SESSION}",
        "{kind: role, name: dev, allow: {labels: {env: staging}, logins: svc}}",
        "{kind: target, name: web, address: 'web:22', labels: {env: prod}, host_key: {pinned: KEY}}",
        "{kind: target, name: web, address: 'elsewhere:22', labels: {env: staging}, host_key: {pinned: KEY}}",
        "{kind: target, name: web, address: 'web:22', labels: {env: staging}, host_key: {authority: web}}",
    ];
    for change in changes {
        let permit = gate.granted(&alice, "web", "deploy").await;
        let mut watch = gate.access.changes();
        assert_eq!(gate.access.must_end(&permit), None);
        gate.apply(&root, &change.replace("SESSION", &permit.session().to_string())).await;
        assert!(watch.has_changed().unwrap(), "{change}");
        watch.mark_unchanged();
        assert!(gate.access.must_end(&permit).is_some(), "{change}");
        if change.contains("kind: lock") {
            gate.delete(&root, ResourceKind::Lock, "l").await;
            assert_eq!(gate.access.must_end(&permit), None, "a lifted lock no longer ends anything");
        }
        gate.apply(&root, WORLD).await;
    }
    let permit = gate.granted(&alice, "web", "deploy").await;
    gate.delete(&root, ResourceKind::Target, "web").await;
    assert_eq!(gate.access.must_end(&permit).unwrap().why, "there is no target `web`");
}

#[tokio::test]
async fn a_session_ends_with_its_time_its_login_and_its_users_roles() {
    let (gate, root, alice) = world().await;
    let permit = gate.granted(&alice, "web", "deploy").await;
    gate.clock.advance(Duration::from_secs(7200));
    assert_eq!(gate.access.must_end(&permit).unwrap().why, "the session's time is over");

    let permit = gate.granted(&alice, "web", "deploy").await;
    let mut watch = gate.access.changes();
    let update = UserUpdate { roles: Some(vec!["auditor".to_owned()]), ..UserUpdate::default() };
    gate.identity.update_user(&event::Author::of(root.actor(), None), "alice", update).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), watch.changed()).await.unwrap().unwrap();
    assert!(gate.access.must_end(&permit).unwrap().why.contains("auditor"), "the roles of now decide");

    let update = UserUpdate { roles: Some(vec!["dev".to_owned()]), ..UserUpdate::default() };
    gate.identity.update_user(&event::Author::of(root.actor(), None), "alice", update).await.unwrap();
    assert_eq!(gate.access.must_end(&permit), None);
    gate.identity.logout(&event::Author::of(alice.actor(), None), alice.login()).await.unwrap();
    assert_eq!(gate.access.must_end(&permit).unwrap().why, "the login has ended; log in again");
    assert_eq!(gate.denied(&alice, "web", "deploy").await.0, code::LOGIN_ENDED);
    let refused = gate.access.authorize_api(&alice, operation("log.read")).await.unwrap_err();
    assert!(matches!(refused, Refusal::Denied { .. }));
}

#[tokio::test]
async fn what_ends_a_session_is_named_as_it_is() {
    let (gate, root, alice) = world().await;
    let permit = gate.granted(&alice, "web", "deploy").await;
    let ending = || gate.access.must_end(&permit).unwrap();
    let update = |disabled, roles: &str| UserUpdate {
        disabled: Some(disabled),
        roles: Some(vec![roles.to_owned()]),
        ..UserUpdate::default()
    };
    gate.identity
        .update_user(&event::Author::of(root.actor(), None), "alice", update(false, "auditor"))
        .await
        .unwrap();
    assert_eq!(ending().cause, Cause::Access);
    gate.identity
        .update_user(&event::Author::of(root.actor(), None), "alice", update(true, "auditor"))
        .await
        .unwrap();
    assert_eq!((ending().cause, ending().why.as_str()), (Cause::Login, "the user `alice` was switched off"));
    gate.identity.delete_user(&event::Author::of(root.actor(), None), "alice").await.unwrap();
    assert_eq!((ending().cause, ending().why.as_str()), (Cause::Login, "the user `alice` was deleted"));
    gate.apply(&root, "{kind: lock, name: l, reason: r, target: web}").await;
    assert_eq!((ending().cause, ending().why.as_str()), (Cause::Lock, "lock `l` on target `web`: r"));
    gate.clock.advance(Duration::from_secs(7200));
    assert_eq!(ending().cause, Cause::Expired);
}

#[tokio::test]
async fn a_session_never_outlives_the_login() {
    let (gate, _, alice) = world().await;
    gate.clock.advance(Duration::from_secs(11 * 3600));
    let permit = gate.granted(&alice, "web", "deploy").await;
    assert_eq!(permit.expires(), alice.expires());
}

#[tokio::test]
async fn a_locked_person_is_shut_out_of_the_api_until_the_lock_is_lifted() {
    let (gate, root, _) = world().await;
    let bob = gate.person("bob", &["admin"]).await;
    gate.apply(&root, "{kind: lock, name: l, reason: r, user: bob}").await;
    let refused = gate.access.authorize_api(&bob, operation("locks.delete")).await.unwrap_err();
    assert!(matches!(refused, Refusal::Denied { code: code::LOCKED, .. }));
    gate.delete(&root, ResourceKind::Lock, "l").await;
    gate.access.authorize_api(&bob, operation("locks.delete")).await.unwrap();
}

#[tokio::test]
async fn explaining_to_oneself_shows_no_more_than_trying() {
    let (gate, root, alice) = world().await;
    assert!(gate.access.explain_own(&alice, "web", None).unwrap().allowed);
    let hidden = gate.access.explain_own(&alice, "db", None).unwrap_err().to_string();
    let unknown = gate.access.explain_own(&alice, "nowhere", None).unwrap_err().to_string();
    assert_eq!(hidden.replace("db", "T"), unknown.replace("nowhere", "T"));
    gate.apply(&root, "{kind: lock, name: l, reason: secret, target: web}").await;
    assert!(!gate.access.explain_own(&alice, "web", None).unwrap_err().to_string().contains("secret"));
}

/// Tables whose commits fail on demand.
struct Failing {
    tables: Sqlite,
    fails: AtomicBool,
}

impl Tables for Failing {
    fn get(&self, table: &'static str, key: &str) -> Result<Option<Row>, TableError> {
        self.tables.get(table, key)
    }

    fn scan(&self, table: &'static str, prefix: &str) -> Result<Vec<Row>, TableError> {
        self.tables.scan(table, prefix)
    }

    fn commit(&self, writes: &[Write]) -> Result<(), TableError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(TableError::Conflict { table: "roles", key: "more".to_owned() });
        }
        self.tables.commit(writes)
    }
}

#[tokio::test]
async fn a_change_that_cannot_be_stored_is_taken_back_in_the_log() {
    let gate = Gate::open().await;
    let folder = tempfile::tempdir().unwrap();
    let tables = Sqlite::open(&folder.path().join("state.db")).unwrap();
    let tables = Arc::new(Failing { tables, fails: AtomicBool::new(true) });
    let open = Access::open(tables.clone(), gate.log.clone(), gate.identity.clone(), gate.ambient.clone());
    let access = open.await.unwrap();
    let permit = access.boot_permit().unwrap();
    let role = || resources("{kind: role, name: more}").remove(0);

    assert!(matches!(access.apply(&permit, role()).await, Err(AccessError::Table(_))));
    let events: Vec<_> =
        gate.events().into_iter().filter(|(_, record)| record.kind() == "role.create").collect();
    let outcomes: Vec<Outcome> = events.iter().map(|(_, record)| record.outcome).collect();
    assert_eq!(outcomes, [Outcome::Success, Outcome::Failure]);
    assert_ne!(events[0].1.id, events[1].1.id);
    assert!(matches!(access.read(&permit, ResourceKind::Role, "more"), Err(AccessError::NotFound { .. })));

    tables.fails.store(false, Ordering::SeqCst);
    assert_eq!(access.apply(&permit, role()).await.unwrap(), Applied::Created);
}

#[tokio::test]
async fn changes_at_the_same_time_happen_one_after_the_other() {
    let gate = Gate::open().await;
    let permit = Arc::new(gate.access.boot_permit().unwrap());
    let tasks = (1..=20).map(|hours| {
        let (access, permit) = (gate.access.clone(), permit.clone());
        let role =
            resources(&format!("{{kind: role, name: busy, options: {{session_ttl: {hours}h}}}}")).remove(0);
        tokio::spawn(async move { access.apply(&permit, role).await.unwrap() })
    });
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        task.await.unwrap();
    }
    let changes = gate.events().into_iter().map(|(_, record)| record);
    let changes: Vec<_> = changes.filter(|record| record.kind().starts_with("role.")).collect();
    assert_eq!(changes.len(), 20);
    for pair in changes.windows(2) {
        assert_eq!(
            pair[0].body.detail["after"], pair[1].body.detail["before"],
            "each starts where the last ended"
        );
    }
}

#[tokio::test]
async fn every_permit_of_the_api_carries_what_of_the_log_its_holder_may_read() {
    let (gate, root, _) = world().await;
    let part = "{kind: role, name: part, allow: {api: [\
        {resources: log, verbs: read, where: 'actor.user: alice'}, {resources: '*', verbs: [export, list]}]}}";
    let none = "{kind: role, name: none, allow: {api: {resources: '*', verbs: [export, list]}}}";
    gate.apply(&root, &format!("{part}\n---\n{none}")).await;
    let (some, nobody) = (gate.person("some", &["part"]).await, gate.person("nobody", &["none"]).await);
    for name in ["log.export", "sessions.list", "recordings.export"] {
        let scope = async |who| {
            let permit = gate.access.authorize_api(who, operation(name)).await.unwrap();
            permit.log_scope().clone()
        };
        assert_eq!(scope(&some).await, LogScope::Matching("(actor.user: alice)".to_owned()), "{name}");
        assert_eq!(scope(&nobody).await, LogScope::Nothing, "{name}");
        assert_eq!(scope(&root).await, LogScope::Everything, "{name}");
    }
}

#[tokio::test]
async fn what_one_may_do_now_follows_roles_locks_and_the_login() {
    let (gate, root, _) = world().await;
    let vera = gate.person("vera", &["auditor"]).await;
    let now =
        || (gate.access.would_authorize_api(&vera, operation("log.read")), gate.access.log_scope_now(&vera));
    assert_eq!(now(), (true, LogScope::Everything));
    let set = async |roles: &[&str]| {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let update = UserUpdate { roles: Some(roles), ..UserUpdate::default() };
        gate.identity.update_user(&event::Author::of(root.actor(), None), "vera", update).await.unwrap();
    };
    set(&["dev"]).await;
    assert_eq!(now(), (false, LogScope::Nothing), "a role was taken away");
    set(&["auditor"]).await;
    assert_eq!(now(), (true, LogScope::Everything));
    gate.apply(&root, "{kind: lock, name: l, reason: r, user: vera}").await;
    assert_eq!(now(), (false, LogScope::Nothing), "locked");
    gate.delete(&root, ResourceKind::Lock, "l").await;
    gate.clock.advance(Duration::from_secs(13 * 3600));
    assert_eq!(now(), (false, LogScope::Nothing), "the login is over");
}

/// Says whether a future is ready when it is asked for the first time.
async fn comes_at_once<T>(future: &mut (impl Future<Output = T> + Unpin)) -> bool {
    tokio::select! {
        biased;
        _ = future => true,
        () = std::future::ready(()) => false,
    }
}

#[tokio::test]
async fn a_change_whose_caller_is_gone_is_waited_for_and_none_follows() {
    let (gate, root, _) = world().await;
    let lock =
        |name: &str| resources(&format!("{{kind: lock, name: {name}, reason: r, user: bob}}")).remove(0);
    let permit = gate.access.authorize_api(&root, operation("locks.create")).await.unwrap();
    let mut changes = gate.access.changes();
    changes.mark_unchanged();
    {
        let mut gone = Box::pin(gate.access.apply(&permit, lock("first")));
        assert!(!comes_at_once(&mut gone).await, "it is being made");
    }
    let held = gate.access.hold_changes().await;
    assert_eq!(gate.count("lock.create"), 1);
    assert!(changes.has_changed().unwrap(), "the change was made before the wait was over");
    let mut next = Box::pin(gate.access.apply(&permit, lock("second")));
    assert!(!comes_at_once(&mut next).await);
    assert_eq!(gate.count("lock.create"), 1);
    drop(held);
    next.await.unwrap();
    assert_eq!(gate.count("lock.create"), 2);
}
