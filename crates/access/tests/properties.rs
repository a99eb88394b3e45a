//! Properties of decisions that hold for every set of roles and locks.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up must stop")]

use std::collections::BTreeMap;

use access::{Ask, Decision, Resource, Snapshot, Subject, decide, explain};
use event::{Origin, Timestamp};
use proptest::prelude::*;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

const LOGINS: [&str; 5] = ["root", "deploy", "alice", "{{user.name}}", "{{user.traits.logins}}"];
const TARGETS: [&str; 4] = ["web", "db", "bare", "nowhere"];

fn rule() -> impl Strategy<Value = String> {
    let logins = proptest::sample::subsequence(LOGINS.to_vec(), 1..4).prop_map(|logins| {
        format!("logins: [{}]", logins.iter().map(|l| format!("'{l}'")).collect::<Vec<_>>().join(", "))
    });
    let targets = prop_oneof![
        Just("labels: {env: prod}".to_owned()),
        Just("labels: {env: '*'}".to_owned()),
        Just("labels: {'*': '*'}".to_owned()),
        Just("targets: [web]".to_owned()),
        Just("labels: {env: [staging, prod], tier: 'data*'}, targets: bare".to_owned()),
    ];
    let from = prop_oneof![3 => Just(String::new()), 1 => Just(", from: 10.0.0.0/8".to_owned()), 1 => Just(", from: 192.0.2.0/24".to_owned())];
    (logins, targets, from).prop_map(|(logins, targets, from)| format!("{{{logins}, {targets}{from}}}"))
}

fn denying_rule() -> impl Strategy<Value = String> {
    prop_oneof![
        rule(),
        Just("{logins: root}".to_owned()),
        Just("{labels: {tier: database}}".to_owned()),
        Just("{from: 192.0.2.0/24}".to_owned()),
    ]
}

fn options() -> impl Strategy<Value = String> {
    (1u32..24, any::<bool>(), any::<bool>(), proptest::option::of(1u32..5), prop_oneof![Just("required"), Just("best_effort"), Just("off")])
        .prop_map(|(ttl, ports, input, most, recording)| {
            let most = most.map_or(String::new(), |most| format!(", max_sessions: {most}, idle_timeout: {most}m"));
            format!("{{session_ttl: {ttl}h, port_forwarding: {ports}, agent_forwarding: {input}, x11_forwarding: {ports}, file_transfer: {input}, record_input: {input}, announce_watching: {ports}, recording: {recording}{most}}}")
        })
}

/// A role without its name.
fn role() -> impl Strategy<Value = String> {
    let allow = proptest::collection::vec(rule(), 0..3);
    let deny = prop_oneof![3 => Just(Vec::new()).boxed(), 1 => proptest::collection::vec(denying_rule(), 1..3).boxed()];
    (allow, deny, options()).prop_map(|(allow, deny, options)| {
        format!("allow: [{}], deny: [{}], options: {options}", allow.join(", "), deny.join(", "))
    })
}

fn allowing_role() -> impl Strategy<Value = String> {
    (proptest::collection::vec(rule(), 1..3), options())
        .prop_map(|(allow, options)| format!("allow: [{}], options: {options}", allow.join(", ")))
}

fn lock() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("user: alice"),
        Just("user: bob"),
        Just("login: root"),
        Just("role: r0"),
        Just("role: r1"),
        Just("target: web"),
        Just("everything: true"),
        Just("session: 0190a000-0000-7000-8000-000000000000"),
    ]
    .prop_map(|what| format!("{{kind: lock, name: extra, reason: r, {what}}}"))
}

fn world(roles: &[String]) -> Snapshot {
    let targets = format!(
        "{{kind: target, name: web, address: 'web:22', labels: {{env: staging}}, host_key: {{pinned: {KEY}}}}}\n---\n\
         {{kind: target, name: db, address: 'db:22', labels: {{env: prod, tier: database}}, host_key: {{pinned: {KEY}}}}}\n---\n\
         {{kind: target, name: bare, address: 'bare:22', host_key: {{pinned: {KEY}}}}}"
    );
    let snapshot = with(Snapshot::default(), &targets);
    roles.iter().enumerate().fold(snapshot, |snapshot, (at, role)| {
        with(snapshot, &format!("{{kind: role, name: r{at}, {role}}}"))
    })
}

