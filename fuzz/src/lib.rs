//! What the targets share: builders that get lengths, checksums, hashes and signatures right, so that a fuzzer's
//! bytes reach what lies behind them.
//!
//! A target that throws bytes at a checksum only ever tests the checksum. Each builder is right by default and
//! wrong in a few places of the fuzzer's choosing.
#![forbid(unsafe_code)]

pub mod archive;
pub mod cut;
pub mod der;
pub mod ingested;
pub mod panics;
pub mod recording;
pub mod segment;
pub mod seldom;
pub mod signing;
