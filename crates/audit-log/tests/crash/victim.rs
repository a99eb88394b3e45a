//! The victim: appends events and says what was acknowledged and published.
//!
//! Lines: `ack POSITION SHA256-OF-PAYLOAD` after each receipt, `checkpoint SIZE ROOT NOTE` (the note in hex) after each
//! newly published checkpoint that it looks at, `full` when the log refuses for want of space, `failed` when it failed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use audit_log::{AppendError, AuditLog, Checkpoint, LogConfig, OpenError};
use event::kinds::log::Overload;
use event::kinds::session::End;
use event::{Actor, Ambient, Clock, Detail, Event, SeededEntropy, Timestamp};
use sha2::{Digest, Sha256};
use store::vault::{RandomFill, Vault};

use crate::kill::Speaker;

pub const FOLDER: &str = "LODGE_CRASH_FOLDER";
pub const WORK: &str = "LODGE_CRASH_WORK";

/// Events that the victim appends one by one.
const EVENTS: u64 = 120;
/// Tasks that append them.
const CALLERS: u64 = 4;
/// Every so many, a task appends a batch as well.
const BATCH_EVERY: u64 = 12;
const BATCH: u64 = 30;
/// Every so many, a task asks for a checkpoint.
const CHECKPOINT_EVERY: u64 = 7;

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "a program of its own, and its log shall have true times")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::EPOCH.plus(since)
    }
}

pub fn ambient() -> Ambient {
    // Not secret, but another stream in every run: the signing key guards nothing here.
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed) << 32 | u64::from(std::process::id());
    let seed = SystemClock.now().as_micros().cast_unsigned() ^ run.rotate_left(20);
    Ambient::new(Arc::new(SystemClock), Arc::new(SeededEntropy::new(seed)))
}

/// How the log below `base` is kept: segments so small that a short run crosses every kind of moment.
pub fn config(base: &Path) -> LogConfig {
    LogConfig {
        source: "lodge/gate-1".into(),
        segment_bytes: 24 << 10,
        ballast_bytes: 64 << 10,
        reserve_bytes: 0,
        ..LogConfig::new(base.join("log"), "lodge.example.com/log")
    }
}

/// Opens the log below `base`; the master key of its vault lies there too.
pub fn open(base: &Path, ambient: &Ambient) -> Result<AuditLog, OpenError> {
    open_with(config(base), base, ambient)
}

pub fn open_with(config: LogConfig, base: &Path, ambient: &Ambient) -> Result<AuditLog, OpenError> {
    std::fs::create_dir_all(base).expect("the folder can be made");
    let random = ambient.clone();
    let random: RandomFill = Arc::new(move |bytes: &mut [u8]| random.fill(bytes));
    let vault = Vault::open(&base.join("master.key"), &random).unwrap_or_else(|error| panic!("{error:?}"));
    AuditLog::open(config, &vault, ambient.clone())
}

pub fn event(ambient: &Ambient, number: u64, length: usize) -> Event {
    let detail = Detail::LogOverload(Overload { refused: number, queued_bytes: 0 });
    let mut event = Event::new(ambient, Actor::system("victim"), detail);
    event.raw = Some("x".repeat(length));
    event
}

/// An event that ends something.
fn closing(ambient: &Ambient, number: u64, length: usize) -> Event {
    let end = End {
        duration_ms: number,
        bytes_in: 0,
        bytes_out: 0,
        recording_root: None,
        ended_by: "client".into(),
    };
    let mut event = Event::new(ambient, Actor::system("victim"), Detail::SessionEnd(end));
    event.raw = Some("x".repeat(length));
    event
}

pub fn hash(payload: &[u8]) -> [u8; 32] {
    Sha256::digest(payload).into()
}

pub fn ack(position: u64, payload: &[u8]) -> String {
    format!("ack {position} {}", audit_log::Hash(hash(payload)))
}

