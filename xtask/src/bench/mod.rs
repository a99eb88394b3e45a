//! `cargo xtask bench NAME`: Lodge beside its rivals, in one run, as a table.

mod search;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::packages;
use crate::run::{self, cargo};

/// Which benchmark.
#[derive(Args)]
pub struct Arguments {
    /// What to measure.
    name: Name,
    /// Ends with one line of JSON for machines to read.
    #[arg(long)]
    json: bool,
    /// Events to search.
    #[arg(long, default_value_t = 5_000_000)]
    events: u64,
}

/// What can be measured.
#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// Durable appends and verification, beside SQLite.
    Log,
    /// Throughput, latency, set-up and memory of SSH sessions, beside `ssh -J` and a direct connection.
    Ssh,
    /// Ingest and search, beside DuckDB and ClickHouse.
    Search,
}

/// Runs a benchmark.
pub fn run(arguments: &Arguments) -> Result<()> {
    packages::ensure(&[packages::BUILD, packages::DEMO])?;
    let (package, bench) = match arguments.name {
        Name::Log => ("audit-log", "log"),
        Name::Ssh => ("lodge", "ssh"),
        Name::Search => return search::run(arguments.events, arguments.json),
    };
    let mut command = cargo();
    command.args(["bench", "-q", "-p", package, "--bench", bench]);
    if arguments.json {
        command.args(["--", "--json"]);
    }
    run::run(&mut command)
}
