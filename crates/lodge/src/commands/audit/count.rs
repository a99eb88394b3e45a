//! `lodge audit count`

use anyhow::Result;
use api::wire::Count;
use clap::Args;

use super::Context;
use super::asking::{Asking, NARROW, whole};
use crate::terminal::{Output, print_line, print_one};

/// Counts events. `lodge audit count 'outcome: denied' --since now/d`
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    asking: Asking,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    arguments.asking.note();
    let count: Count = context.client()?.get("/v1/events/count", &arguments.asking.query())?;
    if context.output == Output::Csv {
        print_line("events")?;
        print_line(&count.events.to_string())?;
    } else {
        print_one(context.output, &count, |count| count.events.to_string())?;
    }
    whole(&count.coverage, NARROW)
}
