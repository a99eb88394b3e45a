//! `lodge archive verify`

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Result;
use api::wire::ArchiveVerification;
use archive::{Checked, verify};
use clap::Args;
use store::objects::DiskObjects;

use super::progress;
use crate::commands::Context;
use crate::failure::Failure;
use crate::terminal::{bad, good, print_one, printable};

/// Verifies the archive: reads every object whole, compares its entries with the log's tree, and its indexes with its data.
///
/// Without options the server verifies its own archive, which is an event. With `--folder` this machine does it alone. Whether
/// the tree itself is the signed one is what `lodge audit verify` tells. Exit code 4 means that something is wrong.
#[derive(Args)]
pub struct Arguments {
    /// Verifies an archive's folder: a copy, or the server's own.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// The log's folder, whose tree the entries are compared with [default: `log` beside the archive, where there is one].
    #[arg(long, value_name = "FOLDER", requires = "folder")]
    log: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let found = match &arguments.folder {
        Some(folder) => offline(folder, arguments.log.clone().or_else(|| beside(folder)).as_deref())?,
        None => context.client()?.post("/v1/archive/verify", &serde_json::json!({}))?,
    };
    print_one(context.output, &found, text)?;
    match found.problems.len() {
        0 => Ok(()),
        1 => Err(Failure::Damaged("one object of the archive is not as it should be".to_owned()).into()),
        many => {
            Err(Failure::Damaged(format!("{many} objects of the archive are not as they should be")).into())
        }
    }
}

fn offline(folder: &Path, log: Option<&Path>) -> Result<ArchiveVerification> {
    if !folder.is_dir() {
        anyhow::bail!("there is no folder {}", folder.display());
    }
    let objects = DiskObjects::reader(folder);
    let checked = match log {
        Some(log) => verify(&objects, Some(&|path: &str| tile(log, path)), &mut progress())?,
        None => verify(&objects, None, &mut progress())?,
    };
    let Checked { segments, entries, pruned, against_tree, problems } = checked;
    let problems = problems.iter().map(ToString::to_string).collect();
    Ok(ArchiveVerification { segments, entries, pruned, against_tree, problems })
}

fn beside(folder: &Path) -> Option<PathBuf> {
    let log = folder.canonicalize().ok()?.parent()?.join("log");
    log.join("tile").is_dir().then_some(log)
}

fn tile(log: &Path, path: &str) -> io::Result<Option<Vec<u8>>> {
    match fs::read(log.join(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

fn text(found: &ArchiveVerification) -> String {
    let tree =
        if found.against_tree { "compared with the log's tree" } else { "not compared with a log's tree" };
    let mut head = format!("{} entries in {} segments, {tree}", found.entries, found.segments);
    if found.pruned > 0 {
        head = format!("{head}; {} more were dropped by retention, and their leaves are there", found.pruned);
    }
    if found.problems.is_empty() {
        return format!("{head}\n{}", good("intact: every object is as it was sealed"));
    }
    let lines: Vec<String> = found.problems.iter().map(|line| bad(&printable(line))).collect();
    let advice = "indexes are made anew by `lodge archive rebuild`; data and leaves are restored from a copy";
    format!("{head}\n{}\n{advice}", lines.join("\n"))
}
