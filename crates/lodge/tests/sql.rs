//! Questions in SQL to a real server: every form, what is left on the record, and what a reader may see.
#![allow(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

mod bed;

use std::path::Path;
use std::process::Command;

use bed::{Bed, Person, Run};
use serde_json::Value;

/// May read what others did to users, but not to `hidden`.
const PART_READER: &str = "
kind: role
name: part-reader
allow:
  api:
    - {resources: log, verbs: read, where: 'kind: user.create and not detail.name: hidden'}
---
kind: role
name: no-reader
allow:
  api:
    - {resources: log, verbs: [export, verify]}
";
const CREATED: &str = "select detail_name from user_events where kind = 'user.create' order by 1";

fn bed() -> (Bed, Person) {
    let bed = Bed::start(Path::new(env!("CARGO_BIN_EXE_lodge")));
    let admin = bed.admin();
    for name in ["ann", "ben", "hidden"] {
        admin.run(&["users", "add", name, "--roles", "access"]).ok();
    }
    (bed, admin)
}

fn sql(person: &Person, statement: &str, output: &str) -> Run {
    person.run(&["audit", "sql", statement, "--zone", "UTC", "-o", output])
}

/// The newest events of questions in SQL, the newest first.
fn asked(admin: &Person, filter: &str) -> Vec<Value> {
    let filter = format!("kind: audit.queried and {filter}");
    let rows = admin.run(&["audit", "search", &filter, "-o", "ndjson"]).ok();
    rows.lines().map(|row| serde_json::from_str::<Value>(row).unwrap()["event"].clone()).collect()
}

#[test]
fn answers_come_in_every_form_and_leave_an_event() {
    let (bed, admin) = bed();
    let statement = "select detail_name, count(*) as events from user_events where kind = 'user.create' \
        and detail_name in ('ann', 'ben') group by 1 order by 1";

    let table = sql(&admin, statement, "table").ok();
    assert!(table.contains("DETAIL_NAME") || table.contains("detail_name"), "{table}");
    assert!(table.contains("ann") && table.contains("ben"), "{table}");
    assert_eq!(sql(&admin, statement, "csv").ok(), "detail_name,events\nann,1\nben,1\n");
    let lines = sql(&admin, statement, "ndjson").ok();
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first, serde_json::json!({"detail_name": "ann", "events": 1}));
    let answer: Value = serde_json::from_str(&sql(&admin, statement, "json").ok()).unwrap();
    assert_eq!(answer["rows"], serde_json::json!([["ann", 1], ["ben", 1]]));
    let arrow = admin.command(&["audit", "sql", statement, "-o", "arrow"]).output().unwrap();
    assert!(arrow.status.success() && arrow.stdout.starts_with(&[0xff; 4]), "{arrow:?}");
    let parquet = admin.command(&["audit", "sql", statement, "-o", "parquet"]).output().unwrap();
    assert!(parquet.stdout.starts_with(b"PAR1") && parquet.stdout.ends_with(b"PAR1"), "{parquet:?}");
    duckdb_reads(&bed, &parquet.stdout, "[('ann', 1), ('ben', 1)]");

    // Found rows come as a file of columns too, and words are found by the index.
    let found = admin.command(&["audit", "search", "kind: user.create", "-o", "parquet"]).output().unwrap();
    assert!(found.stdout.starts_with(b"PAR1"), "{found:?}");
    for (limit, all) in [("2", 2), ("20000", 4)] {
        let found = ["audit", "search", "kind: user.create", "--limit", limit, "-o", "parquet"];
        let found = admin.command(&found).output().unwrap();
        let rows = format!("[({all},)]");
        duckdb_counts(&bed, &found.stdout, &rows);
    }
    let matching = "select count(*) from events where matches(payload, 'kind: user.create and ann')";
    assert_eq!(sql(&admin, matching, "csv").ok().lines().nth(1), Some("1"));
    let plan = sql(&admin, "explain select kind, count(*) from events group by kind", "csv").ok();
    assert!(plan.contains("counted"), "{plan}");

    let events = asked(&admin, "detail.statement: *ben*");
    assert_eq!(events.len(), 6, "{events:?}");
    for event in &events {
        assert_eq!(event["detail"]["statement"], statement);
        assert_eq!(
            (&event["detail"]["rows"], &event["detail"]["ended"]),
            (&Value::from(2), &Value::from("whole"))
        );
        assert_eq!(event["actor"]["user"], admin_name(&events));
    }
}

fn admin_name(events: &[Value]) -> Value {
    events[0]["actor"]["user"].clone()
}

fn duckdb_reads(bed: &Bed, parquet: &[u8], wanted: &str) {
    duckdb(bed, parquet, "duckdb.read_parquet(sys.argv[1])", wanted);
}

fn duckdb_counts(bed: &Bed, parquet: &[u8], wanted: &str) {
    duckdb(bed, parquet, "duckdb.read_parquet(sys.argv[1]).count('*')", wanted);
}

fn duckdb(bed: &Bed, parquet: &[u8], question: &str, wanted: &str) {
    let Some(packages) = std::env::var_os("LODGE_DUCKDB") else {
        eprintln!("duckdb is not here; `cargo xtask test` brings it");
        return;
    };
    let file = bed.path("answer.parquet");
    std::fs::write(&file, parquet).unwrap();
    let mut python = Command::new("python3");
    python.args(["-c", &format!("import sys, duckdb; print({question}.fetchall())")]).arg(&file);
    assert_eq!(Run::of(python.env("PYTHONPATH", packages)).ok().trim(), wanted);
}

