//! The crash test of the archive: a process that appends, seals, merges and drops is killed at its system calls and at any
//! moment. No event that was acknowledged is missing, none is double, and log and archive verify.
//!
//! Runs for about a minute; `cargo xtask crash --minutes N` for as long as one likes.

#![allow(clippy::unwrap_used)]

#[path = "../../../audit-log/tests/crash/budget.rs"]
#[allow(dead_code, reason = "what only the log's crash test needs")]
mod budget;
#[path = "../../../audit-log/tests/crash/kill.rs"]
#[allow(dead_code, reason = "what only the log's crash test needs")]
mod kill;
mod life;
mod lives;
mod victim;

use std::path::PathBuf;

use budget::Budget;
use kill::Speaker;
use life::ArchiveLife;

/// Seconds for all tests here, where nothing else is asked for.
const SECONDS: u64 = 30;

/// The victim; see [`kill`].
#[test]
#[ignore = "is started, and killed, by the other tests"]
fn archive_process() {
    let (Some(speaker), Some(base)) = (Speaker::open(), std::env::var_os(victim::FOLDER)) else { return };
    victim::work(&PathBuf::from(base), victim::day(), speaker);
}

#[test]
fn an_archive_killed_at_any_system_call_loses_and_doubles_nothing() {
    lives::kill_at_calls::<ArchiveLife>("archive", &Budget::share(60, SECONDS));
}

#[test]
fn an_archive_killed_at_any_moment_loses_and_doubles_nothing() {
    lives::kill_at_moments::<ArchiveLife>("archive", &Budget::share(40, SECONDS), 150_000);
}
