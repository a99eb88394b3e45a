//! The shapes of requests and answers, shared by the server's handlers and the clients. No logic.

mod access;
mod archive;
mod identity;
mod ingest;
mod log;
mod sessions;
mod status;

pub use access::*;
pub use archive::*;
pub use identity::*;
pub use ingest::*;
pub use log::*;
pub use sessions::*;
pub use status::*;
