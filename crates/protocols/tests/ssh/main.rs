//! Journeys through the SSH gate: a stock client, a real gate with a real log, and a stock server.
//!
//! Needs Debian's `openssh-server` and `openssh-client`; the rsync journey needs `rsync`.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up must stop")]

mod audit;
mod bed;
mod cuts;
mod files;
mod forwards;
mod programs;
mod refusals;
