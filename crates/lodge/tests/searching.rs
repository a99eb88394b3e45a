//! Questions to a real server: pages, counts, histograms, top values, what happened around an event.
#![allow(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

mod bed;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use bed::{Bed, Person, Run};
use serde_json::Value;

/// Asks the API with curl.
fn ask(bed: &Bed, person: &Person, accept: &str, path: &str) -> String {
    let file = |name: &str| person.home.join(name);
    let mut curl = Command::new("curl");
    curl.args(["-s", "--max-time", "20", "-H", &format!("Accept: {accept}")])
        .arg("--cacert")
        .arg(file("ca.pem"));
    curl.arg("--cert").arg(file("tls.crt")).arg("--key").arg(file("tls.key"));
    Run::of(curl.arg(format!("https://{}{path}", bed.facts.api))).ok()
}

fn json(bed: &Bed, person: &Person, path: &str) -> Value {
    let text = ask(bed, person, "application/json", path);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: {text}"))
}

/// What is the same of all answers to one question, however often it is asked.
fn positions(page: &Value) -> Vec<u64> {
    page["events"].as_array().unwrap().iter().map(|row| row["position"].as_u64().unwrap()).collect()
}

fn event_time(row: &Value) -> String {
    row["event"]["time"].as_str().unwrap().to_owned()
}

