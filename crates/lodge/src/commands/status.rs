//! `lodge status`

use anyhow::Result;
use api::wire::Status;
use clap::Args;

use super::Context;
use crate::terminal::{bad, good, print_one};

/// Shows who you are signed in as, and how the server and its log are doing.
#[derive(Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_: &Arguments, context: &Context) -> Result<()> {
    let server = context.folder.profile()?.server;
    let status: Status = context.client()?.get("/v1/status", &[])?;
    print_one(context.output, &status, |status| text(status, &server))
}

fn text(status: &Status, server: &str) -> String {
    let log = &status.log;
    let state = if log.state == "ok" { good("ok") } else { bad(&log.state) };
    let checkpoint = log.checkpoint_time.map_or_else(|| "none yet".to_owned(), |time| time.to_string());
    format!(
        "server      {server} (Lodge {}, node {})\nsigned in   {} (roles: {}) until {}\nsessions    {} live\n\
         log         {state}: {} entries, {} of them under the checkpoint of {checkpoint}\n\
         disk        {} MiB kept, {} MiB free",
        status.version,
        status.node,
        status.user,
        status.roles.join(", "),
        status.expires,
        status.live_sessions,
        log.entries,
        log.checkpoint_size,
        log.stored_bytes >> 20,
        log.free_bytes >> 20,
    )
}
