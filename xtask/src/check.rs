//! `cargo xtask check`: what must hold before each commit.

use anyhow::Result;

use crate::run::{cargo, is_installed};
use crate::{arrows, generate, packages, tidy};

/// Runs every check.
pub fn run() -> Result<()> {
    packages::ensure(&[packages::BUILD])?;
    cheap()?;
    for features in [&[][..], &["--features", "lodge/sql"]] {
        let mut lints = cargo();
        lints.args(["clippy", "--workspace", "--all-targets"]).args(features);
        crate::run::run(lints.args(["--", "-D", "warnings"]))?;
    }
    generate::check()?;
    deny()
}

/// Runs the checks that compile nothing.
pub fn cheap() -> Result<()> {
    run_fmt()?;
    arrows::check()?;
    tidy::check()
}

fn run_fmt() -> Result<()> {
    crate::run::run(cargo().args(["fmt", "--all", "--", "--check"]))
}

/// Checks licences, sources and banned crates; advisories too where their database can be reached.
fn deny() -> Result<()> {
    if !is_installed("cargo-deny") {
        eprintln!(
            "cargo-deny is not installed, so licences and sources were not checked: cargo install --locked cargo-deny"
        );
        return Ok(());
    }
    crate::run::run(cargo().args(["deny", "--all-features", "check", "bans", "licenses", "sources"]))?;
    if let Err(error) = crate::run::run(cargo().args(["deny", "check", "advisories"])) {
        eprintln!("advisories were not checked, or one was found: {error}");
    }
    Ok(())
}