fn with(snapshot: Snapshot, yaml: &str) -> Snapshot {
    let resources = Resource::parse_all(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    resources.into_iter().fold(snapshot, |snapshot, resource| match resource {
        Resource::Role(role) => snapshot.with_role(role),
        Resource::Target(target) => snapshot.with_target(target),
        Resource::Lock(lock) => snapshot.with_lock(lock),
        Resource::User(_) => snapshot,
    })
}

fn alice(roles: Vec<String>) -> Subject {
    Subject {
        user: "alice".to_owned(),
        roles,
        traits: BTreeMap::from([(
            "logins".to_owned(),
            vec!["svc".to_owned(), "root".to_owned(), "a b".to_owned()],
        )]),
        origin: Some(Origin { ip: "10.1.2.3".parse().unwrap(), port: None, agent: None }),
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("r{at}")).collect()
}

fn ask_all(snapshot: &Snapshot, subject: &Subject) -> Vec<(&'static str, &'static str, Decision)> {
    let mut decisions = Vec::new();
    for target in TARGETS {
        for login in ["root", "deploy", "alice", "svc", "a b"] {
            let ask = Ask { protocol: "ssh", target, login, open_sessions: 1 };
            decisions.push((target, login, decide(snapshot, subject, &ask, Timestamp::EPOCH)));
        }
    }
    decisions
}

fn is_grant(decision: &Decision) -> bool {
    matches!(decision, Decision::Grant(_))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn deny_wins_whatever_the_order(roles in proptest::collection::vec(role(), 1..4), seed in any::<u64>()) {
        let snapshot = world(&roles);
        let forward = ask_all(&snapshot, &alice(names(roles.len())));
        let mut shuffled = names(roles.len());
        shuffled.rotate_left(seed as usize % roles.len());
        if seed % 2 == 0 {
            shuffled.reverse();
        }
        let other = ask_all(&snapshot, &alice(shuffled));
        for ((target, login, one), (_, _, two)) in forward.iter().zip(&other) {
            match (one, two) {
                (Decision::Grant(one), Decision::Grant(two)) => prop_assert_eq!(one, two),
                (Decision::Deny(one), Decision::Deny(two)) => prop_assert_eq!(one.code, two.code),
                _ => prop_assert!(false, "{} as {} depends on the order of roles", target, login),
            }
        }
    }

    #[test]
    fn one_more_rule_that_denies_never_grants(roles in proptest::collection::vec(role(), 1..4), deny in denying_rule()) {
        let before = ask_all(&world(&roles), &alice(names(roles.len())));
        let mut roles = roles;
        roles.push(format!("deny: {deny}"));
        let after = ask_all(&world(&roles), &alice(names(roles.len())));
        for ((_, _, before), (target, login, after)) in before.iter().zip(&after) {
            prop_assert!(is_grant(before) || !is_grant(after), "{} as {}", target, login);
        }
    }

    #[test]
    fn one_more_lock_never_grants(roles in proptest::collection::vec(role(), 1..4), lock in lock()) {
        let snapshot = world(&roles);
        let before = ask_all(&snapshot, &alice(names(roles.len())));
        let after = ask_all(&with(snapshot, &lock), &alice(names(roles.len())));
        for ((_, _, before), (target, login, after)) in before.iter().zip(&after) {
            prop_assert!(is_grant(before) || !is_grant(after), "{} as {}", target, login);
        }
    }

    #[test]
    fn one_more_role_that_allows_never_widens_options(roles in proptest::collection::vec(role(), 1..4), more in allowing_role()) {
        let before = ask_all(&world(&roles), &alice(names(roles.len())));
        let mut roles = roles;
        roles.push(more);
        let after = ask_all(&world(&roles), &alice(names(roles.len())));
        for ((_, _, before), (target, login, after)) in before.iter().zip(&after) {
            if let (Decision::Grant(before), Decision::Grant(after)) = (before, after) {
                prop_assert!(after.options.within(&before.options), "{} as {}", target, login);
            }
        }
    }

    #[test]
    fn grants_only_come_from_existing_targets_and_plain_logins(roles in proptest::collection::vec(role(), 1..4)) {
        for (target, login, decision) in ask_all(&world(&roles), &alice(names(roles.len()))) {
            prop_assert!(!is_grant(&decision) || (target != "nowhere" && access::is_login(login)));
        }
    }

    #[test]
    fn explanations_agree_with_decisions(roles in proptest::collection::vec(role(), 1..4), lock in proptest::option::of(lock())) {
        let snapshot = lock.iter().fold(world(&roles), |snapshot, lock| with(snapshot, lock));
        let subject = alice(names(roles.len()));
        for target in TARGETS {
            let any = explain(&snapshot, &subject, target, None, Timestamp::EPOCH);
            for login in ["root", "deploy", "alice", "svc"] {
                let ask = Ask { protocol: "ssh", target, login, open_sessions: 0 };
                let decision = decide(&snapshot, &subject, &ask, Timestamp::EPOCH);
                let explanation = explain(&snapshot, &subject, target, Some(login), Timestamp::EPOCH);
                prop_assert_eq!(explanation.allowed, is_grant(&decision));
                match decision {
                    Decision::Grant(grant) => {
                        prop_assert_eq!(explanation.why, grant.why);
                        prop_assert!(any.logins.contains(&login.to_owned()));
                    }
                    Decision::Deny(denial) => {
                        prop_assert_eq!(explanation.code, Some(denial.code));
                        prop_assert!(any.logins.iter().all(|one| one != login) || denial.code == "locked");
                    }
                }
            }
        }
    }

    #[test]
    fn what_the_person_is_told_never_shows_a_target_that_they_do_not_reach(
        roles in proptest::collection::vec(role(), 1..4),
        lock in proptest::option::of(lock()),
    ) {
        let snapshot = lock.iter().fold(world(&roles), |snapshot, lock| with(snapshot, lock));
        let subject = alice(names(roles.len()));
        let told = |target: &str, login| match decide(&snapshot, &subject, &Ask { protocol: "ssh", target, login, open_sessions: 0 }, Timestamp::EPOCH) {
            Decision::Grant(_) => None,
            Decision::Deny(denial) => Some((denial.told_code, denial.told.replace(target, "T"))),
        };
        for target in ["web", "db", "bare"] {
            let reached = !explain(&snapshot, &subject, target, None, Timestamp::EPOCH).logins.is_empty();
            for login in ["root", "deploy", "svc"] {
                if !reached {
                    prop_assert_eq!(told(target, login), told("nowhere", login));
                }
            }
        }
    }
}
