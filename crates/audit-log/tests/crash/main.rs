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
mod sync;
mod victim;

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use budget::{Budget, Deck, Dice};
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
    let work = std::env::var(victim::WORK).unwrap_or_default();
    let (fills, fails) = (work == disk::FILL, work == sync::FAIL);
    let log = match victim::open(&base, &ambient) {
        Ok(log) => log,
        // Where there is no room, or a sync fails, the log may refuse to open, as long as nothing is lost by it.
        Err(error) if fills || fails => return eprintln!("does not open: {error:?}"),
        Err(error) => panic!("{error:?}"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if fills {
        runtime.block_on(victim::fill(log, ambient, speaker));
    } else if fails {
        runtime.block_on(victim::until_failed(log, ambient, speaker));
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
    let deck = Mutex::new(Deck::new(all_points(), budget.seed));
    let totals = Mutex::new(Totals::default());
    let workers = std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 8)) as u64;
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let (deck, totals, budget) = (&deck, &totals, &budget);
            scope.spawn(move || {
                let _alarm = budget.end_on_panic();
                let done = kill_at_points(deck, budget, &mut Dice::new(budget.seed + 1 + worker));
                totals.lock().unwrap().add(done);
            });
        }
    });
    let what = format!("{} system calls", deck.into_inner().unwrap().progress());
    totals.into_inner().unwrap().print(&what, budget.seed);
}

fn kill_at_points(deck: &Mutex<Deck<(Start, Point)>>, budget: &Budget, dice: &mut Dice) -> Totals {
    let (mut totals, mut old) = (Totals::default(), Life::begin("mixed"));
    while !budget.is_spent() {
        let (start, point) = deck.lock().unwrap().deal().unwrap();
        let mut new = None;
        let life = match start {
            Start::New => new.insert(Life::begin("mixed")),
            Start::Crashed => &mut old,
        };
        life.crash(When::At(point));
        life.check(dice);
        if let Some(new) = new {
            totals.add(new.totals);
        }
        if old.is_spent() {
            totals.add(old.totals);
            old = Life::begin("mixed");
        }
    }
    totals.add(old.totals);
    totals
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
