//! Decisions: who reaches what, and what is said when they do not.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up must stop")]

use access::{
    Ask, Decision, Denial, Grant, RecordingMode, Resource, Snapshot, Subject, code, decide, explain,
};
use event::{Origin, Timestamp};
use expect_test::expect;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

const WORLD: &str = r#"
{kind: target, name: web, address: "web:22", labels: {env: staging}, host_key: {pinned: KEY}}
---
{kind: target, name: db, address: "db:22", labels: {env: prod, tier: database}, host_key: {pinned: KEY}}
---
{kind: target, name: bare, address: "bare:22", host_key: {pinned: KEY}}
---
{kind: role, name: staging, allow: {labels: {env: staging}, logins: [deploy, "{{user.name}}"]}, options: {port_forwarding: true}}
---
{kind: role, name: root, allow: {labels: {env: "*"}, logins: root}, options: {session_ttl: 1h, max_sessions: 2, recording: off}}
---
{kind: role, name: no-databases, deny: {labels: {tier: database}}}
---
{kind: role, name: no-root, deny: {logins: root}}
---
{kind: role, name: no-root-on-prod, deny: {logins: root, labels: {env: prod}}}
---
{kind: role, name: office, allow: {targets: [web], logins: ops, from: 192.0.2.0/24}}
---
{kind: role, name: not-abroad, deny: {from: 203.0.113.0/24}}
---
{kind: role, name: traits, allow: {targets: bare, logins: "{{user.traits.logins}}"}}
"#;

fn world() -> Snapshot {
    with(Snapshot::default(), WORLD)
}

fn with(snapshot: Snapshot, yaml: &str) -> Snapshot {
    let resources = Resource::parse_all(&yaml.replace("KEY", KEY)).unwrap();
    resources.into_iter().fold(snapshot, |snapshot, resource| match resource {
        Resource::Role(role) => snapshot.with_role(role),
        Resource::Target(target) => snapshot.with_target(target),
        Resource::Lock(lock) => snapshot.with_lock(lock),
        Resource::User(_) => snapshot,
    })
}

fn alice(roles: &[&str]) -> Subject {
    Subject {
        user: "alice".to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        traits: [("logins".to_owned(), vec!["svc".to_owned(), "a,b".to_owned(), "x\ny".to_owned()])].into(),
        origin: Some(Origin { ip: "198.51.100.7".parse().unwrap(), port: None, agent: None }),
    }
}

fn from(mut subject: Subject, ip: &str) -> Subject {
    subject.origin = Some(Origin { ip: ip.parse().unwrap(), port: None, agent: None });
    subject
}

fn decision(snapshot: &Snapshot, subject: &Subject, target: &str, login: &str) -> Decision {
    let ask = Ask { protocol: "ssh", target, login, open_sessions: 0 };
    decide(snapshot, subject, &ask, Timestamp::EPOCH)
}

fn granted(snapshot: &Snapshot, subject: &Subject, target: &str, login: &str) -> Grant {
    match decision(snapshot, subject, target, login) {
        Decision::Grant(grant) => grant,
        Decision::Deny(denial) => panic!("{denial:?}"),
    }
}

fn denied(snapshot: &Snapshot, subject: &Subject, target: &str, login: &str) -> Denial {
    match decision(snapshot, subject, target, login) {
        Decision::Grant(grant) => panic!("{grant:?}"),
        Decision::Deny(denial) => denial,
    }
}

#[test]
fn a_rule_grants_its_logins_on_its_targets() {
    let world = world();
    for login in ["deploy", "alice"] {
        let grant = granted(&world, &alice(&["staging"]), "web", login);
        assert_eq!(grant.roles, ["staging"]);
        assert_eq!(grant.why, "allowed by role `staging`, allow rule 1");
        assert!(grant.options.port_forwarding);
    }
}

#[test]
fn traits_with_separators_give_no_login() {
    let world = world();
    granted(&world, &alice(&["traits"]), "bare", "svc");
    for login in ["a,b", "a", "x\ny", "x", "*", ""] {
        assert_eq!(denied(&world, &alice(&["traits"]), "bare", login).code, code::LOGIN, "{login:?}");
    }
}

#[test]
fn denied_targets_and_unknown_targets_look_the_same_to_the_person() {
    let world = world();
    let cases = [
        (alice(&["staging"]), "db", code::NO_ROLE),
        (alice(&[]), "db", code::NO_ROLE),
        (alice(&["gone"]), "db", code::NO_ROLE),
        (alice(&["root", "no-databases"]), "db", code::DENIED),
        (alice(&["root", "no-root"]), "db", code::DENIED),
        (alice(&["office"]), "web", code::NETWORK),
    ];
    for (subject, target, recorded) in cases {
        let forbidden =
            denied(&world, &subject, target, if recorded == code::NETWORK { "ops" } else { "root" });
        let unknown = denied(&world, &subject, "nowhere", "root");
        assert_eq!((forbidden.code, unknown.code), (recorded, code::UNKNOWN_TARGET));
        assert_eq!((forbidden.told_code, unknown.told_code), (code::NO_ACCESS, code::NO_ACCESS));
        assert_eq!(forbidden.told.replace(target, "T"), unknown.told.replace("nowhere", "T"));
    }
}

