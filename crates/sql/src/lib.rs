//! Read-only SQL over the audit log, by DataFusion.
//!
//! One table `events`, and one for each family of kinds. All of them are read through `query`'s scans, so a statement sees
//! what its reader's scope and the archive's blocks, tokens and roll-ups let through, and the engine above is never shown
//! anything else. Nothing here writes, reads files, or changes what the server is. That a statement was run is recorded by who
//! runs it.
#![forbid(unsafe_code)]

mod batch;
mod counting;
mod engine;
mod error;
mod exec;
mod format;
mod functions;
mod json;
mod narrow;
mod rows;
mod rules;
mod table;
mod tables;

pub use engine::{DEFAULT_MEMORY, Engine, Statement};
pub use error::SqlError;
pub use format::{FORMATS, Format, UnknownFormat};
pub use rows::Rows;
