//! `lodge sessions`

use anyhow::Result;
use api::wire::{ScreenLine, ScreenLines, Session, Sessions};
use clap::{Args, Subcommand};

use super::zone::Zone;
use super::{Context, at_least_one};
use crate::client::{Client, segment};
use crate::terminal::{Output, print_line, print_rows};

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
        #[command(flatten)]
        zone: Zone,
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = at_least_one)]
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
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Cuts a live session; that is an event of its own.
    Kill {
        /// Session id.
        session: String,
    },
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let client = context.client()?;
    match &arguments.verb {
        Verb::Ls { live, filter, zone, limit } => {
            let query = [
                ("live", live.to_string()),
                ("filter", filter.clone()),
                ("zone", zone.asked()),
                ("limit", limit.to_string()),
            ];
            let page: Sessions = client.get("/v1/sessions", &query)?;
            let headings = ["SESSION", "USER", "LOGIN@TARGET", "STARTED", "ENDED", "BY"];
            print_rows(context.output, &page.sessions, &headings, |session| cells(session, zone))
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
            let (lines, searched) = search(&client, &asked, *limit)?;
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
                eprintln!("{} lines; {searched} sessions were searched", lines.len());
            }
            Ok(())
        }
        Verb::Kill { session } => {
            client.delete(&format!("/v1/sessions/{}", segment(session)))?;
            print_line(&format!("session {session} was cut"))
        }
    }
}

/// Asks page by page until there are enough lines; returns them and how many sessions were looked into.
fn search(client: &Client, asked: &[(&str, String)], limit: u32) -> Result<(Vec<ScreenLine>, u64)> {
    let (mut lines, mut searched, mut cursor) = (Vec::new(), 0, None);
    loop {
        let mut query = asked.to_vec();
        query.push(("limit", (limit as usize - lines.len()).to_string()));
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page: ScreenLines = client.get("/v1/recordings/search", &query)?;
        lines.extend(page.lines);
        searched += page.sessions_searched;
        cursor = page.next;
        if cursor.is_none() || lines.len() >= limit as usize {
            lines.truncate(limit as usize);
            return Ok((lines, searched));
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
