//! `cargo xtask fuzz`: every fuzz target for a while.

use anyhow::{Result, bail};
use clap::Args;

use crate::run::{self, is_installed, output};

/// What to run.
#[derive(Args)]
pub struct Arguments {
    /// Seconds for each target.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Runs only this target.
    target: Option<String>,
}

/// Fuzzes.
pub fn run(arguments: &Arguments) -> Result<()> {
    if !is_installed("cargo-fuzz") {
        bail!(
            "cargo-fuzz is missing. Run: cargo install --locked cargo-fuzz (it needs a nightly toolchain and clang's or gcc's C++ compiler)"
        );
    }
    let all = output(std::process::Command::new("cargo").args(["+nightly", "fuzz", "list"]))?;
    let wanted = |name: &&str| arguments.target.as_deref().is_none_or(|target| target == *name);
    for target in all.lines().filter(wanted) {
        let time = format!("-max_total_time={}", arguments.seconds);
        run::run(std::process::Command::new("cargo").args([
            "+nightly",
            "fuzz",
            "run",
            target,
            "--",
            &time,
            "-rss_limit_mb=2048",
        ]))?;
    }
    Ok(())
}
