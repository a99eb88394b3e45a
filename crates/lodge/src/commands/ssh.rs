//! `lodge ssh`

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::Args;

use super::{Context, ssh_config};

/// Runs stock `ssh` through Lodge, with your certificates and no change to your own configuration.
#[derive(Args)]
pub struct Arguments {
    /// What `ssh` takes: options, LOGIN@TARGET, a command.
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "SSH ARGUMENTS"
    )]
    arguments: Vec<String>,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    exec("ssh", &arguments.arguments, context)
}

/// Becomes an OpenSSH program that uses Lodge's configuration.
pub fn exec(program: &str, arguments: &[String], context: &Context) -> Result<()> {
    ssh_config::refresh(context)?;
    let error = Command::new(program).arg("-F").arg(context.folder.path("ssh_config")).args(arguments).exec();
    Err(error)
        .with_context(|| format!("cannot run `{program}`; install OpenSSH's client (Debian: openssh-client)"))
}
