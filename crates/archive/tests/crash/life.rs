//! The life of one folder: crashed, opened and checked, again and again.

use std::path::{Path, PathBuf};

use audit_log::verify::{Checks, Tail, VerifierKey, verify_log_with};
use audit_log::{Entry, ReadError, Sealed};

use crate::budget::fast_folder;
use crate::kill::{self, Orders, When};
use crate::lives::{Life, Totals};
use crate::victim::{self, Pair};

/// Crashes after which a folder is given up for a new one.
const CRASHES: i64 = 40;

/// A batch that was acknowledged.
#[derive(Clone, Copy, Debug)]
struct Promise {
    position: u64,
    first: u64,
    end: u64,
}

/// One folder and what was promised about it.
pub struct ArchiveLife {
    folder: tempfile::TempDir,
    day: i64,
    promises: Vec<Promise>,
    totals: Totals,
}

impl Life for ArchiveLife {
    fn begin() -> ArchiveLife {
        let folder = tempfile::tempdir_in(fast_folder()).unwrap();
        ArchiveLife { folder, day: 0, promises: Vec::new(), totals: Totals::default() }
    }

    fn is_spent(&self) -> bool {
        self.day >= CRASHES
    }

    fn totals(&self) -> &Totals {
        &self.totals
    }

    fn orders(&self) -> Orders {
        let base = self.base();
        std::fs::create_dir_all(&base).unwrap();
        let variables =
            vec![(victim::FOLDER, base.display().to_string()), (victim::DAY, self.day.to_string())];
        Orders { test: "archive_process", variables, said: self.folder.path().join("said") }
    }

    fn crash(&mut self, when: When) {
        self.day += 1;
        let ended = kill::kill(&self.orders(), when);
        self.totals.count(if ended.killed { "kills" } else { "unharmed" }, 1);
        for line in ended.said.lines() {
            let numbers: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
            let [position, first, end] = numbers[..] else { panic!("{line}") };
            self.promises.push(Promise { position, first, end });
        }
    }

    fn check(&mut self) {
        let pair = Pair::open(&self.base(), self.day);
        self.totals.count("recoveries", 1);
        let kept = pair.archive.catalog().first_kept(0).unwrap();
        let numbers = self.numbers(&pair, kept);
        for promise in &self.promises {
            for (position, number) in (promise.position..).zip(promise.first..promise.end) {
                self.totals.count("acknowledged-events-checked", 1);
                let found = position.checked_sub(kept).map(|at| numbers[at as usize]);
                assert!(found.is_none_or(|found| found == Some(number)), "{promise:?}: {found:?}");
            }
        }
        let told: Vec<u64> = numbers.into_iter().flatten().collect();
        assert!(told.is_sorted_by(|before, after| before + 1 == *after), "a number is missing or double");
        let last = self.promises.iter().map(|promise| promise.end - 1).max();
        assert!(pair.log.last_seq(victim::SOURCE) >= last);
        self.totals.set("pruned-entries", kept);
        let segments = verify(&pair, &self.base());
        self.totals.count("segments-verified", segments);
        pair.log.shutdown();
    }
}

impl ArchiveLife {
    fn base(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The numbers of all entries from `kept` on, at their places; none where an entry is not a numbered one.
    fn numbers(&mut self, pair: &Pair, kept: u64) -> Vec<Option<u64>> {
        let mut numbers = Vec::new();
        each_entry(pair, kept, &mut |entry| {
            let is_numbered = entry.leaf.source == victim::SOURCE;
            numbers.push(is_numbered.then_some(entry.leaf.seq));
        });
        self.totals.count("archived-entries-read", pair.archive.catalog().end() - kept);
        numbers
    }
}

/// Reads every entry from `kept` on.
pub fn each_entry(pair: &Pair, kept: u64, take: &mut dyn FnMut(&Entry)) {
    if kept > 0 {
        assert!(matches!(pair.log.read(0..kept), Err(ReadError::Pruned { .. })));
    }
    let mut at = kept;
    while at < pair.log.size() {
        let entries = pair.log.read(at..pair.log.size()).unwrap();
        assert_eq!(entries[0].position, at);
        entries.iter().for_each(&mut *take);
        at += entries.len() as u64;
    }
}

/// Verifies archive and log; returns how many segments there are.
pub fn verify(pair: &Pair, base: &Path) -> u64 {
    let tiles = |path: &str| pair.log.resource(path).map_err(std::io::Error::other);
    let checked = pair.archive.verify(Some(&tiles)).unwrap();
    assert_eq!(checked.problems, [], "{checked:?}");
    let key: VerifierKey = pair.log.verifier_key().parse().unwrap();
    let sealed = pair.log.sealed();
    let checks = Checks { earlier: Vec::new(), tail: Tail::BeingWritten, sealed: sealed.as_deref() };
    let report = verify_log_with(&base.join("log"), &key, &checks, &mut |_| {}).unwrap();
    assert!(report.damage.is_empty(), "{report:?}");
    checked.segments
}
