//! `lodge audit show`

use anyhow::Result;
use api::wire::EventRow;
use clap::Args;

use super::Context;
use crate::client::segment;
use crate::terminal::{Output, print_line, printable};

/// Shows one event whole.
#[derive(Args)]
pub struct Arguments {
    /// The event's id, or its position in the log, like 1234.
    id: String,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let row: EventRow = context.client()?.get(&format!("/v1/events/{}", segment(&arguments.id)), &[])?;
    if context.output != Output::Table {
        return print_line(&serde_json::to_string(&row)?);
    }
    print_line(&format!("position {}, taken by the log at {}", row.position, row.log_time))?;
    let event: serde_json::Value = serde_json::from_str(row.event.get())?;
    let text = serde_json::to_string_pretty(&event)?;
    text.lines().try_for_each(|line| print_line(&printable(line)))
}
