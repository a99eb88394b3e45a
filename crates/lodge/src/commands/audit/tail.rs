//! `lodge audit tail`

use std::io::BufRead;

use anyhow::{Context as _, Result, bail};
use api::wire::{EventRow, Events};
use clap::Args;

use super::Context;
use super::search::cells;
use crate::commands::zone::Zone;
use crate::terminal::{Output, columnar_only, csv, print_line, printable};

/// Shows the newest events and, with `-f`, those that come.
#[derive(Args)]
pub struct Arguments {
    /// Filter; everything when left out.
    #[arg(default_value = "")]
    filter: String,
    /// Goes on with events as they come.
    #[arg(short, long)]
    follow: bool,
    /// How many of the newest to begin with.
    #[arg(short = 'n', long, default_value_t = 10)]
    lines: u32,
    #[command(flatten)]
    zone: Zone,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let client = context.client()?;
    let zone = &arguments.zone;
    let mut query = vec![("filter", arguments.filter.clone()), ("zone", zone.asked())];
    match (arguments.lines, arguments.follow) {
        (0, false) => bail!("-n 0 shows something only together with -f; give 1 or more"),
        // The server begins at the log's end.
        (0, true) => {}
        (lines, follow) => {
            let asked = [&query[..], &[("limit", lines.to_string())]].concat();
            let page: Events = client.get("/v1/events", &asked)?;
            for row in page.events.iter().rev() {
                print(row, context.output, zone)?;
            }
            if !follow {
                return Ok(());
            }
            query.push(("from", page.coverage.size.to_string()));
        }
    }
    let stream = client.stream("/v1/events/stream", &query)?;
    for line in stream.lines() {
        let line = line.context("the stream of events broke off; run the command again to go on")?;
        // Server-sent events: only data lines carry events, the rest keeps the connection alive.
        if let Some(data) = line.strip_prefix("data:") {
            print(
                &serde_json::from_str(data.trim_start())
                    .context("the server sent an event that cannot be read")?,
                context.output,
                zone,
            )?;
        }
    }
    Ok(())
}

fn print(row: &EventRow, output: Output, zone: &Zone) -> Result<()> {
    match output {
        Output::Table => {
            print_line(&cells(row, zone).iter().map(|cell| printable(cell)).collect::<Vec<_>>().join("  "))
        }
        Output::Json | Output::Ndjson => print_line(&serde_json::to_string(row)?),
        Output::Csv => print_line(&csv(&cells(row, zone))),
        Output::Parquet | Output::Arrow => columnar_only(),
    }
}
