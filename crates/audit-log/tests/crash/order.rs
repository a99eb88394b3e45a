//! An acknowledgement comes after the sync of its batch: seen from outside, in the order of system calls.
//!
//! A kill cannot show a missing sync, because the page cache outlives the process.

use audit_log::wal::batch::BatchHeader;

use crate::kill;
use crate::life::Life;

#[test]
fn an_acknowledgement_follows_the_sync_of_its_batch() {
    if let Some(why) = kill::missing_strace() {
        return eprintln!("skipped: {why}");
    }
    let trace = kill::trace(&Life::begin("mixed").orders(), "pwrite64,fdatasync,writev");
    let (mut written, mut durable) = (None, 0);
    let mut acknowledged = 0;
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').expect("strace names the thread");
        let call = call.trim_start();
        if let Some(header) =
            call.starts_with("pwrite64(").then(|| bytes(call)).and_then(|bytes| batch(&bytes))
        {
            assert_eq!(written, None, "a batch is written before the sync of the one before has returned");
            written = Some((thread, header.first + u64::from(header.count)));
        }
        let synced = call.contains("fdatasync") && call.ends_with("= 0");
        if let Some((_, end)) = written.filter(|(writer, _)| synced && *writer == thread) {
            durable = end;
            written = None;
        }
        let said = if call.starts_with("writev(") { bytes(call) } else { Vec::new() };
        if let Some(rest) = String::from_utf8_lossy(&said).strip_prefix("ack ") {
            let position: u64 = rest.split(' ').next().unwrap().parse().unwrap();
            assert!(position < durable, "{position} is acknowledged, {durable} entries are synced");
            acknowledged += 1;
        }
    }
    assert!(acknowledged > 100, "{acknowledged} acknowledgements in\n{trace}");
}

fn batch(bytes: &[u8]) -> Option<BatchHeader> {
    BatchHeader::decode(bytes.first_chunk()?)
}

/// The bytes of the first buffer that strace shows in hex.
fn bytes(call: &str) -> Vec<u8> {
    let shown = call.split('"').nth(1).unwrap_or_default();
    shown.split("\\x").skip(1).filter_map(|digits| u8::from_str_radix(digits, 16).ok()).collect()
}
