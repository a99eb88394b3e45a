//! The index beside a segment: which blocks may hold a token, when their events happened, what was counted.
//!
//! It is derived from the data and bound to it; one that is missing, stale or damaged costs time and is made anew. The
//! format is written down in `docs/formats/archive.md`.

mod bits;
mod build;
mod file;
mod merge;
mod outline;
mod postings;
mod read;

pub(crate) use build::IndexBuilder;
pub(crate) use file::Binding;
pub(crate) use merge::IndexMerger;
pub(crate) use read::{Index, IndexError};
