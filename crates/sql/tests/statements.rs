//! Statements over a real log: some of it sealed, some growing, some only in the log.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::sync::Arc;
use std::time::Duration;

use archive::{Archive, ArchiveConfig, Storage};
use audit_log::{AuditLog, LogConfig};
use event::kinds::{session, user};
use event::{Actor, Ambient, Detail, Event, Filter, FilterContext, ManualClock, Origin, Timestamp};
use query::{Query, Scope};
use serde_json::{Value, json};
use sql::{DEFAULT_MEMORY, Engine, Format, SqlError, Statement};
use store::vault::{RandomFill, Vault};

const EVENTS: usize = 2000;
const SEALED: u64 = 1500;

struct Lodge {
    _folder: tempfile::TempDir,
    _archive: Arc<Archive>,
    log: AuditLog,
    engine: Engine,
    context: FilterContext,
}

/// What each event is made of.
fn made(number: usize) -> (String, Detail) {
    let user = format!("user-{}", number % 7);
    let detail = match number % 3 {
        0 => Detail::UserLogin(user::Login {
            user: user.clone(),
            method: if number.is_multiple_of(2) { "password+totp" } else { "password" }.to_owned(),
            login: None,
            expires: None,
        }),
        _ => Detail::SessionCommand(session::Command {
            channel: number as u32,
            command: format!("rm -rf /var/lib/{number}"),
            terminal: None,
        }),
    };
    (user, detail)
}

impl Lodge {
    async fn new() -> Lodge {
        let folder = tempfile::tempdir().unwrap();
        let (ambient, clock) = Ambient::fixed(Timestamp::from_micros(1_773_500_000_000_000), 7);
        let source = ambient.clone();
        let random: RandomFill = Arc::new(move |bytes: &mut [u8]| source.fill(bytes));
        let vault = Vault::open(&folder.path().join("master.key"), &random).unwrap();
        let origin = "lodge.example.com/log";
        let storage = Storage::folder(&folder.path().join("archive")).unwrap();
        let settings = ArchiveConfig { segment_rows: 600, ..ArchiveConfig::new(origin) };
        let archive = Archive::open(storage, settings, ambient.clone()).unwrap();
        let config = LogConfig {
            sealed: Some(archive.catalog()),
            ..LogConfig::new(folder.path().join("log"), origin)
        };
        let log = AuditLog::open(config, &vault, ambient.clone()).unwrap();
        for number in 0..EVENTS {
            log.append(&event(&ambient, &clock, number)).await.unwrap();
        }
        archive.seal_up_to(&log, SEALED).unwrap();
        let query = Query::over(log.clone(), archive.catalog());
        let engine = Engine::new(query, DEFAULT_MEMORY).unwrap();
        let context = FilterContext::utc(ambient.now());
        Lodge { _folder: folder, _archive: archive, log, engine, context }
    }

    fn statement(&self, text: &str, scope: Scope) -> Statement {
        let budget = Duration::from_secs(60);
        Statement { text: text.to_owned(), scope, context: self.context.clone(), budget }
    }

    async fn ask(&self, text: &str) -> Vec<Vec<Value>> {
        self.ask_as(text, Scope::everything()).await.unwrap()
    }

    async fn ask_as(&self, text: &str, scope: Scope) -> Result<Vec<Vec<Value>>, SqlError> {
        let bytes = self.written(text, scope, Format::Json).await?;
        let answer: Value = serde_json::from_slice(&bytes).unwrap();
        Ok(serde_json::from_value(answer["rows"].clone()).unwrap())
    }

    async fn written(&self, text: &str, scope: Scope, format: Format) -> Result<Vec<u8>, SqlError> {
        let mut rows = self.engine.run(self.statement(text, scope)).await?;
        let counted = rows.gather(64 << 20).await?;
        let write = move || {
            let (mut out, mut shown) = (Vec::new(), 0);
            rows.write(format, &mut out, &mut shown).unwrap();
            assert_eq!(counted, Some(shown));
            out
        };
        Ok(tokio::task::spawn_blocking(write).await.unwrap())
    }

    async fn refusal(&self, text: &str, scope: Scope) -> String {
        self.ask_as(text, scope).await.unwrap_err().to_string()
    }
}

fn event(ambient: &Ambient, clock: &ManualClock, number: usize) -> Event {
    clock.advance(Duration::from_secs(60));
    let (user, detail) = made(number);
    let origin = Origin { ip: format!("192.0.2.{}", number % 11).parse().unwrap(), port: None, agent: None };
    Event::new(ambient, Actor::human(&user), detail).from_origin(Some(origin))
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
async fn time_and_memory_are_limited() {
    let lodge = Lodge::new().await;
    let endless = "select count(*) from generate_series(1, 1000000000000) a";
    let budget = Duration::from_millis(50);
    let statement = Statement { budget, ..lodge.statement(endless, Scope::everything()) };
    let late = async { lodge.engine.run(statement).await?.gather(1 << 20).await }.await;
    assert!(matches!(late, Err(SqlError::OutOfTime { .. })), "{late:?}");
    let large = "select a.value, count(*) from generate_series(1, 100000000) a group by 1 order by 2";
    let found = lodge.ask_as(large, Scope::everything()).await;
    assert!(matches!(found, Err(SqlError::OutOfMemory { limit: 128 })), "{found:?}");
    assert_eq!(lodge.ask("select 1").await, [[json!(1)]], "the engine goes on");
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
