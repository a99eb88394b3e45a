//! `lodge sessions`

use anyhow::Result;
use api::wire::{Coverage, ScreenLine, ScreenLines, Session, Sessions};
use clap::{Args, Subcommand};

use super::audit::asking::{note, whole};
use super::zone::Zone;
use super::{Context, at_least_one};
use crate::client::{Client, segment};
use crate::failure::Failure;
use crate::terminal::{Output, counted, print_line, print_rows};

/// Lists sessions, live and past, and cuts live ones.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Lists sessions, newest first.
    Ls {
        /// Only sessions that are open now.
        #[arg(long)]
        live: bool,
        /// Only sessions whose start matches this filter.
        #[arg(default_value = "")]
        filter: String,
        /// Only sessions that began at this time or later: `now-24h`, a date, RFC 3339.
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Only sessions that began before this time.
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        #[command(flatten)]
        zone: Zone,
        /// How many.
        #[arg(long, short = 'n', default_value_t = 50, value_parser = at_least_one)]
        limit: u32,
    },
    /// Finds words in what terminals showed and commands wrote.
    ///
    /// Each line that is found can be watched: `lodge play SESSION --seek SECONDS`. What is shown of a recording is an event of
    /// its own.
    Search {
        /// Words, `"phrases"`, `and`, `or`, `not`; asked of each line.
        text: String,
        /// Only sessions whose start matches this filter.
        #[arg(long, default_value = "")]
        filter: String,
        /// Only sessions that began at this time or later: `now-24h`, a date, RFC 3339.
        #[arg(long)]
        since: Option<String>,
        /// Only sessions that began before this time.
        #[arg(long)]
        until: Option<String>,
        #[command(flatten)]
        zone: Zone,
        /// How many lines.
        #[arg(long, short = 'n', default_value_t = 100, value_parser = at_least_one)]
        limit: u32,
    },
    /// Cuts a live session; that is an event of its own.
    Kill {
        /// Session id.
        session: String,
        /// Why; the person whose session it is reads it, and it stands in the event.
        #[arg(long, default_value = "")]
        reason: String,
    },
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let client = context.client()?;
    match &arguments.verb {
        Verb::Ls { live, filter, since, until, zone, limit } => {
            let mut query =
                vec![("live", live.to_string()), ("filter", filter.clone()), ("zone", zone.asked())];
            query.extend(since.clone().map(|since| ("since", since)));
            query.extend(until.clone().map(|until| ("until", until)));
            note(filter, zone);
            let page = list(&client, &query, *limit)?;
            let headings = ["SESSION", "USER", "LOGIN@TARGET", "STARTED", "ENDED", "BY"];
            print_rows(context.output, &page.sessions, &headings, |session| cells(session, zone))?;
            if page.next.is_some() && page.coverage.complete {
                eprintln!("there are more: raise --limit, or narrow the times with --until");
            }
            whole(&page.coverage, "narrow the times with --since and --until")
        }
        Verb::Search { text, filter, since, until, zone, limit } => {
            let zone = zone.asked();
            let asked = [
                ("text", Some(text)),
                ("filter", Some(filter)),
                ("since", since.as_ref()),
                ("until", until.as_ref()),
                ("zone", Some(&zone)),
            ];
            let asked: Vec<(&str, String)> =
                asked.into_iter().filter_map(|(name, value)| Some((name, value?.clone()))).collect();
            let Found { lines, searched, damaged, more_in, more, coverage } =
                search(&client, &asked, *limit)?;
            print_rows(
                context.output,
                &lines,
                &["SESSION", "SECOND", "USER", "LOGIN@TARGET", "LINE"],
                |line| {
                    let second = format!("{:.1}", line.at_ms as f64 / 1000.0);
                    let at = format!("{}@{}", line.login, line.target);
                    vec![line.session.clone(), second, line.user.clone(), at, line.text.clone()]
                },
            )?;
            if context.output == Output::Table {
                let (lines, searched) = (counted(lines.len() as u64, "line"), counted(searched, "session"));
                eprintln!("{lines} in {searched}");
            }
            if more {
                eprintln!("there are more: raise --limit, or narrow the times with --until");
            }
            if !more_in.is_empty() {
                eprintln!("only the first 100 lines are shown of {}: name more words", more_in.join(", "));
            }
            whole(&coverage, "narrow the times with --since and --until")?;
            if damaged.is_empty() {
                return Ok(());
            }
            let damaged = damaged.join(", ");
            let text = format!(
                "recordings that are damaged were not searched: {damaged}; `lodge play --verify` says what is wrong"
            );
            Err(Failure::Incomplete(text).into())
        }
        Verb::Kill { session, reason } => {
            let query = [("reason", reason.clone())];
            client.delete(&format!("/v1/sessions/{}", segment(session)), &query)?;
            print_line(&format!("session {session} was cut"))
        }
    }
}

/// Asks page by page until there are enough sessions.
fn list(client: &Client, asked: &[(&str, String)], limit: u32) -> Result<Sessions> {
    let (mut sessions, mut cursor) = (Vec::new(), None);
    loop {
        let mut query = asked.to_vec();
        query.push(("limit", (limit as usize - sessions.len()).to_string()));
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page: Sessions = client.get("/v1/sessions", &query)?;
        sessions.extend(page.sessions);
        if page.next.is_none() || sessions.len() >= limit as usize || !page.coverage.complete {
            return Ok(Sessions { sessions, ..page });
        }
        cursor = page.next;
    }
}

/// Lines that were found.
struct Found {
    lines: Vec<ScreenLine>,
    /// Sessions that were looked into.
    searched: u64,
    /// Those whose recordings are damaged.
    damaged: Vec<String>,
    /// Those with more lines than are shown.
    more_in: Vec<String>,
    more: bool,
    coverage: Coverage,
}

/// Asks page by page until there are enough lines.
fn search(client: &Client, asked: &[(&str, String)], limit: u32) -> Result<Found> {
    let (mut lines, mut searched, mut cursor) = (Vec::new(), 0, None);
    let (mut damaged, mut more_in) = (Vec::new(), Vec::new());
    loop {
        let mut query = asked.to_vec();
        query.push(("limit", (limit as usize - lines.len()).to_string()));
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page: ScreenLines = client.get("/v1/recordings/search", &query)?;
        lines.extend(page.lines);
        searched += page.sessions_searched;
        damaged.extend(page.damaged);
        more_in.extend(page.more_in);
        cursor = page.next;
        if cursor.is_none() || lines.len() >= limit as usize || !page.coverage.complete {
            let more = cursor.is_some() && page.coverage.complete || lines.len() > limit as usize;
            lines.truncate(limit as usize);
            return Ok(Found { lines, searched, damaged, more_in, more, coverage: page.coverage });
        }
    }
}

fn cells(session: &Session, zone: &Zone) -> Vec<String> {
    vec![
        session.id.clone(),
        session.user.clone(),
        format!("{}@{}", session.login, session.target),
        zone.show(session.started),
        session.ended.map_or_else(|| "live".to_owned(), |time| zone.show(time)),
        session.ended_by.clone().unwrap_or_default(),
    ]
}
