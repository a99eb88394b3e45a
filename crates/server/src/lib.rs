//! The composition root: configuration, wiring, run. Knows every other crate and holds no logic of its own.
#![forbid(unsafe_code)]

mod archiving;
pub mod config;
mod memory;
mod metrics;
mod run;
pub mod system;
mod tls;
mod wiring;

pub use config::Config;
pub use protocols::proxy_header::encode as proxy_header;
pub use run::Server;
/// The engine for SQL, for who opens a log without its server.
#[cfg(feature = "sql")]
pub use sql;
pub use wiring::StartError;
