//! A plain writer of the log's format: everything in memory, nothing clever, no code of the crate.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use audit_log::verify::VerifierKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};

pub const ORIGIN: &str = "lodge.example.com/log";
/// Zeros behind the batches of each segment, as if set aside for later.
pub const PADDING: usize = 40;

pub type Digest32 = [u8; 32];

/// One entry, as somebody might write it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub time: i64,
    pub seq: u64,
    pub source: String,
    pub salt: [u8; 16],
    pub payload: Vec<u8>,
    /// Commitment to put into the leaf in place of the right one.
    pub commitment: Option<Digest32>,
}

impl Record {
    pub fn number(at: u64) -> Record {
        Record {
            time: 1_764_000_000_000_000 + at as i64 * 1000,
            seq: at + 1,
            source: "lodge/gate-1".to_owned(),
            salt: [at as u8 ^ 0x5a; 16],
            payload: format!(r#"{{"kind":"session.command","n":{at},"say":"café \u00e9 \"q\"\n"}}"#)
                .into_bytes(),
            commitment: None,
        }
    }

    pub fn commitment(&self) -> Digest32 {
        let mut bytes = b"lodge/payload/v1".to_vec();
        bytes.push(0);
        bytes.extend(self.salt);
        bytes.extend(&self.payload);
        self.commitment.unwrap_or_else(|| Sha256::digest(bytes).into())
    }

    pub fn leaf(&self) -> Vec<u8> {
        let mut leaf = vec![1];
        leaf.extend(self.time.to_be_bytes());
        leaf.extend(self.seq.to_be_bytes());
        leaf.push(self.source.len() as u8);
        leaf.extend(self.source.as_bytes());
        leaf.extend(self.commitment());
        leaf
    }

    pub fn body(&self) -> Vec<u8> {
        let leaf = self.leaf();
        let mut body = (leaf.len() as u16).to_le_bytes().to_vec();
        body.extend(leaf);
        body.extend(self.salt);
        body.extend(&self.payload);
        body
    }
}

pub fn records(count: u64) -> Vec<Record> {
    (0..count).map(Record::number).collect()
}

/// A batch with the position that its header says.
#[derive(Clone, Debug)]
pub struct Batch {
    pub first: u64,
    pub records: Vec<Record>,
}

/// Lays records out in segments of batches of the given sizes, numbered through.
pub fn layout(records: &[Record], sizes: &[&[usize]]) -> Vec<Vec<Batch>> {
    let mut at = 0;
    sizes
        .iter()
        .map(|segment| {
            segment
                .iter()
                .map(|size| {
                    let end = (at + size).min(records.len());
                    let batch = Batch { first: at as u64, records: records[at..end].to_vec() };
                    at = end;
                    batch
                })
                .filter(|batch| !batch.records.is_empty())
                .collect()
        })
        .collect()
}

/// Which part of a segment some bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Header,
    Batch,
    Framing,
    Leaf,
    SaltOrPayload,
    Padding,
}

/// A part of a segment and the entry that it belongs to.
#[derive(Clone, Debug)]
pub struct Span {
    pub bytes: Range<usize>,
    pub position: u64,
    pub part: Part,
}

pub fn segment(first: u64, batches: &[Batch]) -> (Vec<u8>, Vec<Span>) {
    let mut bytes = b"LODGEWAL".to_vec();
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(0u32.to_le_bytes());
    bytes.extend(first.to_le_bytes());
    bytes.extend(0u64.to_le_bytes());
    let mut spans = vec![Span { bytes: 0..32, position: first, part: Part::Header }];
    for batch in batches {
        let mut header = b"LBT1".to_vec();
        header.extend((batch.records.len() as u32).to_le_bytes());
        header.extend(batch.first.to_le_bytes());
        let length: usize = batch.records.iter().map(|record| 8 + record.body().len()).sum();
        header.extend((length as u32).to_le_bytes());
        header.extend(crc32c::crc32c(&header).to_le_bytes());
        spans.push(Span { bytes: bytes.len()..bytes.len() + 24, position: batch.first, part: Part::Batch });
        bytes.extend(header);
        for (position, record) in (batch.first..).zip(&batch.records) {
            let body = record.body();
            let (start, leaf) = (bytes.len(), record.leaf().len());
            bytes.extend((body.len() as u32).to_le_bytes());
            bytes.extend(crc32c::crc32c(&body).to_le_bytes());
            bytes.extend(&body);
            let mut span = |bytes, part| spans.push(Span { bytes, position, part });
            span(start..start + 10, Part::Framing);
            span(start + 10..start + 10 + leaf, Part::Leaf);
            span(start + 10 + leaf..bytes.len(), Part::SaltOrPayload);
        }
    }
    let end = batches.last().map_or(first, |batch| batch.first + batch.records.len() as u64);
    spans.push(Span { bytes: bytes.len()..bytes.len() + PADDING, position: end, part: Part::Padding });
    bytes.extend([0; PADDING]);
    (bytes, spans)
}

pub fn leaf_hash(leaf: &[u8]) -> Digest32 {
    Sha256::digest([&[0], leaf].concat()).into()
}

