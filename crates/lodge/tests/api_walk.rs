//! Walks the OpenAPI document: every mutating endpoint leaves an event with before and after, and every endpoint that
//! reads the log or a recording leaves its event. An endpoint that this test does not know fails it.
#![allow(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

mod bed;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use bed::{Bed, Person, Run, own_account, wait_for};
use serde_json::{Value, json};

/// What an endpoint must leave.
enum Leaves {
    /// An event of this kind with before and after, as far as each exists.
    Change(&'static str),
    /// An event of this kind.
    Event(&'static str),
    /// Nothing: it shows no event and no recording, and changes nothing.
    Nothing,
}

/// An invite's token in the right form that nobody was given.
const UNKNOWN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct Sample {
    leaves: Leaves,
    path: String,
    body: Option<Value>,
    kind: &'static str,
}

fn sample(leaves: Leaves, path: &str, body: Option<Value>) -> Sample {
    Sample { leaves, path: path.to_owned(), body, kind: "application/json" }
}

#[test]
fn every_endpoint_leaves_its_event() {
    let bed = Bed::start(Path::new(env!("CARGO_BIN_EXE_lodge")));
    let admin = bed.admin();
    let _sshd = bed.target(&admin, "web-1");
    let account = own_account();
    let alice = bed.developer(&admin, "alice", &account);
    alice.ssh(&[&format!("{account}@web-1"), "true"]).ok();
    let event = wait_for(|| newest(&admin, "kind: session.end"));
    let (session, id) =
        (event["session"].as_str().unwrap().to_owned(), event["id"].as_str().unwrap().to_owned());
    let mut running = alice.openssh("ssh");
    let mut running = running.args([&format!("{account}@web-1"), "sleep 600"]).spawn().unwrap();
    let live = wait_for(|| newest(&admin, "kind: session.command and detail.command: *600*"));
    let live = live["session"].as_str().unwrap().to_owned();

    let samples = samples(&session, &live, &id, &keys(&admin));
    let document: Value =
        serde_json::from_str(&call(&bed, &admin, "GET", &sample(Leaves::Nothing, "/v1/openapi.json", None)))
            .unwrap();
    let mut known = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|method| *method != "parameters") {
            let name = format!("{} {path}", method.to_uppercase());
            assert!(
                samples.iter().any(|(sampled, _)| *sampled == name),
                "{name} is not sampled: what event does it leave?"
            );
            known += 1;
        }
    }
    assert_eq!(known, samples.len(), "a sample is of no endpoint");
    for (name, sample) in &samples {
        let method = name.split(' ').next().unwrap();
        let before = size(&bed, &admin);
        let answer = call(&bed, &admin, method, sample);
        println!("{name}: {}", answer.chars().take(200).collect::<String>());
        match &sample.leaves {
            Leaves::Nothing => assert_eq!(size(&bed, &admin), before, "{name} left an event"),
            Leaves::Event(kind) => drop(left(&admin, kind, before, name)),
            Leaves::Change(kind) => {
                let change = left(&admin, kind, before, name);
                let (was, is) = (&change["detail"]["before"], &change["detail"]["after"]);
                assert_eq!(was.is_null(), kind.ends_with("create"), "{name}: {change}");
                assert_eq!(is.is_null(), kind.ends_with("delete"), "{name}: {change}");
            }
        }
    }
    let _ = running.wait();
}

