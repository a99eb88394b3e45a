//! `lodge audit verify`

use std::fs::{self, File};
use std::io::{BufReader, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use api::wire::Verification;
use archive::Catalog;
use audit_log::Sealed;
use audit_log::evidence::{self, EvidenceError};
use audit_log::proof::{self, ProofError};
use audit_log::verify::{
    Checks, NoteError, Progress, Report, Tail, VerifierKey, VerifyError, verify_log_with,
};
use clap::Args;
use store::objects::DiskObjects;

use super::Context;
use crate::failure::Failure;
use crate::terminal::{bad, good, print_line, print_one};

/// Verifies the log: every byte from payload to signed checkpoint.
///
/// Without options the server verifies its own log, which is an event. With `--folder`, `--bundle` or `--proof` this machine does it
/// alone, offline, with nothing but the log's public key. Exit code 4 means that damage was found; each line names the position.
/// Exit code 2 means that the key is not this log's, or the file is of another kind.
#[derive(Args)]
pub struct Arguments {
    /// Verifies a log's folder: a copy, or the server's own `log` folder.
    #[arg(long, value_name = "FOLDER", group = "what")]
    folder: Option<PathBuf>,
    /// Verifies an evidence bundle that `lodge audit export` wrote.
    #[arg(long, value_name = "FILE", group = "what")]
    bundle: Option<PathBuf>,
    /// Verifies the proof of one event that `lodge audit prove` wrote.
    #[arg(long, value_name = "FILE", group = "what")]
    proof: Option<PathBuf>,
    /// The log's public key, or a file that holds it [default: the one of your last login].
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// A signed checkpoint that was kept elsewhere; the log must continue it. Can be given several times.
    #[arg(long = "checkpoint", value_name = "FILE", requires = "folder")]
    checkpoints: Vec<PathBuf>,
    /// The archive's folder, which holds the entries that have left the log [default: `archive` beside the log, where there is one].
    #[arg(long, value_name = "FOLDER", requires = "folder")]
    archive: Option<PathBuf>,
    /// The folder is being written meanwhile: what is unfinished behind the checkpoint is no damage.
    #[arg(long, requires = "folder")]
    live: bool,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let found = if let Some(folder) = &arguments.folder {
        let archive = arguments.archive.clone().or_else(|| beside(folder));
        let archive =
            archive.map(|archive| Catalog::open_reader(DiskObjects::reader(&archive))).transpose()?;
        let checks = Checks {
            earlier: arguments.checkpoints.iter().map(|path| read(path)).collect::<Result<_>>()?,
            tail: if arguments.live { Tail::BeingWritten } else { Tail::AtRest },
            sealed: archive.as_ref().map(|archive| archive as &dyn Sealed),
        };
        let report = verify_log_with(folder, &key(arguments, context)?, &checks, &mut progress());
        summary(&report.map_err(unusable_log)?)
    } else if let Some(bundle) = &arguments.bundle {
        let file = File::open(bundle).with_context(|| format!("cannot open {}", bundle.display()))?;
        let report = evidence::verify(BufReader::new(file), &key(arguments, context)?, &mut progress());
        summary(&report.map_err(|error| unusable_bundle(bundle, error))?)
    } else if let Some(file) = &arguments.proof {
        return verify_proof(file, &key(arguments, context)?);
    } else {
        context.client()?.post("/v1/log/verify", &serde_json::json!({}))?
    };
    print_one(context.output, &found, text)?;
    match found.damage.len() {
        0 => Ok(()),
        1 => Err(Failure::Damaged("the log is damaged in one place".to_owned()).into()),
        places => Err(Failure::Damaged(format!("the log is damaged in {places} places")).into()),
    }
}

/// The archive that a server keeps beside its log.
fn beside(log: &Path) -> Option<PathBuf> {
    let archive = log.canonicalize().ok()?.parent()?.join("archive");
    archive.is_dir().then_some(archive)
}

fn verify_proof(file: &Path, key: &VerifierKey) -> Result<()> {
    let event = proof::verify(&read(file)?, key).map_err(|error| unproved(file, &error))?;
    print_line(&good(&format!(
        "genuine: entry {} of the signed log of {} entries",
        event.position,
        event.checkpoint.size()
    )))?;
    print_line(&String::from_utf8_lossy(&event.payload))
}

/// What was given was not what was meant, unless reading failed.
fn unusable_log(error: VerifyError) -> anyhow::Error {
    match error {
        VerifyError::List { .. } => error.into(),
        VerifyError::Earlier { number, ref source } => {
            Failure::Usage(format!("the checkpoint number {number} cannot be used: {source}")).into()
        }
        VerifyError::NotALog(_) | VerifyError::OtherLog { .. } => Failure::Usage(error.to_string()).into(),
    }
}

fn unusable_bundle(file: &Path, error: EvidenceError) -> anyhow::Error {
    match error {
        EvidenceError::Read(_) => error.into(),
        EvidenceError::Header(_) | EvidenceError::OtherLog { .. } => {
            Failure::Usage(format!("{}: {error}", file.display())).into()
        }
    }
}

/// A file that is no proof, or one that another key signed, says nothing of the log.
fn unproved(file: &Path, error: &ProofError) -> Failure {
    let text = format!("{}: {error}", file.display());
    match error {
        ProofError::TlogProof(_)
        | ProofError::EventProof(_)
        | ProofError::Checkpoint(NoteError::OtherLog { .. }) => Failure::Usage(text),
        _ => Failure::Damaged(text),
    }
}

fn key(arguments: &Arguments, context: &Context) -> Result<VerifierKey> {
    let text = match &arguments.key {
        None => context
            .folder
            .read("log.vkey")
            .context("give the log's public key with --key (`lodge ca export log-key` prints it)")?,
        Some(named) if Path::new(named).is_file() => fs::read_to_string(named)?,
        Some(text) => text.clone(),
    };
    let parsed = text.trim().parse();
    Ok(parsed.map_err(|error| Failure::Usage(format!("`{}` is no verifier key: {error}", text.trim())))?)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn summary(report: &Report) -> Verification {
    Verification {
        entries: report.entries,
        tree_size: report.tree_size(),
        level: report.level.to_string(),
        damage: report.damage.iter().map(ToString::to_string).collect(),
    }
}

fn text(found: &Verification) -> String {
    let head = format!(
        "{} entries, {} of them under the signed checkpoint; level: {}",
        found.entries, found.tree_size, found.level
    );
    if found.damage.is_empty() {
        return format!("{head}\n{}", good("intact: every byte is as it was written"));
    }
    let lines: Vec<String> = found.damage.iter().map(|line| bad(line)).collect();
    format!("{head}\n{}", lines.join("\n"))
}

/// Shows how far a long verification is, on a terminal.
fn progress() -> impl FnMut(Progress) {
    let shown = std::io::stderr().is_terminal();
    move |progress| {
        if shown && progress.entries % (1 << 18) == 0 {
            eprint!("\r{} of {} entries ", progress.entries, progress.expected);
        }
    }
}
