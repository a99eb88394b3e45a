//! Read-only SQL over the audit log, by DataFusion.
//!
//! Each statement runs in a process of its own, which has no part in the server but a socket: [`Engine`] is the server's side,
//! [`work`] is what that process does. The events reach it through `query`'s scans, which the server works at, so a statement
//! sees what its reader's scope lets through, and the engine is never shown anything else. A statement that needs too much
//! memory, stack or time loses its process, and nothing besides. That a statement was run is recorded by who runs it.
#![forbid(unsafe_code)]

// The server's side.
mod batch;
mod engine;
mod process;
mod rows;
mod serving;

// The process's side.
mod counting;
mod exec;
mod format;
mod functions;
mod gate;
mod narrow;
mod passes;
mod rules;
mod session;
mod table;
mod worker;

// What both know.
mod error;
mod tables;
mod wire;

pub use engine::{DEFAULT_MEMORY, Engine, Statement};
pub use error::SqlError;
pub use format::{FORMATS, Format, UnknownFormat};
pub use process::Launch;
pub use rows::{Piece, Rows};
pub use worker::work;
