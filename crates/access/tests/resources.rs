//! Resources as people write them: what is taken, what is refused and in which words.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up must stop")]

use access::{HostKey, Resource, ResourceError, ResourceKind, RoleError};
use expect_test::{Expect, expect};
use proptest::prelude::*;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

const EVERYTHING: &str = r#"
kind: role
name: developer
description: Staging freely, production by its own account
allow:
  - logins: ["{{user.traits.logins}}", deploy]
    labels: {env: [staging, "dev-*"], team: "*"}
  - logins: "{{user.name}}"
    targets: bastion
    from: 10.0.0.0/8
    api:
      - {resources: log, verbs: read, where: 'actor.user: "alice"'}
      - resources: [sessions, recordings]
        verbs: [list]
deny:
  labels: {tier: database}
options:
  session_ttl: 1h30m
  recording: best_effort
  record_input: true
  port_forwarding: true
  idle_timeout: 15m
  max_sessions: 3
---
name: web-1
kind: target
address: web-1.example.com:22
labels: {env: staging, team: web, version: "1.10"}
host_key: {authority: web-1.example.com}
---
kind: target
name: db-1
address: "[2001:db8::5]:2222"
host_key:
  pinned: KEY comment@host
---
kind: lock
name: incident-42
user: mallory
reason: laptop stolen
expires: 2030-01-31T18:00:00Z
---
kind: lock
name: stop
everything: true
reason: drill
---
kind: user
name: alice
roles: [developer, auditor]
traits: {logins: [root, alice], team: web}
"#;

fn everything() -> Vec<Resource> {
    Resource::parse_all(&EVERYTHING.replace("KEY", KEY)).unwrap()
}

fn check(yaml: &str, expected: Expect) {
    let error = Resource::parse_all(&yaml.replace("KEY", KEY)).expect_err(yaml);
    expected.assert_eq(&error.to_string());
}

#[test]
fn every_kind_is_read_in_any_order_of_keys() {
    let resources = everything();
    let kinds: Vec<ResourceKind> = resources.iter().map(Resource::kind).collect();
    use ResourceKind::{Lock, Role, Target, User};
    assert_eq!(kinds, [Role, Target, Target, Lock, Lock, User]);
    let Resource::Target(pinned) = &resources[2] else { panic!("a target") };
    assert_eq!(pinned.host_key, HostKey::Pinned { keys: vec![KEY.to_owned()] }, "the comment is dropped");
}

#[test]
fn what_is_printed_reads_back_as_itself() {
    for resource in everything() {
        let text = resource.to_string();
        assert!(text.starts_with("kind: "), "{text}");
        assert_eq!(Resource::parse_all(&text).unwrap(), [resource], "{text}");
    }
}

#[test]
fn json_is_taken_as_well() {
    for resource in everything() {
        let json = serde_json::to_string(&resource).unwrap();
        assert_eq!(Resource::parse_all(&json).unwrap(), [resource], "{json}");
    }
}

