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
mod victim;

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use budget::{Budget, Deck, Dice};
use kill::{Point, Speaker, When};
use life::{Life, Totals};

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
    if let Some(why) = kill::missing_strace() {
        return eprintln!("skipped: {why}");
    }
    let budget = Budget::share(60, SECONDS);
    let deck = Mutex::new(Deck::new(all_points(), budget.seed));
    let totals = Mutex::new(Totals::default());
    let workers = std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 8));
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let _alarm = budget.end_on_panic();
                let next = || deck.lock().unwrap().deal().map(When::At);
                totals.lock().unwrap().add(kill_on_and_on(&budget, next));
            });
        }
    });
    let what = format!("archive, {} system calls", deck.into_inner().unwrap().progress());
    totals.into_inner().unwrap().print(&what, budget.seed);
}

#[test]
fn an_archive_killed_at_any_moment_loses_and_doubles_nothing() {
    let budget = Budget::share(40, SECONDS);
    let mut dice = Dice::new(budget.seed);
    let next = || Some(When::After(Duration::from_micros(dice.below(150_000))));
    kill_on_and_on(&budget, next).print("archive, killed after random times", budget.seed);
}

fn kill_on_and_on(budget: &Budget, mut next: impl FnMut() -> Option<When>) -> Totals {
    let (mut totals, mut life) = (Totals::default(), Life::begin());
    while let Some(when) = next().filter(|_| !budget.is_spent()) {
        life.crash(when);
        life.check();
        if life.is_spent() {
            totals.add(life.totals);
            life = Life::begin();
        }
    }
    totals.add(life.totals);
    totals
}

/// Finds out at which calls a victim can be killed that has something to seal, to merge and to drop.
fn all_points() -> Vec<Point> {
    let mut life = Life::begin();
    for _ in 0..4 {
        life.crash(When::After(Duration::from_secs(30)));
        life.check();
    }
    kill::points(&life.orders()).0
}