/// Every endpoint, in an order in which each can succeed.
fn samples(session: &str, live: &str, id: &str, keys: &(String, String)) -> Vec<(String, Sample)> {
    use Leaves::{Change, Event, Nothing};
    let role = "kind: role\nname: walkers\nallow:\n  - logins: [nobody]\n    labels: { env: test }\n";
    let mut samples = Vec::new();
    let mut add = |name: &str, sample: Sample| samples.push((name.to_owned(), sample));
    add("GET /v1/trust", sample(Nothing, "/v1/trust", None));
    add("GET /v1/status", sample(Nothing, "/v1/status", None));
    add("GET /v1/openapi.json", sample(Nothing, "/v1/openapi.json", None));
    add("GET /v1/targets/reachable", sample(Nothing, "/v1/targets/reachable", None));
    add("GET /v1/access/explain", sample(Nothing, "/v1/access/explain?user=alice&target=web-1", None));
    add("GET /v1/users", sample(Nothing, "/v1/users", None));
    add("GET /v1/users/{name}", sample(Nothing, "/v1/users/alice", None));
    add(
        "POST /v1/users",
        sample(Change("user.create"), "/v1/users", Some(json!({ "name": "walker", "roles": ["access"] }))),
    );
    add(
        "PATCH /v1/users/{name}",
        sample(Change("user.update"), "/v1/users/walker", Some(json!({ "disabled": true }))),
    );
    add(
        "POST /v1/users/{name}/reset",
        sample(Event("user.invite_create"), "/v1/users/walker/reset", Some(json!({}))),
    );
    add("DELETE /v1/users/{name}", sample(Change("user.delete"), "/v1/users/walker", None));
    let apply =
        Sample { kind: "application/yaml", ..sample(Change("role.create"), "/v1/apply", Some(role.into())) };
    add("POST /v1/apply", apply);
    add("GET /v1/{kind}", sample(Nothing, "/v1/roles", None));
    add("GET /v1/{kind}/{name}", sample(Nothing, "/v1/roles/walkers", None));
    add("DELETE /v1/{kind}/{name}", sample(Change("role.delete"), "/v1/roles/walkers", None));
    add("GET /v1/sessions", sample(Event("audit.searched"), "/v1/sessions", None));
    add("GET /v1/sessions/{id}", sample(Event("audit.searched"), &format!("/v1/sessions/{session}"), None));
    add(
        "GET /v1/sessions/{id}/watch",
        sample(Event("session.watched"), &format!("/v1/sessions/{live}/watch"), None),
    );
    add(
        "DELETE /v1/sessions/{id}",
        sample(Event("session.terminated"), &format!("/v1/sessions/{live}"), None),
    );
    add(
        "GET /v1/recordings/{session}",
        sample(Event("recording.viewed"), &format!("/v1/recordings/{session}"), None),
    );
    add(
        "GET /v1/recordings/{session}/file",
        sample(Event("recording.viewed"), &format!("/v1/recordings/{session}/file"), None),
    );
    let export = format!("/v1/recordings/{session}/export?format=text");
    add("GET /v1/recordings/{session}/export", sample(Event("recording.exported"), &export, None));
    add("GET /v1/events", sample(Event("audit.searched"), "/v1/events", None));
    let in_sql = if cfg!(feature = "sql") { Event("audit.queried") } else { Nothing };
    add("POST /v1/sql", sample(in_sql, "/v1/sql", Some(json!({ "statement": "select 1" }))));
    add("GET /v1/events/count", sample(Event("audit.searched"), "/v1/events/count", None));
    add("GET /v1/events/histogram", sample(Event("audit.searched"), "/v1/events/histogram?split=kind", None));
    add("GET /v1/events/top", sample(Event("audit.searched"), "/v1/events/top?field=actor.user", None));
    add(
        "GET /v1/events/values",
        sample(Event("audit.searched"), "/v1/events/values?field=kind&prefix=a", None),
    );
    let around = format!("/v1/events/around?id={id}&limit=2");
    add("GET /v1/events/around", sample(Event("audit.searched"), &around, None));
    add("GET /v1/events/stream", sample(Event("audit.searched"), "/v1/events/stream?from=0", None));
    add("GET /v1/events/{id}", sample(Event("audit.searched"), &format!("/v1/events/{id}"), None));
    add("GET /v1/events/{id}/proof", sample(Event("audit.proved"), &format!("/v1/events/{id}/proof"), None));
    add("GET /v1/log/checkpoint", sample(Nothing, "/v1/log/checkpoint", None));
    add("GET /v1/log/tiles/{path}", sample(Nothing, "/v1/log/tiles/checkpoint", None));
    let words = "/v1/recordings/search?text=hello";
    add("GET /v1/recordings/search", sample(Event("audit.searched"), words, None));
    add("GET /v1/log/export", sample(Event("audit.exported"), "/v1/log/export?to=3", None));
    add("POST /v1/log/verify", sample(Event("audit.verified"), "/v1/log/verify", Some(json!({}))));
    let beginning = "0123456789abcdef".repeat(2);
    add(
        "GET /v1/ingest/{source}/{beginning}",
        sample(Nothing, &format!("/v1/ingest/ndjson/{beginning}?name=walk"), None),
    );
    let (before, after) = ("0".repeat(64), "1".repeat(64));
    let batch = format!(
        "/v1/ingest/ndjson?name=walk&identity={beginning}&file=x&run=1&offset=0&end=7&line=1&before={before}&after={after}"
    );
    let batch = Sample {
        kind: "application/octet-stream",
        ..sample(Event("source.connected"), &batch, Some("{\"a\":1}".into()))
    };
    add("POST /v1/ingest/{source}", batch);
    add("GET /v1/archive", sample(Nothing, "/v1/archive", None));
    add("POST /v1/archive/verify", sample(Event("archive.verified"), "/v1/archive/verify", Some(json!({}))));
    add("POST /v1/archive/rebuild", sample(Event("archive.rebuilt"), "/v1/archive/rebuild", Some(json!({}))));
    add("GET /v1/authorities", sample(Nothing, "/v1/authorities", None));
    let rotate = Some(json!({ "step": "prepare" }));
    add(
        "POST /v1/authorities/{kind}/rotate",
        sample(Event("authority.rotate"), "/v1/authorities/host/rotate", rotate),
    );
    let key = json!({ "public_key": keys.0, "names": ["web-1"], "ttl_seconds": 3600 });
    add(
        "POST /v1/authorities/host/sign",
        sample(Event("cert.issue"), "/v1/authorities/host/sign", Some(key)),
    );
    add(
        "POST /v1/invites/begin",
        sample(
            Event("user.invite_accept"),
            "/v1/invites/begin",
            Some(json!({ "token": UNKNOWN, "password": "y" })),
        ),
    );
    add(
        "POST /v1/invites/finish",
        sample(
            Event("user.invite_accept"),
            "/v1/invites/finish",
            Some(json!({ "token": UNKNOWN, "code": "1" })),
        ),
    );
    let login = json!({
        "user": "nobody", "password": "y", "code": "1", "ssh_public_key": keys.0, "tls_request": keys.1,
    });
    add("POST /v1/login", sample(Event("user.login"), "/v1/login", Some(login)));
    let login = json!({ "name": "nobody", "password": "y", "code": "1" });
    // Curl is no page of ours, and has no cookie.
    add("POST /v1/console/login", sample(Event("cert.deny"), "/v1/console/login", Some(login)));
    add("GET /v1/console/session", sample(Nothing, "/v1/console/session", None));
    let terminal = "/v1/console/terminal?target=web-1&login=root";
    add("GET /v1/console/terminal", sample(Event("cert.deny"), terminal, None));
    add(
        "GET /v1/console/files",
        sample(Event("cert.deny"), "/v1/console/files?target=web-1&login=root", None),
    );
    let file = "/v1/console/file?target=web-1&login=root&path=x";
    add("GET /v1/console/file", sample(Event("cert.deny"), file, None));
    add("PUT /v1/console/file", sample(Event("cert.deny"), file, Some(json!("x"))));
    add("POST /v1/console/logout", sample(Nothing, "/v1/console/logout", None));
    // Last, since it ends the login that the walk goes with; the walk then goes on with another person's.
    add("POST /v1/logout", sample(Event("user.logout"), "/v1/logout", None));
    samples
}

