//! `cargo xtask web`: the console, built from `web/` into `web/dist`, from where a release takes it in.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::packages;
use crate::run::{output, run};

/// What to do with the console.
#[derive(Args)]
pub struct Arguments {
    /// Checks types, style and tests too, and that the first load stays small.
    #[arg(long)]
    pub check: bool,
}

/// The oldest Node.js that Vite takes.
const NODE: u32 = 20;
/// Where the console's sources lie.
const WEB: &str = "web";
/// Where npm notes what it installed.
const INSTALLED: &str = "web/node_modules/.package-lock.json";

/// Builds the console.
pub fn run_web(arguments: &Arguments) -> Result<()> {
    packages::ensure(&[packages::WEB])?;
    let version = output(Command::new("node").arg("--version"))?;
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    ensure!(
        major.is_some_and(|major: u32| major >= NODE),
        "Node.js is {}, and the console needs {NODE} or later; install it from nodejs.org or your distribution",
        version.trim()
    );
    if is_older(Path::new(INSTALLED), Path::new("web/package-lock.json"))? {
        run(npm().args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    }
    // A check builds too.
    run(npm().args(["run", "--silent", if arguments.check { "check" } else { "build" }]))
}

fn npm() -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(WEB);
    npm
}

fn is_older(made: &Path, from: &Path) -> Result<bool> {
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let from = changed(from).with_context(|| format!("cannot look at {}", from.display()))?;
    Ok(changed(made).map_or(true, |made| made < from))
}
