//! `lodge archive rebuild`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use api::wire::{ArchiveRebuilt, RebuildArchive, RebuildScope};
use archive::{Rebuild, Rebuilt, rebuild};
use clap::Args;
use store::objects::{DiskObjects, RemoveObjects};

use super::progress;
use crate::commands::Context;
use crate::failure::Failure;
use crate::terminal::{bad, print_one, printable};

/// Makes indexes of the archive anew from its data: those that are missing or do not fit.
///
/// Indexes only make searching fast; deleting them loses nothing. Without options the server does it, which is an event. With
/// `--folder` this machine does it alone, while no server uses the folder.
#[derive(Args)]
pub struct Arguments {
    /// Works on an archive's folder.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Makes all of them anew.
    #[arg(long)]
    all: bool,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let done = match (&arguments.folder, arguments.all) {
        (Some(folder), true) => offline(folder, Rebuild::All)?,
        (Some(folder), false) => offline(folder, Rebuild::Unsound)?,
        (None, all) => {
            let which = if all { RebuildScope::All } else { RebuildScope::Unsound };
            context.client()?.post("/v1/archive/rebuild", &RebuildArchive { which })?
        }
    };
    print_one(context.output, &done, text)?;
    if done.problems.is_empty() {
        return Ok(());
    }
    Err(Failure::Damaged("some segments are damaged, so no index can be made for them".to_owned()).into())
}

fn offline(folder: &Path, which: Rebuild) -> Result<ArchiveRebuilt> {
    if !folder.is_dir() {
        anyhow::bail!("there is no folder {}", folder.display());
    }
    let objects = DiskObjects::open(folder).context("cannot use the archive; is its server running?")?;
    let objects: Arc<dyn RemoveObjects> = Arc::new(objects);
    let Rebuilt { segments, rebuilt, problems } = rebuild(&objects, which, &mut progress())?;
    let problems = problems.iter().map(ToString::to_string).collect();
    Ok(ArchiveRebuilt { segments, rebuilt, problems })
}

fn text(done: &ArchiveRebuilt) -> String {
    let mut lines = vec![format!("{} of {} indexes were made anew", done.rebuilt, done.segments)];
    lines.extend(done.problems.iter().map(|line| bad(&printable(line))));
    lines.join("\n")
}
