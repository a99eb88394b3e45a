//! One folder that crashes again and again: each victim begins where the one before was killed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::budget::{Dice, fast_folder};
use crate::kill::{self, Ended, Orders, When};
use crate::promises::Promises;
use crate::{check, power, victim};

/// Crashes after which a folder is given up for a new one, so that checking it stays quick.
const CRASHES: u64 = 25;
/// Entries after which it is given up.
const ENTRIES: u64 = 2500;

/// What was done, for the report at the end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    pub kills: u64,
    pub unharmed: u64,
    pub power_cuts: u64,
    pub recoveries: u64,
    pub events: u64,
    pub checkpoints: u64,
}

impl Totals {
    pub fn add(&mut self, other: Totals) {
        self.kills += other.kills;
        self.unharmed += other.unharmed;
        self.power_cuts += other.power_cuts;
        self.recoveries += other.recoveries;
        self.events += other.events;
        self.checkpoints += other.checkpoints;
    }

    /// Prints one line that `cargo xtask crash` adds up.
    pub fn print(&self, what: &str, seed: u64) {
        let Totals { kills, unharmed, power_cuts, recoveries, events, checkpoints } = self;
        println!(
            "crash totals: kills={kills} unharmed={unharmed} power-cuts={power_cuts} recoveries={recoveries} \
             acknowledged-events-checked={events} checkpoints-checked={checkpoints} ({what}; LODGE_CRASH_SEED={seed})"
        );
    }
}

/// A folder and what was promised in it.
pub struct Life {
    /// Where the copies lie, and what the victim says.
    room: Option<tempfile::TempDir>,
    pub base: PathBuf,
    pub promises: Promises,
    pub totals: Totals,
    work: &'static str,
    crashes: u64,
    /// Whether a power cut was not recovered from yet.
    power_cut: bool,
    story: Vec<String>,
}

impl Life {
    /// Begins with an empty folder where files are fast.
    pub fn begin(work: &'static str) -> Life {
        let room = tempfile::tempdir_in(fast_folder()).expect("a temporary folder");
        let base = room.path().join("now");
        Life {
            room: Some(room),
            base,
            promises: Promises::default(),
            totals: Totals::default(),
            work,
            crashes: 0,
            power_cut: false,
            story: Vec::new(),
        }
    }

    /// Begins with a folder that is not there yet.
    pub fn begin_at(base: PathBuf, work: &'static str) -> Life {
        let mut life = Life::begin(work);
        life.base = base;
        life
    }

    fn path(&self, name: &str) -> PathBuf {
        self.room.as_ref().expect("it lives").path().join(name)
    }

    pub fn is_spent(&self) -> bool {
        self.crashes >= CRASHES || self.promises.end() > ENTRIES
    }

    pub fn orders(&self) -> Orders {
        Orders {
            test: "writer_process",
            variables: vec![
                (victim::FOLDER, self.base.to_str().expect("a plain path").to_owned()),
                (victim::WORK, self.work.to_owned()),
            ],
            said: self.path("said"),
        }
    }

    /// Runs a victim, kills it, and takes note of what it promised.
    pub fn crash(&mut self, when: When) {
        self.story.push(format!("{when:?}"));
        let Ended { killed, said } = kill::kill(&self.orders(), when);
        self.promises.hear(&said);
        self.crashes += 1;
        *(if killed { &mut self.totals.kills } else { &mut self.totals.unharmed }) += 1;
        self.power_cut &= killed;
        if !self.power_cut {
            check::unrecovered(&self.base);
        }
    }

    /// Checks what the crash left, as it is and after power cuts, all on copies; sometimes goes on with one of those.
    pub fn check(&mut self, dice: &mut Dice) {
        if dice.one_in(5) {
            self.recover();
            return;
        }
        self.check_copy();
        for _ in 0..1 + dice.below(2) {
            self.cut_power(dice);
        }
    }

    fn cut_power(&mut self, dice: &mut Dice) {
        let (cut, copy) = (self.path("cut"), self.path("copy"));
        copy_folder(&self.base, &cut);
        let done = power::cut(&cut.join("log"), &self.promises, dice);
        if done.is_empty() {
            return fs::remove_dir_all(&cut).expect("our own folder");
        }
        self.totals.power_cuts += 1;
        self.story.push(format!("power cut: {done:?}"));
        copy_folder(&cut, &copy);
        self.check_at(&copy);
        if dice.one_in(4) {
            fs::remove_dir_all(&self.base).expect("our own folder");
            copy_folder(&cut, &self.base);
            self.power_cut = true;
        } else {
            self.story.pop();
        }
        fs::remove_dir_all(&cut).expect("our own folder");
    }

    /// Checks a copy of what the crash left.
    pub fn check_copy(&mut self) {
        let copy = self.path("copy");
        copy_folder(&self.base, &copy);
        self.check_at(&copy);
    }

    fn check_at(&mut self, copy: &Path) {
        let checked = check::recovered(copy, &self.promises);
        self.count(&checked);
        fs::remove_dir_all(copy).expect("our own folder");
    }

    /// Recovers in place: the next victim begins with a log that was closed cleanly.
    pub fn recover(&mut self) {
        self.story.push("recovered".into());
        self.power_cut = false;
        let checked = check::recovered(&self.base, &self.promises);
        self.count(&checked);
        self.promises.hear(&checked.said);
    }

    fn count(&mut self, checked: &check::Checked) {
        self.totals.recoveries += 1;
        self.totals.events += checked.events;
        self.totals.checkpoints += checked.checkpoints;
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let Some(room) = self.room.take() else { return };
        if std::thread::panicking() {
            let kept = (room.keep(), &self.base);
            eprintln!(
                "the crashes in {} (copies in {}) were {:#?}",
                kept.1.display(),
                kept.0.display(),
                self.story
            );
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("our own folder");
    for entry in fs::read_dir(from).into_iter().flatten() {
        let entry = entry.expect("a folder can be listed");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a file has a type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}