/// RFC 6962, section 2.1, word by word.
pub fn tree_hash(hashes: &[Digest32]) -> Digest32 {
    match hashes {
        [] => Sha256::digest([]).into(),
        [only] => *only,
        _ => {
            let split = hashes.len().next_power_of_two() / 2;
            let (left, right) = (tree_hash(&hashes[..split]), tree_hash(&hashes[split..]));
            Sha256::digest([&[1], left.as_slice(), right.as_slice()].concat()).into()
        }
    }
}

/// RFC 6962, section 2.1.1, word by word.
pub fn inclusion(index: usize, hashes: &[Digest32]) -> Vec<Digest32> {
    if hashes.len() <= 1 {
        return Vec::new();
    }
    let split = hashes.len().next_power_of_two() / 2;
    let (mut path, sibling) = if index < split {
        (inclusion(index, &hashes[..split]), tree_hash(&hashes[split..]))
    } else {
        (inclusion(index - split, &hashes[split..]), tree_hash(&hashes[..split]))
    };
    path.push(sibling);
    path
}

pub fn hashes_of(records: &[Record]) -> Vec<Digest32> {
    records.iter().map(|record| leaf_hash(&record.leaf())).collect()
}

fn number(index: usize) -> String {
    match index / 1000 {
        0 => format!("{:03}", index % 1000),
        more => format!("x{more:03}/{:03}", index % 1000),
    }
}

fn tile_path(series: &str, index: usize, width: usize) -> String {
    let full = format!("tile/{series}/{}", number(index));
    if width == 256 { full } else { format!("{full}.p/{width}") }
}

/// Every tile and entry bundle of a log.
pub fn tiles(records: &[Record]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for (index, block) in records.chunks(256).enumerate() {
        let mut bundle = Vec::new();
        for record in block {
            let leaf = record.leaf();
            bundle.extend((leaf.len() as u16).to_be_bytes());
            bundle.extend(leaf);
        }
        files.insert(tile_path("entries", index, block.len()), bundle);
    }
    let (mut level, mut hashes) = (0, hashes_of(records));
    while !hashes.is_empty() {
        for (index, block) in hashes.chunks(256).enumerate() {
            files.insert(tile_path(&level.to_string(), index, block.len()), block.concat());
        }
        hashes = hashes.as_chunks::<256>().0.iter().map(|block| tree_hash(block)).collect();
        level += 1;
    }
    files
}

pub fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[42; 32])
}

pub fn key() -> VerifierKey {
    VerifierKey::new(ORIGIN, signing_key().verifying_key().as_bytes()).unwrap()
}

pub fn sign(size: u64, root: Digest32, signer: &SigningKey) -> String {
    let text = format!("{ORIGIN}\n{size}\n{}\n", STANDARD.encode(root));
    let public = signer.verifying_key();
    let id = Sha256::digest([ORIGIN.as_bytes(), b"\n\x01", public.as_bytes()].concat());
    let signature = [&id[..4], &signer.sign(text.as_bytes()).to_bytes()].concat();
    format!("{text}\n— {ORIGIN} {}\n", STANDARD.encode(signature))
}

/// The signed checkpoint over the first `size` of the records.
pub fn checkpoint(records: &[Record], size: usize) -> String {
    sign(size as u64, tree_hash(&hashes_of(&records[..size])), &signing_key())
}

pub fn write_file(folder: &Path, file: &str, bytes: &[u8]) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Replaces the segments; returns what lies where in each.
pub fn write_wal(folder: &Path, segments: &[Vec<Batch>]) -> BTreeMap<String, Vec<Span>> {
    let _ = fs::remove_dir_all(folder.join("wal"));
    fs::create_dir_all(folder.join("wal")).unwrap();
    let mut places = BTreeMap::new();
    for batches in segments.iter().filter(|batches| !batches.is_empty()) {
        let first = batches[0].first;
        let (bytes, spans) = segment(first, batches);
        let file = format!("wal/{first:020}.wal");
        write_file(folder, &file, &bytes);
        places.insert(file, spans);
    }
    places
}

/// Replaces the tiles.
pub fn write_tiles(folder: &Path, records: &[Record]) {
    let _ = fs::remove_dir_all(folder.join("tile"));
    for (file, bytes) in tiles(records) {
        write_file(folder, &file, &bytes);
    }
}

/// The layout of the small log: two segments, twelve entries.
pub const SMALL: &[&[usize]] = &[&[3, 1, 3], &[2, 3]];

/// Writes a whole log, signed over all of it.
pub fn write_log(folder: &Path, records: &[Record], sizes: &[&[usize]]) -> BTreeMap<String, Vec<Span>> {
    write_tiles(folder, records);
    write_file(folder, "checkpoint", checkpoint(records, records.len()).as_bytes());
    write_wal(folder, &layout(records, sizes))
}

/// A small log in a folder of its own.
pub fn small_log() -> (tempfile::TempDir, Vec<Record>, BTreeMap<String, Vec<Span>>) {
    let folder = tempfile::tempdir().unwrap();
    let records = records(12);
    let places = write_log(folder.path(), &records, SMALL);
    (folder, records, places)
}

/// Every file of the log that bears witness, with its bytes.
pub fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    fn below(root: &Path, folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(root, &path, found);
            } else {
                let file = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.push((file, fs::read(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    below(folder, folder, &mut found);
    found.sort();
    found
}