#[test]
fn the_log_is_paged_counted_and_ranked() {
    let bed = Bed::start(Path::new(env!("CARGO_BIN_EXE_lodge")));
    let admin = bed.admin();
    for name in ["u1", "u2", "u3", "u4", "u5"] {
        admin.run(&["users", "add", name, "--roles", "access"]).ok();
    }
    // What the questions themselves leave is not asked for.
    let filter = "kind:%20user.create%20and%20detail.name:%20u*";
    let words = "kind: user.create and detail.name: u*";

    let all = positions(&json(&bed, &admin, &format!("/v1/events?filter={filter}&order=oldest")));
    assert_eq!(all.len(), 5);
    let first = json(&bed, &admin, &format!("/v1/events?filter={filter}&order=oldest&limit=2"));
    assert_eq!(positions(&first), all[..2]);
    let next = first["next"].as_str().unwrap();
    let second = json(&bed, &admin, &format!("/v1/events?filter={filter}&order=oldest&limit=2&after={next}"));
    assert_eq!(positions(&second), all[2..4]);
    let previous = second["previous"].as_str().unwrap();
    let back =
        json(&bed, &admin, &format!("/v1/events?filter={filter}&order=oldest&limit=2&before={previous}"));
    assert_eq!(positions(&back), all[..2]);

    // The command goes on where it is told to, and tells where.
    let page = admin.run(&["audit", "search", words, "--order", "oldest", "-n", "2", "-o", "csv"]);
    let place = page.err.split("--after ").nth(1).unwrap_or_else(|| panic!("{}", page.err)).trim();
    let rest =
        admin.run(&["audit", "search", words, "--order", "oldest", "-n", "9", "--after", place, "-o", "csv"]);
    assert!(!rest.err.contains("--after"), "{}", rest.err);
    let found = |text: &str| -> Vec<u64> {
        text.lines().skip(1).map(|line| line.split(',').next().unwrap().parse().unwrap()).collect()
    };
    assert_eq!([found(&page.out), found(&rest.ok())].concat(), all);
    assert_eq!(admin.run(&["audit", "count", words]).ok().trim(), "5");
    let wrong = admin.run(&["audit", "count", "kind: x and actor.usr: y"]).refused();
    let lines: Vec<&str> = wrong.lines().collect();
    let noted = admin.run(&["audit", "count", "kind: user.craete"]);
    assert!(noted.code == 0 && noted.err.contains("did you mean `user.create`"), "{}", noted.err);
    let wrong_time = admin.run(&["audit", "count", "--since", "yesterday"]).refused();
    assert!(wrong_time.contains("did you mean now-1d/d"), "{wrong_time}");
    assert_eq!(lines[1..3], ["kind: x and actor.usr: y", "            ^^^^^^^^^"], "{wrong}");
    let top = admin.run(&["audit", "top", "detail.name", words, "-o", "csv"]).ok();
    assert_eq!(top.lines().count(), 6, "{top}");
    assert!(top.starts_with("VALUE,EVENTS,SHARE\nu1,1,20.0%"), "{top}");
    let bars = admin
        .run(&["audit", "histogram", words, "--interval", "year", "--split", "kind", "-o", "ndjson"])
        .ok();
    let bar: Value = serde_json::from_str(bars.trim()).expect("one bar");
    assert_eq!((&bar["events"], &bar["split"][0]), (&5.into(), &5.into()));
    assert!(
        admin.run(&["audit", "histogram", words, "--interval", "day", "--zone", "UTC"]).ok().contains('█')
    );

    let row = &first["events"].as_array().unwrap()[1];
    let id = row["event"]["id"].as_str().unwrap();
    let around = admin.run(&["audit", "around", id, words, "-n", "1", "-o", "json"]).ok();
    let around: Value = serde_json::from_str(&around).unwrap();
    let found = [&around["before"][0], &around["event"], &around["after"][0]];
    assert_eq!(found.map(|row| row["position"].as_u64().unwrap()), [all[0], all[1], all[2]]);
    // Every command shows times in the zone that it reads dates in.
    for arguments in [
        &["audit", "search", words, "-o", "csv"][..],
        &["audit", "around", id, words, "-o", "csv"],
        &["audit", "tail", words, "-o", "csv"],
        &["audit", "histogram", words, "-o", "csv"],
    ] {
        let shown = |zone| admin.run(&[arguments, &["--zone", zone]].concat()).ok();
        assert!(shown("+05:45").contains("+05:45,"), "{}", shown("+05:45"));
        assert!(shown("UTC").contains("Z,"), "{}", shown("UTC"));
    }
    // An instant that is still to come in one zone has passed in another.
    let now = event_time(&first["events"][0]);
    let read = |zone: &str| {
        let filter = format!("{words} and time <= \"{}\"", &now[..19]);
        let tail = admin.run(&["audit", "tail", &filter, "-n", "1000", "-o", "ndjson", "--zone", zone]).ok();
        let count = admin.run(&["audit", "count", &filter, "--zone", zone]).ok();
        assert_eq!(count.trim(), tail.lines().count().to_string(), "{zone}");
        tail.lines().count()
    };
    assert_eq!((read("-11:00"), read("+11:00")), (5, 0));
    for seconds in ["0", "301"] {
        for verb in [&["audit", "count"][..], &["audit", "sql", "select 1"]] {
            let run = admin.run(&[verb, &["--timeout", seconds]].concat());
            assert!(run.code == 2 && run.err.contains("1..=300"), "{}", run.err);
        }
        let told = json(&bed, &admin, &format!("/v1/events/count?timeout={seconds}"));
        assert!(told["detail"].as_str().unwrap().contains("1 to 300 s"), "{told}");
    }
    for zone in ["+25:00", "Nowhere/City"] {
        let run = admin.run(&["audit", "search", "--zone", zone]);
        assert!(run.code == 2 && run.err.contains("no such zone"), "{}", run.err);
    }
    // What a table shows names an event as well as its id does.
    let position = all[1].to_string();
    for name in [id, &position, &format!("#{position}")] {
        let shown: Value =
            serde_json::from_str(&admin.run(&["audit", "show", name, "-o", "json"]).ok()).unwrap();
        assert_eq!((&shown["position"], &shown["event"]["id"]), (&all[1].into(), &id.into()), "{name}");
        let proof: Value = serde_json::from_str(&admin.run(&["audit", "prove", name]).ok()).unwrap();
        assert!(proof.is_object(), "{name}");
        admin.run(&["audit", "around", name, words, "-n", "1"]).ok();
    }
    for (name, said) in
        [("alice", "nor its position"), ("99999999", "there is no event"), ("-", "nor its position")]
    {
        for verb in ["show", "prove", "around"] {
            let refused = admin.run(&["audit", verb, name]).refused();
            assert!(refused.contains(said), "{verb} {name}: {refused}");
        }
    }
    let values =
        json(&bed, &admin, &format!("/v1/events/values?field=detail.name&prefix=U4&filter={filter}"));
    assert_eq!(values["values"], serde_json::json!(["u4"]));

    // As a stream, the same answer comes last.
    let stream = ask(&bed, &admin, "text/event-stream", &format!("/v1/events/count?filter={filter}"));
    let last = stream.trim().rsplit("\n\n").next().unwrap();
    assert!(last.starts_with("event: answer") && last.contains("\"events\":5"), "{stream}");

    // Each was an event first, with its mode and what was shown.
    for (mode, field, rows) in [
        ("count", None, 0),
        ("top", Some("detail.name"), 5),
        ("histogram", Some("kind"), 1),
        ("values", Some("detail.name"), 1),
    ] {
        let asked = format!("kind: audit.searched and detail.mode: {mode}");
        let found =
            admin.run(&["audit", "search", &asked, "--order", "oldest", "--limit", "1", "-o", "json"]).ok();
        let detail = serde_json::from_str::<Value>(&found).unwrap()[0]["event"]["detail"].clone();
        assert_eq!(detail["field"].as_str(), field, "{mode}");
        assert_eq!(detail["rows"], rows, "{mode}");
        assert_eq!(detail["filter"], words, "{mode}");
    }
}

