//! `lodge sql-worker`: the process of one statement, which `lodge serve` starts.

use anyhow::{Context as _, Result};
use clap::Args;

/// Answers one statement for the server at the other end of standard input. Nothing to be run by hand.
#[derive(Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_: &Arguments) -> Result<()> {
    server::sql::work().context("the server is gone")
}
