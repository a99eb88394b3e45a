//! Entries that leave the write-ahead log for an archive: nobody who reads can tell.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use audit_log::verify::{Checks, DamageKind, Report, Tail, verify_log, verify_log_with};
use audit_log::{AuditLog, Entry, LogConfig, OpenError, ReadError, ReleaseError, Sealed, evidence};
use proptest::prelude::*;

use crate::archive::Archive;
use crate::fixture::{Fixture, all, root_by_another_implementation, segments};

/// A log with an archive.
struct Bed {
    fixture: Fixture,
    archive: Arc<Archive>,
}

impl Bed {
    fn new() -> Bed {
        Bed { fixture: Fixture::new(), archive: Arc::default() }
    }

    fn try_open(&self) -> Result<AuditLog, OpenError> {
        self.fixture.open_with(LogConfig {
            segment_bytes: 20_000,
            sealed: Some(self.archive.clone()),
            ..self.fixture.config(&self.fixture.log_folder())
        })
    }

    fn open(&self) -> AuditLog {
        self.try_open().unwrap()
    }

    async fn append(&self, log: &AuditLog, count: u64) {
        let batch = (0..count).map(|number| (number, self.fixture.encoded(number))).collect();
        log.append_batch("kube", batch).await.unwrap();
    }

    /// A log of 1,200 entries of which as many as can be were released below 1,000.
    async fn released(&self) -> AuditLog {
        let log = self.open();
        for _ in 0..11 {
            self.append(&log, 109).await;
        }
        log.checkpoint_covering(log.size()).await.unwrap();
        self.archive.seal(&log, 1000);
        let released = log.release(u64::MAX).unwrap();
        assert!((768..=1000).contains(&released.begin) && released.bundles >= 3, "{released:?}");
        log
    }

    fn verify(&self, log: &AuditLog) -> Report {
        let key = log.verifier_key().parse().unwrap();
        let checks = Checks { sealed: Some(&*self.archive), tail: Tail::BeingWritten, ..Checks::default() };
        verify_log_with(&self.fixture.log_folder(), &key, &checks, &mut |_| ()).unwrap()
    }
}

fn bundle_path(index: u64) -> String {
    format!("tile/entries/{index:03}")
}

async fn follow(log: &AuditLog, from: u64) -> Vec<Entry> {
    let (mut follower, mut entries) = (log.follow(from), Vec::new());
    while follower.position() < log.size() {
        entries.extend(follower.next(333).await.unwrap());
    }
    entries
}

/// What happens to a log.
#[derive(Clone, Debug)]
enum Step {
    Append(u64),
    Seal(u8),
    Release(u8),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1u64..300).prop_map(Step::Append),
        2 => any::<u8>().prop_map(Step::Seal),
        2 => any::<u8>().prop_map(Step::Release),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..25)
}

async fn take(step: &Step, bed: &Bed, log: AuditLog, seals: bool) -> AuditLog {
    match step {
        Step::Append(count) => bed.append(&log, *count).await,
        Step::Seal(part) if seals => {
            let size = log.checkpoint_covering(log.size()).await.unwrap().size;
            bed.archive.seal(&log, size * u64::from(*part) / 255);
        }
        Step::Release(part) if seals => {
            log.release(log.size() * u64::from(*part) / 255).unwrap();
        }
        Step::Reopen => {
            log.shutdown();
            drop(log);
            return bed.open();
        }
        Step::Seal(_) | Step::Release(_) => {}
    }
    log
}

