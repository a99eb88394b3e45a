//! Every record once: batches sent twice, early, at the wrong place, before and after the log was opened again.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::path::Path;
use std::sync::Arc;

use audit_log::{AuditLog, LogConfig};
use event::{Actor, Ambient, Author, Entropy, Record, SeededEntropy, Timestamp};
use ingest::{Batch, Ingest, IngestError, Taken};
use sha2::{Digest, Sha256};
use store::tables::{Sqlite, Tables};
use store::vault::{RandomFill, Vault};

const BEGINNING: &str = "0123456789abcdef0123456789abcdef";

struct Bed {
    log: AuditLog,
    ingest: Ingest,
}

impl Bed {
    fn open(folder: &Path) -> Bed {
        let (ambient, _) = Ambient::fixed(Timestamp::from_micros(1_773_500_966_000_000), 7);
        let fill: RandomFill = Arc::new(|bytes: &mut [u8]| SeededEntropy::new(1).fill(bytes));
        let vault = Vault::open(&folder.join("key"), &fill).unwrap();
        let log =
            AuditLog::open(LogConfig::new(folder.join("log"), "lodge.test/log"), &vault, ambient.clone())
                .unwrap();
        let tables: Arc<dyn Tables> = Arc::new(Sqlite::open(&folder.join("state.db")).unwrap());
        let ingest = Ingest::new(log.clone(), tables, ambient);
        Bed { log, ingest }
    }

    /// Sends `content[from..to]` of a file whose content is `content`.
    async fn send(&self, content: &[u8], from: usize, to: usize, run: &str) -> Result<Taken, IngestError> {
        self.post(batch(content, from, to, run), &content[from..to]).await
    }

    async fn post(&self, batch: Batch, body: &[u8]) -> Result<Taken, IngestError> {
        let room = self.ingest.room(&batch).await?;
        self.ingest.take(batch, body.to_vec(), reporter(), room).await
    }

    /// Kinds in the log beside its opening.
    fn kinds(&self) -> Vec<String> {
        let records = self.log.read(0..self.log.size()).unwrap();
        let kinds = records.iter().map(|entry| Record::parse(&entry.payload).unwrap().kind().to_owned());
        kinds.filter(|kind| !kind.starts_with("log.")).collect()
    }

    /// What the records said, in the order of the log.
    fn numbers(&self) -> Vec<u64> {
        let records = self.log.read(0..self.log.size()).unwrap();
        let detail =
            |entry: &audit_log::Entry| Record::parse(&entry.payload).unwrap().body.detail["n"].as_u64();
        records.iter().filter_map(detail).collect()
    }

