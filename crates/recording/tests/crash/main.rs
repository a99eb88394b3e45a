//! The crash test of recordings: a writer is killed at its system calls and at any moment, recovery included, and
//! unsynced bytes are lost. Durable frames stay, a crash loses at most the last second, and what was recovered verifies.
//!
//! Runs for a quarter of a minute; `cargo xtask crash --minutes N` for as long as one likes.

#![allow(clippy::unwrap_used)]

#[path = "../../../audit-log/tests/crash/budget.rs"]
mod budget;
mod check;
#[path = "../../../audit-log/tests/crash/kill.rs"]
#[allow(dead_code, reason = "what only the log's crash test needs")]
mod kill;
mod power;
mod promises;
mod victim;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use budget::{Budget, Deck, Dice, fast_folder};
use kill::{Orders, Point, Speaker, When};
use promises::Promises;

/// Seconds for all tests here, where nothing else is asked for.
const SECONDS: u64 = 20;
/// Victims that run at once; they sleep most of the time.
const WORKERS: u64 = 4;
/// Crashes after which a folder is given up for a new one.
const CRASHES: u64 = 8;

/// The victim; see [`kill`].
#[test]
#[ignore = "is started, and killed, by the other tests"]
fn writer_process() {
    let (Some(speaker), Some(folder)) = (Speaker::open(), std::env::var_os(victim::FOLDER)) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(victim::run(Path::new(&folder), speaker));
}

#[test]
fn a_killed_writer_loses_nothing_durable_and_at_most_the_last_second() {
    let budget = Budget::share(100, SECONDS);
    let (deck, totals) = (Mutex::new(Deck::new(points(), budget.seed)), Mutex::new(Totals::default()));
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (deck, totals, budget) = (&deck, &totals, &budget);
            scope.spawn(move || {
                let _alarm = budget.end_on_panic();
                let mut dice = Dice::new(budget.seed + 1 + worker);
                let mut life = Life::begin();
                while !budget.is_spent() {
                    // Every third dies at some moment that no call marks.
                    let point = if dice.one_in(3) { None } else { deck.lock().unwrap().deal() };
                    let after = When::After(Duration::from_millis(dice.below(2500)));
                    let when = point.map_or(after, When::At);
                    if life.crashes >= CRASHES || dice.one_in(4) {
                        totals.lock().unwrap().add(&life.totals);
                        life = Life::begin();
                    }
                    life.crash(when);
                    life.check(&mut dice);
                }
                totals.lock().unwrap().add(&life.totals);
            });
        }
    });
    totals.into_inner().unwrap().print(&deck.into_inner().unwrap().progress(), budget.seed);
}

/// Finds out at which calls a victim can be killed; none without strace.
fn points() -> Vec<Point> {
    match kill::missing_strace() {
        None => kill::points(&Life::begin().orders()).0,
        Some(why) => {
            eprintln!("kills at system calls are skipped: {why}");
            Vec::new()
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Totals {
    kills: u64,
    unharmed: u64,
    power_cuts: u64,
    recoveries: u64,
    frames: u64,
    worst_ms: u64,
}

impl Totals {
    fn add(&mut self, other: &Totals) {
        self.kills += other.kills;
        self.unharmed += other.unharmed;
        self.power_cuts += other.power_cuts;
        self.recoveries += other.recoveries;
        self.frames += other.frames;
        self.worst_ms = self.worst_ms.max(other.worst_ms);
    }

    /// Prints one line that `cargo xtask crash` adds up.
    fn print(&self, progress: &str, seed: u64) {
        let Totals { kills, unharmed, power_cuts, recoveries, frames, worst_ms } = self;
        println!(
            "crash totals: kills={kills} unharmed={unharmed} power-cuts={power_cuts} recoveries={recoveries} \
             durable-frames-checked={frames} (recordings, {progress} system calls; at worst the last \
             {worst_ms} ms were lost; LODGE_CRASH_SEED={seed})"
        );
    }
}

/// One folder of recordings that crashes again and again.
struct Life {
    room: Option<tempfile::TempDir>,
    promises: Promises,
    totals: Totals,
    crashes: u64,
    story: Vec<String>,
}

impl Life {
    fn begin() -> Life {
        let room = tempfile::tempdir_in(fast_folder()).unwrap();
        let (promises, totals) = Default::default();
        Life { room: Some(room), promises, totals, crashes: 0, story: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.room.as_ref().expect("it lives").path().join(name)
    }

    fn orders(&self) -> Orders {
        let folder = self.path("now").to_str().unwrap().to_owned();
        Orders { test: "writer_process", variables: vec![(victim::FOLDER, folder)], said: self.path("said") }
    }

    fn crash(&mut self, when: When) {
        self.story.push(format!("{when:?}"));
        let ended = kill::kill(&self.orders(), when);
        self.promises.hear(&ended.said);
        self.crashes += 1;
        *(if ended.killed { &mut self.totals.kills } else { &mut self.totals.unharmed }) += 1;
    }

    /// Checks copies of what the crash left; the next victim recovers the folder itself.
    fn check(&mut self, dice: &mut Dice) {
        if !self.path("now").exists() {
            return;
        }
        let copy = self.path("copy");
        copy_files(&self.path("now"), &copy);
        self.check_at(&copy);
        copy_files(&self.path("now"), &copy);
        let cut = power::cut(&copy, &self.promises, dice);
        if !cut.is_empty() {
            self.story.push(format!("power cut: {cut:?}"));
            self.totals.power_cuts += 1;
            self.check_at(&copy);
            self.story.pop();
        }
        fs::remove_dir_all(&copy).unwrap();
    }

    fn check_at(&mut self, copy: &Path) {
        let checked = check::recovered(copy, &self.promises);
        self.totals.recoveries += 1;
        self.totals.frames += checked.frames;
        self.totals.worst_ms = self.totals.worst_ms.max(checked.lost_ms);
        fs::remove_dir_all(copy).unwrap();
        fs::create_dir(copy).unwrap();
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let Some(room) = self.room.take() else { return };
        if std::thread::panicking() {
            eprintln!("the crashes in {} were {:#?}", room.keep().display(), self.story);
        }
    }
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
