//! `lodge archive`: one file a verb.

mod rebuild;
mod status;
mod verify;

use std::io::IsTerminal;

use anyhow::Result;
use archive::{ArchiveError, Progress};
use clap::{Args, Subcommand};

use super::Context;

/// Shows and verifies the archive that sealed entries of the log lie in, and makes its indexes anew.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Status(status::Arguments),
    Verify(verify::Arguments),
    Rebuild(rebuild::Arguments),
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    match &arguments.verb {
        Verb::Status(arguments) => status::run(arguments, context),
        Verb::Verify(arguments) => verify::run(arguments, context),
        Verb::Rebuild(arguments) => rebuild::run(arguments, context),
    }
}

/// Shows how far long work is, on a terminal.
fn progress() -> impl FnMut(Progress) -> Result<(), ArchiveError> {
    let shown = std::io::stderr().is_terminal();
    move |progress| {
        if shown {
            eprint!("\r{} of {} segments ", progress.done, progress.segments);
        }
        Ok(())
    }
}
