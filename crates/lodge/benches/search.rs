//! Lodge's side of `cargo xtask bench search`: takes the events in as anybody would, and answers the questions.
//!
//! `ingest SETUP.json` runs a real `lodge serve` and a real `lodge ingest file`, and prints what that cost; the data folder
//! stays. `ask SETUP.json` opens that folder and asks each question, cold once and then warm; one JSON line each, as the
//! rivals print them. `ask-in-sql SETUP.json` asks those again that SQL is measured by. Asked is the engine itself, without
//! network and without the event that each question leaves.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

#[path = "../tests/bed/mod.rs"]
mod bed;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use archive::{Archive, ArchiveConfig, Storage};
use audit_log::{AuditLog, LogConfig};
use bed::{Bed, Person};
use event::filter::FieldPath;
use event::interval::TimeZone;
use event::{Filter, FilterContext, Timestamp};
use query::{Cut, Histogramming, Page, Query, Question, Ranking, Row, Scope};
use serde_json::{Value, json};
use server::Config;
use store::vault::{RandomFill, Vault};
use tokio::runtime::Runtime;

/// Under which its clients reach the server; its log's origin is made of it.
const HOST: &str = "127.0.0.1";
/// Ticks of a second in `/proc/PID/stat`, on every Linux that there is.
const TICKS: f64 = 100.0;

fn main() {
    // The server starts its own program once more for each statement in SQL, which is this one here.
    #[cfg(feature = "sql")]
    if std::env::args().nth(1).as_deref() == Some("sql-worker") {
        return server::sql::work().expect("it is this program that asks");
    }
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let (verb, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let text = fs::read_to_string(&path).expect("SETUP.json can be read");
    let setup: Value = serde_json::from_str(&text).expect("SETUP.json is JSON");
    match verb.as_str() {
        "ingest" => ingest(&setup),
        "ask" => ask(&setup),
        #[cfg(feature = "sql")]
        "ask-in-sql" => in_sql::ask(&setup),
        other => panic!("`{other}` is none of `ingest`, `ask` and, with the feature sql, `ask-in-sql`"),
    }
}

fn ingest(setup: &Value) {
    let lines = text(&setup["lines"]);
    let data = PathBuf::from(text(&setup["data"]));
    let mut bed = Bed::start_with(Path::new(env!("CARGO_BIN_EXE_lodge")), &["[log]", "reserve_mib = 64"]);
    let admin = bed.admin();
    let before = Spent::of(bed.server_id());
    let begin = Instant::now();
    let mut command =
        admin.command(&["ingest", "file", "--source", "ndjson", "--final", "-o", "json", lines]);
    let client = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("lodge can be started");
    let (printed, client) = watch(client);
    let durable = begin.elapsed();
    let summary: Value = serde_json::from_str(&printed).expect("the summary is JSON");
    assert_eq!((summary["rejected"].as_u64(), summary["failed"].as_u64()), (Some(0), Some(0)), "{summary}");
    // What is left is less than a segment; it is searchable in memory, and is sealed when it is full or a day old.
    while !is_sealed(&admin) {
        thread::sleep(Duration::from_millis(20));
    }
    let seconds = begin.elapsed().as_secs_f64();
    // Merging goes on behind; it is part of the price.
    let server = settled(bed.server_id());
    bed.stop();
    let folder = bed.keep();
    fs::rename(folder.join("data"), &data).expect("the data folder can be moved");
    // Other engines see only what is sealed.
    let open = Opened::new(&data);
    open.archive.seal_up_to(&open.log, open.log.size()).expect("the rest can be sealed");
    open.log.shutdown();
    let size = |folder: &str, suffix: &str| bytes_below(&data.join(folder), suffix);
    let (archive, index) = (size("archive", ".parquet"), size("archive", ".index"));
    let tree = size("log/tile", "");
    let log = size("log/wal", "");
    let cost = json!({ "import": {
        "seconds": seconds,
        "durable_seconds": durable.as_secs_f64(),
        "cpu_seconds": server.cpu - before.cpu + client.cpu,
        "rss_bytes": server.memory,
        "client_rss_bytes": client.memory,
        "bytes": {
            "all": archive + index + tree + log, "archive": archive, "index": index, "tree": tree, "log": log,
            "zstd_raw": compressed(lines),
        },
    }});
    println!("{cost}");
}

fn text(value: &Value) -> &str {
    value.as_str().expect("the setup names it")
}

fn is_sealed(admin: &Person) -> bool {
    let status = admin.run(&["archive", "status", "-o", "json"]).ok();
    let status: Value = serde_json::from_str(&status).expect("the status is JSON");
    let number = |name: &str| status[name].as_u64().expect("the status has it");
    assert_eq!(status["failure"], Value::Null, "{status}");
    number("sealed") + ArchiveConfig::new(HOST).segment_rows > number("log_entries")
}

/// Waits until a server has nothing more to do; returns what it spent.
fn settled(server: u32) -> Spent {
    loop {
        let before = Spent::of(server);
        thread::sleep(Duration::from_secs(3));
        let after = Spent::of(server);
        if after.cpu - before.cpu < 0.1 {
            return after;
        }
    }
}

/// What a process has used so far.
#[derive(Clone, Copy, Default)]
struct Spent {
    /// Seconds on a processor.
    cpu: f64,
    /// The most memory that it ever had resident, in bytes.
    memory: u64,
}

impl Spent {
    fn of(process: u32) -> Spent {
        Spent::look(process).expect("the process runs")
    }

    fn look(process: u32) -> Option<Spent> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // Behind the name in parentheses the third field comes next.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks: f64 = [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<f64>().ok()).sum();
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kibibytes: u64 = peak.trim().trim_end_matches(" kB").parse().ok()?;
        Some(Spent { cpu: ticks / TICKS, memory: kibibytes << 10 })
    }
}

