//! A log with an archive beside it, in a temporary folder, with a clock that the test moves.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use archive::{Archive, ArchiveConfig, ArchiveError, Catalog, Storage};
use audit_log::{AuditLog, LogConfig};
use event::kinds::log::Overload;
use event::{Actor, Ambient, Detail, EncodedEvent, Event, ManualClock, Timestamp};
use store::objects::{DiskObjects, RemoveObjects};
use store::vault::Vault;

pub const ORIGIN: &str = "lodge.example.com/log";
const START: i64 = 1_764_000_000_000_000;

pub struct Fixture {
    pub folder: tempfile::TempDir,
    pub ambient: Ambient,
    pub clock: Arc<ManualClock>,
    pub config: ArchiveConfig,
}

/// A log and its archive, both open.
pub struct Pair {
    pub archive: Arc<Archive>,
    pub log: AuditLog,
}

impl Fixture {
    pub fn new() -> Fixture {
        let (ambient, clock) = Ambient::fixed(Timestamp::from_micros(START), 1);
        let config =
            ArchiveConfig { segment_rows: 300, linger: Duration::ZERO, ..ArchiveConfig::new(ORIGIN) };
        Fixture { folder: tempfile::tempdir().unwrap(), ambient, clock, config }
    }

    pub fn archive_folder(&self) -> PathBuf {
        self.folder.path().join("archive")
    }

    pub fn log_folder(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub fn objects(&self) -> Arc<DiskObjects> {
        Arc::new(DiskObjects::open(&self.archive_folder()).unwrap())
    }

    pub fn open(&self) -> Pair {
        self.open_on(self.objects()).unwrap()
    }

    pub fn open_on(&self, objects: Arc<dyn RemoveObjects>) -> Result<Pair, ArchiveError> {
        let archive = Archive::open(Storage::of(objects), self.config.clone(), self.ambient.clone())?;
        let log = self.open_log(archive.catalog());
        Ok(Pair { archive, log })
    }

    pub fn open_log(&self, catalog: Arc<Catalog>) -> AuditLog {
        let config = LogConfig {
            source: "lodge/gate-1".into(),
            reserve_bytes: 0,
            ballast_bytes: 4096,
            segment_bytes: 16 << 10,
            sealed: Some(catalog),
            ..LogConfig::new(self.log_folder(), ORIGIN)
        };
        let ambient = self.ambient.clone();
        let random: store::vault::RandomFill = Arc::new(move |bytes: &mut [u8]| ambient.fill(bytes));
        let vault = Vault::open(&self.folder.path().join("master.key"), &random).unwrap();
        AuditLog::open(config, &vault, self.ambient.clone()).unwrap()
    }

    /// The bytes of an event that is easily told from others.
    pub fn event(&self, number: u64) -> EncodedEvent {
        let detail = Detail::LogOverload(Overload { refused: number, queued_bytes: 0 });
        Event::new(&self.ambient, Actor::human("alice"), detail).encode()
    }

    /// Moves the clock.
    pub fn pass(&self, days: u64) {
        self.clock.advance(Duration::from_secs(days * 24 * 3600));
    }
}

impl Pair {
    /// Appends events numbered from `first` on, and waits until a checkpoint covers them.
    pub fn append(&self, fixture: &Fixture, numbers: std::ops::Range<u64>) {
        let batch = numbers.map(|number| (number, fixture.event(number))).collect();
        let work = async {
            self.log.append_batch("file/test", batch).await.unwrap();
            self.log.checkpoint_covering(self.log.size()).await.unwrap();
        };
        runtime().block_on(work);
    }

    /// Everything that the log holds, read to its end: position and payload.
    pub fn everything(&self) -> Vec<(u64, Vec<u8>)> {
        read_all(&self.log, 0)
    }

    /// Ends both.
    pub fn close(self) {
        self.log.shutdown();
    }
}

pub fn read_all(log: &AuditLog, from: u64) -> Vec<(u64, Vec<u8>)> {
    let mut found = Vec::new();
    let mut at = from;
    while at < log.size() {
        for entry in log.read(at..log.size()).unwrap() {
            assert_eq!(entry.position, at);
            found.push((at, entry.payload));
            at += 1;
        }
    }
    found
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Numbers of the test's own events among payloads, in order.
pub fn numbers(entries: &[(u64, Vec<u8>)]) -> Vec<u64> {
    let number = |payload: &[u8]| {
        let event: serde_json::Value = serde_json::from_slice(payload).unwrap();
        let is_ours = event["actor"]["user"] == "alice";
        is_ours.then(|| event["detail"]["refused"].as_u64().unwrap())
    };
    entries.iter().filter_map(|(_, payload)| number(payload)).collect()
}
