//! The archive as a whole, over a real log: sealing, merging, dropping, and being killed at each step.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crash;
mod failing;
mod fixture;
mod keeping;
mod reading;
