//! `cargo xtask bench NAME`: Lodge beside its rivals, in one run, as a table.

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
}

/// What can be measured.
#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// Durable appends and verification, beside SQLite.
    Log,
    /// Throughput, latency, set-up and memory of SSH sessions, beside `ssh -J` and a direct connection.
    Ssh,
}

/// Runs a benchmark.
pub fn run(arguments: &Arguments) -> Result<()> {
    packages::ensure(&[packages::BUILD, packages::DEMO])?;
    let (package, bench) = match arguments.name {
        Name::Log => ("audit-log", "log"),
        Name::Ssh => ("lodge", "ssh"),
    };
    let mut command = cargo();
    command.args(["bench", "-q", "-p", package, "--bench", bench]);
    if arguments.json {
        command.args(["--", "--json"]);
    }
    run::run(&mut command)
}
