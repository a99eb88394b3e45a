//! `lodge ingest file`

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;

use super::Context;
use super::batches::{Pieces, Tail};
use super::input::Input;
use super::progress::Progress;
use super::resume::{Changed, Resumed, resume};
use super::send::{Destination, Sent, is_full, is_misplaced, new_run, nothing_accepted, send};
use crate::client::Client;
use crate::terminal::{counted, print_one, printable};

/// Takes files of records into the audit log, each record exactly once.
///
/// Run it again to go on: after an interruption, or when the files have grown. A file is known by its content, so it may
/// have been renamed or compressed meanwhile. What cannot be read as a record becomes an event that says so, and the rest
/// goes on; a file of which nothing at all could be taken makes the command fail. Needs a role that allows `log.create`.
#[derive(Args)]
pub struct Arguments {
    /// What the files hold: `kubernetes` (audit records of API servers) or `ndjson` (lines of JSON).
    #[arg(long, value_name = "SOURCE")]
    source: String,
    /// Name of the system that reports, such as a cluster's [default: the source's name].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Files, plain or compressed by gzip or Zstandard; patterns such as `audit-*.log`; `-` for standard input.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The files are complete: takes what stands behind the last line feed though it is no whole record.
    #[arg(long = "final")]
    is_final: bool,
    /// Takes files as others than those that were begun under their names and have changed since.
    #[arg(long)]
    anew: bool,
}

/// What became of everything.
#[derive(Default, Serialize)]
struct Summary {
    files: Vec<FileSummary>,
    events: u64,
    rejected: u64,
    failed: u64,
    seconds: f64,
}

/// What became of one file.
#[derive(Default, Serialize)]
struct FileSummary {
    file: String,
    /// Absent for a file without content.
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    /// Byte from which it was taken now.
    from: u64,
    /// Byte up to which it was taken; of the content, where the file is compressed.
    to: u64,
    events: u64,
    rejected: u64,
    /// Bytes behind it that are still being written.
    unfinished: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let client = context.client()?;
    let paths = expand(&arguments.paths)?;
    let progress = Progress::new(total(&paths));
    let mut summary = Summary::default();
    let mut failures = Vec::new();
    for (number, path) in (1..).zip(&paths) {
        let mut file = FileSummary { file: path.display().to_string(), ..FileSummary::default() };
        let taken = take(arguments, &client, path, &mut file, summary.events, &progress);
        summary.events += file.events;
        summary.rejected += file.rejected;
        if let Err(error) = taken {
            let full = is_full(&error);
            let error = if full { no_room(&error, paths.len() - number) } else { error };
            file.error = Some(api::told(error.as_ref()));
            summary.failed += 1;
            failures.push(error.context(format!("cannot take all of {}", path.display())));
            if full {
                summary.files.push(file);
                break;
            }
        }
        summary.files.push(file);
    }
    summary.seconds = progress.seconds();
    progress.end();
    print_one(context.output, &summary, text)?;
    report(failures)
}

/// What to do about a full disk, which no other file of the run would find less full.
fn no_room(error: &anyhow::Error, left: usize) -> anyhow::Error {
    let left = match left {
        0 => String::new(),
        1 => " (one more file was not begun)".to_owned(),
        left => format!(" ({left} more files were not begun)"),
    };
    let told = api::told(error.as_ref());
    anyhow!("{told}; then run the same command again: it goes on where this ended{left}")
}

/// Tells every failure once: the last by ending with it, those before it here.
fn report(mut failures: Vec<anyhow::Error>) -> Result<()> {
    let last = failures.pop();
    for failure in &failures {
        eprintln!("lodge: {}", api::told(failure.as_ref()));
    }
    last.map_or(Ok(()), Err)
}

/// Takes one file; a sending that finds the file at another place looks anew, as long as the file moves on.
fn take(
    arguments: &Arguments,
    client: &Client,
    path: &Path,
    file: &mut FileSummary,
    earlier: u64,
    progress: &Progress,
) -> Result<()> {
    const LOOKS: u32 = 3;
    let mut input = Input::new(path);
    let mut idle = 0;
    while idle < LOOKS {
        let before = file.from;
        match take_once(arguments, client, &mut input, file, earlier, progress) {
            Err(error) if is_misplaced(&error) && input.can_be_read_again() => {}
            result => return result,
        }
        idle = if file.from > before { 0 } else { idle + 1 };
    }
    bail!(
        "the server has the file at another place than was just sent; does somebody else send the same file?"
    )
}