/// Runs a program to its end; returns what it printed, and what it had used when it was last seen.
fn watch(mut child: Child) -> (String, Spent) {
    let mut spent = Spent::default();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be asked") {
            break status;
        }
        spent = Spent::look(child.id()).unwrap_or(spent);
        thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "it ended with {status}");
    let mut printed = String::new();
    let mut out = child.stdout.take().expect("standard output is piped");
    std::io::Read::read_to_string(&mut out, &mut printed).expect("it prints text");
    (printed, spent)
}

fn bytes_below(folder: &Path, suffix: &str) -> u64 {
    let entries = fs::read_dir(folder).expect("the folder can be read").flatten();
    let bytes = |entry: fs::DirEntry| {
        let (path, about) = (entry.path(), entry.metadata().expect("a file has a size"));
        match about.is_dir() {
            true => bytes_below(&path, suffix),
            false if path.to_string_lossy().ends_with(suffix) => about.len(),
            false => 0,
        }
    };
    entries.map(bytes).sum()
}

/// How many bytes a file has as one stream of `zstd -3`.
fn compressed(path: &str) -> u64 {
    struct Counted(u64);
    impl std::io::Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counted = Counted(0);
    let file = fs::File::open(path).expect("the lines can be read");
    zstd::stream::copy_encode(file, &mut counted, 3).expect("a file can be compressed");
    counted.0
}

/// A server's log and archive, opened without the server.
struct Opened {
    archive: Arc<Archive>,
    log: AuditLog,
    query: Query,
}

impl Opened {
    fn new(data: &Path) -> Opened {
        let config = Config { data_dir: data.to_owned(), public_host: HOST.to_owned(), ..Config::default() };
        let ambient = server::system::ambient();
        let storage = Storage::folder(&data.join("archive")).expect("the archive's folder can be opened");
        let settings = ArchiveConfig::new(&config.log_origin());
        let archive = Archive::open(storage, settings, ambient.clone()).expect("the archive opens");
        let entropy = ambient.clone();
        let fill: RandomFill = Arc::new(move |bytes: &mut [u8]| entropy.fill(bytes));
        let vault = Vault::open(&config.master_key(), &fill).expect("the master key is there");
        let log = LogConfig {
            sealed: Some(archive.catalog()),
            ..LogConfig::new(data.join("log"), &config.log_origin())
        };
        let log = AuditLog::open(log, &vault, ambient).expect("the log opens");
        let query = Query::over(log.clone(), archive.catalog());
        Opened { archive, log, query }
    }
}

