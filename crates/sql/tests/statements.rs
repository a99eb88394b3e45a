//! Statements over a real log.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod lodge;

use event::interval::parse_zone;
use event::{Filter, FilterContext, Timestamp};
use lodge::{EVENTS, Lodge, WORKER, made};
use query::Scope;
use serde_json::{Value, json};
use sql::{Format, SqlError};

/// No test: what the engine starts for each statement of the tests below.
#[test]
fn the_process_of_a_statement() {
    if std::env::var_os(WORKER).is_some() {
        sql::work().unwrap();
    }
}

fn only(filter: &str) -> Scope {
    Scope::only(Filter::parse(filter, &FilterContext::utc(Timestamp::EPOCH)).unwrap())
}

/// How many of the made events a condition takes.
fn count(takes: impl Fn(usize, &str) -> bool) -> u64 {
    (0..EVENTS).filter(|number| takes(*number, &made(*number).0)).count() as u64
}

#[tokio::test]
async fn counts_are_those_of_a_plain_look() {
    let lodge = Lodge::new().await;
    let kinds =
        lodge.ask("select kind, count(*) from events where position < 5000 group by kind order by 1").await;
    let plain = lodge.ask("select kind, count(*) as n from events group by 1 order by 1").await;
    assert_eq!(kinds, plain);
    let logins = count(|number, _| number % 3 == 0);
    assert!(plain.contains(&vec![json!("user.login"), json!(logins)]), "{plain:?}");
    for (condition, wanted) in [
        ("actor_user = 'user-3'", count(|_, user| user == "user-3")),
        (
            "actor_user in ('user-1', 'user-2') and kind = 'user.login'",
            count(|number, user| number % 3 == 0 && (user == "user-1" || user == "user-2")),
        ),
        (
            "origin_ip like '192.0.2.1%' and kind <> 'user.login'",
            count(|number, _| number % 3 != 0 && matches!(number % 11, 1 | 10)),
        ),
        ("matches(payload, 'detail.command: \"var lib 77\"')", 1),
        (
            "field(payload, 'detail.method') = 'password'",
            count(|number, _| number % 3 == 0 && number % 2 == 1),
        ),
        ("actor_user = 'USER-3'", 0),
    ] {
        let found = lodge.ask(&format!("select count(*) from events where {condition}")).await;
        assert_eq!(found, [[json!(wanted)]], "{condition}");
    }
    let all = lodge.ask("select count(*), min(position), count(distinct actor_user) from events").await;
    assert_eq!(all[0][0], json!(lodge.log.size()));
}

#[tokio::test]
async fn counting_first_is_the_same_as_counting_rows() {
    let lodge = Lodge::new().await;
    for (what, condition) in [
        ("kind, outcome", "true"),
        ("actor_user", "outcome = 'success'"),
        ("kind, date_trunc('hour', time)", "true"),
        ("actor_user, date_trunc('day', time)", "kind = 'user.login'"),
        ("origin_ip", "time >= '2026-03-14T20:00:30Z' and time < '2026-03-15T03:10:00Z'"),
        ("target_name, actor_user", "actor_user <> 'user-2'"),
    ] {
        let groups = if what.contains(", ") { "1, 2" } else { "1" };
        let fast = format!(
            "select {what}, count(*) from events where {condition} group by {groups} order by {groups}"
        );
        let slow = format!(
            "select {what}, count(position) from events where {condition} group by {groups} order by {groups}"
        );
        let (plan, rows) = (lodge.ask(&format!("explain {fast}")).await, lodge.ask(&fast).await);
        assert!(json!(plan).to_string().contains("counted"), "{what}: {plan:?}");
        assert_eq!(rows, lodge.ask(&slow).await, "{what} {condition}");
        assert!(!rows.is_empty());
    }
    let none = lodge.ask("select count(*) from events where actor_user = 'nobody'").await;
    assert_eq!(none, [[json!(0)]]);
    let joined = "select a.actor_user, a.n from (select actor_user, count(*) n from events e group by 1) a \
                  join (select distinct actor_user from user_events) b on a.actor_user = b.actor_user order by 1";
    assert_eq!(lodge.ask(joined).await.len(), 7);
}

