//! `lodge delete`

use anyhow::Result;
use clap::Args;

use super::{Context, get};
use crate::client::segment;
use crate::terminal::print_line;

/// Deletes a role, target or lock.
#[derive(Args)]
pub struct Arguments {
    /// `role`, `target` or `lock`.
    #[arg(value_parser = ["role", "target", "lock"])]
    kind: String,
    /// Its name.
    name: String,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let path = format!("/v1/{}/{}", get::plural(&arguments.kind), segment(&arguments.name));
    context.client()?.delete(&path, &[])?;
    print_line(&format!("{} {} was deleted", arguments.kind, arguments.name))
}
