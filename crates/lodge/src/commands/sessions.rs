//! `lodge sessions`

use anyhow::Result;
use api::wire::{Session, Sessions};
use clap::{Args, Subcommand};

use super::{Context, at_least_one};
use crate::client::segment;
use crate::terminal::{print_line, print_rows};

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
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = at_least_one)]
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
        Verb::Ls { live, filter, limit } => {
            let query =
                [("live", live.to_string()), ("filter", filter.clone()), ("limit", limit.to_string())];
            let page: Sessions = client.get("/v1/sessions", &query)?;
            let headings = ["SESSION", "USER", "LOGIN@TARGET", "STARTED", "ENDED", "BY"];
            print_rows(context.output, &page.sessions, &headings, cells)
        }
        Verb::Kill { session } => {
            client.delete(&format!("/v1/sessions/{}", segment(session)))?;
            print_line(&format!("session {session} was cut"))
        }
    }
}

fn cells(session: &Session) -> Vec<String> {
    vec![
        session.id.clone(),
        session.user.clone(),
        format!("{}@{}", session.login, session.target),
        session.started.to_string(),
        session.ended.map_or_else(|| "live".to_owned(), |time| time.to_string()),
        session.ended_by.clone().unwrap_or_default(),
    ]
}
