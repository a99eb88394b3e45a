//! `lodge scp`

use anyhow::Result;
use clap::Args;

use super::{Context, ssh};

/// Runs stock `scp` through Lodge, with your certificates and no change to your own configuration.
#[derive(Args)]
pub struct Arguments {
    /// What `scp` takes: options, sources, a destination; remote ones as LOGIN@TARGET:PATH.
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "SCP ARGUMENTS"
    )]
    arguments: Vec<String>,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    ssh::exec("scp", &arguments.arguments, context)
}
