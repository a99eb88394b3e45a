//! `lodge apply`

use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use api::wire::Applied;
use clap::Args;

use super::Context;
use crate::terminal::print_rows;

/// Creates or updates roles, targets, locks and users from YAML files.
///
/// A file may hold several documents. All of a file's documents are checked before the first is applied.
#[derive(Args)]
pub struct Arguments {
    /// File to apply; `-` reads standard input. Can be given several times.
    #[arg(short, long = "file", required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let client = context.client()?;
    let mut applied: Vec<Applied> = Vec::new();
    for file in &arguments.files {
        let text = read(file)?;
        let changes: Vec<Applied> = client
            .post_text("/v1/apply", "application/yaml", &text)
            .with_context(|| format!("cannot apply {}", file.display()))?;
        applied.extend(changes);
    }
    print_rows(context.output, &applied, &["KIND", "NAME", "CHANGE", "INVITE"], |applied| {
        let invite = applied.invite.clone().unwrap_or_default();
        vec![applied.kind.clone(), applied.name.clone(), applied.change.clone(), invite]
    })
}

fn read(file: &PathBuf) -> Result<String> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}
