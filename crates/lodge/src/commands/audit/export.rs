//! `lodge audit export`

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;

use super::Context;

/// Exports a contiguous range of the log as an evidence bundle, which shows that nothing within it was left out.
#[derive(Args)]
pub struct Arguments {
    /// Positions FROM..TO, TO not included; `0..` goes to the newest checkpoint.
    #[arg(long, value_name = "FROM..TO", default_value = "0..")]
    range: String,
    /// File to write; standard output when left out.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let (from, to) = arguments.range.split_once("..").context("a range is FROM..TO, such as 0..1000")?;
    let mut query = vec![("from", position(from)?.to_string())];
    if !to.is_empty() {
        query.push(("to", position(to)?.to_string()));
    }
    let mut body = context.client()?.stream("/v1/log/export", &query)?;
    match &arguments.file {
        None => copy(&mut body, io::stdout().lock()),
        Some(path) => {
            let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
            copy(&mut body, file)
        }
    }
}

fn position(text: &str) -> Result<u64> {
    if text.is_empty() { Ok(0) } else { text.parse().with_context(|| format!("`{text}` is no position")) }
}

fn copy(body: &mut impl io::Read, out: impl Write) -> Result<()> {
    let mut out = BufWriter::new(out);
    io::copy(body, &mut out).context("the export broke off")?;
    out.flush().context("cannot write the export")
}
