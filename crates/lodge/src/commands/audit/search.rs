//! `lodge audit search`

use anyhow::Result;
use api::wire::{EventRow, Events};
use clap::{Args, ValueEnum};
use event::Record;

use super::Context;
use super::asking::{Asking, warn};
use crate::terminal::{Output, print_rows};

/// Searches the log, newest first. `lodge audit search 'kind: session.* and actor.user: alice' --since now-24h`
///
/// The filter is the Kibana Query Language over the event's fields; docs/filter.md explains it with examples.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    asking: Asking,
    /// How many.
    #[arg(long, default_value_t = 100)]
    limit: u32,
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
    let client = context.client()?;
    let order = match arguments.order {
        Order::Newest => "newest",
        Order::Oldest => "oldest",
    };
    let mut rows: Vec<EventRow> = Vec::new();
    let mut after = None;
    let coverage = loop {
        let wanted = arguments.limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX)).min(1000);
        let mut query = arguments.asking.query();
        query.extend([("order", order.to_owned()), ("limit", wanted.to_string())]);
        query.extend(after.take().map(|after| ("after", after)));
        let page: Events = client.get("/v1/events", &query)?;
        rows.extend(page.events);
        after = page.next;
        // Where time ran out, the answer ends; asking on and on would take it all the same.
        if after.is_none() || rows.len() >= arguments.limit as usize || !page.coverage.complete {
            break page.coverage;
        }
    };
    print_rows(context.output, &rows, HEADINGS, cells)?;
    warn(context.output, &coverage);
    if context.output == Output::Table {
        let more = if after.is_some() && coverage.complete { "; there are more (--limit)" } else { "" };
        eprintln!("{} events of the {} in the log{more}", rows.len(), coverage.size);
    }
    Ok(())
}

/// Headings of a table of events.
pub const HEADINGS: &[&str] = &["POSITION", "TIME", "KIND", "OUTCOME", "USER", "TARGET", "WHAT"];

/// Cells of an event's row.
pub fn cells(row: &EventRow) -> Vec<String> {
    let Ok(record) = Record::parse(row.event.get().as_bytes()) else {
        return vec![row.position.to_string(), row.log_time.to_string(), "?".to_owned()];
    };
    let outcome = format!("{:?}", record.outcome).to_lowercase();
    vec![
        row.position.to_string(),
        record.time.to_string(),
        record.kind().to_owned(),
        outcome,
        record.actor.user.clone(),
        record.target.as_ref().map(|target| target.name.clone()).unwrap_or_default(),
        what(&record),
    ]
}

/// The words of the detail that tell most, and the reason where there is one.
fn what(record: &Record) -> String {
    const TELLING: &[&str] = &[
        "command",
        "path",
        "host",
        "login",
        "user",
        "name",
        "filter",
        "method",
        "principals",
        "request",
        "ended_by",
    ];
    let detail = &record.body.detail;
    let words = TELLING.iter().filter_map(|field| detail.get(field)).filter_map(|value| match value {
        serde_json::Value::String(text) if !text.is_empty() => Some(text.clone()),
        serde_json::Value::Array(list) if !list.is_empty() => {
            Some(serde_json::Value::Array(list.clone()).to_string())
        }
        _ => None,
    });
    let words: Vec<String> = words.take(2).chain(record.reason.clone()).collect();
    words.join(" · ")
}
