//! `cargo xtask crash`: the crash tests of log and recordings with a budget of one's own.

use anyhow::Result;
use clap::Args;

use crate::packages;
use crate::run::{self, cargo};

/// How long.
#[derive(Args)]
pub struct Arguments {
    /// Minutes to go on killing.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
}

/// Runs the crash tests until the time is up.
pub fn run(arguments: &Arguments) -> Result<()> {
    packages::ensure(&[packages::BUILD, packages::TEST])?;
    let seconds = (arguments.minutes * 60).to_string();
    let mut tests = cargo();
    tests.args([
        "test",
        "--release",
        "-p",
        "audit-log",
        "--test",
        "crash",
        "--",
        "--nocapture",
        "--test-threads=1",
    ]);
    run::run(tests.env("LODGE_CRASH_SECONDS", seconds))
}
