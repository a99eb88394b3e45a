//! What the language promises, as cases; what it must never do, as properties.

mod generate;
mod judge;
mod reading;

use crate::filter::{Filter, FilterContext};
use crate::{RecordView, Timestamp};

const EVENT: &str = r#"{
    "id": "019d3a3c-5d6c-7a1b-8c2d-0123456789ab", "time": "2026-03-14T15:09:26.535897Z", "kind": "session.command",
    "outcome": "failure", "reason": "the target closed the connection: no route to host",
    "actor": {"user": "alice@example.com", "type": "human", "roles": ["dba", "on-call"]},
    "origin": {"ip": "10.1.2.3", "port": 50022, "agent": "OpenSSH_9.9 Debian-3"},
    "target": {"type": "ssh", "name": "db-1", "labels": {"env": "prod", "app.kubernetes.io/name": "postgres"},
               "address": "192.168.7.9:22"},
    "session": "019d3a3c-0000-7000-8000-00000000cafe",
    "detail": {
        "command": "sudo rm -rf /var/lib/postgresql", "exit": null, "code": 403, "ratio": 0.5, "big": 18446744073709551615,
        "flags": [], "empty": {}, "version": "1.25", "expires": "2026-03-15T00:00:00+01:00", "peer": "fe80::1",
        "items": [{"name": "a", "size": 1}, {"name": "B", "size": 20}], "pairs": [["x", "y"], ["z"]],
        "deep": {"er": {"user": "mallory"}}, "ok": true, "my key": "v", "words": "Grüße aus Köln"
    }
}"#;

fn context() -> FilterContext {
    FilterContext::utc("2026-03-14T16:00:00Z".parse::<Timestamp>().unwrap())
}

fn parse(text: &str) -> Filter {
    Filter::parse(text, &context()).unwrap_or_else(|error| panic!("{}", error.render()))
}

fn takes(text: &str) -> bool {
    parse(text).matches(&RecordView::parse(EVENT.as_bytes()).unwrap())
}

/// Each filter must take the event, and its negation must not.
fn check_taken(filters: &[&str]) {
    for filter in filters {
        assert!(takes(filter), "{filter} should take the event");
        assert!(filter.trim().is_empty() || !takes(&format!("not ({filter})")), "not ({filter}) should not");
    }
}

fn check_left(filters: &[&str]) {
    for filter in filters {
        assert!(!takes(filter), "{filter} should leave the event out");
    }
}

#[test]
fn nothing_takes_everything() {
    check_taken(&["", "  \n ", "*", "**", "not not *"]);
}

#[test]
fn a_field_is_compared_as_a_whole_in_any_case() {
    check_taken(&[
        "kind: session.command",
        "kind:SESSION.Command",
        "kind : \"session.command\"",
        "actor.user: alice@example.com",
        "target.labels.env: prod",
        "target.labels.app.kubernetes.io/name: postgres",
        "detail.code: 403",
        "detail.code: 403.0",
        "detail.big: 18446744073709551615",
        "detail.ok: TRUE",
        "detail.my\\ key: v",
        "\"detail.my key\": v",
        "detail.words: \"GRÜSSE aus köln\" or detail.words: \"grüße AUS KÖLN\"",
        "session: 019D3A3C-0000-7000-8000-00000000CAFE",
    ]);
    check_left(&[
        "kind: session",
        "actor.user: alice",
        "target.name: db",
        "detail.code: 40",
        "detail.big: 18446744073709551616",
    ]);
}

#[test]
fn wildcards_stand_for_any_run() {
    check_taken(&[
        "kind: session.*",
        "kind: *.command",
        "actor.user: *@example.com",
        "actor.user: a*@*.com",
        "detail.code: 4*",
        "detail.command: *rm\\ -rf*",
        "detail.words: *KÖLN",
    ]);
    check_left(&["kind: \"session.*\"", "kind: session\\.\\*", "kind: cert.*", "detail.exit: n*"]);
}

#[test]
fn any_element_of_an_array_will_do() {
    check_taken(&[
        "actor.roles: dba",
        "actor.roles: (dba and on-call)",
        "detail.items.name: b",
        "detail.items.size > 10",
        "detail.items.name: (a and b)",
        "detail.pairs: z",
    ]);
    check_left(&["actor.roles: admin", "detail.items.size > 20", "detail.items: a"]);
}

#[test]
fn a_star_in_a_field_name_stands_for_levels() {
    check_taken(&[
        "detail.*.user: mallory",
        "detail.*: mallory",
        "*.user: mallory",
        "*: mallory",
        "actor.*: human",
        "detail.*.size: 20",
    ]);
    check_left(&["detail.*.command: *rm*", "target.*: mallory", "*.kind: session.command"]);
}

#[test]
fn existence_means_a_value() {
    check_taken(&[
        "session: *",
        "detail.items: *",
        "detail.deep: *",
        "target: *",
        "target.labels: *",
        "detail.ok: *",
        "detail.*: *",
    ]);
    check_left(&[
        "detail.exit: *",
        "detail.flags: *",
        "detail.empty: *",
        "detail.none: *",
        "policy: *",
        "raw: *",
    ]);
}

