//! `lodge audit prove`

use std::io::Read;

use anyhow::{Context as _, Result};
use clap::Args;

use super::Context;
use crate::client::segment;
use crate::terminal::print_line;

/// Prints the proof of one event: a file that `lodge audit verify --proof` checks offline.
///
/// It holds the event's exact bytes, its salt and leaf, the hashes that lead to a signed checkpoint, and that checkpoint (C2SP
/// tlog-proof).
#[derive(Args)]
pub struct Arguments {
    /// The event's id, or its position in the log, like 1234.
    id: String,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let mut proof = String::new();
    let mut body = context.client()?.stream(&format!("/v1/events/{}/proof", segment(&arguments.id)), &[])?;
    body.read_to_string(&mut proof).context("the proof broke off")?;
    print_line(proof.trim_end())
}
