//! Following the log over connections that end: each event once, in order, whatever is interrupted.

use std::io::BufRead;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use api::wire::EventRow;

use super::Context;
use crate::failure::Failure;

/// Pauses before it is tried again, in seconds; their end is the end of patience.
const PAUSES: [u64; 7] = [1, 1, 2, 5, 10, 20, 20];

/// How a connection ended.
struct Ended {
    why: anyhow::Error,
    /// Whether anything came over it.
    heard: bool,
}

/// Shows events from a position on as they come; returns only what makes it end.
pub fn follow(
    context: &Context,
    query: &[(&str, String)],
    mut from: u64,
    show: impl Fn(&EventRow) -> Result<()>,
) -> Result<()> {
    let mut pauses = PAUSES.iter();
    let mut told = false;
    loop {
        let Ended { why, heard } = once(context, query, &mut from, told, &show)?;
        if heard {
            pauses = PAUSES.iter();
            told = false;
        }
        if !told {
            eprintln!("lodge: {}; connecting again, to go on at position {from}", api::told(why.as_ref()));
            told = true;
        }
        let Some(pause) = pauses.next() else {
            return Err(why.context(format!("the stream of events ended at position {from}")));
        };
        thread::sleep(Duration::from_secs(*pause));
    }
}

/// Follows over one connection. An error is one that no other connection would mend.
fn once(
    context: &Context,
    query: &[(&str, String)],
    from: &mut u64,
    was_cut: bool,
    show: impl Fn(&EventRow) -> Result<()>,
) -> Result<Ended> {
    let asked = [query, &[("from", from.to_string())]].concat();
    // Made anew each time: certificates may have been renewed meanwhile.
    let stream = context.client().and_then(|client| client.stream("/v1/events/stream", &asked));
    let stream = match stream {
        Ok(stream) => stream,
        Err(error) if may_pass(&error) => return Ok(Ended { why: error, heard: false }),
        Err(error) => return Err(error),
    };
    if was_cut {
        eprintln!("lodge: connected again");
    }
    let mut heard = false;
    for line in stream.lines() {
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                let why = anyhow::Error::from(error).context("the stream of events broke off");
                return Ok(Ended { why, heard });
            }
        };
        heard = true;
        // Server-sent events: only data lines carry events, the rest keeps the connection alive.
        if let Some(data) = line.strip_prefix("data:") {
            let row: EventRow = serde_json::from_str(data.trim_start())
                .context("the server sent an event that cannot be read")?;
            show(&row)?;
            *from = row.position + 1;
        }
    }
    Ok(Ended { why: anyhow::anyhow!("the server ended the stream of events"), heard })
}

/// Says whether trying again may help: the server is away, starting or busy.
fn may_pass(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<Failure>() {
        None => true,
        Some(Failure::Refused(problem)) => matches!(problem.status, 429 | 502 | 503 | 504),
        Some(_) => false,
    }
}
