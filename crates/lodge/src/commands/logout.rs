//! `lodge logout`

use anyhow::Result;
use clap::Args;

use super::{Context, login};
use crate::terminal::print_line;

/// Ends your login: its certificates stop working at once, here and on the server.
#[derive(Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_: &Arguments, context: &Context) -> Result<()> {
    let ended = context
        .client()
        .and_then(|client| client.post::<serde_json::Value>("/v1/logout", &serde_json::json!({})));
    if std::env::var_os("SSH_AUTH_SOCK").is_some() {
        let _ = login::agent(&["-q", "-d"], &context.folder.path("id")).status();
    }
    context.folder.clear()?;
    match ended {
        Ok(_) => print_line("signed out"),
        Err(error) => {
            print_line("keys and certificates were removed here")?;
            Err(error.context("the server could not be told, so the login stands there until it ends"))
        }
    }
}