#[test]
fn a_user_without_any_login_on_a_target_does_not_learn_of_it() {
    let mut subject = alice(&["traits"]);
    subject.traits.clear();
    let denial = denied(&world(), &subject, "bare", "root");
    assert_eq!((denial.code, denial.told_code), (code::LOGIN, code::NO_ACCESS));
}

#[test]
fn a_wrong_login_is_told_the_right_ones() {
    let denial = denied(&world(), &alice(&["staging"]), "web", "root");
    assert_eq!((denial.code, denial.told_code), (code::LOGIN, code::LOGIN));
    assert_eq!(denial.told, "you may not log in to `web` as `root`; you may as alice, deploy");
}

#[test]
fn a_rule_that_denies_speaks_of_what_it_states_together() {
    let world = world();
    granted(&world, &alice(&["root", "no-root-on-prod"]), "web", "root");
    let denial = denied(&world, &alice(&["root", "no-root-on-prod"]), "db", "root");
    assert_eq!(denial.why, "denied by role `no-root-on-prod`, deny rule 1");
    assert_eq!(denial.roles, ["no-root-on-prod"]);
    let denial = denied(&world, &alice(&["root", "staging", "no-root"]), "web", "root");
    assert_eq!((denial.code, denial.told_code), (code::DENIED, code::LOGIN));
    assert_eq!(denial.told, "you may not log in to `web` as `root`; you may as alice, deploy");
}

#[test]
fn networks_narrow_rules() {
    let world = world();
    granted(&world, &from(alice(&["office"]), "192.0.2.80"), "web", "ops");
    let mut nowhere = alice(&["office"]);
    nowhere.origin = None;
    assert_eq!(denied(&world, &nowhere, "web", "ops").code, code::NETWORK);
    granted(&world, &alice(&["staging", "not-abroad"]), "web", "deploy");
    let abroad = from(alice(&["staging", "not-abroad"]), "::ffff:203.0.113.5");
    assert_eq!(denied(&world, &abroad, "web", "deploy").code, code::DENIED);
    nowhere.roles = vec!["staging".to_owned(), "not-abroad".to_owned()];
    assert_eq!(
        denied(&world, &nowhere, "web", "deploy").code,
        code::DENIED,
        "an unknown address may be a denied one"
    );
}

#[test]
fn options_are_the_strictest_of_the_roles_that_grant_this_access() {
    let snapshot = with(
        world(),
        "{kind: role, name: wide, allow: {labels: {env: staging}, logins: root}, options: {session_ttl: 12h, recording: best_effort, port_forwarding: true}}",
    );
    let options = granted(&snapshot, &alice(&["root", "wide", "staging"]), "web", "root").options;
    assert_eq!(options.session_ttl.as_secs(), 3600);
    assert_eq!(options.recording, RecordingMode::BestEffort);
    assert!(!options.port_forwarding, "the role `root` does not give it");
    assert_eq!(options.max_sessions, Some(2));
    // The role `root` does not grant this login, so its options do not count.
    let options = granted(&snapshot, &alice(&["root", "staging"]), "web", "deploy").options;
    assert!(options.port_forwarding && options.max_sessions.is_none());
}

#[test]
fn the_number_of_open_sessions_is_limited() {
    let world = world();
    for (open_sessions, allowed) in [(0, true), (1, true), (2, false), (usize::MAX, false)] {
        let ask = Ask { protocol: "ssh", target: "web", login: "root", open_sessions };
        let decision = decide(&world, &alice(&["root"]), &ask, Timestamp::EPOCH);
        assert_eq!(matches!(decision, Decision::Grant(_)), allowed, "{open_sessions}");
        if let Decision::Deny(denial) = decision {
            assert_eq!(denial.code, code::TOO_MANY_SESSIONS);
        }
    }
}

#[test]
fn every_kind_of_lock_wins_over_a_grant() {
    for locked in ["user: alice", "login: deploy", "role: staging", "target: web", "everything: true"] {
        let snapshot = with(world(), &format!("{{kind: lock, name: l, reason: stolen, {locked}}}"));
        let denial = denied(&snapshot, &alice(&["staging", "root"]), "web", "deploy");
        assert_eq!((denial.code, denial.told_code), (code::LOCKED, code::LOCKED), "{locked}");
        assert!(denial.why.starts_with("lock `l` on ") && denial.why.ends_with(": stolen"), "{}", denial.why);
        assert!(!denial.told.contains("stolen"), "the reason is for the record");
    }
    for other in ["user: bob", "login: root", "role: root", "target: db"] {
        let snapshot = with(world(), &format!("{{kind: lock, name: l, reason: r, {other}}}"));
        granted(&snapshot, &alice(&["staging"]), "web", "deploy");
    }
}