#[test]
fn a_large_answer_leaves_a_second_event_that_counts_its_rows() {
    let (_bed, admin) = bed();
    // Each of these rows has 1 KiB; more are shown than are counted ahead.
    let filler = "x".repeat(1024);
    let statement = &format!("select value, '{filler}' as filler from generate_series(1, 12000)");
    let run = sql(&admin, statement, "csv");
    assert_eq!(run.out.lines().count(), 12_001, "{}", run.err);
    let events = asked(&admin, "detail.statement: *filler*");
    let said: Vec<(&Value, &Value)> =
        events.iter().map(|event| (&event["detail"]["ended"], &event["detail"]["rows"])).collect();
    assert_eq!(said, [(&Value::from("whole"), &Value::from(12_000)), (&Value::from("begun"), &Value::Null)]);
}

#[test]
fn a_statement_that_comes_to_nothing_leaves_an_event_that_says_why() {
    let (bed, admin) = bed();
    let endless = "select count(*) from generate_series(1, 1000000000000)";
    for (statement, timeout, ended) in [
        ("selec 1", "30", "refused"),
        ("select cast(kind as bigint) from events", "30", "failed"),
        ("select repeat('x', 2000000000)", "30", "out_of_memory"),
        (endless, "1", "out_of_time"),
    ] {
        let run = admin.run(&["audit", "sql", statement, "--timeout", timeout, "-o", "csv"]);
        assert_eq!((run.code == 0, run.out.as_str()), (false, ""), "{statement}: {}", run.err);
        let event = &asked(&admin, "detail.ended: *")[0];
        assert_eq!(
            (&event["detail"]["statement"], &event["detail"]["ended"]),
            (&Value::from(statement), &Value::from(ended))
        );
        assert_eq!((&event["outcome"], &event["reason"]), (&Value::from("failure"), &Value::from(ended)));
        // What the engine quotes of events is for who asked, and neither for the record nor for the server's own log.
        assert!(!event.to_string().contains("user.create"), "{event}");
        assert!(!bed.messages().contains("annot cast"), "{}", bed.messages());
    }
    // Who hangs up while it runs leaves an event too.
    let mut client = admin.command(&["audit", "sql", endless, "-o", "csv"]).spawn().unwrap();
    bed::wait_for(|| is_working(bed.server_id()).then_some(()));
    client.kill().unwrap();
    client.wait().unwrap();
    bed::wait_for(|| asked(&admin, "detail.ended: reader_gone").pop());
}

/// Says whether a child of the server is busy: it has used the processor for longer than it takes to start.
fn is_working(server: u32) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = processes.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok());
    stats.into_iter().any(|stat| {
        // proc(5): behind the name are state, parent, …, and as the twelfth, user time in ticks.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[1] == server.to_string() && fields[11].parse::<u64>().unwrap() > 20
    })
}

#[test]
fn a_reader_sees_in_sql_what_the_role_shows() {
    let (bed, admin) = bed();
    bed.apply(&admin, PART_READER).ok();
    let join = |name: &str, role: &str| {
        let invite = admin.run(&["users", "add", name, "--roles", role, "-o", "json"]).ok();
        bed.join(&bed::invite_of(&invite))
    };
    let (part, none) = (join("part", "part-reader"), join("none", "no-reader"));

    let shown = sql(&part, CREATED, "csv").ok();
    assert!(shown.contains("ann") && !shown.contains("hidden"), "{shown}");
    let kinds = sql(&part, "select distinct kind from events", "csv").ok();
    assert_eq!(kinds, "kind\nuser.create\n");
    assert!(sql(&admin, CREATED, "csv").ok().contains("hidden"));
    // What fails over rows that are not shown must not tell of them.
    let probe =
        "select count(*) from user_events where detail_name = 'hidden' and cast(detail_name as int) = 1";
    assert_eq!(sql(&part, probe, "csv").ok().lines().nth(1), Some("0"));
    assert!(sql(&part, "explain analyze select 1", "csv").refused().contains("whole log"));

    let run = sql(&none, "select 1", "csv");
    assert_eq!(run.code, 3, "{}", run.err);
    let denied =
        admin.run(&["audit", "search", "kind: access.denied and actor.user: none", "-o", "ndjson"]).ok();
    assert!(denied.contains("log.read"), "{denied}");
}

#[test]
fn what_is_no_question_is_refused_with_a_reason() {
    let (_bed, admin) = bed();
    for (statement, words) in [
        ("drop table events", "changes nothing"),
        ("insert into events select * from events", "changes nothing"),
        ("copy events to 'x.csv'", "changes nothing"),
        ("create external table t stored as csv location '/etc/passwd'", "changes nothing"),
        ("select * from '/etc/passwd'", "show tables"),
        ("select kind from evnts", "show tables"),
        ("select knd from events", "kind"),
        ("select 1; select 2", "single sql statement"),
        ("selec 1", "selec"),
        ("select repeat('x', 2000000000)", "128 mib"),
    ] {
        let said = sql(&admin, statement, "csv").refused();
        assert!(said.to_lowercase().contains(words), "{statement}: {said}");
    }
}
