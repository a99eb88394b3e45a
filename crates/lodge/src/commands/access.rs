//! `lodge access`

use anyhow::Result;
use api::wire::Explanation;
use clap::{Args, Subcommand};

use super::Context;
use crate::terminal::print_one;

/// Explains who may reach what, and why.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Says which rule decides whether a user may reach a target. Decides nothing and reaches nothing.
    Explain {
        /// User.
        user: String,
        /// Target.
        target: String,
        /// Login on the target; without it, every login that would be allowed is named.
        #[arg(long)]
        login: Option<String>,
    },
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let Verb::Explain { user, target, login } = &arguments.verb;
    let mut query = vec![("user", user.clone()), ("target", target.clone())];
    query.extend(login.clone().map(|login| ("login", login)));
    let explanation: Explanation = context.client()?.get("/v1/access/explain", &query)?;
    print_one(context.output, &explanation, |explanation| explanation.text.clone())
}
