//! Where things are kept: immutable objects, append-only journals, tables of small rows, and the vault that
//! encrypts what must not be read from a stolen disk.
#![forbid(unsafe_code)]

pub mod durable;
pub mod journal;
pub mod objects;
pub mod tables;
pub mod vault;
