//! The independent reader against logs that a plain writer made straight from the format's description.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod archive;
mod attacks;
mod evidence;
mod mutations;
mod proof;
mod whole;
mod writer;
