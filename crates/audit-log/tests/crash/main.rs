//! The crash test: a writer is killed at its system calls and at any moment, and its disk fills. Nothing acknowledged is
//! lost, no size ever has two roots, and what was recovered verifies.
//!
//! Runs for about a minute; `cargo xtask crash --minutes N` for as long as one likes.

#![allow(clippy::unwrap_used)]

mod budget;
mod check;
mod disk;
mod kill;
mod life;
mod order;
mod power;
mod promises;
mod victim;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use budget::{Budget, Dice};
use kill::{Point, Speaker, When};
use life::{Life, Totals};

/// Seconds for all tests here, where nothing else is asked for.
const SECONDS: u64 = 70;

/// The victim; see [`kill`].
#[test]
#[ignore = "is started, and killed, by the other tests"]
fn writer_process() {
    let (Some(speaker), Some(base)) = (Speaker::open(), std::env::var_os(victim::FOLDER)) else { return };
    let (base, ambient) = (PathBuf::from(base), victim::ambient());
    let fills = std::env::var(victim::WORK).is_ok_and(|work| work == disk::FILL);
    let log = match victim::open(&base, &ambient) {
        Ok(log) => log,
        // Where there is no room the log may refuse to open, as long as nothing is lost by it.
        Err(error) if fills => return eprintln!("does not open: {error:?}"),
        Err(error) => panic!("{error:?}"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if fills {
        runtime.block_on(victim::fill(log, ambient, speaker));
    } else {
        runtime.block_on(victim::mixed(log, ambient, speaker));
    }
}

/// Whether a kill point is reached in a new folder or in one that was crashed before.
#[derive(Clone, Copy, Debug)]
enum Start {
    New,
    Crashed,
}

#[test]
fn a_writer_killed_at_any_system_call_loses_nothing_acknowledged() {
    if let Some(why) = kill::missing_strace() {
        return eprintln!("skipped: {why}");
    }
    let budget = Budget::share(55, SECONDS);
    let mut points = VecDeque::from(all_points());
    Dice::new(budget.seed).shuffle(points.make_contiguous());
    let all = points.len();
    let (points, totals) = (Mutex::new(points), Mutex::new(Totals::default()));
    let workers = std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 8)) as u64;
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let (points, totals, budget) = (&points, &totals, &budget);
            scope.spawn(move || {
                let _alarm = budget.end_on_panic();
                let mut dice = Dice::new(budget.seed + 1 + worker);
                let mut life = Life::begin("mixed");
                while !budget.is_spent() {
                    let Some((start, point)) = points.lock().unwrap().pop_front() else { break };
                    if matches!(start, Start::New) || life.is_spent() {
                        totals.lock().unwrap().add(life.totals);
                        life = Life::begin("mixed");
                    }
                    life.crash(When::At(point));
                    life.check(&mut dice);
                }
                totals.lock().unwrap().add(life.totals);
            });
        }
    });
    let left = points.into_inner().unwrap().len();
    totals
        .into_inner()
        .unwrap()
        .print(&format!("{} of {all} points at system calls", all - left), budget.seed);
}

/// Finds out at which calls a victim can be killed, in a new folder and in one that crashed before.
fn all_points() -> Vec<(Start, Point)> {
    let mut life = Life::begin("mixed");
    let (new, said) = kill::points(&life.orders());
    life.promises.hear(&said);
    life.crash(When::At(Point { call: "pwrite64", count: 40 }));
    let (again, said) = kill::points(&life.orders());
    life.promises.hear(&said);
    life.recover();
    let new = new.into_iter().map(|point| (Start::New, point));
    new.chain(again.into_iter().map(|point| (Start::Crashed, point))).collect()
}

#[test]
fn a_writer_killed_at_any_moment_loses_nothing_acknowledged() {
    let budget = Budget::share(25, SECONDS);
    let mut dice = Dice::new(budget.seed);
    let disk = tempfile::tempdir().unwrap();
    let (mut life, mut totals, mut lives) =
        (Life::begin_at(disk.path().join("0"), "mixed"), Totals::default(), 0);
    while !budget.is_spent() {
        if life.is_spent() {
            totals.add(life.totals);
            lives += 1;
            life = Life::begin_at(disk.path().join(lives.to_string()), "mixed");
        }
        // From the first moments to the end of a run.
        let most = [20, 60, 200, 1000][dice.below(4) as usize];
        life.crash(When::After(Duration::from_micros(dice.below(most * 1000))));
        life.check(&mut dice);
    }
    totals.add(life.totals);
    totals.print("killed after random times, on a real disk", budget.seed);
}
