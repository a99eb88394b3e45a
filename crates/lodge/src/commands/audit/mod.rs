//! `lodge audit`: one file a verb.

mod checkpoint;
mod export;
mod prove;
mod search;
mod show;
mod tail;
mod verify;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::Context;

/// Searches, follows, proves, exports and verifies the audit log.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Search(search::Arguments),
    Tail(tail::Arguments),
    Show(show::Arguments),
    Prove(prove::Arguments),
    Verify(verify::Arguments),
    Export(export::Arguments),
    Checkpoint(checkpoint::Arguments),
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    match &arguments.verb {
        Verb::Search(arguments) => search::run(arguments, context),
        Verb::Tail(arguments) => tail::run(arguments, context),
        Verb::Show(arguments) => show::run(arguments, context),
        Verb::Prove(arguments) => prove::run(arguments, context),
        Verb::Verify(arguments) => verify::run(arguments, context),
        Verb::Export(arguments) => export::run(arguments, context),
        Verb::Checkpoint(arguments) => checkpoint::run(arguments, context),
    }
}
