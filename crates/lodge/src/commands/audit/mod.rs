//! `lodge audit`: one file a verb.

mod around;
pub mod asking;
mod checkpoint;
mod count;
mod export;
mod following;
mod histogram;
mod prove;
mod rows;
mod search;
mod show;
mod sql;
mod tail;
mod top;
mod verify;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::Context;

/// Searches, counts, follows, proves, exports and verifies the audit log.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Search(search::Arguments),
    Count(count::Arguments),
    Histogram(histogram::Arguments),
    Top(top::Arguments),
    Sql(sql::Arguments),
    Around(around::Arguments),
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
        Verb::Count(arguments) => count::run(arguments, context),
        Verb::Histogram(arguments) => histogram::run(arguments, context),
        Verb::Top(arguments) => top::run(arguments, context),
        Verb::Sql(arguments) => sql::run(arguments, context),
        Verb::Around(arguments) => around::run(arguments, context),
        Verb::Tail(arguments) => tail::run(arguments, context),
        Verb::Show(arguments) => show::run(arguments, context),
        Verb::Prove(arguments) => prove::run(arguments, context),
        Verb::Verify(arguments) => verify::run(arguments, context),
        Verb::Export(arguments) => export::run(arguments, context),
        Verb::Checkpoint(arguments) => checkpoint::run(arguments, context),
    }
}
