//! The life of one folder: crashed, opened and checked, again and again.

use std::path::PathBuf;

use audit_log::verify::{Checks, Tail, VerifierKey, verify_log_with};
use audit_log::{ReadError, Sealed};

use crate::budget::fast_folder;
use crate::kill::{self, Orders, When};
use crate::victim::{self, Pair};

/// Crashes after which a folder is given up for a new one.
const CRASHES: i64 = 40;

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    kills: u64,
    unharmed: u64,
    recoveries: u64,
    /// Acknowledged events that were looked for.
    acknowledged: u64,
    /// Entries that were read back.
    entries: u64,
    pruned: u64,
    segments: u64,
}

impl Totals {
    pub fn add(&mut self, other: Totals) {
        self.kills += other.kills;
        self.unharmed += other.unharmed;
        self.recoveries += other.recoveries;
        self.acknowledged += other.acknowledged;
        self.entries += other.entries;
        self.pruned += other.pruned;
        self.segments += other.segments;
    }

    pub fn print(&self, what: &str, seed: u64) {
        println!(
            "crash totals: kills={} unharmed={} recoveries={} acknowledged-events-checked={} archived-entries-read={} \
             pruned-entries={} segments-verified={} ({what}; LODGE_CRASH_SEED={seed})",
            self.kills,
            self.unharmed,
            self.recoveries,
            self.acknowledged,
            self.entries,
            self.pruned,
            self.segments
        );
    }
}

/// A batch that was acknowledged.
#[derive(Clone, Copy, Debug)]
struct Promise {
    position: u64,
    first: u64,
    end: u64,
}

/// One folder and what was promised about it.
pub struct Life {
    folder: tempfile::TempDir,
    day: i64,
    promises: Vec<Promise>,
    pub totals: Totals,
}

impl Life {
    pub fn begin() -> Life {
        let folder = tempfile::tempdir_in(fast_folder()).unwrap();
        Life { folder, day: 0, promises: Vec::new(), totals: Totals::default() }
    }

    pub fn is_spent(&self) -> bool {
        self.day >= CRASHES
    }

    fn base(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What the next victim is told.
    pub fn orders(&self) -> Orders {
        let base = self.base();
        std::fs::create_dir_all(&base).unwrap();
        let variables =
            vec![(victim::FOLDER, base.display().to_string()), (victim::DAY, self.day.to_string())];
        Orders { test: "archive_process", variables, said: self.folder.path().join("said") }
    }

    /// Runs a victim on the next day, and kills it.
    pub fn crash(&mut self, when: When) {
        self.day += 1;
        let ended = kill::kill(&self.orders(), when);
        *(if ended.killed { &mut self.totals.kills } else { &mut self.totals.unharmed }) += 1;
        for line in ended.said.lines() {
            let numbers: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
            let [position, first, end] = numbers[..] else { panic!("{line}") };
            self.promises.push(Promise { position, first, end });
        }
    }

    /// Opens what the victim left, as the next server would, and holds it against what was promised.
    pub fn check(&mut self) {
        let pair = Pair::open(&self.base(), self.day);
        self.totals.recoveries += 1;
        let kept = pair.archive.catalog().first_kept(0).unwrap();
        let numbers = self.numbers(&pair, kept);
        for promise in &self.promises {
            for (position, number) in (promise.position..).zip(promise.first..promise.end) {
                self.totals.acknowledged += 1;
                let found = position.checked_sub(kept).map(|at| numbers[at as usize]);
                assert!(found.is_none_or(|found| found == Some(number)), "{promise:?}: {found:?}");
            }
        }
        let told: Vec<u64> = numbers.into_iter().flatten().collect();
        assert!(told.is_sorted_by(|before, after| before + 1 == *after), "a number is missing or double");
        let last = self.promises.iter().map(|promise| promise.end - 1).max();
        assert!(pair.log.last_seq(victim::SOURCE) >= last);
        self.totals.pruned = kept;
        self.verify(&pair);
        pair.log.shutdown();
    }

    /// The numbers of all entries from `kept` on, at their places; none where an entry is not a numbered one.
    fn numbers(&mut self, pair: &Pair, kept: u64) -> Vec<Option<u64>> {
        if kept > 0 {
            assert!(matches!(pair.log.read(0..kept), Err(ReadError::Pruned { .. })));
        }
        let mut numbers = Vec::new();
        while kept + (numbers.len() as u64) < pair.log.size() {
            let at = kept + numbers.len() as u64;
            let entries = pair.log.read(at..pair.log.size()).unwrap();
            assert_eq!(entries[0].position, at);
            numbers.extend(entries.iter().map(|entry| {
                let is_numbered = entry.leaf.source == victim::SOURCE;
                is_numbered.then_some(entry.leaf.seq)
            }));
        }
        self.totals.entries += pair.archive.catalog().end() - kept;
        numbers
    }

    fn verify(&mut self, pair: &Pair) {
        let tiles = |path: &str| pair.log.resource(path).map_err(std::io::Error::other);
        let checked = pair.archive.verify(Some(&tiles)).unwrap();
        assert_eq!(checked.problems, [], "{checked:?}");
        self.totals.segments += checked.segments;
        let key: VerifierKey = pair.log.verifier_key().parse().unwrap();
        let sealed = pair.log.sealed();
        let checks = Checks { earlier: Vec::new(), tail: Tail::BeingWritten, sealed: sealed.as_deref() };
        let report = verify_log_with(&self.base().join("log"), &key, &checks, &mut |_| {}).unwrap();
        assert!(report.damage.is_empty(), "{report:?}");
    }
}
