//! `cargo xtask demo`: builds Lodge and runs the main job.

use anyhow::Result;
use clap::Args;

use crate::packages;
use crate::run::{self, cargo};

/// How to end.
#[derive(Args)]
pub struct Arguments {
    /// Leaves the demo running and says how to use it.
    #[arg(long)]
    keep: bool,
}

/// Builds and runs the demo.
pub fn run(arguments: &Arguments) -> Result<()> {
    packages::ensure(&[packages::BUILD, packages::DEMO])?;
    run::run(cargo().args(["build", "-p", "lodge", "--bin", "lodge", "--example", "demo"]))?;
    let mut demo = cargo();
    demo.args(["run", "-q", "-p", "lodge", "--example", "demo"]);
    if arguments.keep {
        demo.args(["--", "--keep"]);
    }
    run::run(&mut demo)
}
