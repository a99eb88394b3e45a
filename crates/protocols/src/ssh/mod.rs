//! SSH: clients on one side, targets on the other, and the file protocols that run inside the channels.
//!
//! The gate terminates SSH on both sides, so it sees what it records. One connection is one session. A client
//! says which target it wants in a header in front of its banner; it proves who it is with a certificate; then
//! the session is authorised, started and dialled; then each channel and each request on it is authorised on
//! its own, written down, and only then passed on.
//!
//! Invariant: what reaches a target was written down first; what the target answers is in the recording before
//! it reaches the client; and neither side can make the gate hold more than one window of a channel's bytes.

mod algorithms;
mod budget;
mod channel;
mod connection;
mod crew;
mod far;
pub mod file_tap;
mod files;
mod forward;
mod gate;
mod hello;
mod inner;
mod line;
mod link;
mod near;
pub mod path_text;
mod program;
mod replies;
pub mod scp;
pub mod sftp;
#[cfg(test)]
mod transcript;
mod transfer;
mod wire;

pub use gate::Ssh;
pub use inner::InnerClient;

/// The name of the protocol, in events, roles and configuration.
const NAME: &str = "ssh";
