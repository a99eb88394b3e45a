//! The victim: appends numbered events while its archive seals, merges and drops, and says which were acknowledged.
//!
//! Lines: `ack POSITION FIRST END` after each batch: the events with these numbers stand from this position on. Every run is
//! days after the one before, so that retention always finds something.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use archive::{Archive, ArchiveConfig, Storage};
use audit_log::{AuditLog, LogConfig, Sealed};
use event::kinds::log::Overload;
use event::{Actor, Ambient, Clock, Detail, Event, SeededEntropy, Timestamp};
use store::objects::DiskObjects;
use store::vault::{RandomFill, Vault};

use crate::kill::Speaker;

pub const FOLDER: &str = "LODGE_CRASH_FOLDER";
pub const DAY: &str = "LODGE_CRASH_DAY";
pub const ORIGIN: &str = "lodge.example.com/log";
/// The source of the numbered events.
pub const SOURCE: &str = "file/test";

const SEGMENT_ROWS: u64 = 60;
const BATCHES: u64 = 12;
const BATCH: u64 = 20;
/// How much later each run is.
const DAYS: i64 = 4;
const SECONDS_OF_A_DAY: i64 = 24 * 3600;
/// Dropped when so old: after some runs, of which one may have been killed before it did anything.
const RETENTION: Duration = Duration::from_secs(20 * 24 * 3600);
/// 2026-01-01.
const START: i64 = 1_767_225_600;

/// A clock that goes on by a millisecond at each look, from the day that it was given.
struct DayClock(AtomicI64);

impl Clock for DayClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1000, Ordering::Relaxed))
    }
}

/// The day that the harness has named.
pub fn day() -> i64 {
    std::env::var(DAY).unwrap().parse().unwrap()
}

/// A log and its archive, both open.
pub struct Pair {
    pub archive: Arc<Archive>,
    pub log: AuditLog,
    pub ambient: Ambient,
}

impl Pair {
    /// Opens both as a server does: segments so small that a short run crosses every kind of moment.
    pub fn open(base: &Path, day: i64) -> Pair {
        let clock = DayClock(AtomicI64::new((START + day * DAYS * SECONDS_OF_A_DAY) * 1_000_000));
        let ambient = Ambient::new(Arc::new(clock), Arc::new(SeededEntropy::new(day.cast_unsigned())));
        let config = ArchiveConfig {
            segment_rows: SEGMENT_ROWS,
            merged_rows: 250,
            retention: Some(RETENTION),
            linger: Duration::ZERO,
            ..ArchiveConfig::new(ORIGIN)
        };
        let objects = DiskObjects::open(&base.join("archive")).unwrap();
        let archive = Archive::open(Storage::of(Arc::new(objects)), config, ambient.clone());
        let archive = archive.unwrap_or_else(|error| panic!("{error:?}"));
        let random = ambient.clone();
        let random: RandomFill = Arc::new(move |bytes: &mut [u8]| random.fill(bytes));
        let vault = Vault::open(&base.join("master.key"), &random).unwrap();
        let config = LogConfig {
            segment_bytes: 12 << 10,
            ballast_bytes: 16 << 10,
            reserve_bytes: 0,
            sealed: Some(archive.catalog()),
            ..LogConfig::new(base.join("log"), ORIGIN)
        };
        let log = AuditLog::open(config, &vault, ambient.clone()).unwrap_or_else(|error| panic!("{error:?}"));
        Pair { archive, log, ambient }
    }

    /// Waits until less than a segment is left to be sealed.
    pub fn wait_for_sealing(&self) {
        while self.archive.catalog().end() + SEGMENT_ROWS <= self.log.size() {
            assert_eq!(self.archive.failure(), None);
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn event(&self, number: u64) -> Event {
        let detail = Detail::LogOverload(Overload { refused: number, queued_bytes: 0 });
        Event::new(&self.ambient, Actor::system("victim"), detail)
    }
}

/// Goes on where the log ends, then closes it.
pub fn work(base: &Path, day: i64, mut speaker: Speaker) {
    let pair = Pair::open(base, day);
    let mut sealer = pair.archive.start(&pair.log).unwrap_or_else(|error| panic!("{error:?}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for _ in 0..BATCHES {
        let first = pair.log.last_seq(SOURCE).map_or(0, |last| last + 1);
        let batch = (first..first + BATCH).map(|number| (number, pair.event(number).encode())).collect();
        let receipt = runtime.block_on(pair.log.append_batch(SOURCE, batch)).unwrap();
        speaker.say(&format!("ack {} {first} {}", receipt.first(), first + BATCH));
        runtime.block_on(pair.log.append(&pair.event(0))).unwrap();
    }
    runtime.block_on(pair.log.checkpoint_covering(pair.log.size())).unwrap();
    pair.wait_for_sealing();
    sealer.stop();
    assert_eq!(pair.archive.failure(), None);
    drop(sealer);
    pair.archive.maintain(&pair.log).unwrap_or_else(|error| panic!("{error:?}"));
    pair.log.shutdown();
}