#[test]
fn a_locked_target_that_the_person_does_not_reach_stays_hidden() {
    let snapshot = with(world(), "{kind: lock, name: l, reason: r, target: db}");
    let denial = denied(&snapshot, &alice(&["staging"]), "db", "deploy");
    assert_eq!((denial.code, denial.told_code), (code::LOCKED, code::NO_ACCESS));
    let unknown = denied(&snapshot, &alice(&["staging"]), "nowhere", "deploy");
    assert_eq!(denial.told.replace("db", "T"), unknown.told.replace("nowhere", "T"));
}

#[test]
fn a_lock_ends_when_it_expires() {
    let snapshot =
        with(world(), "{kind: lock, name: l, reason: r, user: alice, expires: '2030-01-01T00:00:00Z'}");
    let ask = Ask { protocol: "ssh", target: "web", login: "deploy", open_sessions: 0 };
    let end: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    let before = Timestamp::from_micros(end.as_micros() - 1);
    assert!(matches!(decide(&snapshot, &alice(&["staging"]), &ask, before), Decision::Deny(_)));
    assert!(matches!(decide(&snapshot, &alice(&["staging"]), &ask, end), Decision::Grant(_)));
}

#[test]
fn presets_do_what_they_say() {
    let world = world();
    for target in ["web", "db", "bare"] {
        granted(&world, &alice(&["access"]), target, "alice");
        granted(&world, &alice(&["access"]), target, "svc");
        assert_eq!(denied(&world, &alice(&["access"]), target, "root").code, code::LOGIN);
        for role in ["admin", "auditor"] {
            assert_eq!(denied(&world, &alice(&[role]), target, "alice").code, code::NO_ROLE);
        }
    }
    let before = world.clone();
    let after = with(world, "{kind: role, name: admin, allow: {labels: {'*': '*'}, logins: root}}");
    assert_eq!(
        denied(&before, &alice(&["admin"]), "web", "root"),
        denied(&after, &alice(&["admin"]), "web", "root")
    );
}

#[test]
fn hostile_names_are_refused_and_shortened() {
    let target = "x".repeat(10_000);
    let denial = denied(&world(), &alice(&["access"]), &target, "alice");
    assert!(denial.why.len() < 400 && denial.told.len() < 400);
    let login = "y\n".repeat(10_000);
    assert!(denied(&world(), &alice(&["access"]), "web", &login).told.len() < 400);
}

#[test]
fn an_explanation_names_the_rule_that_decides_and_what_all_others_said() {
    let snapshot = with(world(), "{kind: lock, name: freeze, reason: drill, login: deploy}");
    let subject = alice(&["staging", "root", "no-root", "office", "gone"]);
    let say = |target, login| explain(&snapshot, &subject, target, login, Timestamp::EPOCH).to_string();
    expect![[r#"
        alice may not reach web as root: denied by role `no-root`, deny rule 1
          logins: alice, deploy
          role `gone` does not exist
          role `no-root`, deny rule 1: denies it
          role `office`, allow rule 1: does not apply (another network, another login)
          role `root`, allow rule 1: allows it
          role `staging`, allow rule 1: does not apply (another login)
    "#]]
    .assert_eq(&say("web", Some("root")));
    expect![[r#"
        alice may reach web: allowed by role `root`, allow rule 1; role `staging`, allow rule 1
          logins: alice, deploy
          role `gone` does not exist
          role `no-root`, deny rule 1: does not apply (another login)
          role `office`, allow rule 1: does not apply (another network)
          role `root`, allow rule 1: allows it
          role `staging`, allow rule 1: allows it
    "#]]
    .assert_eq(&say("web", None));
    expect![[r#"
        alice may not reach web as deploy: lock `freeze` on login `deploy`: drill
          logins: alice, deploy
          lock `freeze` on login `deploy`: drill
          role `gone` does not exist
          role `no-root`, deny rule 1: does not apply (another login)
          role `office`, allow rule 1: does not apply (another network, another login)
          role `root`, allow rule 1: does not apply (another login)
          role `staging`, allow rule 1: allows it
    "#]]
    .assert_eq(&say("web", Some("deploy")));
    expect![[r#"
        alice may not reach db: every login that the roles give is denied by a rule
          role `gone` does not exist
          role `no-root`, deny rule 1: does not apply (another login)
          role `office`, allow rule 1: does not apply (another network, another target)
          role `root`, allow rule 1: allows it
          role `staging`, allow rule 1: does not apply (another target)
    "#]]
    .assert_eq(&say("db", None));
    expect![[r#"
        alice may not reach nowhere as root: there is no target `nowhere`
          role `gone` does not exist
          role `no-root`, deny rule 1: does not apply (another target)
          role `office`, allow rule 1: does not apply (another network, another target, another login)
          role `root`, allow rule 1: does not apply (another target)
          role `staging`, allow rule 1: does not apply (another target, another login)
    "#]]
    .assert_eq(&say("nowhere", Some("root")));
    let json =
        serde_json::to_value(explain(&snapshot, &subject, "web", Some("root"), Timestamp::EPOCH)).unwrap();
    assert_eq!(json["code"], "denied_by_rule");
    assert_eq!(json["rules"][0]["side"], "deny");
}