#[tokio::test]
async fn the_latest_are_found_without_reading_all() {
    let lodge = Lodge::new().await;
    let statement = "select time, detail_command from session_events order by time desc limit 3";
    let rows = lodge.ask(statement).await;
    assert_eq!(rows[0][1], json!("rm -rf /var/lib/1999"));
    assert_eq!(rows.len(), 3);
    let plan = json!(lodge.ask(&format!("explain {statement}")).await).to_string();
    assert!(plan.contains("stops early"), "{plan}");
}

#[tokio::test]
async fn what_lies_outside_the_scope_is_not_there() {
    let lodge = Lodge::new().await;
    let scope = || only("actor.user: user-1");
    let own = count(|_, user| user == "user-1");
    for statement in [
        "select count(*) from events",
        "select count(*) from events where kind is not null",
        "select count(payload) from events",
        "select sum(n) from (select kind, count(*) n from events group by kind)",
    ] {
        assert_eq!(lodge.ask_as(statement, scope()).await.unwrap(), [[json!(own)]], "{statement}");
    }
    let users = lodge.ask_as("select distinct actor_user from events", scope()).await.unwrap();
    assert_eq!(users, [[json!("user-1")]]);
    // A condition that fails over hidden rows must not fail.
    let trap =
        "select count(*) from events where 1 / (case when actor_user = 'user-2' then 0 else 1 end) = 1";
    assert_eq!(lodge.ask_as(trap, scope()).await.unwrap(), [[json!(own)]]);
    assert!(
        lodge.refusal("explain analyze select count(*) from events", scope()).await.contains("whole log")
    );
    let nothing = lodge.ask_as("select count(*), max(position) from events", Scope::any_of(Vec::new())).await;
    assert_eq!(nothing.unwrap(), [[json!(0), Value::Null]]);
}

#[tokio::test]
async fn nothing_but_questions_is_answered() {
    let lodge = Lodge::new().await;
    for text in [
        "insert into events (position) values (1)",
        "delete from events",
        "drop table events",
        "create table x as select * from events",
        "create view v as select 1",
        "create external table x stored as csv location '/etc/passwd'",
        "copy events to '/tmp/events.csv'",
        "copy (select * from events) to 'events.parquet'",
        "set datafusion.execution.batch_size = 1",
        "explain delete from events",
        "prepare p as select 1",
        "select 1; select 2",
        "select * from '/etc/passwd'",
        "select * from nowhere",
        "select nothing from events",
        "selec 1",
        "",
    ] {
        assert!(matches!(lodge.ask_as(text, Scope::everything()).await, Err(SqlError::Refused(_))), "{text}");
    }
    let long = format!("select '{}'", "x".repeat(70_000));
    assert!(lodge.refusal(&long, Scope::everything()).await.contains("65536"));
    let deep = format!("select {}1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(lodge.ask_as(&deep, Scope::everything()).await.is_err());
    let many = vec!["select 1 from events"; 20].join(" union all ");
    assert!(lodge.refusal(&many, Scope::everything()).await.contains("16"));
    let failed = lodge.ask_as("select cast(actor_user as bigint) from events", Scope::everything()).await;
    assert!(matches!(failed, Err(SqlError::Failed(_))));
}

#[tokio::test]
async fn rows_come_in_every_form() {
    let lodge = Lodge::new().await;
    let text = "select position, '=1+1, \"x\"' as formula, time from events order by position limit 2";
    let written = async |format| lodge.written(text, Scope::everything(), format).await.unwrap();
    let csv = String::from_utf8(written(Format::Csv).await).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "position,formula,time");
    assert!(lines[1].starts_with("0,\"'=1+1, \"\"x\"\"\",2026-"), "{csv}");
    let ndjson = String::from_utf8(written(Format::Ndjson).await).unwrap();
    let second: Value = serde_json::from_str(ndjson.lines().nth(1).unwrap()).unwrap();
    assert_eq!((&second["position"], &second["formula"]), (&json!(1), &json!("=1+1, \"x\"")));
    let arrow = written(Format::Arrow).await;
    let reader = datafusion::arrow::ipc::reader::StreamReader::try_new(&arrow[..], None).unwrap();
    assert_eq!(reader.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 2);
    let parquet = written(Format::Parquet).await;
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    let zone =
        lodge.ask("select date_trunc('day', time at time zone 'Europe/Berlin') from events limit 1").await;
    assert!(zone[0][0].as_str().unwrap().contains("+01:00"), "{zone:?}");
}

