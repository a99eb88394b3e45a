//! `lodge audit around`

use anyhow::Result;
use api::wire::{Around, EventRow};
use clap::Args;

use super::Context;
use super::asking::{Asking, NARROW, whole};
use super::rows::{HEADINGS, cells};
use crate::terminal::{Output, print_one, print_rows, strong};

/// Shows what happened just before and after an event. `lodge audit around 1234 'actor.user: alice' -n 5`
#[derive(Args)]
pub struct Arguments {
    /// The event's id, or its position in the log, like 1234.
    id: String,
    #[command(flatten)]
    asking: Asking,
    /// How many events on each side, 1,000 at most.
    #[arg(long, short = 'n', default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    arguments.asking.note();
    let mut query = arguments.asking.query();
    query.push(("id", arguments.id.clone()));
    query.push(("limit", arguments.limit.to_string()));
    let around: Around = context.client()?.get("/v1/events/around", &query)?;
    if context.output == Output::Json {
        print_one(context.output, &around, |_| String::new())?;
        return whole(&around.coverage, NARROW);
    }
    let position = around.event.position;
    let rows: Vec<EventRow> = around.before.into_iter().chain([around.event]).chain(around.after).collect();
    let marked = |row: &EventRow| {
        let mut cells = cells(row, &arguments.asking.zone);
        if row.position == position && context.output == Output::Table {
            cells[0] = format!("> {}", cells[0]);
        }
        cells
    };
    print_rows(context.output, &rows, HEADINGS, marked)?;
    if context.output == Output::Table {
        eprintln!("{} is the event at position {position}", strong(">"));
    }
    whole(&around.coverage, NARROW)
}
