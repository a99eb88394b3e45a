//! `cargo xtask fuzz`: every fuzz target for a while.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::run::{self, is_installed, output};

/// The most memory that a target may take, in MiB. No decoder of outside bytes needs a tenth of it.
const MEMORY: &str = "-rss_limit_mb=2048";
/// The longest that one input may take, in seconds.
const TIMEOUT: &str = "-timeout=10";

/// Inputs may be long from the start: what several packets or chunks make of each other, no short one shows.
const LENGTH: &str = "-len_control=0";

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
            "cargo-fuzz is missing. Run: cargo install --locked cargo-fuzz (it needs a nightly toolchain and clang's \
             or gcc's C++ compiler)"
        );
    }
    let all = output(nightly().arg("list"))?;
    let all: Vec<&str> = all.lines().collect();
    match arguments.target.as_deref() {
        None => all.into_iter().try_for_each(|target| fuzz(target, arguments.seconds)),
        Some(target) if all.contains(&target) => fuzz(target, arguments.seconds),
        Some(target) => bail!("there is no fuzz target {target}; there are: {}", all.join(", ")),
    }
}

/// Fuzzes one target from its corpus, to which it adds, and its seeds, where it has some.
fn fuzz(target: &str, seconds: u32) -> Result<()> {
    let corpus = format!("fuzz/corpus/{target}");
    fs::create_dir_all(&corpus).with_context(|| format!("cannot create {corpus}"))?;
    let seeds = Some(format!("fuzz/seeds/{target}")).filter(|folder| fs::exists(folder).unwrap_or(false));
    let time = format!("-max_total_time={seconds}");
    let mut command = nightly();
    command.args(["run", target, &corpus]).args(seeds).args(["--", &time, MEMORY, TIMEOUT, LENGTH]);
    run::run(&mut command)
}

/// Returns cargo-fuzz on the nightly toolchain, which the sanitizers need; the workspace pins another.
fn nightly() -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "fuzz"]);
    // What runs this program says these of itself: its toolchain is another, and build scripts (ring's) watch the rest,
    // so that every run after a plain `cargo fuzz` would compile anew.
    let own = |name: &str| {
        matches!(name, "RUSTUP_TOOLCHAIN" | "CARGO")
            || name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_MANIFEST_")
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(own)) {
        command.env_remove(name);
    }
    command
}