#[test]
fn a_question_that_is_none_is_refused_with_what_to_write() {
    let bed = Bed::start(Path::new(env!("CARGO_BIN_EXE_lodge")));
    let admin = bed.admin();
    for (path, code, words) in [
        ("count?filter=actor.usr:x", "filter", "actor.user"),
        ("top?field=actor.usr", "field", "actor.user"),
        ("top?field=actor", "field", "only fields with values"),
        ("histogram?interval=7m", "interval", "5m"),
        ("count?zone=Middle/Earth", "zone", "Europe/Berlin"),
        ("count?since=yesterday", "time", "now-24h"),
    ] {
        let problem = json(&bed, &admin, &format!("/v1/events/{path}"));
        assert_eq!(problem["code"], code, "{path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{path}: {problem}");
    }
    for path in ["?after=x", "?after=1.1&before=1.1"] {
        assert_eq!(json(&bed, &admin, &format!("/v1/events{path}"))["code"], "cursor", "{path}");
    }
}

#[cfg(not(feature = "sql"))]
#[test]
fn a_server_without_sql_says_how_to_get_one() {
    let bed = Bed::start(Path::new(env!("CARGO_BIN_EXE_lodge")));
    let refused = bed.admin().run(&["audit", "sql", "select 1"]).refused();
    assert!(refused.contains("built without SQL") && refused.contains("--features sql"), "{refused}");
}

#[test]
fn more_rows_than_a_page_has_are_asked_for_page_by_page() {
    let bed = Bed::start(Path::new(env!("CARGO_BIN_EXE_lodge")));
    let admin = bed.admin();
    let path = bed.path("many.log");
    let lines: String = (0..2100).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    std::fs::write(&path, lines).unwrap();
    admin.run(&["ingest", "file", "--source", "ndjson", path.to_str().unwrap()]).ok();
    for verb in [&["audit", "search"][..], &["audit", "tail"]] {
        let rows = |limit| {
            let asked = [verb, &["kind: source.record", "-n", limit, "-o", "ndjson"]].concat();
            admin.run(&asked).ok().lines().count()
        };
        assert_eq!([rows("2050"), rows("5000")], [2050, 2100], "{verb:?}");
    }
    assert_eq!(
        admin.run(&["audit", "around", "1", "-n", "1001"]).code,
        2,
        "that is more than there is a page for"
    );
}

#[test]
fn a_tail_goes_on_when_the_server_starts_anew_and_fails_when_it_may_no_longer_read() {
    let mut bed = Bed::start(Path::new(env!("CARGO_BIN_EXE_lodge")));
    let admin = bed.admin();
    let mut command = admin.command(&["audit", "tail", "kind: user.create", "-f", "-n", "1", "-o", "ndjson"]);
    let mut tail = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut rows = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut name = || {
        let row: Value = serde_json::from_str(&rows.next().unwrap().unwrap()).unwrap();
        row["event"]["detail"]["name"].as_str().unwrap().to_owned()
    };
    name();
    admin.run(&["users", "add", "u1", "--roles", "access"]).ok();
    assert_eq!(name(), "u1");
    bed.stop();
    bed.resume();
    bed.follow(&admin);
    admin.run(&["users", "add", "u2", "--roles", "access"]).ok();
    assert_eq!(name(), "u2", "what came while it was away is shown, and once");
    admin.run(&["users", "add", "u3", "--roles", "access"]).ok();
    assert_eq!(name(), "u3");
    admin.run(&["logout"]).ok();
    let ended = tail.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.contains("connecting again") && said.contains("nobody is signed in"), "{said}");
}

#[test]
fn what_is_asked_for_in_vain_leaves_an_event_too() {
    let bed = Bed::start(Path::new(env!("CARGO_BIN_EXE_lodge")));
    let admin = bed.admin();
    let nobody = "01970000-0000-7000-8000-000000000000";
    for (path, event) in [
        (format!("events/{nobody}/proof"), "kind: audit.searched and detail.mode: prove"),
        (format!("recordings/{nobody}"), "kind: recording.viewed and detail.format: check"),
        (format!("recordings/{nobody}/file?format=text"), "kind: recording.viewed and detail.format: text"),
        (format!("recordings/{nobody}/export?format=text"), "kind: recording.exported"),
    ] {
        assert_eq!(json(&bed, &admin, &format!("/v1/{path}"))["code"], "not_found", "{path}");
        let asked = format!("{event} and outcome: failure");
        let found = admin.run(&["audit", "search", &asked, "-o", "json"]).ok();
        let found: Value = serde_json::from_str(&found).unwrap();
        assert_eq!(found.as_array().map(Vec::len), Some(1), "{path}: {found}");
        assert_eq!(found[0]["event"]["reason"], "not_found", "{path}");
    }
}
