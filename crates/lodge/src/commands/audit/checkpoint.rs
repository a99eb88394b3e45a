//! `lodge audit checkpoint`

use anyhow::Result;
use api::wire::Checkpoint;
use clap::Args;

use super::Context;
use crate::terminal::print_one;

/// Prints the newest signed checkpoint. Keep one elsewhere now and then: `lodge audit verify --checkpoint` holds the log against it.
#[derive(Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_: &Arguments, context: &Context) -> Result<()> {
    let checkpoint: Checkpoint = context.client()?.get("/v1/log/checkpoint", &[])?;
    print_one(context.output, &checkpoint, |checkpoint| checkpoint.note.trim_end().to_owned())
}
