//! `lodge audit tail`

use anyhow::{Result, bail};
use api::wire::EventRow;
use clap::Args;

use super::Context;
use super::asking::{note, whole};
use super::following::follow;
use super::rows::cells;
use super::search::pages;
use crate::commands::zone::Zone;
use crate::terminal::{Output, columnar_only, csv, print_line, printable};

/// Shows the newest events and, with `-f`, those that come.
///
/// When the connection ends, `-f` says so, connects again and goes on where it was, for as long as whoever is signed in may
/// read. It gives up, with an exit code other than 0, when the server stays away for about a minute.
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
    let (zone, output) = (&arguments.zone, context.output);
    let query = [("filter", arguments.filter.clone()), ("zone", zone.asked())];
    if (arguments.lines, arguments.follow) == (0, false) {
        bail!("-n 0 shows something only together with -f; give 1 or more");
    }
    note(&arguments.filter, zone);
    // Also where none are shown, the answer says where the log ends, which is where following begins.
    let found = pages(&context.client()?, &query, arguments.lines.max(1), None)?;
    for row in found.rows.iter().take(arguments.lines as usize).rev() {
        print(row, output, zone)?;
    }
    let searched = whole(&found.coverage, "narrow the filter, or ask for fewer");
    if !arguments.follow {
        return searched;
    }
    if let Err(error) = searched {
        eprintln!("lodge: {error}");
    }
    follow(context, &query, found.first_size, |row| print(row, output, zone))
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
