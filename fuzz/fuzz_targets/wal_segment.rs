//! Segments of the write-ahead log: whatever they hold, they are scanned without a panic, what is shown lies within
//! them, and the verifier, which shares no code with the scan, sees the same records.
#![no_main]

use audit_log::verify::segment::{Piece, RECORD_HEADER, SegmentReader, record_parts};
use audit_log::wal::scan::scan;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use lodge_fuzz::segment::Segment;

#[derive(Arbitrary, Debug)]
enum Input {
    Framed(Segment),
    Bytes(Vec<u8>),
}

/// The fewest bytes of a record's body that the verifier takes: one with the shortest leaf.
const LEAST: usize = 2 + 50 + 16;

fn records(bytes: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (mut reader, _) = SegmentReader::open(bytes).expect("memory can be read");
    let mut found = Vec::new();
    while let Some(piece) = reader.next_piece().expect("memory can be read") {
        if let Piece::Record { body, checksum_ok: true } = piece {
            if let Some((leaf, _, payload)) = record_parts(body) {
                found.push((leaf.to_vec(), payload.to_vec()));
            }
        }
    }
    found
}

fuzz_target!(|input: Input| {
    let bytes = match input {
        Input::Framed(segment) => segment.encode(3),
        Input::Bytes(bytes) => bytes,
    };
    let (mut shown, mut least) = (Vec::new(), usize::MAX);
    let scanned = scan(bytes.as_slice(), 3, |spot, record| {
        assert_eq!(spot.position, 3 + shown.len() as u64);
        let body = 2 + record.leaf.len() + 16 + record.payload.len();
        assert!(spot.offset as usize + RECORD_HEADER + body <= bytes.len());
        least = least.min(body);
        shown.push((record.leaf.to_vec(), record.payload.to_vec()));
    });
    let scanned = scanned.expect("memory can be read");
    assert_eq!(scanned.end, 3 + shown.len() as u64);
    assert!(scanned.offset as usize <= bytes.len());
    if let Some(invalid) = scanned.invalid {
        assert!(invalid.bytes > 0 && scanned.offset + invalid.bytes <= bytes.len() as u64);
    }
    if least >= LEAST {
        assert!(records(&bytes).starts_with(&shown), "the verifier sees other records");
    }
    let _ = audit_log::wal::record::decode(&bytes);
});