#[test]
fn a_role_prints_like_it_would_be_written() {
    expect![[r#"
        kind: role
        name: developer
        description: Staging freely, production by its own account
        allow:
        - logins:
          - "{{user.traits.logins}}"
          - deploy
          labels:
            env:
            - staging
            - dev-*
            team:
            - "*"
        - logins:
          - "{{user.name}}"
          targets:
          - bastion
          from:
          - 10.0.0.0/8
          api:
          - resources:
            - log
            verbs:
            - read
            where: "actor.user: \"alice\""
          - resources:
            - sessions
            - recordings
            verbs:
            - list
        deny:
        - labels:
            tier:
            - database
        options:
          session_ttl: 1h30m
          recording: best_effort
          record_input: true
          port_forwarding: true
          idle_timeout: 15m
          max_sessions: 3
    "#]]
    .assert_eq(&everything()[0].to_string());
}

#[test]
fn mistakes_name_their_place_and_the_nearest_key() {
    check(
        "kind: role\nname: a\nalow: {}\n",
        expect!["line 3, column 1: unknown key `alow`; did you mean `allow`?"],
    );
    check(
        "kind: role\nname: a\nallow:\n  login: [root]\n",
        expect!["line 4, column 3: unknown key `login`; did you mean `logins`?"],
    );
    check(
        "kind: role\nname: a\nallow:\n  - labels: {a: b}\n    logins: root\n    colour: red\n",
        expect!["line 6, column 5: unknown key `colour`; known are logins, labels, targets, from, api"],
    );
    check(
        "kind: role\nname: a\noptions: {recording: requird}\n",
        expect!["line 3, column 11: unknown word `requird`; did you mean `required`?"],
    );
    check(
        "kind: role\nname: a\noptions: {session_ttl: 8}\n",
        expect![[
            r#"line 3, column 24: "8" is not a length of time; write it like `8h`, `30m`, `1h30m` or `45s`, from 1s to 366d"#
        ]],
    );
    check(
        "kind: role\nname: a\naddress: b:22\n",
        expect![
            "line 3, column 10: a role takes no key `address`; it takes kind, name, description, allow, deny, options"
        ],
    );
    check("kind: rol\nname: a\n", expect!["line 1, column 7: unknown kind `rol`; did you mean `role`?"]);
    check("kind: role\n", expect!["line 1, column 1: the key `name` is missing"]);
    check("name: a\n", expect!["line 1, column 1: the key `kind` is missing"]);
    check("kind: role\nname: a\nname: b\n", expect!["line 3, column 1: the key `name` stands here twice"]);
    check(
        "kind: role\nname: a\nallow:\n  logins: 'ro ot'\n  labels: {'*': '*'}\n",
        expect![[
            r#"line 4, column 11: "ro ot" is not an account name; use letters, digits, `_`, `-` and `.`, or a template such as `{{user.name}}`"#
        ]],
    );
    check(
        "kind: role\nname: a\nallow:\n  logins: root\n  labels: {env: 1}\n",
        expect![[
            r#"line 5, column 17: `1` is not taken here: one value or a list of them is expected, and a word that looks like a number or like true or false goes in quotes, such as "1""#
        ]],
    );
    check(
        "kind: role\nname: a\nallow:\n  logins: root\n  labels: {big: true}\n",
        expect![[
            r#"line 5, column 17: `true` is not taken here: one value or a list of them is expected, and a word that looks like a number or like true or false goes in quotes, such as "true""#
        ]],
    );
    check(
        "kind: role\nname: a\noptions: {port_forwarding: 5}\n",
        expect!["line 3, column 28: this is neither `true` nor `false`"],
    );
    check(
        "kind: role\nname: a\noptions: {max_sessions: many}\n",
        expect!["line 3, column 25: this is not a whole number from 0 to 4294967295"],
    );
    check(
        "kind: role\nname: a\nallow:\n  logins: root\n  labels: ssh=5\n",
        expect!["line 5, column 11: keys with their values are expected here, such as `name: web-1`"],
    );
    check(
        "kind: role\nname: a\nallow:\n  logins: root\n  labels: {'*': prod}\n",
        expect![[
            r#"line 5, column 11: the label "*" goes only with the value "*", alone: together they select every target"#
        ]],
    );
    check(
        "kind: role\nname: a\ndeny: {from: 10.0.0.0/40}\n",
        expect![[
            r#"line 3, column 14: "10.0.0.0/40" is not a network; write it like `10.0.0.0/8`, `2001:db8::/32` or `192.0.2.7`"#
        ]],
    );
    check(
        "kind: role\nname: a\nallow: {api: {resources: logs, verbs: read}}\n",
        expect!["line 3, column 15: unknown word `logs`; did you mean `log`?"],
    );
    check(
        "just text",
        expect!["line 1, column 1: keys with their values are expected here, such as `name: web-1`"],
    );
    check(
        "kind: role\nname: a\nallow: [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]\n",
        expect!["line 3, column 9: keys with their values are expected here, such as `name: web-1`"],
    );
    check("kind: role\nname: *a\n", expect!["line 2, column 7: alias references unknown anchor"]);
    check("kind: !secret role\nname: a\n", expect!["line 1, column 15: unsupported tag `!secret`"]);
    check(
        "<<: {kind: role}\nname: a\n",
        expect!["line 1, column 1: YAML merge keys are not allowed by configured policy"],
    );
    check("kind: [", expect!["line 1, column 7: expected string scalar"]);
}

#[test]
fn roles_that_mislead_are_refused() {
    check(
        "kind: role\nname: A b\n",
        expect![[
            r#"line 2: role `A b`: "A b" cannot be a name; use up to 64 of a-z, 0-9, `-`, `_` and `.`, with a letter or digit first and last"#
        ]],
    );
    check(
        "kind: role\nname: a\nallow: {logins: root}\n",
        expect![[
            r#"line 2: role `a`: allow rule 1 gives logins but selects no target; add `labels` or `targets` (`labels: {"*": "*"}` selects all)"#
        ]],
    );
    check(
        "kind: role\nname: a\nallow: {labels: {'*': '*'}}\n",
        expect!["line 2: role `a`: allow rule 1 selects targets but gives no login; add `logins`"],
    );
    check(
        "kind: role\nname: a\nallow: {from: 10.0.0.0/8}\n",
        expect![
            "line 2: role `a`: allow rule 1 gives networks but grants nothing from there; add `logins` with `labels` or `targets`, or `api`"
        ],
    );
    check(
        "kind: role\nname: a\ndeny: {}\n",
        expect!["line 2: role `a`: deny rule 1 is empty; state what it is about or leave it out"],
    );
    check(
        "kind: role\nname: a\ndeny: {targets: 'prod-*'}\n",
        expect![[
            r#"line 2: role `a`: deny rule 1 names the target "prod-*", which cannot be a target's name; select by labels to use patterns"#
        ]],
    );
    check(
        "kind: role\nname: a\nallow: {api: {resources: log, verbs: delete}}\n",
        expect![
            "line 2: role `a`: allow rule 1 names the operation log.delete, which does not exist; log has read, create, export, verify"
        ],
    );
    check(
        "kind: role\nname: a\nallow: {api: {resources: [], verbs: read}}\n",
        expect![
            "line 2: role `a`: allow rule 1 has an API part without resources or verbs; list at least one of each"
        ],
    );
    check(
        "kind: role\nname: a\nallow: {api: {resources: '*', verbs: read, where: 'a: b'}}\n",
        expect![
            "line 2: role `a`: allow rule 1 has `where` on something else than reading the log; put `resources: log, verbs: read` in a part of its own"
        ],
    );
    check(
        "kind: role\nname: a\nallow: {api: {resources: log, verbs: read, where: ' '}}\n",
        expect![
            "line 2: role `a`: the `where` of allow rule 1 is not a filter: it is empty; leave `where` out to let everything be read"
        ],
    );
    check(
        "kind: role\nname: a\ndeny: {api: {resources: log, verbs: read, where: 'a: b'}}\n",
        expect![
            "line 2: role `a`: deny rule 1 denies with `where`; narrow the `where` of the rule that allows instead"
        ],
    );
    check(
        "kind: role\nname: a\noptions: {max_sessions: 0}\n",
        expect![
            "line 2: role `a`: `max_sessions: 0` would let nobody in; leave the grant out, or set a lock"
        ],
    );
}

#[test]
fn no_target_is_trusted_on_first_use() {
    check(
        "kind: target\nname: t\naddress: web:22\n",
        expect![
            "line 2: target `t`: the target has no host key, and Lodge never trusts one on first use; put the line that the server itself shows with `cat /etc/ssh/ssh_host_ed25519_key.pub` under `host_key: {pinned: …}` (`ssh-keyscan -t ed25519 web` shows it too, but only a network that you trust makes that safe), or sign the server's key with the host authority and write `host_key: {authority: NAME}`"
        ],
    );
    check(
        "kind: target\nname: t\naddress: web:22\nhost_key: {}\n",
        expect![
            "line 4, column 11: the target has no host key, and Lodge never trusts one on first use; put the line that the server itself shows with `cat /etc/ssh/ssh_host_ed25519_key.pub` under `host_key: {pinned: …}` (`ssh-keyscan -t ed25519 HOST` shows it too, but only a network that you trust makes that safe), or sign the server's key with the host authority and write `host_key: {authority: NAME}`"
        ],
    );
    check(
        "kind: target\nname: t\naddress: web:22\nhost_key: {pinned: []}\n",
        expect![
            "line 4, column 11: the target has no host key, and Lodge never trusts one on first use; put the line that the server itself shows with `cat /etc/ssh/ssh_host_ed25519_key.pub` under `host_key: {pinned: …}` (`ssh-keyscan -t ed25519 HOST` shows it too, but only a network that you trust makes that safe), or sign the server's key with the host authority and write `host_key: {authority: NAME}`"
        ],
    );
    check(
        "kind: target\nname: t\naddress: web:22\nhost_key: {authority: web, pinned: KEY}\n",
        expect!["line 4, column 11: `host_key` takes either `authority` or `pinned`, not both"],
    );
    check(
        "kind: target\nname: t\naddress: web:22\nhost_key: {pinned: 'web ssh-ed25519 AAAA'}\n",
        expect![[
            r#"line 4, column 11: "web ssh-ed25519 AAAA" is not a host key that can be pinned: write one line of OpenSSH's format, such as `ssh-ed25519 AAAA…`, without a host name before it"#
        ]],
    );
    check(
        "kind: target\nname: t\naddress: web:22\nhost_key: {authority: '*'}\n",
        expect![[
            r#"line 4, column 11: "*" cannot be the name in a host certificate; use a host name such as `web-1.example.com`"#
        ]],
    );
    check(
        "kind: target\nname: t\naddress: web\nhost_key: {authority: web}\n",
        expect![[
            r#"line 2: target `t`: "web" is not an address; write `host:port`, such as `10.0.0.5:22` or `[2001:db8::5]:22`"#
        ]],
    );
    check(
        "kind: target\nname: t\nhost_key: {authority: web}\n",
        expect![[
            r#"line 2: target `t`: "" is not an address; write `host:port`, such as `10.0.0.5:22` or `[2001:db8::5]:22`"#
        ]],
    );
    check(
        "kind: target\nname: t\naddress: web:22\nlabels: {env: 'a*'}\nhost_key: {authority: web}\n",
        expect![[r#"line 2: target `t`: label env has a value that no label can have: "a*""#]],
    );
}

#[test]
fn locks_say_what_and_why() {
    check(
        "kind: lock\nname: l\nreason: r\n",
        expect![
            "line 2: lock `l`: a lock names exactly one of `user`, `login`, `role`, `target`, `session` and `everything: true`; this one names 0"
        ],
    );
    check(
        "kind: lock\nname: l\nreason: r\nuser: a\ntarget: b\n",
        expect![
            "line 2: lock `l`: a lock names exactly one of `user`, `login`, `role`, `target`, `session` and `everything: true`; this one names 2"
        ],
    );
    check(
        "kind: lock\nname: l\nreason: r\neverything: false\n",
        expect![
            "line 2: lock `l`: a lock names exactly one of `user`, `login`, `role`, `target`, `session` and `everything: true`; this one names 0"
        ],
    );
    check(
        "kind: lock\nname: l\nuser: a\n",
        expect!["line 2: lock `l`: a lock says why: add `reason`, of at most 1024 bytes"],
    );
    check(
        "kind: lock\nname: l\nreason: r\nuser: 'a,b'\n",
        expect![[r#"line 2: lock `l`: "a,b" cannot be the name of a user"#]],
    );
    check(
        "kind: lock\nname: l\nreason: r\nsession: 17\n",
        expect![[r#"line 2: lock `l`: "17" cannot be the name of a session"#]],
    );
    check(
        "kind: lock\nname: l\nreason: r\nuser: a\nexpires: tomorrow\n",
        expect![[r#"line 2: lock `l`: "tomorrow" is not a time; write it like `2030-01-31T18:00:00Z`"#]],
    );
}

#[test]
fn users_are_checked() {
    check(
        "kind: user\nname: 'a,b'\n",
        expect![[
            r#"line 2: user `a,b`: "a,b" is not allowed as a name: a name has only lower-case letters, digits, '.', '_' and '-'; ',' is not allowed"#
        ]],
    );
    check(
        "kind: user\nname: a\nroles: [B]\n",
        expect![[
            r#"line 2: user `a`: "B" cannot be the name of a role: a name has only lower-case letters, digits, '.', '_' and '-'; 'B' is not allowed"#
        ]],
    );
    check(
        "kind: user\nname: a\ntraits: {'a b': c}\n",
        expect![[
            r#"line 2: user `a`: "a b" cannot be the name of a trait; use up to 128 letters, digits, `-`, `_`, `.`, `/` and `:`"#
        ]],
    );
    check(
        "kind: user\nname: a\ntraits: {a: \"x\\ny\"}\n",
        expect!["line 2: user `a`: a trait's value has at most 1024 bytes and no control characters"],
    );
}

#[test]
fn one_mistake_refuses_the_whole_text() {
    let text = "kind: role\nname: good\n---\nkind: role\nname: Bad\n";
    let error = Resource::parse_all(text).unwrap_err();
    assert!(matches!(&error, ResourceError::Role { line: 5, source: RoleError::Name(_), .. }), "{error}");
}

#[test]
fn sizes_depths_and_aliases_are_bounded() {
    let large = format!("# {}\n", "x".repeat(access::MAX_TEXT_BYTES));
    assert!(matches!(Resource::parse_all(&large), Err(ResourceError::TooLarge(_))));
    let many = "---\nkind: role\nname: a\n".repeat(access::MAX_DOCUMENTS + 1);
    assert!(Resource::parse_all(&many).is_err());
    let deep = format!("kind: role\nname: a\nallow: {}{}\n", "[".repeat(5000), "]".repeat(5000));
    assert!(Resource::parse_all(&deep).is_err());
    let mut bomb = "kind: user\nname: a\nroles: &a [x, x, x, x, x, x, x, x, x, x]\ntraits:\n".to_owned();
    for level in 0..200 {
        bomb.push_str(&format!("  t{level}: [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"));
    }
    assert!(Resource::parse_all(&bomb).is_err());
    assert!(Resource::parse_all("base: &b {name: a}\nkind: role\n<<: *b\n").is_err());
}

#[test]
fn an_empty_text_declares_nothing() {
    for text in ["", "\n", "# only a comment\n", "---\n"] {
        assert_eq!(Resource::parse_all(text).map_err(|error| error.to_string()), Ok(Vec::new()), "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,200}") {
        let _ = Resource::parse_all(&text);
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Resource::parse_all(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn damaged_documents_are_read_without_panic(at in 0usize..1200, byte in any::<u8>(), cut in 0usize..40) {
        let mut bytes = EVERYTHING.replace("KEY", KEY).into_bytes();
        let at = at.min(bytes.len() - 1);
        bytes[at] = byte;
        let end = (at + cut).min(bytes.len());
        bytes.drain(at + 1..end.max(at + 1));
        if let Ok(resources) = Resource::parse_all(&String::from_utf8_lossy(&bytes)) {
            for resource in resources {
                prop_assert_eq!(Resource::parse_all(&resource.to_string()).unwrap(), [resource]);
            }
        }
    }
}
