//! `cargo xtask test`: every test, with what the tests drive installed first.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::run::{self, cargo, output};
use crate::{check, generate, packages};

/// Release of ssh-audit (PyPI) that judges the SSH port.
const SSH_AUDIT: &str = "3.9.0";

/// What to run.
#[derive(Args)]
pub struct Arguments {
    /// Runs only tests whose names contain this.
    filter: Option<String>,
}

/// Runs the tests.
pub fn run(arguments: &Arguments) -> Result<()> {
    packages::ensure(&[packages::BUILD, packages::DEMO, packages::TEST])?;
    let ssh_audit = packages::python("ssh-audit", SSH_AUDIT)?;
    if arguments.filter.is_none() {
        check::cheap()?;
    }
    let mut tests = runner();
    tests.env("LODGE_SSH_AUDIT", ssh_audit).args(arguments.filter.as_deref());
    run::run(&mut tests)?;
    if arguments.filter.is_some() {
        return Ok(());
    }
    run::run(cargo().args(["test", "--workspace", "--doc", "--quiet"]))?;
    generate::check()
}

/// Picks nextest where it is installed, and cargo's own runner elsewhere.
fn runner() -> Command {
    let mut command = cargo();
    if output(cargo().args(["nextest", "--version"])).is_ok() {
        command.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
    } else {
        command.args(["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"]);
    }
    command
}