/// One engine's questions, ready to be asked.
struct Asker {
    runtime: Runtime,
    query: Query,
    end: Timestamp,
    runs: usize,
}

fn ask(setup: &Value) {
    let open = Opened::new(Path::new(text(&setup["data"])));
    let asked = |name: &str| text(&setup["ask"][name]).to_owned();
    let asker = Asker::new(setup, &open);
    let all = || asker.question("");
    let during = |filter: &str| Question {
        since: Some(asked("since").parse().expect("a time")),
        until: Some(asked("until").parse().expect("a time")),
        ..asker.question(filter)
    };
    asker.page("latest 50", &all());
    let filter = format!("actor.user: \"{}\" and detail.verb: {}", asked("user"), asked("verb"));
    asker.page("user and verb, 30 days", &during(&filter));
    asker.find("an id", &asked("id"));
    let address = format!("origin.ip: \"{}\"", asked("address"));
    asker.page("an address seen 3 times", &asker.question(&address));
    for (name, word) in [
        ("a rare word", "word"),
        ("a phrase", "phrase"),
        ("a common word", "common"),
        ("a word that is nowhere", "nowhere"),
    ] {
        asker.page(name, &asker.question(&format!("\"{}\"", asked(word))));
    }
    asker.histogram("histogram hour x kind", &all());
    asker.top("top 10 users", "actor.user", &all());
    let failed = asker.question("kind: user.login and outcome: failure");
    asker.top("failed logins by address", "origin.ip", &failed);
    println!("{}", json!({ "question": "memory", "rss_bytes": Spent::of(std::process::id()).memory }));
    open.log.shutdown();
}

impl Asker {
    fn new(setup: &Value, open: &Opened) -> Asker {
        Asker {
            runtime: Runtime::new().expect("a runtime starts"),
            query: open.query.clone(),
            // The rows of the log's own opening, taken in memory, are not among those asked for.
            end: text(&setup["ask"]["end"]).parse().expect("the end is a time"),
            runs: usize::try_from(setup["runs"].as_u64().expect("the setup has it")).expect("few"),
        }
    }

    fn question(&self, filter: &str) -> Question {
        let filter = Filter::parse(filter, &FilterContext::utc(self.end)).expect("the filter is one");
        Question { filter, until: Some(self.end), page: Page::First, ..Question::new(Scope::everything()) }
    }

    fn page(&self, name: &str, question: &Question) {
        self.measure(name, || {
            let answer = self.runtime.block_on(self.query.search(question)).expect("it is answered");
            assert!(answer.coverage.complete);
            answer.rows.iter().map(|row| json!([id(row)])).collect()
        });
    }

    fn find(&self, name: &str, wanted: &str) {
        let wanted: event::EventId = wanted.parse().expect("an id");
        self.measure(name, || {
            let scope = Scope::everything();
            let found = self.runtime.block_on(self.query.find(wanted, &scope)).expect("it is answered");
            found.iter().map(|row| json!([id(row)])).collect()
        });
    }

    fn top(&self, name: &str, field: &str, question: &Question) {
        let field = FieldPath::parse(field).expect("a field");
        let ranking = Ranking { field, limit: 10, prefix: String::new() };
        self.measure(name, || {
            let top = self.runtime.block_on(self.query.top(question, &ranking)).expect("it is answered");
            top.values.iter().map(|value| json!([value.value, value.events])).collect()
        });
    }

    fn histogram(&self, name: &str, question: &Question) {
        let wanted = Histogramming {
            cut: Cut::Every("hour".parse().expect("an interval")),
            zone: TimeZone::UTC,
            split: Some(FieldPath::parse("kind").expect("a field")),
            series: 100,
        };
        self.measure(name, || {
            let found = self.runtime.block_on(self.query.histogram(question, &wanted));
            let found = found.expect("it is answered");
            let mut kinds: Vec<(usize, &String)> = found.series.iter().enumerate().collect();
            kinds.sort_by_key(|(_, kind)| *kind);
            let rows = found.bars.iter().flat_map(|bar| {
                let kinds = kinds.iter().filter(|(at, _)| bar.split[*at] > 0);
                kinds.map(|(at, kind)| json!([bar.start.as_micros(), kind, bar.split[*at]]))
            });
            rows.collect()
        });
    }

