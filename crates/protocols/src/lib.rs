//! The protocols that Lodge speaks at the gate.
//!
//! Each translates between its clients and the [`gateway`], which decides, records and cuts. To add one: a
//! folder here, and a line in [`PROTOCOLS`].
#![forbid(unsafe_code)]

pub mod proxy_header;
pub mod ssh;

/// Every protocol, by the order in which the server starts them.
pub const PROTOCOLS: &[&dyn gateway::Protocol] = &[&ssh::Ssh];
