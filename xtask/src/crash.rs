//! `cargo xtask crash`: the crash tests of log, archive, ingestion and recordings with a budget of one's own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::packages;
use crate::run::cargo;

/// Which crates have crash tests, and how much of the time each gets, in percent.
const SHARES: &[(&str, u64)] = &[("audit-log", 40), ("archive", 25), ("ingest", 20), ("recording", 15)];
/// How the tests begin a line of figures.
const TOTALS: &str = "crash totals: ";

/// How long.
#[derive(Args)]
pub struct Arguments {
    /// Minutes to go on killing; the build comes on top.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
}

/// Runs the crash tests until the time is up, and adds up what they did.
pub fn run(arguments: &Arguments) -> Result<()> {
    packages::ensure(&[packages::BUILD, packages::TEST])?;
    let mut totals = BTreeMap::new();
    for (package, percent) in SHARES {
        test(package, arguments.minutes * 60 * percent / 100, &mut totals)?;
    }
    println!("\nin all:");
    totals.iter().for_each(|(name, number)| println!("  {number:>10} {}", name.replace('-', " ")));
    Ok(())
}

fn test(package: &str, seconds: u64, totals: &mut BTreeMap<String, u64>) -> Result<()> {
    let mut command = cargo();
    command.args(["test", "--quiet", "--release", "-p", package, "--test", "crash"]);
    command.args(["--", "--nocapture", "--test-threads=1"]);
    command.env("LODGE_CRASH_SECONDS", seconds.to_string()).stdout(Stdio::piped());
    eprintln!("$ LODGE_CRASH_SECONDS={seconds} cargo test --release -p {package} --test crash");
    let mut child = command.spawn().context("cannot start cargo")?;
    let output = child.stdout.take().context("cargo's output was piped")?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        if let Some((_, figures)) = line.split_once(TOTALS) {
            add(figures, totals);
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("the crash test of {package} failed: {status}");
    }
    Ok(())
}

/// Adds figures of the form `kills=12 power-cuts=3 (and words that are passed over)`.
fn add(figures: &str, totals: &mut BTreeMap<String, u64>) {
    let figures = figures.split('(').next().unwrap_or(figures);
    for (name, number) in figures.split_whitespace().filter_map(|figure| figure.split_once('=')) {
        *totals.entry(name.to_owned()).or_default() += number.parse().unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_several_tests_are_added_up() {
        let mut totals = BTreeMap::new();
        add("kills=12 power-cuts=3 (seed=7)", &mut totals);
        add("kills=5 frames=1", &mut totals);
        assert_eq!(
            totals.into_iter().collect::<Vec<_>>(),
            [("frames".to_owned(), 1), ("kills".to_owned(), 17), ("power-cuts".to_owned(), 3)]
        );
    }
}
