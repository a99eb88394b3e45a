//! Files of records, from the command line to the log: each record once, whatever is interrupted.
#![allow(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

mod bed;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use bed::{Bed, Person, Run, wait_for};
use serde_json::Value;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_lodge"))
}

fn samples() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../ingest/tests/samples").to_owned()
}

/// Takes files; returns the summary.
#[track_caller]
fn ingest(person: &Person, source: &str, paths: &[&str]) -> Value {
    let arguments = [&["ingest", "file", "-o", "json", "--source", source][..], paths].concat();
    serde_json::from_str(&person.run(&arguments).ok()).unwrap()
}

#[track_caller]
fn counts(summary: &Value) -> (u64, u64) {
    (summary["events"].as_u64().unwrap(), summary["rejected"].as_u64().unwrap())
}

#[track_caller]
fn found(person: &Person, filter: &str) -> Vec<Value> {
    let rows = person.run(&["audit", "search", filter, "--limit", "1000", "-o", "ndjson"]).ok();
    rows.lines().map(|row| serde_json::from_str::<Value>(row).unwrap()["event"].clone()).collect()
}

#[test]
fn files_are_taken_once_however_they_come() {
    let bed = Bed::start(program());
    let admin = bed.admin();

    // Real records, by a pattern; a second time there is nothing to take.
    let pattern = format!("{}/*.ndjson", samples());
    assert_eq!(counts(&ingest(&admin, "kubernetes", &["--name", "prod", &pattern])), (11, 0));
    assert_eq!(counts(&ingest(&admin, "kubernetes", &["--name", "prod", &pattern])), (0, 0));
    assert_eq!(found(&admin, "kind: kube.audit and source.name: prod").len(), 11);
    let exec = found(&admin, "kind: kube.audit and target.labels.subresource: exec");
    assert_eq!((exec.len(), exec[0]["outcome"].as_str()), (1, Some("success")));
    assert_eq!(found(&admin, "kind: kube.audit and outcome: denied").len(), 6);
    assert_eq!(found(&admin, "kind: source.connected").len(), 3);

    // Bad lines, a long one, and an end that is still being written.
    let path = bed.path("app.log");
    let shown = path.to_str().unwrap().to_owned();
    let long = "x".repeat(1 << 20);
    let mut file = File::create(&path).unwrap();
    write!(file, "{{\"n\":1}}\nnot json\n\n{{\"n\":2,\"long\":\"{long} colormatic\"}}\n{{\"n\":").unwrap();
    let summary = ingest(&admin, "ndjson", &[&shown]);
    assert_eq!((counts(&summary), &summary["files"][0]["unfinished"]), ((3, 1), &Value::from(5)));
    assert_eq!(found(&admin, "colormatic")[0]["detail"]["n"], 2);
    let rejected = found(&admin, "kind: source.rejected_record");
    assert_eq!((rejected.len(), &rejected[0]["detail"]["line"]), (1, &Value::from(2)));
    write!(file, "3}}\n{{\"n\":4}}").unwrap();
    assert_eq!(counts(&ingest(&admin, "ndjson", &[&shown])), (2, 0));

    // Renamed, compressed, through a pipe: it is the same file, and its end is new.
    let renamed = bed.path("app.log.1");
    fs::rename(&path, &renamed).unwrap();
    writeln!(file).unwrap();
    let whole = fs::read(&renamed).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&whole).unwrap();
    let zstandard = zstd::encode_all(whole.as_slice(), 3).unwrap();
    for (name, content) in [("app.log.2.gz", gzip.finish().unwrap()), ("no-ending", zstandard)] {
        let compressed = bed.path(name);
        fs::write(&compressed, content).unwrap();
        let path = compressed.to_str().unwrap();
        assert_eq!(counts(&ingest(&admin, "ndjson", &[path])), (0, 0), "{name}");
        assert_eq!(counts(&ingest(&admin, "ndjson", &["--name", name, path])), (5, 1), "{name}");
        fs::write(&compressed, "").unwrap();
        assert_eq!(
            counts(&ingest(&admin, "ndjson", &["--name", name, path])),
            (0, 0),
            "an empty file is none"
        );
    }
    let piped = |content: &[u8]| {
        let mut command = admin.command(&["ingest", "file", "-o", "json", "--source", "ndjson", "-"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(content).unwrap();
        serde_json::from_slice::<Value>(&child.wait_with_output().unwrap().stdout).unwrap()
    };
    assert_eq!(counts(&piped(&[&whole[..], b"{\"n\":5}\nhalf"].concat())), (2, 1));
    assert_eq!(counts(&piped(b"{\"other\":1}\n{\"n\":6}\n")), (2, 0));

    // Another file that begins alike is another file; one that changed under its name is refused.
    let alike = bed.path("alike.log");
    fs::write(&alike, "{\"n\":1}\n{\"n\":100}\n").unwrap();
    let alike = alike.to_str().unwrap();
    assert_eq!(counts(&ingest(&admin, "ndjson", &[alike])), (2, 0));
    fs::write(alike, "{\"n\":1}\n").unwrap();
    let run = admin.run(&["ingest", "file", "--source", "ndjson", alike]);
    assert_eq!(run.code, 1);
    assert!(run.err.contains("cut short, changed or replaced"), "{}", run.err);
    assert_eq!(counts(&ingest(&admin, "ndjson", &["--anew", alike])), (1, 0));
    assert!(
        admin.run(&["ingest", "file", "--source", "nothing", alike]).refused().contains("kubernetes, ndjson")
    );
}

#[test]
fn a_file_of_which_nothing_is_accepted_fails_with_a_hint_and_the_others_are_taken() {
    let bed = Bed::start(program());
    let admin = bed.admin();
    let (wrong, good) = (bed.path("a-wrong.log"), bed.path("b-good.log"));
    fs::write(&wrong, "plain words\nmore of them\n").unwrap();
    fs::write(&good, "{\"n\":1}\nbad\n").unwrap();
    let (wrong, good) = (wrong.to_str().unwrap(), good.to_str().unwrap());
    let run = admin.run(&["ingest", "file", "--source", "ndjson", wrong, good]);
    assert_eq!(run.code, 1, "{}", run.out);
    assert!(run.err.contains("not one of 2 records could be taken as `ndjson`"), "{}", run.err);
    assert!(run.err.contains("--source"), "{}", run.err);
    assert_eq!(found(&admin, "kind: source.rejected_record").len(), 3, "each leaves an event");
    assert_eq!(found(&admin, "kind: source.record").len(), 1);
    // What is bad behind what was taken says nothing of the source.
    fs::write(good, "{\"n\":1}\nbad\nworse\n").unwrap();
    assert_eq!(counts(&ingest(&admin, "ndjson", &[good])), (1, 1));
}

#[test]
fn what_stands_before_a_damage_is_taken_and_the_damage_is_told() {
    let bed = Bed::start(program());
    let admin = bed.admin();
    let content: String = (0..2000).map(|n| format!("{{\"n\":{n},\"name\":\"record {n}\"}}\n")).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(content.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    // Several frames, as a long file has blocks: a cut frame gives nothing of its last block.
    let frames = content.as_bytes().chunks(4000).map(|part| zstd::encode_all(part, 3).unwrap());
    let zstandard = frames.collect::<Vec<_>>().concat();
    for (name, whole) in [("cut.gz", gzip), ("cut.zst", zstandard)] {
        let path = bed.path(name);
        let shown = path.to_str().unwrap();
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let run = admin.run(&["ingest", "file", "--source", "ndjson", "--name", name, "-o", "json", shown]);
        assert_eq!(run.code, 1, "{}", run.err);
        assert!(run.err.contains("damaged or cut off behind byte"), "{}", run.err);
        let summary: Value = serde_json::from_str(&run.out).unwrap();
        let (taken, rejected) = counts(&summary);
        assert!((1..2000).contains(&taken) && rejected == 0, "{summary}");
        let file = &summary["files"][0];
        assert!(run.err.contains(&format!("byte {}", file["to"])), "{} {file}", run.err);
        // The whole copy goes on behind that.
        fs::write(&path, &whole).unwrap();
        assert_eq!(counts(&ingest(&admin, "ndjson", &["--name", name, shown])), (2000 - taken, 0));
    }
}

#[test]
#[ignore = "takes a folder of Kubernetes audit logs, which LODGE_AUDIT_LOGS names"]
fn a_folder_of_real_audit_logs_is_taken_to_the_last_record() {
    let folder = std::env::var("LODGE_AUDIT_LOGS").expect("LODGE_AUDIT_LOGS names a folder");
    let bed = Bed::start(program());
    let admin = bed.admin();
    let listed = Run::of(Command::new("find").args([&folder, "-type", "f"])).ok();
    let logs = |path: &&str| [".json", ".jsonl", ".log"].iter().any(|ending| path.ends_with(ending));
    let mut paths: Vec<&str> = listed.lines().filter(logs).collect();
    paths.sort_unstable();
    let arguments = [&["ingest", "file", "-o", "json", "--source", "kubernetes"][..], &paths].concat();
    let run = admin.run(&arguments);
    let summary: Value = serde_json::from_str(&run.out).unwrap();
    let (mut whole, mut hopeless) = ((0, 0), 0);
    for file in summary["files"].as_array().unwrap() {
        let content = fs::read_to_string(file["file"].as_str().unwrap()).unwrap();
        let is_event = |line: &&str| {
            let value: Value = serde_json::from_str(line).unwrap_or_default();
            value["auditID"].is_string() && value["verb"].is_string()
        };
        let lines = content.lines().filter(|line| !line.trim().is_empty());
        let events = lines.clone().filter(is_event).count() as u64;
        let taken = (file["events"].as_u64().unwrap(), file["rejected"].as_u64().unwrap());
        assert_eq!(taken, (lines.count() as u64, taken.0 - events), "{file}");
        whole = (whole.0 + taken.0, whole.1 + taken.1);
        hopeless += u64::from(taken.0 > 0 && taken.0 == taken.1);
    }
    assert_eq!(counts(&summary), whole);
    // A file of which nothing could be taken is told by the exit code too.
    assert_eq!((&summary["failed"], run.code), (&hopeless.into(), i32::from(hopeless > 0)), "{}", run.err);
    println!("{} files, {} events, {} rejected, {} s", paths.len(), whole.0, whole.1, summary["seconds"]);
    assert_eq!(counts(&ingest(&admin, "kubernetes", &paths)), (0, 0));
    let counted = admin.run(&["audit", "count", "kind: kube.audit", "-o", "json"]).ok();
    let counted: Value = serde_json::from_str(&counted).unwrap();
    assert_eq!(counted["events"], whole.0 - whole.1, "{counted}");
}

#[test]
fn who_may_not_add_to_the_log_is_refused_on_the_record() {
    let bed = Bed::start(program());
    let admin = bed.admin();
    let bob = bed.developer(&admin, "bob", "nobody");
    let run = bob.run(&["ingest", "file", "--source", "kubernetes", &format!("{}/falco.ndjson", samples())]);
    assert_eq!(run.code, 3, "{}", run.err);
    let denied = found(&admin, "kind: access.denied and actor.user: bob");
    assert_eq!(denied[0]["detail"]["login"], "log.create");
    assert!(found(&admin, "kind: kube.audit").is_empty());
}

#[test]
fn killed_clients_and_servers_lose_nothing_and_double_nothing() {
    const LINES: usize = 40_000;
    let mut bed = Bed::start(program());
    let admin = bed.admin();
    let path = bed.path("large.log");
    let filler = "x".repeat(900);
    let mut content = String::new();
    for n in 0..LINES {
        content.push_str(&format!("{{\"n\":{n},\"filler\":\"{filler}\"}}\n"));
    }
    fs::write(&path, &content).unwrap();
    let arguments = ["ingest", "file", "--source", "ndjson", path.to_str().unwrap()];
    let entries = |bed: &Bed| -> u64 {
        let metrics =
            Run::of(Command::new("curl").args(["-sf", &format!("http://{}/metrics", bed.facts.metrics)]));
        let line = metrics.out.lines().find_map(|line| line.strip_prefix("lodge_log_entries "));
        line.and_then(|line| line.parse().ok()).unwrap_or(0)
    };
    // Once the client goes first, once the server, once both; then it runs to its end.
    for (client_first, more) in [(true, 1), (false, 5000), (true, 12_000)] {
        let before = entries(&bed);
        let mut client =
            admin.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for(|| {
            let ended = client.try_wait().unwrap().is_some();
            (ended || entries(&bed) >= before + more).then_some(())
        });
        if client_first {
            client.kill().unwrap();
        }
        bed.kill();
        let _ = client.kill();
        client.wait().unwrap();
        bed.resume();
        let profile = fs::read_to_string(admin.home.join("profile.json")).unwrap();
        let mut profile: Value = serde_json::from_str(&profile).unwrap();
        profile["server"] = format!("https://{}", bed.facts.api).into();
        fs::write(admin.home.join("profile.json"), profile.to_string()).unwrap();
    }
    admin.run(&arguments).ok();
    admin.run(&arguments).ok();
    assert!(admin.run(&["audit", "verify"]).ok().contains("intact"));
    bed.stop();
    let times = records(&bed.data().join("log/wal"));
    assert_eq!(times.len(), LINES, "every line is there");
    assert!(times.values().all(|times| *times == 1), "no line is there twice");
}

/// Numbers of the records in the write-ahead log, and how often each is there.
fn records(folder: &Path) -> BTreeMap<u64, u64> {
    const MARK: &[u8] = b"\"detail\":{\"n\":";
    let mut times = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().extension().is_none_or(|extension| extension != "wal") {
            continue;
        }
        let bytes = fs::read(entry.path()).unwrap();
        let mut rest = bytes.as_slice();
        while let Some(at) = rest.windows(MARK.len()).position(|window| window == MARK) {
            rest = &rest[at + MARK.len()..];
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let number = std::str::from_utf8(&rest[..digits]).unwrap().parse().unwrap();
            *times.entry(number).or_default() += 1;
        }
    }
    times
}