    async fn taken(&self) -> Vec<(String, u64)> {
        let held = self.ingest.holdings("ndjson", "prod", BEGINNING).await.unwrap();
        held.into_iter().map(|held| (held.identity, held.taken)).collect()
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn batch(content: &[u8], from: usize, to: usize, run: &str) -> Batch {
    Batch {
        source: "ndjson".to_owned(),
        name: "prod".to_owned(),
        identity: BEGINNING.to_owned(),
        file: "/var/log/a".to_owned(),
        run: run.to_owned(),
        offset: from as u64,
        end: to as u64,
        line: 1,
        before: sha256(&content[..from]),
        after: sha256(&content[..to]),
        last: false,
        cut: None,
    }
}

fn reporter() -> Author {
    Author::of(Actor::human("alice"), None)
}

/// Ten lines of eight bytes.
fn content() -> Vec<u8> {
    (0..10).flat_map(|n| format!("{{\"n\":{n}}}\n").into_bytes()).collect()
}

#[tokio::test]
async fn a_batch_that_is_sent_twice_is_taken_once() {
    let folder = tempfile::tempdir().unwrap();
    let bed = Bed::open(folder.path());
    let content = content();
    let first = bed.send(&content, 0, 24, "r1").await.unwrap();
    assert_eq!((first.taken, first.events, first.rejected), (24, 3, 0));
    let again = bed.send(&content, 0, 24, "r1").await.unwrap();
    assert_eq!((again.taken, again.events), (24, 0));
    bed.send(&content, 24, 80, "r1").await.unwrap();
    assert_eq!(bed.send(&content, 0, 24, "r1").await.unwrap().taken, 80);
    assert_eq!(bed.numbers(), (0..10).collect::<Vec<_>>());
    assert_eq!(bed.kinds().iter().filter(|kind| *kind == "source.connected").count(), 1);
    assert_eq!(bed.taken().await, [(BEGINNING.to_owned(), 80)]);
}

#[tokio::test]
async fn batches_that_come_early_wait_for_their_turn() {
    let folder = tempfile::tempdir().unwrap();
    let bed = Bed::open(folder.path());
    let content = content();
    let parts = [(56, 80), (24, 56), (0, 24)].map(|(from, to)| bed.send(&content, from, to, "r1"));
    for taken in futures::future::join_all(parts).await {
        taken.unwrap();
    }
    assert_eq!(bed.numbers(), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn another_sending_goes_on_where_the_log_stands_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let content = content();
    {
        let bed = Bed::open(folder.path());
        bed.send(&content, 0, 24, "r1").await.unwrap();
        let elsewhere = bed.send(&content, 0, 32, "r2").await.unwrap_err();
        assert!(matches!(elsewhere, IngestError::Place { stands: 24, offset: 0 }), "{elsewhere}");
        bed.log.shutdown();
    }
    let bed = Bed::open(folder.path());
    assert_eq!(bed.taken().await, [(BEGINNING.to_owned(), 24)]);
    // The answer to this one was lost with the server: its sending is recognised after the restart too.
    assert_eq!(bed.send(&content, 0, 24, "r1").await.unwrap().events, 0);
    assert_eq!(bed.send(&content, 16, 32, "r1").await.unwrap().events, 1);
    bed.send(&content, 32, 80, "r2").await.unwrap();
    assert_eq!(bed.numbers(), (0..10).collect::<Vec<_>>());
    assert_eq!(bed.kinds().iter().filter(|kind| *kind == "source.connected").count(), 2);
}

#[tokio::test]
async fn a_file_that_was_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bed = Bed::open(folder.path());
    let mut content = content();
    bed.send(&content, 0, 24, "r1").await.unwrap();
    content[5] = b'9';
    let refused = bed.send(&content, 24, 80, "r2").await.unwrap_err();
    assert!(matches!(refused, IngestError::Content { offset: 24 }), "{refused}");
    assert_eq!(bed.numbers(), [0, 1, 2]);
}

#[tokio::test]
async fn what_the_log_lost_is_a_gap_and_is_taken_again() {
    let folder = tempfile::tempdir().unwrap();
    let content = content();
    {
        let bed = Bed::open(folder.path());
        let mut batch = batch(&content, 0, 24, "r1");
        batch.last = true;
        bed.post(batch, &content[..24]).await.unwrap();
        bed.log.shutdown();
    }
    // The log is an older copy, and the notes are not.
    std::fs::remove_dir_all(folder.path().join("log")).unwrap();
    let bed = Bed::open(folder.path());
    bed.send(&content, 0, 80, "r2").await.unwrap();
    assert_eq!(bed.numbers(), (0..10).collect::<Vec<_>>());
    assert_eq!(bed.kinds()[0], "source.gap");
}

#[tokio::test]
async fn a_batch_that_lies_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bed = Bed::open(folder.path());
    let content = content();
    let good = || batch(&content, 0, 24, "r1");
    let bad = [
        Batch { end: 25, ..good() },
        Batch { offset: 25, ..good() },
        Batch { identity: "x".to_owned(), ..good() },
        Batch { identity: format!("{BEGINNING}-1"), ..good() },
        Batch { identity: format!("{BEGINNING}-02"), ..good() },
        Batch { identity: format!("{BEGINNING}/../y"), ..good() },
        Batch { name: "a/b".to_owned(), ..good() },
        Batch { name: String::new(), ..good() },
        Batch { run: "\n".to_owned(), ..good() },
        Batch { file: String::new(), ..good() },
        Batch { before: "0".to_owned(), ..good() },
        Batch { line: 0, ..good() },
        Batch { cut: Some(3), ..good() },
    ];
    for batch in bad {
        let shown = format!("{batch:?}");
        let refused = bed.post(batch, &content[..24]).await.unwrap_err();
        assert!(matches!(refused, IngestError::Request(_)), "{shown}: {refused}");
    }
    let unknown =
        bed.post(Batch { source: "syslog".to_owned(), ..good() }, &content[..24]).await.unwrap_err();
    assert_eq!(unknown.to_string(), "there is no source `syslog`; there are kubernetes, ndjson");
    assert!(bed.kinds().is_empty());
}
