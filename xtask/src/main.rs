//! The project's own commands. `cargo xtask help` lists them.
#![forbid(unsafe_code)]

mod arrows;
mod bench;
mod check;
mod crash;
mod demo;
mod fuzz;
mod generate;
mod growth;
mod packages;
mod run;
mod screens;
mod seed;
mod test;
mod tidy;
mod web;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

/// Checks, tests, demonstrates and measures Lodge.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Command {
    /// Checks format, lints, arrows between crates, tidiness and generated files. Run it before each commit.
    Check,
    /// Runs every test, installing what the tests need.
    Test(test::Arguments),
    /// Runs the main job from login to offline proof against real servers, and ends by itself.
    Demo(demo::Arguments),
    /// Measures Lodge beside its rivals.
    Bench(bench::Arguments),
    /// Kills a writing log and recording at many points and checks what is left.
    Crash(crash::Arguments),
    /// Runs every fuzz target for a while (needs a nightly toolchain and cargo-fuzz).
    Fuzz(fuzz::Arguments),
    /// Makes realistic mixed events as JSON lines, the same for the same seed.
    Seed(seed::Arguments),
    /// Takes a picture of every page of the console, from a real server with seeded events.
    Screens(screens::Arguments),
    /// Builds the console, which a release then takes in (needs Node.js).
    Web(web::Arguments),
    /// Writes the generated files anew: event catalogue, schema, OpenAPI document, command reference, drawing of benchmarks.
    Generate,
}

fn main() -> Result<()> {
    std::env::set_current_dir(root())?;
    match Command::parse() {
        Command::Check => check::run(),
        Command::Test(arguments) => test::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Crash(arguments) => crash::run(&arguments),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Seed(arguments) => seed::run(&arguments),
        Command::Screens(arguments) => screens::take(&arguments),
        Command::Web(arguments) => web::run_web(&arguments),
        Command::Generate => generate::run(),
    }
}

/// Returns the workspace's folder.
fn root() -> PathBuf {
    // Cargo says at run time where this package lies; what was true when it was compiled may be another clone.
    let manifest =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let manifest = PathBuf::from(manifest);
    manifest.parent().map(PathBuf::from).unwrap_or(manifest)
}
