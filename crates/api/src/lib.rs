//! The HTTPS API: translates requests into calls of the crates below and their answers into JSON. Decides nothing.
//!
//! Every mutating endpoint leaves an event with before and after, and every endpoint that reads the log or a recording
//! leaves its event before anything is released; a test walks the OpenAPI document and holds both.
#![forbid(unsafe_code)]

mod asked;
mod caller;
mod console;
mod download;
mod extract;
mod limits;
pub mod listen;
mod problem;
mod routes;
mod services;
mod told;
mod trust;
pub mod wire;

pub use limits::MAX_BODY_BYTES;
pub use problem::Problem;
pub use routes::{openapi, router};
pub use services::{Facts, Services};
pub use told::told;
pub use trust::{certificate_with_fingerprint, fingerprints};
