//! The shapes of requests and answers, shared by the server's handlers and the clients. No logic.

mod access;
mod archive;
mod identity;
mod ingest;
mod log;
mod search;
mod sessions;
mod status;

pub use access::*;
pub use archive::*;
pub use identity::*;
pub use ingest::*;
pub use log::*;
pub use search::*;
pub use sessions::*;
pub use status::*;
