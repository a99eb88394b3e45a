//! `lodge audit top`

use anyhow::Result;
use api::wire::{Top, TopValue};
use clap::Args;

use super::Context;
use super::asking::{Asking, NARROW, whole};
use crate::terminal::{Output, counted, print_one, print_rows};

/// Ranks the values of a field. `lodge audit top origin.ip 'kind: user.login and outcome: failure'`
#[derive(Args)]
pub struct Arguments {
    /// Field, as a filter names it: `actor.user`, `detail.verb`, …
    field: String,
    #[command(flatten)]
    asking: Asking,
    /// How many values, 10,000 at most.
    #[arg(long, short = 'n', default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Only values that begin so, in any letter case.
    #[arg(long, default_value = "")]
    prefix: String,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    arguments.asking.note();
    let mut query = arguments.asking.query();
    query.push(("field", arguments.field.clone()));
    query.push(("limit", arguments.limit.to_string()));
    query.push(("prefix", arguments.prefix.clone()));
    let top: Top = context.client()?.get("/v1/events/top", &query)?;
    match context.output {
        Output::Json => print_one(context.output, &top, |_| String::new())?,
        output => {
            let cells = |one: &TopValue| {
                vec![one.value.clone(), one.events.to_string(), share(one.events, top.events)]
            };
            print_rows(output, &top.values, &["VALUE", "EVENTS", "SHARE"], cells)?;
            if output == Output::Table {
                let (events, distinct, other, without) = (top.events, top.distinct, top.other, top.without);
                let (events, distinct) = (counted(events, "event"), counted(distinct, "value"));
                eprintln!("{events}, {distinct}; {other} with others, {without} without any");
            }
        }
    }
    whole(&top.coverage, NARROW)
}

fn share(events: u64, all: u64) -> String {
    // In tenths of a percent, in whole numbers.
    let tenths = u128::from(events) * 1000 / u128::from(all.max(1));
    format!("{}.{}%", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_are_of_all_events() {
        assert_eq!(
            [share(1, 3), share(2, 2), share(0, 0), share(1, 100_000)],
            ["33.3%", "100.0%", "0.0%", "0.0%"]
        );
    }
}