/// Keys that a login could certify: an SSH public key and a certificate signing request.
fn keys(person: &Person) -> (String, String) {
    let ssh = fs::read_to_string(person.home.join("id.pub")).unwrap();
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
    openssl.args(["-subj", "/CN=x", "-keyout", "/dev/null"]);
    (ssh, Run::of(&mut openssl).ok())
}

/// Calls an endpoint with curl as the person, or as the spare one once signed out.
fn call(bed: &Bed, person: &Person, method: &str, sample: &Sample) -> String {
    let mut curl = Command::new("curl");
    let file = |name: &str| person.home.join(name);
    curl.args(["-s", "--max-time", "3", "-X", method]).arg("--cacert").arg(file("ca.pem"));
    curl.arg("--cert").arg(file("tls.crt")).arg("--key").arg(file("tls.key"));
    if let Some(body) = &sample.body {
        let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        curl.args(["-H", &format!("Content-Type: {}", sample.kind), "--data-binary", &text]);
    }
    Run::of(curl.arg(format!("https://{}{}", bed.facts.api, sample.path))).out
}

/// Entries in the log, as the metrics say: asking so leaves no event.
fn size(bed: &Bed, _: &Person) -> u64 {
    let metrics =
        Run::of(Command::new("curl").args(["-sf", &format!("http://{}/metrics", bed.facts.metrics)])).ok();
    let line = metrics.lines().find_map(|line| line.strip_prefix("lodge_log_entries ")).unwrap();
    line.parse().unwrap()
}

/// The event of a kind at or behind a position.
fn left(admin: &Person, kind: &str, from: u64, name: &str) -> Value {
    let found = wait_for_at_most(10, || on_disk(admin, from).into_iter().find(|event| event["kind"] == kind));
    found.unwrap_or_else(|| panic!("{name} left no {kind}, but {:#?}", on_disk(admin, from)))
}

/// Looks again and again, for some seconds, until there is something.
fn wait_for_at_most<T>(seconds: u32, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    (0..seconds * 20).find_map(|_| {
        look().or_else(|| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            None
        })
    })
}

/// Reads events from the write-ahead log's files, so that looking leaves no event and needs no login.
fn on_disk(admin: &Person, from: u64) -> Vec<Value> {
    let folder = admin.home.parent().unwrap().join("data/log/wal");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "wal"));
    paths.sort();
    let mut events: BTreeMap<String, Value> = BTreeMap::new();
    let mut position = 0;
    let mut kept = Vec::new();
    for path in paths {
        let whole = fs::read(path).unwrap();
        // The space that was made ready for later batches holds zeros.
        let written = whole.chunks(4096).position(|block| block == &[0; 4096][..block.len()]);
        let bytes = &whole[..written.map_or(whole.len(), |blocks| blocks * 4096)];
        let mut at = 0;
        while let Some(start) = find(&bytes[at..], b"{\"id\":\"") {
            let mut stream = serde_json::Deserializer::from_slice(&bytes[at + start..]).into_iter::<Value>();
            let Some(Ok(event)) = stream.next() else { break };
            at += start + stream.byte_offset();
            if position >= from && events.insert(event["id"].to_string(), Value::Null).is_none() {
                kept.push(event);
            }
            position += 1;
        }
    }
    kept
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn newest(admin: &Person, filter: &str) -> Option<Value> {
    let rows = admin.run(&["audit", "search", filter, "--limit", "1", "-o", "ndjson"]).ok();
    let row: Value = serde_json::from_str(rows.lines().next()?).ok()?;
    Some(row["event"].clone())
}
