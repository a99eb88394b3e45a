//! `lodge ingest`: one file a verb, and the parts that they share.

mod batches;
mod file;
mod input;
mod progress;
mod resume;
mod send;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::Context;

/// Takes what other systems report into the audit log.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    File(file::Arguments),
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    match &arguments.verb {
        Verb::File(arguments) => file::run(arguments, context),
    }
}
