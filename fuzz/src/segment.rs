//! A segment of the write-ahead log with sound framing: what a crash, a bad disk or an enemy with a CRC made of it.

use audit_log::verify::leaf;
use audit_log::wal::batch::BatchHeader;
use audit_log::wal::segment::encode_header;
use event::Timestamp;
use libfuzzer_sys::arbitrary::{self, Arbitrary};

use crate::seldom::{Seldom, flip};

/// A segment.
#[derive(Arbitrary, Debug)]
pub struct Segment {
    first: Seldom<u64>,
    /// Where a gap of about as many zeros as readers take at once is; in few segments, for it costs time.
    gap: Seldom<Option<(u8, u8)>>,
    pieces: Vec<Piece>,
    flips: Vec<(u32, u8)>,
}

#[derive(Arbitrary, Debug)]
enum Piece {
    Batch(Batch),
    Bytes(Vec<u8>),
    Zeros(u8),
}

#[derive(Arbitrary, Debug)]
struct Batch {
    first: Seldom<u64>,
    count: Seldom<u32>,
    length: Seldom<u32>,
    records: Vec<Record>,
    /// Bytes behind the last record that the header counts in.
    after: Seldom<u8>,
}

#[derive(Arbitrary, Debug)]
struct Record {
    leaf: Leaf,
    leaf_length: Seldom<u16>,
    length: Seldom<u32>,
    checksum: Seldom<u32>,
    salt: [u8; 16],
    payload: Vec<u8>,
}

#[derive(Arbitrary, Debug)]
enum Leaf {
    Whole { micros: i64, source: String, seq: u64 },
    Bytes(Vec<u8>),
}

impl Segment {
    /// Writes the segment, which should begin at `first`.
    pub fn encode(&self, first: u64) -> Vec<u8> {
        let first = self.first.or(first);
        let mut out = encode_header(first).to_vec();
        let mut next = first;
        for (number, piece) in self.pieces.iter().enumerate() {
            out.resize(out.len() + self.gap_before(number), 0);
            match piece {
                Piece::Batch(batch) => next = batch.encode(next, &mut out),
                Piece::Bytes(bytes) => out.extend_from_slice(bytes),
                Piece::Zeros(count) => out.resize(out.len() + usize::from(*count), 0),
            }
        }
        flip(&mut out, &self.flips);
        out
    }

    fn gap_before(&self, piece: usize) -> usize {
        match self.gap.or(None) {
            Some((at, less)) if usize::from(at % 8) == piece => {
                let block = if less % 8 == 0 { 1 << 20 } else { 1 << 16 };
                block - usize::from(less)
            }
            _ => 0,
        }
    }
}

impl Batch {
    /// Appends the batch; returns the position after it.
    fn encode(&self, next: u64, out: &mut Vec<u8>) -> u64 {
        let mut body = Vec::new();
        self.records.iter().for_each(|record| record.encode(&mut body));
        body.resize(body.len() + usize::from(self.after.or(0)), b'x');
        let count = self.count.or(self.records.len() as u32);
        let header =
            BatchHeader { count, first: self.first.or(next), length: self.length.or(body.len() as u32) };
        out.extend_from_slice(&header.encode());
        out.extend_from_slice(&body);
        next.saturating_add(self.records.len() as u64)
    }
}

impl Record {
    fn encode(&self, out: &mut Vec<u8>) {
        let leaf = self.leaf(&self.salt, &self.payload);
        let mut body = self.leaf_length.or(leaf.len() as u16).to_le_bytes().to_vec();
        body.extend_from_slice(&leaf);
        body.extend_from_slice(&self.salt);
        body.extend_from_slice(&self.payload);
        out.extend_from_slice(&self.length.or(body.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.checksum.or(crc32c::crc32c(&body)).to_le_bytes());
        out.extend_from_slice(&body);
    }

    fn leaf(&self, salt: &[u8; 16], payload: &[u8]) -> Vec<u8> {
        match &self.leaf {
            Leaf::Whole { micros, source, seq } => {
                let commitment = leaf::commitment(salt, payload);
                let time = Timestamp::from_micros(*micros);
                let whole = audit_log::Leaf { time, source: source.clone(), seq: *seq, commitment };
                leaf::encode(&whole).unwrap_or_default()
            }
            Leaf::Bytes(bytes) => bytes.clone(),
        }
    }
}
