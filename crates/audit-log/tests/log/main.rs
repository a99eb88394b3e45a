//! The log through its public face: what it promises to those who append, read, prove, follow and restart.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod appending;
mod archive;
mod fixture;
mod full;
mod proofs;
mod recovery;
mod sealing;