pub fn published(checkpoint: &Checkpoint) -> String {
    let note: String = checkpoint.note.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("checkpoint {} {} {note}", checkpoint.size, checkpoint.root)
}

/// Appends events of all sorts, then closes the log.
pub async fn mixed(log: AuditLog, ambient: Ambient, speaker: Speaker) {
    let speaker = std::rc::Rc::new(std::cell::RefCell::new(speaker));
    let next = std::rc::Rc::new(std::cell::Cell::new(0));
    let tasks = tokio::task::LocalSet::new();
    for _ in 0..CALLERS {
        let (log, ambient, speaker, next) = (log.clone(), ambient.clone(), speaker.clone(), next.clone());
        tasks.spawn_local(async move {
            loop {
                let number: u64 = next.replace(next.get() + 1);
                if number >= EVENTS {
                    return;
                }
                one(&log, &ambient, number, &speaker).await;
            }
        });
    }
    tasks.await;
    log.shutdown();
    speaker.borrow_mut().say(&published(&log.checkpoint()));
}

async fn one(log: &AuditLog, ambient: &Ambient, number: u64, speaker: &std::cell::RefCell<Speaker>) {
    let event = event(ambient, number, (number * 37 % 900) as usize);
    let receipt = log.append(&event).await.unwrap_or_else(|error| panic!("{error}"));
    speaker.borrow_mut().say(&ack(receipt.position(), event.encode().as_bytes()));
    if number % BATCH_EVERY == 5 {
        let batch: Vec<_> = (0..BATCH).map(|seq| (number * BATCH + seq, event.encode())).collect();
        let payloads: Vec<_> = batch.iter().map(|(_, event)| event.as_bytes().to_vec()).collect();
        let receipt = log.append_batch("auditd/web-1", batch).await.unwrap_or_else(|error| panic!("{error}"));
        let lines: Vec<_> =
            (receipt.first()..).zip(&payloads).map(|(at, payload)| ack(at, payload)).collect();
        speaker.borrow_mut().say(&lines.join("\n"));
    }
    if number % CHECKPOINT_EVERY == 3 {
        let checkpoint = log.checkpoint_covering(log.size()).await.unwrap_or_else(|error| panic!("{error}"));
        speaker.borrow_mut().say(&published(&checkpoint));
    }
}

/// Fills the disk: appends until the log refuses, then goes on with closing events until those are refused too.
pub async fn fill(log: AuditLog, ambient: Ambient, mut speaker: Speaker) {
    let mut refused = 0;
    for number in 0..5000 {
        let length = if number % 5 == 0 { 30_000 } else { 700 };
        let event =
            if refused == 0 { event(&ambient, number, length) } else { closing(&ambient, number, length) };
        match log.append(&event).await {
            Ok(receipt) => speaker.say(&ack(receipt.position(), event.encode().as_bytes())),
            Err(AppendError::Full(_)) if refused == 20 => break,
            Err(AppendError::Full(_)) => {
                speaker.say("full");
                refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
        if number % 40 == 0 {
            speaker.say(&published(&log.checkpoint()));
        }
    }
    log.shutdown();
    speaker.say(&published(&log.checkpoint()));
}

/// Appends until the log fails, and a while longer; then closes it.
pub async fn until_failed(log: AuditLog, ambient: Ambient, mut speaker: Speaker) {
    let mut failed = 0;
    for number in 0..EVENTS {
        let event = event(&ambient, number, (number * 37 % 900) as usize);
        match log.append(&event).await {
            Ok(receipt) => speaker.say(&ack(receipt.position(), event.encode().as_bytes())),
            Err(AppendError::Failed(_)) if failed == 20 => break,
            Err(AppendError::Failed(_)) => {
                speaker.say("failed");
                failed += 1;
            }
            Err(error) => panic!("{error}"),
        }
        if number % CHECKPOINT_EVERY == 3 {
            // Fails where the log did.
            drop(log.checkpoint_covering(log.size()).await);
        }
    }
    log.shutdown();
}
