//! `cargo xtask bench search`: the same events, the same questions, three engines, one run.
//!
//! Lodge takes the events in as `lodge ingest file` does and answers from its archive; DuckDB reads Lodge's own Parquet;
//! ClickHouse (chdb) has tables of its own with a text index. Every engine runs in a process of its own, so that memory and
//! processor time are its own. Answers are compared row by row before any figure counts.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::packages;
use crate::run::{self, cargo};
use crate::seed;

/// Warm runs of each question.
const RUNS: u32 = 9;
/// Events above which there are fewer: then a rival's answer takes many seconds.
const MANY: u64 = 10_000_000;
/// Warm runs with many events.
const RUNS_OF_MANY: u32 = 3;

/// One question's times and rows, or the cost of an import.
type Answers = BTreeMap<String, Value>;

/// One line of the result.
struct Figure {
    name: String,
    unit: &'static str,
    lodge: f64,
    rivals: BTreeMap<&'static str, f64>,
    goal: Option<String>,
    met: Option<bool>,
}

/// Runs all three and prints the table.
pub fn run(events: u64, json: bool) -> Result<()> {
    packages::ensure(&[packages::BUILD, packages::TEST])?;
    let [duckdb, chdb] = [packages::DUCKDB, packages::CLICKHOUSE].map(packages::python);
    let path = std::env::join_paths([duckdb?, chdb?])?;

    let folder = packages::cache().join(format!("bench-search-{events}"));
    fs::create_dir_all(&folder)?;
    let lines = folder.join("events.ndjson");
    if !lines.exists() {
        eprintln!("seeding {events} events");
        let unfinished = lines.with_extension("unfinished");
        seed::run(&seed::Arguments { events, seed: 1, out: unfinished.clone() })?;
        fs::rename(&unfinished, &lines)?;
    }
    let data = folder.join("lodge");
    remove(&data)?;
    remove(&folder.join("clickhouse"))?;
    let setup = setup(&folder, &lines, &data, events)?;

    let imported = answers(&mut lodge("ingest", &folder, &setup))?;
    let mut ours = answers(&mut lodge("ask", &folder, &setup))?;
    ours.extend(answers(&mut lodge("ask-in-sql", &folder, &setup))?);
    let duckdb = rival("duckdb", &path, &setup)?;
    let clickhouse = rival("clickhouse", &path, &setup)?;
    compare(&ours, &[("duckdb", &duckdb), ("clickhouse", &clickhouse)])?;

    let mut figures = import_figures(events, &imported, &clickhouse)?;
    figures.extend(question_figures(&ours, &duckdb, &clickhouse)?);
    figures.extend(memory_figures(&ours)?);
    print(&figures);
    if json {
        let figures: Vec<_> = figures.iter().map(Figure::json).collect();
        println!("{}", json!({ "bench": "search", "events": events, "figures": figures }));
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Writes what every engine is told: where the events are, and what the questions ask for.
fn setup(folder: &Path, lines: &Path, data: &Path, events: u64) -> Result<PathBuf> {
    let id = nth_id(lines, events * 2 / 3)?;
    let setup = json!({
        "lines": lines, "folder": folder, "data": data, "runs": if events > MANY { RUNS_OF_MANY } else { RUNS },
        "parquet": data.join("archive").join("*.parquet"),
        "ask": {
            "user": "carol.abel@example.com", "verb": "delete", "since": "2026-05-15T00:00:00Z", "until": "2026-06-14T00:00:00Z",
            "id": id, "address": seed::RARE_ADDRESS, "word": seed::RARE_WORD, "phrase": seed::PHRASE,
            "common": "prometheus", "nowhere": "xylophonist",
            // What Lodge records of itself meanwhile lies behind this, and only its own files have it.
            "end": seed::END,
        },
    });
    let path = folder.join("setup.json");
    fs::write(&path, setup.to_string())?;
    Ok(path)
}

fn nth_id(lines: &Path, number: u64) -> Result<String> {
    let line = BufReader::new(File::open(lines)?).lines().nth(usize::try_from(number)?);
    let event: Value = serde_json::from_str(&line.context("fewer events than were asked for")??)?;
    Ok(event["id"].as_str().context("an event without an id")?.to_owned())
}

/// Lodge as it is released: with the engine for SQL, and not optimised across crates, which would take half an hour of a
/// processor for that engine alone.
fn lodge(verb: &str, folder: &Path, setup: &Path) -> Command {
    let mut command = cargo();
    // Its data folder is made where temporary files go, and then moved within one disk.
    command
        .args(["bench", "-q", "-p", "lodge", "--features", "sql", "--bench", "search"])
        .args(["--", verb])
        .arg(setup)
        .env("CARGO_PROFILE_RELEASE_LTO", "false")
        .env("TMPDIR", folder);
    command
}

fn rival(engine: &str, path: &std::ffi::OsStr, setup: &Path) -> Result<Answers> {
    let mut command = Command::new("python3");
    answers(command.arg("xtask/rivals/search.py").arg(engine).arg(setup).env("PYTHONPATH", path))
}

fn answers(command: &mut Command) -> Result<Answers> {
    eprintln!("$ {command:?}");
    let text = run::output(command)?;
    let mut answers = Answers::new();
    for line in text.lines() {
        let answer: Value = serde_json::from_str(line).with_context(|| format!("not an answer: {line}"))?;
        let name = answer["question"].as_str().unwrap_or("import").to_owned();
        if name == "import" {
            eprintln!("{line}");
        }
        answers.insert(name, answer);
    }
    Ok(answers)
}

/// Every engine must give the same rows; an engine that could not be asked a question is left out of it.
fn compare(lodge: &Answers, rivals: &[(&str, &Answers)]) -> Result<()> {
    for (question, answer) in
        lodge.iter().filter(|(question, _)| *question != "import" && *question != "memory")
    {
        for (name, rival) in rivals {
            let Some(theirs) = rival.get(plain(question)) else { continue };
            let (ours, theirs) = (&answer["rows"], &theirs["rows"]);
            if ours != theirs {
                let at = ours.as_array().zip(theirs.as_array()).and_then(|(ours, theirs)| {
                    let both = ours.iter().zip(theirs);
                    both.enumerate()
                        .find(|(_, (our, their))| our != their)
                        .map(|(at, pair)| (at, pair.0.clone(), pair.1.clone()))
                });
                bail!("{question}: Lodge and {name} differ: {at:?}");
            }
        }
    }
    Ok(())
}

/// Names the question that was asked, in whatever language.
fn plain(question: &str) -> &str {
    question.strip_suffix(", SQL").unwrap_or(question)
}

fn number(answers: &Answers, question: &str, path: &str) -> Result<f64> {
    let answer = answers.get(question).with_context(|| format!("no answer to: {question}"))?;
    answer.pointer(path).and_then(Value::as_f64).with_context(|| format!("{question}: no number at {path}"))
}

fn import_figures(events: u64, imported: &Answers, clickhouse: &Answers) -> Result<Vec<Figure>> {
    let ours = |path: &str| number(imported, "import", path);
    let theirs = |path: &str| number(clickhouse, "import", path);
    let count = events as f64;
    let per_second = count / ours("/import/seconds")?;
    let per_cpu = (count / ours("/import/cpu_seconds")?, count / theirs("/import/cpu_seconds")?);
    let bytes = ours("/import/bytes/all")?;
    // The log keeps its newest file, of 64 MiB at most, however much is sealed: what grows with the events is the rest.
    let sealed = bytes - ours("/import/bytes/log")?;
    let raw = ours("/import/bytes/zstd_raw")?;
    let rss = ours("/import/rss_bytes")? / f64::from(1 << 20);
    let mut figures = vec![
        Figure {
            name: "ingest by the clock".to_owned(),
            unit: "events/s",
            lodge: per_second,
            rivals: BTreeMap::from([("clickhouse", count / theirs("/import/seconds")?)]),
            goal: Some("at least 120,000".to_owned()),
            met: Some(per_second >= 120_000.0),
        },
        Figure {
            name: "ingest per processor second".to_owned(),
            unit: "events/s",
            lodge: per_cpu.0,
            rivals: BTreeMap::from([("clickhouse", per_cpu.1)]),
            goal: Some("at least 3 x clickhouse".to_owned()),
            met: Some(per_cpu.0 >= 3.0 * per_cpu.1),
        },
        Figure {
            name: "bytes per event in all".to_owned(),
            unit: "bytes",
            lodge: bytes / count,
            rivals: BTreeMap::from([
                ("raw zstd -3", raw / count),
                ("clickhouse", theirs("/import/bytes")? / count),
            ]),
            goal: None,
            met: None,
        },
        Figure {
            name: "bytes per event, without the log's tail".to_owned(),
            unit: "bytes",
            lodge: sealed / count,
            rivals: BTreeMap::from([("raw zstd -3", raw / count)]),
            goal: Some("at most 2.0 x raw zstd -3".to_owned()),
            met: Some(sealed <= 2.0 * raw),
        },
        Figure {
            name: "memory while ingesting".to_owned(),
            unit: "MiB",
            lodge: rss,
            rivals: BTreeMap::from([("clickhouse", theirs("/import/rss_bytes")? / f64::from(1 << 20))]),
            goal: Some("at most 500".to_owned()),
            met: Some(rss <= 500.0),
        },
    ];
    figures.push(Figure {
        name: "memory of the sending client".to_owned(),
        unit: "MiB",
        lodge: ours("/import/client_rss_bytes")? / f64::from(1 << 20),
        rivals: BTreeMap::new(),
        goal: None,
        met: None,
    });
    for part in ["archive", "index", "tree", "log"] {
        figures.push(Figure {
            name: format!("bytes per event: {part}"),
            unit: "bytes",
            lodge: ours(&format!("/import/bytes/{part}"))? / count,
            rivals: BTreeMap::new(),
            goal: None,
            met: None,
        });
    }
    Ok(figures)
}

/// How many times faster than a rival a question has to be, warm.
fn goals(question: &str) -> &'static [(&'static str, f64)] {
    match question {
        "an id" | "an address seen 3 times" | "a rare word" | "a phrase" => {
            &[("duckdb", 200.0), ("clickhouse", 5.0)]
        }
        "latest 50" => &[("clickhouse", 4.0)],
        "user and verb, 30 days" => &[("duckdb", 4.0)],
        "histogram hour x kind" | "top 10 users" | "failed logins by address" => &[("duckdb", 20.0)],
        // At most 1.25 times as long.
        question if question.ends_with(", SQL") => &[("duckdb", 0.8)],
        _ => &[],
    }
}

