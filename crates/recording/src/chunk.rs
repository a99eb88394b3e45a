//! Chunks: the pieces of a recording, each bound by its hash to all before it.
//!
//! On disk a chunk is its fields (30 bytes), CRC-32C of fields and stored bytes, its hash, its stored bytes.
//! `hash = SHA-256("lodge/recording/v1" ‖ 0x00 ‖ hash of the chunk before ‖ fields ‖ stored bytes)`; the first chunk
//! follows 32 zero bytes. The checksum tells a torn write from a whole one cheaply; the hash is what proves.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::compress::{self, Compression};
use crate::error::Flaw;
use crate::frame::{Frame, Header};

/// The first bytes of every recording.
pub(crate) const MAGIC: &[u8; 19] = b"lodge/recording/v1\n";
/// The most bytes a chunk holds before compression.
pub(crate) const CHUNK_LIMIT: usize = 256 * 1024;
/// The bytes before the stored bytes.
pub(crate) const PREFIX: usize = FIELDS + 4 + 32;
const FIELDS: usize = 30;

/// A SHA-256 hash.
pub(crate) type Hash = [u8; 32];

/// What a chunk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Header = 1,
    Frames = 2,
    Seal = 3,
}

/// The fixed part of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fields {
    pub kind: Kind,
    pub compressed: bool,
    pub stored_length: u32,
    pub raw_length: u32,
    pub frames: u32,
    pub first_us: u64,
    pub last_us: u64,
}

/// Content that is to become a chunk.
pub(crate) struct Content<'a> {
    pub kind: Kind,
    pub raw: &'a [u8],
    pub frames: u32,
    pub first_us: u64,
    pub last_us: u64,
}

/// Writes `content` as the chunk after `previous` into `out`; returns its fields and hash. `scratch` is for compression.
pub(crate) fn encode(
    content: &Content,
    previous: &Hash,
    compression: &Compression,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> (Fields, Hash) {
    let compressed = content.kind != Kind::Seal && compression.compress(content.raw, scratch);
    let stored = if compressed { scratch.as_slice() } else { content.raw };
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("a chunk is at most 256 KiB");
    let fields = Fields {
        kind: content.kind,
        compressed,
        stored_length: length(stored),
        raw_length: length(content.raw),
        frames: content.frames,
        first_us: content.first_us,
        last_us: content.last_us,
    };
    let encoded = fields.encode();
    let hash = link(previous, &encoded, stored);
    out.clear();
    out.reserve_exact(PREFIX + stored.len());
    out.extend_from_slice(&encoded);
    out.extend_from_slice(&checksum(&encoded, stored).to_be_bytes());
    out.extend_from_slice(&hash);
    out.extend_from_slice(stored);
    (fields, hash)
}

/// The part of a chunk before its stored bytes, not yet checked against them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefix {
    pub fields: Fields,
    pub hash: Hash,
    encoded: [u8; FIELDS],
    checksum: u32,
}

impl Prefix {
    /// Reads a prefix and holds its fields against the limits.
    pub(crate) fn decode(bytes: &[u8; PREFIX]) -> Result<Prefix, Flaw> {
        let (encoded, rest) = bytes.split_first_chunk::<FIELDS>().expect("longer than the fields");
        let (checksum, hash) = rest.split_first_chunk::<4>().expect("longer than the checksum");
        Ok(Prefix {
            fields: Fields::decode(encoded)?,
            hash: hash.try_into().expect("the rest is the hash"),
            encoded: *encoded,
            checksum: u32::from_be_bytes(*checksum),
        })
    }

    /// Checks the stored bytes and returns the content.
    pub(crate) fn open(&self, previous: &Hash, stored: Vec<u8>) -> Result<Bytes, Flaw> {
        if checksum(&self.encoded, &stored) != self.checksum {
            return Err(Flaw::Checksum);
        }
        if link(previous, &self.encoded, &stored) != self.hash {
            return Err(Flaw::Chain);
        }
        match self.fields.compressed {
            false => Ok(stored.into()),
            true => compress::decompress(&stored, self.fields.raw_length as usize)
                .map(Bytes::from)
                .ok_or(Flaw::Compression),
        }
    }
}

impl Fields {
    fn encode(&self) -> [u8; FIELDS] {
        let mut out = [0; FIELDS];
        out[0] = self.kind as u8;
        out[1] = u8::from(self.compressed);
        out[2..6].copy_from_slice(&self.stored_length.to_be_bytes());
        out[6..10].copy_from_slice(&self.raw_length.to_be_bytes());
        out[10..14].copy_from_slice(&self.frames.to_be_bytes());
        out[14..22].copy_from_slice(&self.first_us.to_be_bytes());
        out[22..30].copy_from_slice(&self.last_us.to_be_bytes());
        out
    }

    fn decode(bytes: &[u8; FIELDS]) -> Result<Fields, Flaw> {
        let kind = match bytes[0] {
            1 => Kind::Header,
            2 => Kind::Frames,
            3 => Kind::Seal,
            _ => return Err(Flaw::Field("kind of chunk")),
        };
        let compressed = match bytes[1] {
            0 => false,
            1 => true,
            _ => return Err(Flaw::Field("encoding")),
        };
        let short = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let long = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let (stored_length, raw_length, frames) = (short(2), short(6), short(10));
        let right = if compressed { stored_length < raw_length } else { stored_length == raw_length };
        if raw_length as usize > CHUNK_LIMIT || !right {
            return Err(Flaw::Field("length"));
        }
        let (first_us, last_us) = (long(14), long(22));
        if first_us > last_us {
            return Err(Flaw::Field("time"));
        }
        Ok(Fields { kind, compressed, stored_length, raw_length, frames, first_us, last_us })
    }
}

/// Returns the hash of a chunk that follows `previous`.
fn link(previous: &Hash, fields: &[u8; FIELDS], stored: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(b"lodge/recording/v1\0");
    hasher.update(previous);
    hasher.update(fields);
    hasher.update(stored);
    hasher.finalize().into()
}

fn checksum(fields: &[u8; FIELDS], stored: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(fields), stored)
}

/// Reads a header chunk's content.
pub(crate) fn decode_header(content: &[u8]) -> Result<Header, Flaw> {
    serde_json::from_slice(content).map_err(|_| Flaw::Field("header"))
}

/// Yields the frames of one chunk with their times, then checks that they are as the fields say.
#[derive(Debug)]
pub(crate) struct Frames {
    content: Bytes,
    left: u32,
    now_us: u64,
    last_us: u64,
}

impl Frames {
    pub(crate) fn new(fields: &Fields, content: Bytes) -> Frames {
        Frames { content, left: fields.frames, now_us: fields.first_us, last_us: fields.last_us }
    }

    pub(crate) fn none() -> Frames {
        Frames { content: Bytes::new(), left: 0, now_us: 0, last_us: 0 }
    }

    /// Returns the next frame and its time in microseconds, or `None` at the chunk's end.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Frame)>, Flaw> {
        if self.content.is_empty() {
            let whole = self.left == 0 && self.now_us == self.last_us;
            return if whole {
                Ok(None)
            } else {
                Err(Flaw::Frame("there are not as many as the chunk says"))
            };
        }
        let (delta_us, frame) = Frame::decode(&mut self.content)?;
        self.now_us = self.now_us.checked_add(delta_us).ok_or(Flaw::Frame("its time"))?;
        self.left = self.left.checked_sub(1).ok_or(Flaw::Frame("there are more than the chunk says"))?;
        Ok(Some((self.now_us, frame)))
    }
}