fn take_once(
    arguments: &Arguments,
    client: &Client,
    input: &mut Input,
    file: &mut FileSummary,
    earlier: u64,
    progress: &Progress,
) -> Result<()> {
    let name = arguments.name.as_ref().unwrap_or(&arguments.source);
    let changed = if arguments.anew { Changed::TakeAnew } else { Changed::Refuse };
    let found = resume(client, &arguments.source, name, input, changed, progress)?;
    let Some(Resumed { identity, start }) = found else { return Ok(()) };
    let label = input.label()?;
    let tail = if arguments.is_final || !input.may_grow()? { Tail::Line } else { Tail::Left };
    let run = new_run()?;
    let to = Destination {
        client,
        source: &arguments.source,
        name,
        identity: &identity,
        label: &label,
        run: &run,
        from: start.offset,
    };
    file.from = start.offset;
    let mut pieces = Pieces::new(input.open(start.offset, progress)?, start, tail);
    let earlier = earlier + file.events;
    let mut end = file.from;
    let (sent, result) = send(&to, earlier, progress, || {
        let piece = pieces.next();
        let piece = piece.with_context(|| {
            let (byte, line) = pieces.place();
            format!(
                "its content is damaged or cut off behind byte {byte}, in line {line}; what stands before was taken, and a \
                 whole copy goes on from there"
            )
        })?;
        end = piece.as_ref().map_or(end, |piece| piece.end);
        Ok(piece)
    });
    let Sent { events, rejected, taken } = sent;
    file.events += events;
    file.rejected += rejected;
    file.unfinished = pieces.unfinished;
    drop(pieces);
    // What an interruption left behind the last whole batch is told by the server's answer alone.
    file.to = if result.is_ok() { end } else { taken.max(file.from) };
    let result = result.and_then(|()| match to.from == 0 && sent.is_all_rejected() {
        true => Err(anyhow!("{}; each left an event that says why", nothing_accepted(&to, rejected))),
        false => Ok(()),
    });
    file.identity = Some(identity);
    result
}

/// Replaces patterns by the files that they match, in order. A file whose name looks like a pattern is a file.
fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut expanded = Vec::new();
    for path in paths {
        let pattern = path.to_str().filter(|text| text.contains(['*', '?', '[']) && !path.exists());
        match pattern {
            None => expanded.push(path.clone()),
            Some(pattern) => {
                let before = expanded.len();
                for found in glob::glob(pattern).with_context(|| format!("`{pattern}` is no pattern"))? {
                    let found = found.context("cannot look into a folder")?;
                    if !found.is_dir() {
                        expanded.push(found);
                    }
                }
                if expanded.len() == before {
                    bail!("no file matches `{pattern}`");
                }
            }
        }
    }
    if let Some(path) = expanded.iter().find(|path| path.is_dir()) {
        let shown = path.display();
        bail!("{shown} is a folder; name its files, such as '{shown}/*.log'");
    }
    Ok(expanded)
}

/// Adds up the files' sizes; `None` where standard input is among them.
fn total(paths: &[PathBuf]) -> Option<u64> {
    paths.iter().map(|path| std::fs::metadata(path).ok().map(|found| found.len())).sum()
}

fn text(summary: &Summary) -> String {
    let bytes: u64 = summary.files.iter().map(|file| file.to.saturating_sub(file.from)).sum();
    let mut lines = vec![format!(
        "took {} from {}: {} in {:.1} s",
        counted(summary.events, "event"),
        counted(summary.files.len() as u64, "file"),
        HumanBytes(bytes),
        summary.seconds
    )];
    if summary.rejected > 0 {
        lines.push(format!(
            "{} of them say that something could not be taken; find them with: lodge audit search 'kind: source.rejected_record'",
            HumanCount(summary.rejected)
        ));
    }
    for file in summary.files.iter().filter(|file| file.unfinished > 0 && file.error.is_none()) {
        lines.push(format!(
            "{}: the last {} bytes are no whole record and were left; run this again when the file has grown, or with --final",
            printable(&file.file),
            file.unfinished
        ));
    }
    lines.join("\n")
}