async fn check_twins(steps: &[Step]) {
    let (ours, theirs) = (Bed::new(), Bed::new());
    let (mut log, mut twin) = (ours.open(), theirs.open());
    for step in steps {
        log = take(step, &ours, log, true).await;
        twin = take(step, &theirs, twin, false).await;
    }
    let checkpoint = log.checkpoint_covering(log.size()).await.unwrap();
    assert_eq!(checkpoint, twin.checkpoint_covering(twin.size()).await.unwrap());
    let size = log.size();
    assert_eq!(all(&log), all(&twin));
    for from in [0, size / 3, size - 1] {
        assert_eq!(follow(&log, from).await, follow(&twin, from).await);
        assert_eq!(log.prove(from, size).unwrap(), twin.prove(from, size).unwrap());
        assert_eq!(log.consistency(from, size).unwrap(), twin.consistency(from, size).unwrap());
        let mut bundles = [Vec::new(), Vec::new()];
        for (source, out) in [&log, &twin].into_iter().zip(&mut bundles) {
            evidence::write(&mut source.clone(), from..size, &checkpoint, out).unwrap();
        }
        assert_eq!(bundles[0], bundles[1]);
    }
    for index in 0..=size / 256 {
        let path = bundle_path(index);
        assert_eq!(log.resource(&path).unwrap(), twin.resource(&path).unwrap(), "{path}");
    }
    for source in ["kube", "lodge/gate-1", "nobody"] {
        assert_eq!(log.last_seq(source), twin.last_seq(source));
    }
    let report = ours.verify(&log);
    assert!(report.is_intact(), "{:?}", report.damage);
    assert_eq!((report.entries, report.pruned), (size, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_log_that_was_sealed_and_released_is_like_one_that_was_not(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check_twins(&steps));
    }
}

#[tokio::test]
async fn only_whole_closed_segments_that_are_sealed_and_asked_for_go() {
    let bed = Bed::new();
    let log = bed.open();
    for _ in 0..10 {
        bed.append(&log, 60).await;
    }
    log.checkpoint_covering(log.size()).await.unwrap();
    let before = segments(&bed.fixture.log_folder());
    assert_eq!(log.release(u64::MAX).unwrap().segments, 0, "nothing is sealed");
    bed.archive.seal(&log, 200);
    assert_eq!(log.release(10).unwrap().segments, 0, "no segment ends there");
    let released = log.release(u64::MAX).unwrap();
    assert!(
        (1..=200).contains(&released.begin) && released.segments > 0 && released.bytes > 0,
        "{released:?}"
    );
    bed.archive.seal(&log, log.size());
    let released = log.release(u64::MAX).unwrap();
    let left = segments(&bed.fixture.log_folder());
    assert_eq!(left, before[before.len() - 1..], "the newest stays");
    assert_eq!(log.health().released, released.begin);
    assert_eq!(fs::read_dir(bed.fixture.log_folder().join("wal")).unwrap().count(), 1, "indexes go too");
    log.shutdown();
    assert!(matches!(log.release(u64::MAX), Err(ReleaseError::Closed)));
    assert!(matches!(Fixture::new().open().release(1), Err(ReleaseError::NoArchive)));
}

#[tokio::test]
async fn an_opening_asks_the_archive_for_less_than_a_bundle() {
    let bed = Bed::new();
    let log = bed.released().await;
    let begin = log.health().released;
    log.shutdown();
    drop(log);
    bed.archive.take_reads();
    fs::remove_file(bed.fixture.log_folder().join("tiles.synced")).unwrap();
    let log = bed.open();
    let reads = bed.archive.take_reads();
    assert!(reads.iter().all(|range| range.start >= begin - begin % 256), "{reads:?}");
    assert_eq!(root_by_another_implementation(&log, log.checkpoint().size), log.checkpoint().root.0);
}

#[tokio::test]
async fn lost_tiles_over_released_entries_are_written_again_from_the_archive() {
    let bed = Bed::new();
    let log = bed.released().await;
    log.shutdown();
    drop(log);
    let tile = bed.fixture.log_folder().join("tile/0/001");
    let kept = fs::read(&tile).unwrap();
    fs::write(&tile, [7; 8192]).unwrap();
    let log = bed.open();
    assert_eq!(fs::read(&tile).unwrap(), kept);
    assert!(!bed.fixture.log_folder().join(bundle_path(1)).exists(), "bundles of released entries stay away");
    assert!(bed.verify(&log).is_intact());
}

#[tokio::test]
async fn an_archive_that_is_not_the_logs_is_noticed_when_it_is_read() {
    let bed = Bed::new();
    let log = bed.released().await;
    log.shutdown();
    drop(log);
    fs::remove_file(bed.fixture.log_folder().join("tile/0/001")).unwrap();
    bed.archive.change(|entries| entries.swap(3, 4));
    assert!(matches!(bed.try_open(), Err(OpenError::Sealed(error)) if error.position == 3));
    bed.archive.change(|entries| {
        entries.swap(3, 4);
        entries[3].leaf[9] ^= 1;
    });
    assert!(matches!(bed.try_open(), Err(OpenError::Root { .. })));
}

#[tokio::test]
async fn a_gap_between_archive_and_segments_is_damage_and_named() {
    let bed = Bed::new();
    let log = bed.released().await;
    let begin = log.health().released;
    log.shutdown();
    drop(log);
    bed.archive.change(|entries| entries.truncate(700));
    match bed.try_open() {
        Err(OpenError::Damaged { position: 700, why, .. }) => assert!(why.contains("700"), "{why}"),
        other => panic!("{:?}", other.err()),
    }
    match bed.fixture.open_at(&bed.fixture.log_folder()) {
        Err(OpenError::Damaged { position: 0, why, .. }) => {
            assert!(why.contains(&begin.to_string()) && why.contains("archive"), "{why}");
        }
        other => panic!("{:?}", other.err()),
    }
}

fn empty(folder: &Path) {
    fs::remove_dir_all(folder).unwrap();
    fs::create_dir(folder).unwrap();
}

#[tokio::test]
async fn a_log_of_which_only_the_archive_is_left_goes_on_behind_it() {
    let bed = Bed::new();
    let log = bed.released().await;
    let wal = bed.fixture.log_folder().join("wal");
    log.shutdown();
    let size = log.size();
    empty(&wal);
    drop(log);
    assert!(matches!(bed.try_open(), Err(OpenError::RolledBack { size: 1000, published: 1200 })));

    let bed = Bed::new();
    let log = bed.released().await;
    bed.archive.seal(&log, size);
    let held = all(&log);
    let wal = bed.fixture.log_folder().join("wal");
    log.shutdown();
    empty(&wal);
    drop(log);
    bed.archive.take_reads();
    let log = bed.open();
    assert_eq!(bed.archive.take_reads()[0].start, 0, "all of it is checked against the checkpoint");
    let entries = all(&log);
    assert_eq!(entries[..held.len()], held);
    assert_eq!(entries.len(), held.len() + 1, "log.opened");
    assert_eq!(entries[held.len()].leaf.seq, 2, "the log's own sequence goes on");
    assert_eq!(segments(&bed.fixture.log_folder()), [wal.join(format!("{size:020}.wal"))]);
    log.checkpoint_covering(size + 1).await.unwrap();
    assert!(bed.verify(&log).is_intact());
    log.shutdown();
    drop(log);

    empty(&wal);
    bed.archive.change(|entries| entries[5].leaf[10] ^= 1);
    bed.archive.change(|entries| entries.truncate(size as usize));
    assert!(bed.try_open().is_err());
}

#[tokio::test]
async fn segments_that_end_before_the_archive_are_refused() {
    let bed = Bed::new();
    let log = bed.open();
    bed.append(&log, 50).await;
    log.checkpoint_covering(51).await.unwrap();
    let old = bed.fixture.snapshot("old");
    bed.append(&log, 50).await;
    bed.archive.seal(&log, 101);
    log.shutdown();
    let config = LogConfig { sealed: Some(bed.archive.clone()), ..bed.fixture.config(&old) };
    match bed.fixture.open_with(config) {
        Err(OpenError::BehindArchive { size: 51, sealed: 101 }) => {}
        other => panic!("{:?}", other.err()),
    }
}

#[tokio::test]
async fn pruned_entries_say_so_and_stay_proven() {
    let bed = Bed::new();
    let log = bed.released().await;
    let held = all(&log);
    let (size, checkpoint) = (log.size(), log.checkpoint());
    bed.archive.prune(0..400);
    for from in [0, 123, 399] {
        match log.read(from..size) {
            Err(ReadError::Pruned { from: first, to: 400 }) => assert_eq!(first, from),
            other => panic!("{other:?}"),
        }
        log.prove(from, size).unwrap();
    }
    assert_eq!(log.read(400..410).unwrap(), held[400..410]);
    assert_eq!(follow(&log, 7).await, held[400..], "a follower leaps");
    let exported = evidence::write(&mut log.clone(), 390..500, &checkpoint, &mut Vec::new());
    assert!(matches!(exported, Err(evidence::WriteError::Source { position: 390, .. })));
    assert_eq!(
        log.resource(&bundle_path(0)).unwrap().unwrap().len(),
        held[..256].iter().map(|entry| 2 + entry.leaf.encode().len()).sum::<usize>()
    );
    assert_eq!(log.last_seq("kube"), Some(108));

    let report = bed.verify(&log);
    assert!(report.is_intact(), "{:?}", report.damage);
    assert_eq!((report.entries, report.pruned), (size - 400, 400));
    bed.archive.change(|entries| entries[17].leaf[12] ^= 1);
    let report = bed.verify(&log);
    assert_eq!((report.damage[0].position, &report.damage[0].kind), (17, &DamageKind::ChangedLeaf));

    bed.archive.prune(400..1000);
    let begin = log.health().released;
    match log.read(800..size) {
        Err(ReadError::Pruned { from: 800, to }) => {
            assert_eq!(log.read(to.max(begin)..size).unwrap().len() as u64, size - to)
        }
        Ok(entries) => assert_eq!(entries[0].position, 800, "the segment still holds it"),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_read_stops_before_what_was_pruned() {
    let bed = Bed::new();
    let log = bed.released().await;
    bed.archive.prune(50..60);
    assert_eq!(log.read(40..100).unwrap().len(), 10);
    assert!(matches!(log.read(50..100), Err(ReadError::Pruned { from: 50, to: 60 })));
    assert_eq!(log.read(60..100).unwrap().len(), 40);
    assert_eq!(follow(&log, 40).await.len() as u64, log.size() - 50);
}

#[tokio::test]
async fn wrong_answers_of_an_archive_are_errors() {
    let bed = Bed::new();
    let log = bed.released().await;
    bed.archive.change(|entries| entries[20].position = 21);
    assert!(matches!(log.read(20..30), Err(ReadError::Sealed(error)) if error.position == 20));
    bed.archive.change(|entries| entries[30].leaf = vec![0; 600]);
    assert!(matches!(log.resource(&bundle_path(0)), Err(ReadError::Sealed(_))));
    assert!(matches!(log.read(30..31), Err(ReadError::Sealed(error)) if error.position == 30));
    bed.archive.change(|entries| entries[40].leaf = vec![9; 60]);
    assert!(matches!(log.read(40..41), Err(ReadError::Leaf { position: 40, .. })));
}

/// The border moves while a log is read: the archive holds what a segment held.
#[derive(Debug)]
struct Moving {
    archive: Arc<Archive>,
    release: std::sync::Mutex<Option<ReleaseNow>>,
}

struct ReleaseNow(AuditLog);

impl std::fmt::Debug for ReleaseNow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReleaseNow")
    }
}

impl Sealed for Moving {
    fn end(&self) -> u64 {
        self.archive.end()
    }

    fn read(
        &self,
        range: std::ops::Range<u64>,
    ) -> Result<Vec<audit_log::SealedEntry>, audit_log::SealedError> {
        if let Some(ReleaseNow(log)) = self.release.lock().unwrap().take() {
            log.release(u64::MAX).unwrap();
        }
        self.archive.read(range)
    }

    fn last_seq(&self, source: &str) -> Option<u64> {
        self.archive.last_seq(source)
    }

    fn last_time(&self) -> Option<event::Timestamp> {
        self.archive.last_time()
    }

    fn first_at(&self, time: event::Timestamp) -> Result<u64, audit_log::SealedError> {
        self.archive.first_at(time)
    }
}

#[tokio::test]
async fn a_release_in_the_middle_of_a_verification_is_no_damage() {
    let bed = Bed::new();
    let log = bed.open();
    for _ in 0..20 {
        bed.append(&log, 60).await;
    }
    log.checkpoint_covering(log.size()).await.unwrap();
    bed.archive.seal(&log, 400);
    assert!(log.release(u64::MAX).unwrap().segments > 0);
    bed.archive.seal(&log, 1100);
    let moving = Moving { archive: bed.archive.clone(), release: Some(ReleaseNow(log.clone())).into() };
    let key = log.verifier_key().parse().unwrap();
    let checks = Checks { sealed: Some(&moving), tail: Tail::BeingWritten, ..Checks::default() };
    let report = verify_log_with(&bed.fixture.log_folder(), &key, &checks, &mut |_| ()).unwrap();
    assert!(log.health().released > 600);
    assert!(report.is_intact(), "{:?}", report.damage);
    assert_eq!(report.entries, log.size());
}

#[tokio::test]
async fn a_verification_without_the_archive_says_what_is_missing() {
    let bed = Bed::new();
    let log = bed.released().await;
    log.shutdown();
    let key = log.verifier_key().parse().unwrap();
    let report = verify_log(&bed.fixture.log_folder(), &key, &mut |_| ()).unwrap();
    let missing = &report.damage[0];
    assert_eq!(
        (missing.position, missing.count, &missing.kind),
        (0, log.health().released, &DamageKind::Missing)
    );
    assert_eq!(report.damage_total, 1, "{:?}", report.damage);
    assert!(missing.to_string().contains("archive"));
}