#[tokio::test]
async fn tables_tell_what_they_hold() {
    let lodge = Lodge::new().await;
    let tables = json!(lodge.ask("show tables").await).to_string();
    for table in ["events", "user_events", "session_events", "kube_events"] {
        assert!(tables.contains(&format!("\"{table}\"")), "{table}: {tables}");
    }
    let columns = lodge.ask("describe kube_events").await;
    assert!(columns.iter().any(|row| row[0] == json!("detail_request_uri")));
    let logins = lodge.ask("select detail_method, count(*) from user_events group by 1 order by 1").await;
    let named = count(|number, _| number % 3 == 0 && number % 2 == 1);
    assert!(logins.contains(&vec![json!("password"), json!(named)]), "{logins:?}");
}

#[tokio::test]
async fn no_bytes_of_hidden_rows_are_carried_along() {
    let lodge = Lodge::new().await;
    // Texts of more than twelve bytes lie beside the rows that show them, together with those of all other rows.
    let hidden = b"session.command";
    for text in ["select kind from events", "select kind, count(*) from events group by kind"] {
        let scope = only("kind: user.login");
        let shown = lodge.written(text, scope, Format::Arrow).await.unwrap();
        assert!(!shown.windows(hidden.len()).any(|bytes| bytes == hidden), "{text}");
        let all = lodge.written(text, Scope::everything(), Format::Arrow).await.unwrap();
        assert!(all.windows(hidden.len()).any(|bytes| bytes == hidden), "{text}");
    }
}

/// Asks as somebody in a zone.
async fn ask_in(lodge: &Lodge, zone: &str, text: &str) -> Vec<Vec<Value>> {
    let mut statement = lodge.statement(text, Scope::everything());
    statement.context.zone = parse_zone(zone).unwrap();
    let answer: Value = serde_json::from_slice(&lodge.taken(statement).await.unwrap()).unwrap();
    serde_json::from_value(answer["rows"].clone()).unwrap()
}

#[tokio::test]
async fn times_are_read_and_shown_in_the_readers_zone() {
    let lodge = Lodge::new().await;
    // The log begins at 2026-03-14T14:53:20Z with an event a minute: midnight in Berlin is 23:00 in UTC, and in Kolkata 18:30.
    for (zone, shown, before) in [
        ("UTC", "2026-03-15T00:00:00Z", 547),
        ("Europe/Berlin", "2026-03-15T00:00:00+01:00", 487),
        ("+05:30", "2026-03-15T00:00:00+05:30", 217),
        ("Asia/Kolkata", "2026-03-15T00:00:00+05:30", 217),
    ] {
        let counted = ask_in(&lodge, zone, "select count(*) from events where time < '2026-03-15'").await;
        assert_eq!(counted, [[json!(before)]], "{zone}");
        let plan =
            ask_in(&lodge, zone, "explain select position from events where time < '2026-03-15'").await;
        assert!(json!(plan).to_string().contains("until=2026-03-1"), "{zone}: {plan:?}");
        let by_day = "select date_trunc('day', time) as day, count(*) from events group by 1 order by 1";
        let days = ask_in(&lodge, zone, by_day).await;
        assert_eq!(days[0][1], json!(before), "{zone}: {days:?}");
        assert_eq!(days[1][0], json!(shown), "{zone}");
        // Days that do not begin with an hour of UTC are counted event by event.
        let plan = json!(ask_in(&lodge, zone, &format!("explain {by_day}")).await).to_string();
        assert_eq!(plan.contains("counted"), !shown.ends_with("30"), "{zone}: {plan}");
    }
    let said = "select count(*) from events where matches(payload, 'time < 2026-03-15')";
    assert_eq!(ask_in(&lodge, "Europe/Berlin", said).await, [[json!(487)]]);
}
