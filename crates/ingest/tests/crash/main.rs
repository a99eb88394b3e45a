//! The crash test of ingestion: a process that takes files while its archive seals, merges and drops is killed at its system
//! calls and at any moment, and each file is sent on where the log stands. No record is missing, none is double, and log and
//! archive verify.
//!
//! Runs for about half a minute; `cargo xtask crash --minutes N` for as long as one likes.

#![allow(clippy::unwrap_used)]

#[path = "../../../audit-log/tests/crash/budget.rs"]
#[allow(dead_code, reason = "what only the log's crash test needs")]
mod budget;
#[path = "../../../audit-log/tests/crash/kill.rs"]
#[allow(dead_code, reason = "what only the log's crash test needs")]
mod kill;
#[path = "../../../archive/tests/crash/life.rs"]
#[allow(dead_code, reason = "what only the archive's crash test needs")]
mod life;
#[path = "../../../archive/tests/crash/lives.rs"]
mod lives;
#[path = "../../../archive/tests/crash/victim.rs"]
#[allow(dead_code, reason = "what only the archive's crash test needs")]
mod victim;

mod files;
mod sender;
mod sending;

use std::path::PathBuf;

use budget::Budget;
use kill::Speaker;
use sending::SendingLife;

/// Seconds for all tests here, where nothing else is asked for.
const SECONDS: u64 = 20;

/// The victim; see [`kill`].
#[test]
#[ignore = "is started, and killed, by the other tests"]
fn ingesting_process() {
    let (Some(speaker), Some(base)) = (Speaker::open(), std::env::var_os(victim::FOLDER)) else { return };
    sender::work(&PathBuf::from(base), victim::day(), speaker);
}

#[test]
fn ingestion_killed_at_any_system_call_loses_and_doubles_nothing() {
    lives::kill_at_calls::<SendingLife>("ingestion", &Budget::share(60, SECONDS));
}

#[test]
fn ingestion_killed_at_any_moment_loses_and_doubles_nothing() {
    lives::kill_at_moments::<SendingLife>("ingestion", &Budget::share(40, SECONDS), 80_000);
}
