//! How fast the log is, beside SQLite in the same run on the same disk.
//!
//! `cargo bench -p audit-log --bench log -- [--json] [--seconds N] [--folder FOLDER]`. Prints a table; with `--json`
//! the last line is one JSON object for `cargo xtask bench`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use audit_log::verify::{VerifierKey, verify_log};
use audit_log::{AuditLog, LogConfig};
use event::kinds::log::Overload;
use event::{Actor, Ambient, Clock, Detail, EncodedEvent, Event, SeededEntropy, Timestamp};
use store::vault::{RandomFill, Vault};
use tokio::time::Instant;

const EVENT_BYTES: usize = 1024;
const CALLERS: [usize; 4] = [1, 8, 64, 512];
const INGEST_CALLERS: usize = 16;
const INGEST_BATCH: usize = 1000;

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "a program of its own; the log takes its time from here")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::EPOCH.plus(since)
    }
}

/// What a run gave.
struct Measured {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// One line of the result.
struct Figure {
    name: String,
    unit: &'static str,
    lodge: f64,
    sqlite: Option<f64>,
    goal: Option<f64>,
    lower_is_better: bool,
}

impl Figure {
    fn met(&self) -> Option<bool> {
        self.goal.map(|goal| if self.lower_is_better { self.lodge <= goal } else { self.lodge >= goal })
    }

