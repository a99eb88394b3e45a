//! A role that may read a part of the log sees that part and no more, on every way to it.
#![allow(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

mod bed;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bed::{Bed, Person, Run, own_account, wait_for};
use serde_json::Value;

/// May read what alice did, and holds every right on sessions and recordings, the log's export and its verification.
const PART_READER: &str = "
kind: role
name: part-reader
allow:
  api:
    - {resources: log, verbs: read, where: 'actor.user: alice'}
    - {resources: log, verbs: [export, verify]}
    - {resources: [sessions, recordings], verbs: '*'}
---
kind: role
name: no-reader
allow:
  api:
    - {resources: log, verbs: [export, verify]}
    - {resources: [sessions, recordings], verbs: '*'}
";

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_lodge"))
}

fn apply(bed: &Bed, admin: &Person, yaml: &str) {
    let file = bed.path("resources.yaml");
    fs::write(&file, yaml).unwrap();
    admin.run(&["apply", "-f", &file.to_string_lossy()]).ok();
}

fn join(bed: &Bed, admin: &Person, name: &str, role: &str) -> Person {
    let invite = admin.run(&["users", "add", name, "--roles", role, "-o", "json"]).ok();
    bed.join(&bed::invite_of(&invite))
}

fn newest(person: &Person, filter: &str) -> Option<Value> {
    let rows = person.run(&["audit", "search", filter, "--limit", "1", "-o", "ndjson"]).ok();
    let row: Value = serde_json::from_str(rows.lines().next()?).ok()?;
    Some(row["event"].clone())
}

fn curl(bed: &Bed, person: &Person, path: &str) -> Command {
    let mut curl = Command::new("curl");
    let file = |name: &str| person.home.join(name);
    curl.args(["-sN", "--max-time", "60"]).arg("--cacert").arg(file("ca.pem"));
    curl.arg("--cert").arg(file("tls.crt")).arg("--key").arg(file("tls.key"));
    curl.arg(format!("https://{}{path}", bed.facts.api));
    curl
}

#[test]
fn a_part_of_the_log_is_not_the_sessions_the_recordings_or_the_whole() {
    let bed = Bed::start(program());
    let admin = bed.admin();
    let account = own_account();
    let _sshd = bed.target(&admin, "web-1");
    let at = format!("{account}@web-1");
    apply(&bed, &admin, PART_READER);
    let session_of = |name: &str| {
        bed.developer(&admin, name, &account).ssh(&[&at, "true"]).ok();
        let end = wait_for(|| newest(&admin, &format!("kind: session.end and actor.user: {name}")));
        end["session"].as_str().unwrap().to_owned()
    };
    let (of_alice, of_bob) = (session_of("alice"), session_of("bob"));
    let part = join(&bed, &admin, "part", "part-reader");
    let none = join(&bed, &admin, "none", "no-reader");

    let listed = part.run(&["sessions", "ls", "-o", "json"]).ok();
    assert!(listed.contains(&of_alice) && !listed.contains(&of_bob), "{listed}");
    let listed = none.run(&["sessions", "ls", "-o", "json"]).ok();
    assert!(!listed.contains(&of_alice) && !listed.contains(&of_bob), "{listed}");

    part.run(&["play", &of_alice, "--format", "text"]).ok();
    for (reader, session) in [(&part, &of_bob), (&none, &of_alice)] {
        reader.run(&["play", session, "--format", "text"]).refused();
        for path in [
            format!("/v1/sessions/{session}"),
            format!("/v1/recordings/{session}"),
            format!("/v1/recordings/{session}/file"),
            format!("/v1/recordings/{session}/export?format=text"),
        ] {
            let answer = Run::of(&mut curl(&bed, reader, &path)).ok();
            assert!(answer.contains("none that you may see"), "{path}: {answer}");
        }
    }

    for reader in [&part, &none] {
        assert_eq!(reader.run(&["audit", "export"]).code, 3);
        assert_eq!(reader.run(&["audit", "verify"]).code, 3);
    }
    admin.run(&["audit", "export"]).ok();
}

/// Someone who follows the log; what arrives is read to its end.
fn follow(bed: &Bed, person: &Person) -> Child {
    let mut following = curl(bed, person, "/v1/events/stream?from=0");
    let mut following = following.stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(following.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    assert!(!first.is_empty(), "the stream shows something");
    following
}

#[test]
fn a_live_tail_ends_when_what_its_reader_may_read_changes() {
    let bed = Bed::start(program());
    let admin = bed.admin();
    apply(&bed, &admin, PART_READER);
    for (name, change) in [("ann", "access"), ("ben", "part-reader")] {
        let reader = join(&bed, &admin, name, "auditor");
        let mut following = follow(&bed, &reader);
        admin.run(&["users", "set", name, "--roles", change]).ok();
        let ended = wait_for(|| following.try_wait().unwrap());
        assert_eq!(ended.code(), Some(0), "the server ended the stream of {name}, not curl's patience");
    }
}
