//! The victim: a server that takes files, and who sends them to it, in one process.
//!
//! Each run goes on with the first file that is not whole yet, where the log says that it stands, and sends a few files.
//! Batches come out of order and some come twice, as they do from a client whose answers were lost.
//!
//! Lines: `taken FILE BYTES` once a batch was acknowledged.

use std::path::Path;

use event::{Actor, Author};
use ingest::{Batch, Ingest, IngestError};
use sha2::{Digest, Sha256};
use store::tables::{Sqlite, Tables};

use crate::files;
use crate::kill::Speaker;
use crate::victim::Pair;

/// Files that a run sends at most.
const FILES: u64 = 3;
/// Bytes of a batch, about.
const BATCH: usize = 900;
/// Batches that are under way at once.
const AT_ONCE: usize = 3;

/// Opens what is taken into, beside an open log.
pub fn open(pair: &Pair, base: &Path) -> Ingest {
    let tables: std::sync::Arc<dyn Tables> =
        std::sync::Arc::new(Sqlite::open(&base.join("state.db")).unwrap());
    Ingest::new(pair.log.clone(), tables, pair.ambient.clone())
}

/// Sends files, then ends in order.
pub fn work(base: &Path, day: i64, mut speaker: Speaker) {
    let pair = Pair::open(base, day);
    let ingest = open(&pair, base);
    let mut sealer = pair.archive.start(&pair.log).unwrap_or_else(|error| panic!("{error:?}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut sent = 0;
        for file in 0.. {
            if sent == FILES {
                break;
            }
            sent += u64::from(send(&ingest, file, day, &mut speaker).await);
        }
        pair.log.checkpoint_covering(pair.log.size()).await.unwrap();
    });
    pair.wait_for_sealing();
    sealer.stop();
    assert_eq!(pair.archive.failure(), None);
    drop(runtime);
    pair.log.shutdown();
}

/// Sends what is not taken yet of a file; says whether there was anything.
async fn send(ingest: &Ingest, file: u64, day: i64, speaker: &mut Speaker) -> bool {
    let content = files::content(file);
    let held = ingest.holdings("ndjson", files::NAME, &files::identity(file)).await.unwrap();
    let taken = held.first().map_or(0, |held| held.taken as usize);
    let cuts = cuts(&content, taken);
    for window in cuts.windows(2).collect::<Vec<_>>().chunks(AT_ONCE) {
        // The first one comes last, and once more.
        let order = window.iter().rev().chain(window.first());
        let posts = order.map(|part| post(ingest, file, &content, (part[0], part[1]), day));
        for taken in futures::future::join_all(posts).await {
            let taken = taken.unwrap_or_else(|error| panic!("{error:?}"));
            speaker.say(&format!("taken {file} {taken}"));
        }
    }
    taken < content.len()
}

/// Places between lines, about a batch apart, from `from` to the end.
fn cuts(content: &[u8], from: usize) -> Vec<usize> {
    let mut cuts = vec![from];
    let mut end = from;
    for line in content[from..].split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if end - cuts[cuts.len() - 1] >= BATCH || end == content.len() {
            cuts.push(end);
        }
    }
    cuts
}

async fn post(
    ingest: &Ingest,
    file: u64,
    content: &[u8],
    (from, to): (usize, usize),
    day: i64,
) -> Result<u64, IngestError> {
    let line = content[..from].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    let batch = Batch {
        source: "ndjson".to_owned(),
        name: files::NAME.to_owned(),
        identity: files::identity(file),
        file: format!("/var/log/{file}"),
        run: format!("day-{day}"),
        offset: from as u64,
        end: to as u64,
        line,
        before: sha256(&content[..from]),
        after: sha256(&content[..to]),
        last: to == content.len(),
        cut: None,
    };
    let room = loop {
        match ingest.room(&batch).await {
            Err(IngestError::Busy) => tokio::task::yield_now().await,
            room => break room?,
        }
    };
    let reporter = Author::of(Actor::human("alice"), None);
    Ok(ingest.take(batch, content[from..to].to_vec(), reporter, room).await?.taken)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