    fn json(&self) -> serde_json::Value {
        let rivals =
            self.sqlite.map_or_else(|| serde_json::json!({}), |value| serde_json::json!({ "sqlite": value }));
        serde_json::json!({
            "name": self.name, "unit": self.unit, "lodge": self.lodge, "rivals": rivals, "goal": self.goal, "met": self.met(),
        })
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after =
        |flag: &str| arguments.iter().position(|found| found == flag).and_then(|at| arguments.get(at + 1));
    let seconds = after("--seconds").and_then(|text| text.parse().ok()).unwrap_or(3);
    let base = after("--folder").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    std::fs::create_dir_all(&base).expect("the folder for the bench can be made");
    let folder = tempfile::tempdir_in(base).expect("the folder for the bench can be made");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts");
    let figures = measure(&runtime, folder.path(), Duration::from_secs(seconds));
    print_table(&figures);
    if arguments.iter().any(|argument| argument == "--json") {
        let figures: Vec<_> = figures.iter().map(Figure::json).collect();
        println!("{}", serde_json::json!({ "bench": "log", "figures": figures }));
    }
}

fn measure(runtime: &tokio::runtime::Runtime, folder: &Path, time: Duration) -> Vec<Figure> {
    let mut figures = Vec::new();
    for callers in CALLERS {
        let lodge = runtime.block_on(single_appends(&folder.join(format!("lodge-{callers}")), callers, time));
        let sqlite = sqlite_singles(&folder.join(format!("sqlite-{callers}")), callers, time);
        let goals = if callers == 512 { (Some(40_000.0), Some(30.0)) } else { (None, None) };
        let mut figure = |what: &str, unit, values: (f64, f64), goal, lower_is_better| {
            let name = format!("{what}, {callers} callers");
            figures.push(Figure {
                name,
                unit,
                lodge: values.0,
                sqlite: Some(values.1),
                goal,
                lower_is_better,
            });
        };
        figure("durable appends", "events/s", (lodge.per_second, sqlite.per_second), goals.0, false);
        figure("acknowledgement p50", "ms", (lodge.p50_ms, sqlite.p50_ms), None, true);
        figure("acknowledgement p99", "ms", (lodge.p99_ms, sqlite.p99_ms), goals.1, true);
    }
    let lodge = runtime.block_on(ingest(&folder.join("lodge-ingest"), time));
    let sqlite = sqlite_ingest(&folder.join("sqlite-ingest"), time);
    let name = format!("batches of {INGEST_BATCH} from {INGEST_CALLERS} callers, durable and proven");
    let goal = Some(250_000.0);
    figures.push(Figure {
        name,
        unit: "events/s",
        lodge,
        sqlite: Some(sqlite),
        goal,
        lower_is_better: false,
    });
    let (by_core, by_clock) = verification(&folder.join("lodge-ingest/log"));
    for (what, lodge, goal) in [
        ("verification, by the time of one core", by_core, Some(300_000.0)),
        ("verification, by the clock, from the disk", by_clock, None),
    ] {
        figures.push(Figure {
            name: what.to_owned(),
            unit: "events/s",
            lodge,
            sqlite: None,
            goal,
            lower_is_better: false,
        });
    }
    figures
}

/// Verifies what the batches left, from payload to signed checkpoint: events for each second of a core, and for each second.
///
/// The log gives back its page cache, so by the clock it is often the disk that is measured.
fn verification(log: &Path) -> (f64, f64) {
    let key = std::fs::read_to_string(log.join("log.vkey")).expect("a log shows its key");
    let key: VerifierKey = key.trim().parse().expect("the key is one");
    let (start, worked) = (Instant::now(), core_seconds());
    let report = verify_log(log, &key, &mut |_| {}).expect("the log is there");
    let (passed, worked) = (start.elapsed().as_secs_f64(), core_seconds() - worked);
    assert!(report.is_intact(), "{:?}", report.damage);
    let entries = report.entries as f64;
    // A tick is the least that is counted.
    (entries / worked.max(TICK), entries / passed)
}

/// The unit of the times in `/proc/self/stat`, in seconds: USER_HZ is 100 wherever Linux runs.
const TICK: f64 = 0.01;

/// Seconds that all threads of this process have worked, in user space and in the kernel (proc(5), fields 14 and 15).
fn core_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux shows it");
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * TICK
}

fn print_table(figures: &[Figure]) {
    println!("{:<58} {:>9} {:>12} {:>12} {:>10}", "events of 1 KiB", "unit", "lodge", "sqlite", "goal");
    for figure in figures {
        let sqlite = figure.sqlite.map_or_else(String::new, |value| format!("{value:.1}"));
        let goal = figure.goal.map_or_else(String::new, |goal| format!("{goal}"));
        let met = figure.met().map_or("", |met| if met { " met" } else { " missed" });
        println!(
            "{:<58} {:>9} {:>12.1} {sqlite:>12} {goal:>10}{met}",
            figure.name, figure.unit, figure.lodge
        );
    }
}

fn open(folder: &Path) -> (AuditLog, Ambient) {
    let ambient = Ambient::new(Arc::new(SystemClock), Arc::new(SeededEntropy::new(7)));
    let random = ambient.clone();
    let random: RandomFill = Arc::new(move |bytes: &mut [u8]| random.fill(bytes));
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let vault = Vault::open(&folder.join("master.key"), &random).expect("the vault opens");
    let config = LogConfig::new(folder.join("log"), "lodge.example.com/bench");
    (AuditLog::open(config, &vault, ambient.clone()).expect("the log opens"), ambient)
}

/// An event whose JSON has exactly 1 KiB.
fn event(ambient: &Ambient) -> Event {
    let detail = Detail::LogOverload(Overload { refused: 1, queued_bytes: 0 });
    let mut event = Event::new(ambient, Actor::human("alice"), detail);
    event.raw = Some(String::new());
    let missing = EVENT_BYTES - event.encode().as_bytes().len();
    event.raw = Some("x".repeat(missing));
    event
}

/// Callers that each wait for their receipt before they append again.
async fn single_appends(folder: &Path, callers: usize, time: Duration) -> Measured {
    let (log, ambient) = open(folder);
    let stop = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (log, event, stop) = (log.clone(), event(&ambient), stop.clone());
            tokio::spawn(async move {
                let mut waits = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let asked = Instant::now();
                    log.append(&event).await.expect("the log takes the event");
                    waits.push(asked.elapsed());
                }
                waits
            })
        })
        .collect();
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await.expect("the task ends"));
    }
    let passed = began.elapsed();
    log.shutdown();
    summarise(waits, passed)
}

