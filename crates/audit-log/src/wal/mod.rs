//! The write-ahead log: every entry whole, in the order of the log, in segment files.
//!
//! Segments hold batches, batches hold records. The formats are in `docs/formats/log.md`. Decoding never trusts a
//! length before its checksum, allocates nothing larger than the limits here, and never panics.

pub mod batch;
pub(crate) mod index;
pub(crate) mod reader;
pub mod record;
pub mod scan;
pub mod segment;
pub(crate) mod segments;
