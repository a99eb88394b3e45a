//! What must hold of a folder after a crash: it opens, keeps every promise, goes on, and verifies.

use std::path::Path;

use audit_log::verify::{Checks, Level, Tail, VerifierKey, consistent, verify_log_with};
use audit_log::{AuditLog, MAX_READ};

use crate::promises::Promises;
use crate::victim;

/// What a check has seen, and what it added to the log itself.
pub struct Checked {
    /// Acknowledged events that were found with the right payload.
    pub events: u64,
    /// Published checkpoints that were found to be prefixes of the log.
    pub checkpoints: u64,
    /// The lines that a victim would have said.
    pub said: String,
}

/// Verifies what a kill left before anything recovers it, as whoever verifies a running log meets it.
pub fn unrecovered(base: &Path) {
    let folder = base.join("log");
    let key = std::fs::read_to_string(folder.join("log.vkey")).ok();
    let Some(key) = key.filter(|_| folder.join("checkpoint").exists()) else { return };
    let key: VerifierKey = key.parse().expect("the log's key is whole, or not there");
    let checks = Checks { tail: Tail::BeingWritten, ..Checks::default() };
    let report = verify_log_with(&folder, &key, &checks, &mut |_| ()).expect("a log");
    assert!(
        report.is_intact(),
        "the verifier finds damage in a log that is only unfinished: {:#?}",
        report.damage
    );
}

/// Opens the log below `base`, compares it with the promises, appends, closes and verifies it.
pub fn recovered(base: &Path, promises: &Promises) -> Checked {
    let ambient = victim::ambient();
    let log = victim::open(base, &ambient).unwrap_or_else(|error| panic!("the log does not open: {error:?}"));
    let events = acknowledged_events(&log, promises);
    let event = victim::event(&ambient, 0, 10);
    let receipt = log.append_blocking(&event).expect("a recovered log takes events");
    assert!(receipt.position() >= promises.end(), "position {} is given out again", receipt.position());
    log.shutdown();
    let key: VerifierKey = log.verifier_key().parse().expect("the log knows its key");
    let checkpoints = published_checkpoints(&log, &key, promises);
    independent(base, &key, promises, log.size());
    let said =
        [victim::ack(receipt.position(), event.encode().as_bytes()), victim::published(&log.checkpoint())];
    Checked { events, checkpoints, said: said.join("\n") }
}

fn acknowledged_events(log: &AuditLog, promises: &Promises) -> u64 {
    let size = log.size();
    assert!(size >= promises.end(), "{size} entries, of which {} were promised", promises.end());
    let mut at = 0;
    let mut found = 0;
    while at < size {
        let entries = log.read(at..size.min(at + MAX_READ)).expect("every entry can be read");
        assert_eq!(entries.first().map(|entry| entry.position), Some(at), "entries are read in order");
        at += entries.len() as u64;
        for entry in &entries {
            let Some(hash) = promises.acknowledged.get(&entry.position) else { continue };
            let here = audit_log::Hash(victim::hash(&entry.payload)).to_string();
            assert_eq!(*hash, here, "the acknowledged event at {} is another one now", entry.position);
            found += 1;
        }
    }
    assert_eq!(found, promises.acknowledged.len() as u64, "acknowledged events are lost");
    found
}

/// Every checkpoint that was published must be continued by the newest one, by the log's own proofs.
fn published_checkpoints(log: &AuditLog, key: &VerifierKey, promises: &Promises) -> u64 {
    let newest = log.checkpoint();
    assert_eq!(newest.size, log.size(), "closing publishes everything");
    for (size, (_, note)) in &promises.published {
        let proof = log.consistency(*size, newest.size).unwrap_or_else(|error| panic!("no proof: {error}"));
        let continued = consistent(note, newest.note.as_bytes(), &proof, key);
        continued.unwrap_or_else(|error| panic!("the published tree of {size} is not continued: {error}"));
    }
    promises.published.len() as u64
}

/// The verifier, which shares no code with the writer, must find nothing wrong and the same roots.
fn independent(base: &Path, key: &VerifierKey, promises: &Promises, size: u64) {
    let earlier = promises.published.values().map(|(_, note)| note.clone()).collect();
    let checks = Checks { earlier, ..Checks::default() };
    let report = verify_log_with(&base.join("log"), key, &checks, &mut |_| ());
    let report = report.unwrap_or_else(|error| panic!("the log cannot be verified: {error:?}"));
    assert!(report.is_intact(), "the verifier finds damage: {:#?}", report.damage);
    assert_eq!((report.entries, report.tree_size(), report.unfinished_bytes), (size, size, 0));
    assert!(promises.published.is_empty() || report.level == Level::Evident);
}