#[test]
fn prose_is_found_by_its_words() {
    check_taken(&[
        "reason: connection",
        "reason: \"closed the connection\"",
        "reason: \"CONNECTION no ROUTE\"",
        "reason: conn*",
        "origin.agent: openssh",
        "detail.command: rm",
        "detail.command: \"rm -rf\"",
        "detail.command: /var/lib",
        "detail.command: (sudo and not chmod)",
    ]);
    check_left(&["reason: connect", "reason: \"connection closed\"", "detail.command: \"rm /var\""]);
}

#[test]
fn free_text_looks_at_every_value() {
    check_taken(&[
        "alice",
        "example.com",
        "\"alice@example.com\"",
        "10.1.2.3",
        "403",
        "0.5",
        "postgresql sudo",
        "sudo and -rf",
        "köln",
        "post*",
        "*sql",
        "*rm\\ -rf*",
        "true",
        "on-call",
        "kind: session.* alice \"no route\"",
    ]);
    check_left(&[
        "alic",
        "10.1.2",
        "1.2.3",
        "40",
        "labels",
        "null",
        "\"example alice\"",
        "\"dba on\"",
        "sql*",
    ]);
}

#[test]
fn and_binds_tighter_than_or_and_not_tightest() {
    check_taken(&[
        "nowhere and nowhere or alice",
        "alice or nowhere and nowhere",
        "not nowhere and alice",
        "NOT nowhere AnD (alice OR nowhere)",
        "not (alice and nowhere)",
        "nowhere nowhere or alice",
        "outcome: (success or failure)",
        "outcome: (not success and not denied)",
        "target.labels.env: (staging or (prod and not test))",
    ]);
    check_left(&[
        "(alice or nowhere) and nowhere",
        "not alice",
        "alice nowhere",
        "outcome: (success or denied)",
    ]);
}

#[test]
fn numbers_are_compared_as_numbers() {
    check_taken(&[
        "detail.code >= 400",
        "detail.code>=403",
        "detail.code <= 403.0",
        "detail.code > 1e2",
        "detail.ratio < 1",
        "detail.version > 1.5 or detail.version < 1.5",
        "origin.port > 1023",
        "detail.big > 18446744073709551614",
    ]);
    check_left(&[
        "detail.code > 403",
        "detail.code < 403",
        "detail.words > 1",
        "detail.exit < 1",
        "detail.none < 1",
    ]);
}

#[test]
fn dates_are_compared_as_spans() {
    check_taken(&[
        "time >= now-24h",
        "time >= now-1h",
        "time < now",
        "time >= now/d",
        "time: 2026-03-14",
        "time: now/d",
        "time: 2026-03",
        "time: \"2026-03-14T15\"",
        "time: 2026-03-14T15:09:26.535897Z",
        "time >= 2026-03-14T16:00:00+01:00",
        "time <= 2026-03-14",
        "time > 2026-03-13 and time < 2026-03-15",
        "detail.expires > now",
        "detail.expires: 2026-03-14",
    ]);
    check_left(&[
        "time > 2026-03-14",
        "time < 2026-03-14",
        "time: 2026-03-13",
        "time >= now",
        "detail.expires: now/M-1M",
        "detail.code > now",
    ]);
}

#[test]
fn addresses_are_compared_as_addresses() {
    check_taken(&[
        "origin.ip: 10.0.0.0/8",
        "origin.ip: 10.1.2.3",
        "origin.ip: ::ffff:10.1.2.3",
        "origin.ip: 10.1.*",
        "origin.ip >= 10.1.2.0 and origin.ip < 10.1.3.0",
        "origin.ip: (192.168.0.0/16 or 10.0.0.0/8)",
        "target.address: 192.168.0.0/16",
        "target.address: 192.168.7.9:22",
        "detail.peer: fe80::/10",
        "detail.peer: fe80:0:0:0:0:0:0:1",
    ]);
    check_left(&[
        "origin.ip: 10.2.0.0/16",
        "origin.ip: ::/0",
        "origin.ip > fe80::",
        "detail.peer: 0.0.0.0/0",
    ]);
}

#[test]
fn text_is_compared_in_any_case() {
    check_taken(&["target.name >= DB-1", "target.name < dc", "detail.items.name > a"]);
    check_left(&["target.name > db-1", "target.name < db"]);
}

#[test]
fn a_repeated_key_cannot_hide_a_value() {
    let json = br#"{"detail":{"path":"/etc/shadow","path":"/tmp/x"}}"#;
    let view = RecordView::parse(json).unwrap();
    assert!(parse("detail.path: /etc/shadow").matches(&view));
    assert!(parse("detail.path: /tmp/x").matches(&view));
}

#[test]
fn every_filter_of_the_guide_can_be_read() {
    let guide = include_str!("../../../../../docs/filter.md");
    let table = guide.split("## What people ask").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let filters: Vec<&str> = table.lines().filter_map(|row| row.split('`').nth(1)).collect();
    assert!(filters.len() > 10);
    filters.into_iter().for_each(|filter| drop(parse(filter)));
}
