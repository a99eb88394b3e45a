//! `lodge audit search`

use anyhow::{Result, bail};
use api::wire::{Coverage, EventRow, Events};
use clap::{Args, ValueEnum};
use event::Timestamp;
use event::filter::{FilterContext, parse_time};
use indicatif::HumanCount;

use super::Context;
use super::asking::{Asking, NARROW, whole};
use super::rows::{HEADINGS, cells};
use super::sql::pass_on;
use crate::client::Client;
use crate::commands::at_least_one;
use crate::commands::zone::Zone;
use crate::terminal::{Output, counted, print_rows};

/// Rows that the server gives at once.
const PAGE: u32 = 1000;

/// Searches the log, newest first. `lodge audit search 'kind: session.* and actor.user: alice' --since now-24h`
///
/// The filter is the Kibana Query Language over the event's fields; docs/filter.md explains it with examples.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    asking: Asking,
    /// How many. In Parquet and Arrow, more than 10,000 rows are not sorted.
    #[arg(long, short = 'n', default_value_t = 100, value_parser = at_least_one)]
    limit: u32,
    /// Goes on behind a place, which an answer names that is not the last.
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
    /// Which come first, by their own time.
    #[arg(long, value_enum, default_value_t)]
    order: Order,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Order {
    /// The latest.
    #[default]
    Newest,
    /// The earliest.
    Oldest,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    arguments.asking.note();
    if matches!(context.output, Output::Parquet | Output::Arrow) {
        let order = match arguments.order {
            Order::Newest => "desc",
            Order::Oldest => "asc",
        };
        if arguments.after.is_some() {
            bail!("a file of columns is made from the first row on; raise --limit instead of --after");
        }
        return pass_on(&arguments.asking.statement(order, arguments.limit), context);
    }
    let client = context.client()?;
    let order = match arguments.order {
        Order::Newest => "newest",
        Order::Oldest => "oldest",
    };
    let mut query = arguments.asking.query();
    query.push(("order", order.to_owned()));
    let Found { rows, next, coverage, .. } =
        pages(&client, &query, arguments.limit, arguments.after.clone())?;
    print_rows(context.output, &rows, HEADINGS, |row| cells(row, &arguments.asking.zone))?;
    if let Some(since) = arguments.asking.since().filter(|_| rows.is_empty()) {
        note_future(since, &arguments.asking.zone);
    }
    if context.output == Output::Table {
        let events = counted(rows.len() as u64, "event");
        eprintln!("{events} of the {} in the log", HumanCount(coverage.size));
    }
    // Also whoever takes the rows by a program must see that there are more.
    if let Some(next) = next.filter(|_| coverage.complete) {
        eprintln!("there are more: raise --limit, or go on behind these with --after {next}");
    }
    whole(&coverage, NARROW)
}

/// Rows, and what is behind them.
pub struct Found {
    /// The rows.
    pub rows: Vec<EventRow>,
    /// The place behind them; absent where nothing follows.
    pub next: Option<String>,
    /// What the last page covers.
    pub coverage: Coverage,
    /// Entries that the log had when the first page was found; later pages show nothing that came since.
    pub first_size: u64,
}

/// Asks page by page until there are as many rows as were asked for, or no more.
pub fn pages(
    client: &Client,
    query: &[(&str, String)],
    limit: u32,
    mut after: Option<String>,
) -> Result<Found> {
    let mut rows: Vec<EventRow> = Vec::new();
    let mut first_size = None;
    loop {
        let wanted = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX)).min(PAGE);
        let mut query = query.to_vec();
        query.push(("limit", wanted.to_string()));
        query.extend(after.take().map(|after| ("after", after)));
        let page: Events = client.get("/v1/events", &query)?;
        rows.extend(page.events);
        let first_size = *first_size.get_or_insert(page.coverage.size);
        after = page.next;
        // Where time ran out, the answer ends; asking on and on would take it all the same.
        if after.is_none() || rows.len() >= limit as usize || !page.coverage.complete {
            return Ok(Found { rows, next: after, coverage: page.coverage, first_size });
        }
    }
}

/// Says of an empty answer that it is so because its range has not come yet.
fn note_future(since: &str, zone: &Zone) {
    let now = server::system::ambient().now();
    if let Some(since) = future(since, &FilterContext { now, zone: zone.zone() }) {
        let (since, now) = (zone.show(since), zone.show(now));
        eprintln!("note: --since is {since}, which lies in the future; it is {now} now");
    }
}

/// Returns the instant that a text names, if it has not come yet.
fn future(since: &str, context: &FilterContext) -> Option<Timestamp> {
    parse_time(since, context).filter(|since| *since > context.now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_that_has_not_come_yet_is_known() {
        let now = FilterContext::utc("2026-01-31T08:00:00Z".parse().unwrap());
        for later in ["9999-12-30", "now+1y", "2026-01-31T08:00:01Z"] {
            assert!(future(later, &now).is_some(), "{later}");
        }
        for past in ["2026-01-31", "now", "now-24h", "nonsense"] {
            assert_eq!(future(past, &now), None, "{past}");
        }
    }
}