/// The ingest path: batches, until a published checkpoint covers all of them.
async fn ingest(folder: &Path, time: Duration) -> f64 {
    let (log, ambient) = open(folder);
    let batch: Vec<(u64, EncodedEvent)> =
        (0..INGEST_BATCH as u64).map(|seq| (seq, event(&ambient).encode())).collect();
    let batch = Arc::new(batch);
    let stop = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let tasks: Vec<_> = (0..INGEST_CALLERS)
        .map(|number| {
            let (log, batch, stop) = (log.clone(), batch.clone(), stop.clone());
            tokio::spawn(async move {
                let source = format!("bench/{number}");
                while !stop.load(Ordering::Relaxed) {
                    log.append_batch(&source, batch.to_vec()).await.expect("the log takes the batch");
                }
            })
        })
        .collect();
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("the task ends");
    }
    let size = log.size();
    log.checkpoint_covering(size).await.expect("a checkpoint is published");
    let passed = began.elapsed();
    log.shutdown();
    size as f64 / passed.as_secs_f64()
}

fn sqlite(folder: &Path) -> rusqlite::Connection {
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let connection = rusqlite::Connection::open(folder.join("log.db")).expect("SQLite opens");
    connection
        .execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE log (position INTEGER PRIMARY KEY, payload BLOB);")
        .expect("SQLite is set up");
    connection
}

fn insert(connection: &mut rusqlite::Connection, rows: usize, payload: &[u8]) {
    let transaction = connection.transaction().expect("a transaction begins");
    {
        let mut statement =
            transaction.prepare_cached("INSERT INTO log (payload) VALUES (?1)").expect("SQL is right");
        for _ in 0..rows {
            statement.execute([payload]).expect("SQLite takes the row");
        }
    }
    transaction.commit().expect("the transaction commits");
}

/// SQLite at its best for this load: one writer that commits a batch for all callers, each of which waits for it.
fn sqlite_singles(folder: &Path, callers: usize, time: Duration) -> Measured {
    let mut connection = sqlite(folder);
    let payload = vec![b'x'; EVENT_BYTES];
    let (begun, done) = (Instant::now(), Instant::now() + time);
    let mut waits = Vec::new();
    while Instant::now() < done {
        let asked = Instant::now();
        insert(&mut connection, callers, &payload);
        waits.extend(std::iter::repeat_n(asked.elapsed(), callers));
    }
    summarise(waits, begun.elapsed())
}

fn sqlite_ingest(folder: &Path, time: Duration) -> f64 {
    let mut connection = sqlite(folder);
    let payload = vec![b'x'; EVENT_BYTES];
    // The rows come from other threads, as they would in a server; the writer is the bound.
    let (sender, batches) = mpsc::sync_channel::<usize>(INGEST_CALLERS);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let feeding =
        std::thread::spawn(
            move || {
                while !stopped.load(Ordering::Relaxed) && sender.send(INGEST_BATCH).is_ok() {}
            },
        );
    let (begun, done, mut rows) = (Instant::now(), Instant::now() + time, 0);
    while Instant::now() < done {
        let count = batches.recv().expect("the feeder runs");
        insert(&mut connection, count, &payload);
        rows += count;
    }
    let passed = begun.elapsed();
    stop.store(true, Ordering::Relaxed);
    drop(batches);
    feeding.join().expect("the feeder ends");
    rows as f64 / passed.as_secs_f64()
}

fn summarise(mut waits: Vec<Duration>, passed: Duration) -> Measured {
    waits.sort_unstable();
    let at = |share: f64| {
        waits.get((waits.len() as f64 * share) as usize).map_or(0.0, |wait| wait.as_secs_f64() * 1000.0)
    };
    Measured { per_second: waits.len() as f64 / passed.as_secs_f64(), p50_ms: at(0.5), p99_ms: at(0.99) }
}
