//! `lodge logout`

use anyhow::Result;
use clap::Args;

use super::{Context, login};
use crate::failure::Failure;
use crate::terminal::print_line;

/// Ends your login: its certificates stop working at once, here and on the server.
#[derive(Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_: &Arguments, context: &Context) -> Result<()> {
    // Where nobody is signed in there is nothing to end.
    let profile = context.folder.profile()?;
    let ended = context
        .client()
        .and_then(|client| client.post::<serde_json::Value>("/v1/logout", &serde_json::json!({})));
    if std::env::var_os("SSH_AUTH_SOCK").is_some() {
        let _ = login::agent(&["-q", "-d"], &context.folder.path("id")).status();
    }
    context.folder.clear()?;
    match ended {
        Ok(_) => print_line("signed out"),
        Err(error) if has_ended(&error) => print_line("signed out; the login had ended already"),
        Err(error) => {
            print_line("keys and certificates were removed here")?;
            let expires = profile.expires;
            Err(error.context(format!(
                "the server could not be told, so the login stands there until {expires}, without anybody who has its keys"
            )))
        }
    }
}

/// Says whether the server knows the login no longer: what was to be ended has ended.
fn has_ended(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<Failure>(), Some(Failure::Refused(problem)) if problem.status == 401)
}
