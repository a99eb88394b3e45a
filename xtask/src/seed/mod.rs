//! `cargo xtask seed`: realistic mixed events, the same for the same seed, as JSON lines.
//!
//! The mix is that of a company of 500 people with two Kubernetes clusters: API server audit records, SSH sessions with
//! their files, database queries, logins; 60 days of them, in order of time. Names follow a long-tailed distribution, ids
//! and hashes are random, and a few needles are hidden whose places depend on the seed alone:
//! [`RARE_WORD`], [`PHRASE`], [`RARE_ADDRESS`] (three times each).

mod instant;
mod lines;
mod random;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use self::lines::Lines;

/// No event happens at this time or later.
pub const END: &str = "2026-06-30T00:00:00Z";
/// A word that stands in the payload of three events.
pub const RARE_WORD: &str = "colormatic";
/// A phrase that stands in the payload of three events; its words are common.
pub const PHRASE: &str = "lost the quorum of members";
/// An address that three events come from.
pub const RARE_ADDRESS: &str = "203.0.113.77";
/// How often each needle occurs.
const NEEDLES: u64 = 3;

/// How many events, and where they go.
#[derive(Args)]
pub struct Arguments {
    /// How many events.
    #[arg(long)]
    pub events: u64,
    /// What the randomness grows from: the same seed gives the same bytes.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// File to write; `-` is standard output.
    #[arg(long, default_value = "-")]
    pub out: PathBuf,
}

/// Writes the events.
pub fn run(arguments: &Arguments) -> Result<()> {
    if arguments.events < 10 * NEEDLES {
        bail!("--events must be at least {}: the needles want some hay", 10 * NEEDLES);
    }
    if arguments.out.as_os_str() == "-" {
        return write(arguments, io::stdout().lock()).context("cannot write to standard output");
    }
    let shown = arguments.out.display();
    let file = File::create(&arguments.out).with_context(|| format!("cannot make {shown}"))?;
    write(arguments, file).with_context(|| format!("cannot write {shown}"))
}

fn write(arguments: &Arguments, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, out);
    let mut lines = Lines::new(arguments.events, arguments.seed);
    while let Some(line) = lines.next_line() {
        out.write_all(line.as_bytes())?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeded(events: u64, seed: u64) -> String {
        let mut bytes = Vec::new();
        write(&Arguments { events, seed, out: "-".into() }, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        assert_eq!(seeded(500, 7), seeded(500, 7));
        assert_ne!(seeded(500, 7), seeded(500, 8));
    }

    #[test]
    fn every_line_is_json_in_order_of_time() {
        let text = seeded(3000, 1);
        let mut last = String::new();
        for line in text.lines() {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            let time = event["time"].as_str().unwrap().to_owned();
            assert!(time >= last, "{time} comes after {last}");
            last = time;
        }
        assert_eq!(text.lines().count(), 3000);
    }

    #[test]
    fn each_needle_is_hidden_three_times() {
        let text = seeded(2000, 3);
        for needle in [RARE_WORD, PHRASE, RARE_ADDRESS] {
            assert_eq!(text.lines().filter(|line| line.contains(needle)).count(), 3, "{needle}");
        }
    }
}
