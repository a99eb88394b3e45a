//! A recording whose chunks hold together: lengths, checksums and the chain of hashes are right.

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use sha2::{Digest, Sha256};

use crate::seldom::{Seldom, flip};

const HEADER: &str = r#"{"session":"018f0000-0000-7000-8000-000000000001","started":"2026-03-14T15:09:26.535897Z","user":"alice","login":"root","target":"web-1","protocol":"ssh"}"#;

/// A recording.
#[derive(Arbitrary, Debug)]
pub struct Recording {
    known_header: Seldom<bool>,
    header: Vec<u8>,
    chunks: Vec<Chunk>,
    sealed: Seldom<bool>,
    truncated: bool,
    flips: Vec<(u32, u8)>,
}

#[derive(Arbitrary, Debug)]
struct Chunk {
    kind: Seldom<u8>,
    compressed: bool,
    frames: Vec<Frame>,
    count: Seldom<u32>,
    raw_length: Seldom<u32>,
    pause_us: u32,
    last_us: Seldom<u64>,
}

#[derive(Arbitrary, Debug)]
struct Frame {
    delta_us: u16,
    long_delta_us: Seldom<u64>,
    channel: u8,
    body: Body,
}

#[derive(Arbitrary, Debug)]
enum Body {
    Terminal { term: String, columns: u16, rows: u16 },
    Command(String),
    Output(Vec<u8>),
    ErrorOutput(Vec<u8>),
    Input(Vec<u8>),
    Resize { columns: u16, rows: u16 },
    End(Option<u32>),
    Bytes(Vec<u8>),
}

/// What the seal repeats.
#[derive(Default)]
struct Totals {
    chunks: u64,
    frames: u64,
    bytes: u64,
    stored_bytes: u64,
    last_us: u64,
}

struct Writer {
    out: Vec<u8>,
    last: [u8; 32],
    totals: Totals,
}

impl Recording {
    /// Writes the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut file =
            Writer { out: b"lodge/recording/v1\n".to_vec(), last: [0; 32], totals: Totals::default() };
        let header = if self.known_header.or(true) { HEADER.as_bytes() } else { &self.header };
        file.chunk(1, false, header, header.len() as u32, 0, (0, 0));
        let mut now_us = 0u64;
        for chunk in &self.chunks {
            now_us = chunk.encode(now_us, &mut file);
        }
        if self.sealed.or(true) {
            file.seal(self.truncated);
        }
        flip(&mut file.out, &self.flips);
        file.out
    }
}

impl Chunk {
    fn encode(&self, now_us: u64, file: &mut Writer) -> u64 {
        let first_us = now_us.saturating_add(self.pause_us.into());
        let (mut raw, mut last_us) = (Vec::new(), first_us);
        for frame in &self.frames {
            last_us = last_us.saturating_add(frame.encode(&mut raw));
        }
        let last_us = self.last_us.or(last_us);
        let count = self.count.or(self.frames.len() as u32);
        let raw_length = self.raw_length.or(raw.len() as u32);
        let packed =
            self.compressed.then(|| zstd::bulk::compress(&raw, 1).expect("memory can be compressed"));
        match packed.filter(|packed| packed.len() < raw.len()) {
            Some(packed) => {
                file.chunk(self.kind.or(2), true, &packed, raw_length, count, (first_us, last_us))
            }
            None => file.chunk(self.kind.or(2), false, &raw, raw_length, count, (first_us, last_us)),
        }
        last_us
    }
}

impl Frame {
    /// Appends the frame; returns the time that it takes.
    fn encode(&self, out: &mut Vec<u8>) -> u64 {
        let delta_us = self.long_delta_us.or(self.delta_us.into());
        out.push(match self.body {
            Body::Terminal { .. } => 1,
            Body::Command(_) => 2,
            Body::Output(_) => 3,
            Body::ErrorOutput(_) => 4,
            Body::Input(_) => 5,
            Body::Resize { .. } => 6,
            Body::End(_) => 7,
            Body::Bytes(_) => 8,
        });
        put_number(out, delta_us);
        put_number(out, u64::from(self.channel & 3));
        match &self.body {
            Body::Terminal { term, columns, rows } => {
                put_bytes(out, term.as_bytes());
                put_number(out, u64::from(*columns));
                put_number(out, u64::from(*rows));
            }
            Body::Command(command) => put_bytes(out, command.as_bytes()),
            Body::Output(bytes) | Body::ErrorOutput(bytes) | Body::Input(bytes) => put_bytes(out, bytes),
            Body::Resize { columns, rows } => {
                put_number(out, u64::from(*columns));
                put_number(out, u64::from(*rows));
            }
            Body::End(code) => put_number(out, code.map_or(0, |code| u64::from(code) + 1)),
            Body::Bytes(bytes) => out.extend_from_slice(bytes),
        }
        delta_us
    }
}

impl Writer {
    fn chunk(&mut self, kind: u8, packed: bool, stored: &[u8], raw_length: u32, frames: u32, us: (u64, u64)) {
        let mut fields = vec![kind, u8::from(packed)];
        fields.extend_from_slice(&(stored.len() as u32).to_be_bytes());
        fields.extend_from_slice(&raw_length.to_be_bytes());
        fields.extend_from_slice(&frames.to_be_bytes());
        fields.extend_from_slice(&us.0.to_be_bytes());
        fields.extend_from_slice(&us.1.to_be_bytes());
        let hash = Sha256::new().chain_update(b"lodge/recording/v1\0").chain_update(self.last);
        let hash = hash.chain_update(&fields).chain_update(stored).finalize();
        self.last = hash.into();
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&fields), stored);
        self.out.extend_from_slice(&fields);
        self.out.extend_from_slice(&checksum.to_be_bytes());
        self.out.extend_from_slice(&self.last);
        self.out.extend_from_slice(stored);
        self.totals.chunks += 1;
        self.totals.frames += u64::from(frames);
        self.totals.bytes += u64::from(raw_length);
        self.totals.stored_bytes += stored.len() as u64;
        self.totals.last_us = us.1;
    }

    fn seal(&mut self, truncated: bool) {
        let Totals { chunks, frames, bytes, stored_bytes, last_us } = self.totals;
        let mut content = vec![u8::from(truncated)];
        for number in [chunks, frames, bytes, stored_bytes, last_us] {
            content.extend_from_slice(&number.to_be_bytes());
        }
        self.chunk(3, false, &content, content.len() as u32, 0, (last_us, last_us));
    }
}

fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
