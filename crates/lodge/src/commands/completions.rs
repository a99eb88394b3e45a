//! `lodge completions`

use anyhow::Result;
use clap::{Args, CommandFactory};

use super::Lodge;

/// Prints completions for your shell.
#[derive(Args)]
pub struct Arguments {
    /// Which shell.
    shell: clap_complete::Shell,
}

/// Runs the verb.
pub fn run(arguments: &Arguments) -> Result<()> {
    clap_complete::generate(arguments.shell, &mut Lodge::command(), "lodge", &mut std::io::stdout());
    Ok(())
}
