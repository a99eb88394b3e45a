//! Sources: what other systems report, made into events, each exactly once.
//!
//! The log itself holds how much of a source was taken: the last sequence number of its source id. What is kept beside
//! it ([`notes`]) only serves to notice that a file is no longer the one that was begun.
#![forbid(unsafe_code)]

mod buffers;
mod error;
mod intake;
mod lines;
mod notes;
mod sources;
mod standing;

pub use buffers::Buffer;
pub use error::IngestError;
pub use intake::{Batch, Holding, Ingest, Room, Taken};
pub use lines::{Chunk, Cut, Reading, Size, read};
pub use notes::Known;
pub use sources::{Format, SOURCES, source};

/// The longest line that is taken, its line feed not counted, in bytes.
pub const MAX_LINE_BYTES: usize = 16 << 20;
/// The largest batch that is taken: a longest line with its line feed.
pub const MAX_BATCH_BYTES: usize = MAX_LINE_BYTES + 1;
/// The most lines of a batch, and the most records of a line.
pub const MAX_BATCH_LINES: usize = 65_536;