fn question_figures(lodge: &Answers, duckdb: &Answers, clickhouse: &Answers) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for question in lodge.keys().filter(|question| *question != "memory") {
        for (heat, path) in [("warm", "/warm_ms"), ("cold", "/cold_ms")] {
            let ours = number(lodge, question, path)?;
            let rivals: BTreeMap<&str, f64> = [("duckdb", duckdb), ("clickhouse", clickhouse)]
                .into_iter()
                .filter_map(|(name, answers)| Some((name, number(answers, plain(question), path).ok()?)))
                .collect();
            let goals = if heat == "warm" { goals(question) } else { &[] };
            let wanted: Vec<String> = goals.iter().map(|(name, times)| format!("{times} x {name}")).collect();
            let met = goals
                .iter()
                .all(|(name, times)| rivals.get(name).is_some_and(|rival| ours * times <= *rival));
            figures.push(Figure {
                name: format!("{question}, {heat}"),
                unit: "ms",
                lodge: ours,
                rivals,
                goal: (!wanted.is_empty()).then(|| wanted.join(", ")),
                met: (!wanted.is_empty()).then_some(met),
            });
        }
    }
    ensure!(!figures.is_empty(), "Lodge answered nothing");
    Ok(figures)
}

fn memory_figures(lodge: &Answers) -> Result<Vec<Figure>> {
    let rss = number(lodge, "memory", "/rss_bytes")? / f64::from(1 << 20);
    Ok(vec![Figure {
        name: "memory while searching".to_owned(),
        unit: "MiB",
        lodge: rss,
        rivals: BTreeMap::new(),
        goal: Some("at most 200".to_owned()),
        met: Some(rss <= 200.0),
    }])
}

impl Figure {
    fn json(&self) -> Value {
        json!({ "name": self.name, "unit": self.unit, "lodge": self.lodge, "rivals": self.rivals, "goal": self.goal, "met": self.met })
    }
}

fn print(figures: &[Figure]) {
    println!("{:<40} {:>8} {:>12} {:>12} {:>12}  goal", "figure", "unit", "lodge", "duckdb", "clickhouse");
    for figure in figures {
        let rival = |name: &str| {
            figure.rivals.get(name).map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
        };
        let met = figure.met.map_or("", |met| if met { ": met" } else { ": missed" });
        println!(
            "{:<40} {:>8} {:>12.2} {:>12} {:>12}  {}{met}",
            figure.name,
            figure.unit,
            figure.lodge,
            rival("duckdb"),
            rival("clickhouse"),
            figure.goal.as_deref().unwrap_or("")
        );
    }
}
