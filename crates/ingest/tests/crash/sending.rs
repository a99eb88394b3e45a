//! The life of one folder that files are sent to: crashed, opened and checked, again and again.

use std::collections::BTreeMap;
use std::path::PathBuf;

use audit_log::Sealed;

use crate::budget::fast_folder;
use crate::files;
use crate::kill::{self, Orders, When};
use crate::life::{each_entry, verify};
use crate::lives::{Life, Totals};
use crate::victim::{self, Pair};

/// Crashes after which a folder is given up for a new one.
const CRASHES: i64 = 30;

/// One folder and what was acknowledged of each file.
pub struct SendingLife {
    folder: tempfile::TempDir,
    day: i64,
    acknowledged: BTreeMap<u64, u64>,
    totals: Totals,
}

impl Life for SendingLife {
    fn begin() -> SendingLife {
        let folder = tempfile::tempdir_in(fast_folder()).unwrap();
        SendingLife { folder, day: 0, acknowledged: BTreeMap::new(), totals: Totals::default() }
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
        Orders { test: "ingesting_process", variables, said: self.folder.path().join("said") }
    }

    fn crash(&mut self, when: When) {
        self.day += 1;
        let ended = kill::kill(&self.orders(), when);
        self.totals.count(if ended.killed { "kills" } else { "unharmed" }, 1);
        for line in ended.said.lines() {
            let numbers: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
            let [file, taken] = numbers[..] else { panic!("{line}") };
            let most = self.acknowledged.entry(file).or_default();
            *most = taken.max(*most);
        }
    }

    fn check(&mut self) {
        let pair = Pair::open(&self.base(), self.day);
        self.totals.count("recoveries", 1);
        let kept = pair.archive.catalog().first_kept(0).unwrap();
        let mut seqs: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        each_entry(&pair, kept, &mut |entry| {
            seqs.entry(entry.leaf.source.clone()).or_default().push(entry.leaf.seq);
        });
        let files = self.acknowledged.keys().next_back().map_or(0, |last| last + 1);
        // Files follow one another in the log, so what retention dropped ends within the first of which anything is left.
        let mut is_cut = kept > 0;
        // One more may have been begun without an answer.
        for file in 0..=files {
            let found = seqs.get(&files::source(file)).map_or(&[][..], Vec::as_slice);
            self.check_file(file, found, &pair, is_cut);
            is_cut &= found.is_empty();
        }
        let segments = verify(&pair, &self.base());
        self.totals.count("segments-verified", segments);
        self.totals.set("pruned-entries", kept);
        pair.log.shutdown();
    }
}

impl SendingLife {
    fn base(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Every line up to where the log stands is there once, in order, but for the first ones where these were dropped.
    fn check_file(&mut self, file: u64, found: &[u64], pair: &Pair, is_cut: bool) {
        let ends = files::ends(&files::content(file));
        let stands = pair.log.last_seq(&files::source(file)).unwrap_or(0);
        let acknowledged = self.acknowledged.get(&file).copied().unwrap_or(0);
        let last_acknowledged = ends.iter().rev().find(|end| **end <= acknowledged);
        assert!(last_acknowledged.is_none_or(|end| stands >= *end), "{file}: {stands} of {acknowledged}");
        let taken: Vec<u64> = ends.into_iter().filter(|end| *end <= stands).collect();
        assert!(taken.ends_with(found), "file {file} has {found:?} of {taken:?}");
        assert!(is_cut || found.len() == taken.len(), "file {file} has {found:?} of {taken:?}");
        self.totals.count("records-checked", found.len() as u64);
    }
}
