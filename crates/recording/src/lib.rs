//! Session recordings: capture, seal, replay.
//!
//! A recording is one append-only file of compressed, hash-chained chunks. While a session runs it is
//! `<session>.part`; sealing closes the chain and makes it `<session>.rec`, which never changes again. The
//! root, the hash of the last chunk, goes into the audit log, so that the log commits to every byte shown.
//! The format is described in `docs/formats/recording.md`.
//!
//! This crate appends no events and decides nothing: who may watch, and what is said about it in the log,
//! is its caller's business.
#![forbid(unsafe_code)]

mod chunk;
mod compress;
mod error;
mod export;
mod folder;
mod frame;
mod keyframes;
mod lines;
mod player;
mod reader;
mod recorder;
mod recover;
mod sanitise;
mod seal;
mod seek;
mod terminal;
mod verify;
mod wire;
mod words;
mod writer;

pub use error::{Damage, Flaw, RecordingError};
pub use export::{Format, export};
pub use folder::Recordings;
pub use frame::{Frame, Header, Timed};
pub use lines::Line;
pub use player::{PlayOptions, Player, Step};
pub use reader::Reader;
pub use recorder::{Durable, Recorder};
pub use recover::Recovered;
pub use sanitise::Sanitiser;
pub use seal::Seal;
pub use terminal::Terminal;

/// Decodes bytes as everything that a chunk can hold; for fuzzing.
#[doc(hidden)]
pub fn decode_any(bytes: &[u8]) {
    if let Some((prefix, stored)) = bytes.split_first_chunk()
        && let Ok(prefix) = chunk::Prefix::decode(prefix)
    {
        let _ = prefix.open(&[0; 32], stored.to_vec());
        let mut frames = chunk::Frames::new(&prefix.fields, bytes::Bytes::copy_from_slice(stored));
        while let Ok(Some(_)) = frames.next() {}
        let _ = compress::decompress(stored, prefix.fields.raw_length as usize);
    }
    let _ = chunk::decode_header(bytes);
    if let Some(root) = bytes.get(15..47).and_then(|root| root.try_into().ok()) {
        let _ = words::walk(bytes, root, &mut |_| std::ops::ControlFlow::Continue(()));
    }
    let _ = seal::Totals::decode(bytes::Bytes::copy_from_slice(bytes));
}
