//! A log in a temporary folder, with a clock that the test moves.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit_log::{AuditLog, LogConfig, OpenError};
use event::kinds::audit::Proved;
use event::kinds::log::Overload;
use event::kinds::session::End;
use event::kinds::user::Login;
use event::{Actor, Ambient, Detail, EncodedEvent, Event, ManualClock, Record, Timestamp};
use store::vault::Vault;

pub const START: i64 = 1_764_000_000_000_000;

pub struct Fixture {
    pub folder: tempfile::TempDir,
    pub ambient: Ambient,
    pub clock: Arc<ManualClock>,
}

impl Fixture {
    pub fn new() -> Fixture {
        let (ambient, clock) = Ambient::fixed(Timestamp::from_micros(START), 1);
        Fixture { folder: tempfile::tempdir().unwrap(), ambient, clock }
    }

    pub fn log_folder(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub fn config(&self, folder: &Path) -> LogConfig {
        LogConfig {
            source: "lodge/gate-1".into(),
            reserve_bytes: 0,
            ballast_bytes: 4096,
            segment_bytes: 64 << 10,
            ..LogConfig::new(folder, "lodge.example.com/log")
        }
    }

    pub fn open_at(&self, folder: &Path) -> Result<AuditLog, OpenError> {
        self.open_with(self.config(folder))
    }

    pub fn open_with(&self, config: LogConfig) -> Result<AuditLog, OpenError> {
        AuditLog::open(config, &self.vault(), self.ambient.clone())
    }

    pub fn open(&self) -> AuditLog {
        self.open_at(&self.log_folder()).unwrap()
    }

    pub fn vault(&self) -> Vault {
        let ambient = self.ambient.clone();
        let random: store::vault::RandomFill = Arc::new(move |bytes: &mut [u8]| ambient.fill(bytes));
        Vault::open(&self.folder.path().join("master.key"), &random).unwrap()
    }

    /// An event that is easily told from others.
    pub fn event(&self, number: u64) -> Event {
        let detail = Detail::LogOverload(Overload { refused: number, queued_bytes: 0 });
        Event::new(&self.ambient, Actor::human("alice"), detail)
    }

    /// An event that ends something, and is taken while there is any room.
    pub fn closing(&self, number: u64) -> Event {
        let end = End {
            duration_ms: number,
            bytes_in: 0,
            bytes_out: 0,
            recording_root: None,
            ended_by: "client".into(),
        };
        Event::new(&self.ambient, Actor::human("alice"), Detail::SessionEnd(end))
    }

    /// An event that says that somebody read the log.
    pub fn reading(&self, number: u64) -> Event {
        let proved = Proved { event: self.ambient.event_id(), position: number, tree_size: number + 1 };
        Event::new(&self.ambient, Actor::human("alice"), Detail::AuditProved(proved))
    }

    /// An event that says that a stranger did not get in.
    pub fn entering(&self) -> Event {
        let login = Login {
            user: "mallory".into(),
            method: "password+totp".into(),
            login: None,
            expires: None,
            means: "certificates".into(),
        };
        Event::new(&self.ambient, Actor::unknown("mallory"), Detail::UserLogin(login))
            .failed("wrong password")
    }

    pub fn encoded(&self, number: u64) -> EncodedEvent {
        self.event(number).encode()
    }

    /// A copy of the log's folder, as a crash at this moment would leave it.
    pub fn snapshot(&self, name: &str) -> PathBuf {
        let copy = self.folder.path().join(name);
        copy_folder(&self.log_folder(), &copy);
        copy
    }
}

pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Paths of a log's segments in order.
pub fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("wal")).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "wal")).collect();
    paths.sort();
    paths
}

/// Kinds of all entries.
pub fn kinds(log: &AuditLog) -> Vec<String> {
    all(log).iter().map(|entry| Record::parse(&entry.payload).unwrap().body.kind).collect()
}

/// Details of all entries of a kind.
pub fn details(log: &AuditLog, kind: &str) -> Vec<serde_json::Value> {
    let records = all(log).into_iter().map(|entry| Record::parse(&entry.payload).unwrap());
    records.filter(|record| record.body.kind == kind).map(|record| record.body.detail).collect()
}

/// All entries.
pub fn all(log: &AuditLog) -> Vec<audit_log::Entry> {
    let mut entries = Vec::new();
    while (entries.len() as u64) < log.size() {
        entries.extend(log.read(entries.len() as u64..log.size()).unwrap());
    }
    entries
}

/// The root over the leaves of the first `size` entries, computed by another implementation.
pub fn root_by_another_implementation(log: &AuditLog, size: u64) -> [u8; 32] {
    let mut tree = ct_merkle::mem_backed_tree::MemoryBackedTree::<sha2::Sha256, Vec<u8>>::new();
    all(log).iter().take(size as usize).for_each(|entry| tree.push(entry.leaf.encode()));
    (*tree.root().as_bytes()).into()
}