    fn measure(&self, name: &str, ask: impl Fn() -> Vec<Value>) {
        self.measure_shown(name, ask, |rows| rows);
    }

    /// Measures asking alone, where showing what was found in the rivals' form costs more than a rival's own way to rows.
    fn measure_shown<A>(&self, name: &str, ask: impl Fn() -> A, show: impl Fn(A) -> Vec<Value>) {
        drop_caches();
        let begin = Instant::now();
        let answer = ask();
        let cold = begin.elapsed();
        let rows = show(answer);
        let mut warm: Vec<Duration> = Vec::new();
        for _ in 0..self.runs {
            let begin = Instant::now();
            ask();
            warm.push(begin.elapsed());
        }
        warm.sort();
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        let warm = millis(warm[warm.len() / 2]);
        println!("{}", json!({ "question": name, "cold_ms": millis(cold), "warm_ms": warm, "rows": rows }));
    }
}

/// The same questions in SQL.
#[cfg(feature = "sql")]
mod in_sql {
    use server::sql::{DEFAULT_MEMORY, Engine, Format, Launch, Rows, Statement};

    use super::*;

    /// More than any answer has.
    const ALL: usize = 1 << 30;

    pub(super) fn ask(setup: &Value) {
        let open = Opened::new(Path::new(text(&setup["data"])));
        let (asker, end) = (Asker::new(setup, &open), text(&setup["ask"]["end"]));
        let launch = Launch::own("sql-worker");
        let engine = Engine::new(asker.query.clone(), launch, DEFAULT_MEMORY);
        let ranked = |field: &str, also: &str| {
            format!(
                "select {field}, count(*) as n from events where time < '{end}' {also} group by {field} \
                 order by n desc, {field} limit 10"
            )
        };
        let histogram = format!(
            "select cast(date_trunc('hour', time) as bigint) as hour, kind, count(*) from events where time < '{end}' \
             group by date_trunc('hour', time), kind order by hour, kind"
        );
        let failed = "and kind = 'user.login' and outcome = 'failure'";
        for (name, text) in [
            ("histogram hour x kind, SQL", histogram),
            ("top 10 users, SQL", ranked("actor_user", "and actor_user is not null")),
            ("failed logins by address, SQL", ranked("origin_ip", failed)),
        ] {
            let ask = || asker.runtime.block_on(taken(&engine, &text, asker.end));
            asker.measure_shown(name, ask, |rows| asker.runtime.block_on(shown(rows)));
        }
        open.log.shutdown();
    }

    async fn taken(engine: &Engine, text: &str, now: Timestamp) -> Rows {
        let statement = Statement {
            text: text.to_owned(),
            scope: Scope::everything(),
            context: FilterContext::utc(now),
            budget: Duration::from_secs(300),
            format: Format::Json,
        };
        let mut rows = engine.run(statement).await.expect("it is answered");
        rows.gather(ALL).await.expect("it is answered").expect("these are all");
        rows
    }

    async fn shown(mut rows: Rows) -> Vec<Value> {
        let mut out = Vec::new();
        while let Some(piece) = rows.next().await.expect("it is answered") {
            out.extend(piece.bytes);
        }
        let answer: Value = serde_json::from_slice(&out).expect("rows are JSON");
        answer["rows"].as_array().expect("a list of rows").clone()
    }
}

fn id(row: &Row) -> String {
    row.view().and_then(|view| view.text("id").map(str::to_owned)).expect("an event has an id")
}

/// Empties the page cache where this is allowed; cold figures mean little otherwise.
fn drop_caches() {
    rustix::fs::sync();
    let _ = fs::write("/proc/sys/vm/drop_caches", "3");
}
