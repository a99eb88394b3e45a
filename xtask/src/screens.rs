//! `cargo xtask screens`: a picture of every page of the console, light and dark, wide and narrow.
//!
//! The journey that looks for faults on every page takes them; here it gets a log that holds more than its own doing.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::run::{cargo, run};
use crate::seed;
use crate::{packages, web};

/// How much there is to show, and where the pictures go.
#[derive(Args)]
pub struct Arguments {
    /// Seeded events in the log.
    #[arg(long, default_value_t = 100_000)]
    events: u64,
    /// Folder of the pictures.
    #[arg(long, default_value = "target/screens")]
    out: PathBuf,
}

/// The journey, by its name.
const JOURNEY: &str = "pages_are_for_everybody";
/// From when to when events are shown: the last days of those that are seeded.
const SHOWN: [&str; 2] = ["2026-06-27T00:00:00Z", seed::END];

/// Takes the pictures.
pub fn take(arguments: &Arguments) -> Result<()> {
    packages::ensure(&[packages::BUILD, packages::DEMO, packages::TEST, packages::BROWSER])?;
    web::run_web(&web::Arguments { check: false })?;
    let out = &arguments.out;
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let out = out.canonicalize().with_context(|| format!("cannot find {}", out.display()))?;
    let seeded = out.join("events.ndjson");
    seed::run(&seed::Arguments { events: arguments.events, seed: 1, out: seeded.clone() })?;
    let mut journey = cargo();
    journey.args(["test", "-p", "lodge", "--test", "browser", JOURNEY]);
    journey.env("LODGE_CHROMIUM", packages::CHROMIUM);
    journey.env("LODGE_PICTURES", &out).env("LODGE_SEED", &seeded);
    journey.env("LODGE_SINCE", SHOWN[0]).env("LODGE_UNTIL", SHOWN[1]);
    run(&mut journey)?;
    fs::remove_file(&seeded).with_context(|| format!("cannot remove {}", seeded.display()))?;
    println!("the pictures are in {}", out.display());
    Ok(())
}
