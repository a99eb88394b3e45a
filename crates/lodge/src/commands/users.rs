//! `lodge users`

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use api::wire::{Invite, NewUser, User, UserChange};
use clap::{Args, Subcommand};

use super::Context;
use crate::client::segment;
use crate::terminal::{print_line, print_one, print_rows};

/// Creates, shows and changes users.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Lists users.
    Ls,
    /// Creates a user and prints the single-use invite link to give to that person.
    Add {
        /// User name.
        name: String,
        /// Roles, separated by commas.
        #[arg(long, value_delimiter = ',', required = true)]
        roles: Vec<String>,
        /// Traits that role templates use: NAME=VALUE, or NAME=VALUE,VALUE.
        #[arg(long = "trait", value_name = "NAME=VALUES")]
        traits: Vec<String>,
    },
    /// Changes a user; what is not named stays.
    Set {
        /// User name.
        name: String,
        /// Roles, separated by commas.
        #[arg(long, value_delimiter = ',')]
        roles: Option<Vec<String>>,
        /// Traits; all of them, those not named are removed.
        #[arg(long = "trait", value_name = "NAME=VALUES")]
        traits: Vec<String>,
        /// Whether the user may not sign in.
        #[arg(long)]
        disabled: Option<bool>,
    },
    /// Ends a user's logins and second factor and prints a new invite link.
    Reset {
        /// User name.
        name: String,
    },
    /// Deletes a user; logins and live sessions end at once.
    Rm {
        /// User name.
        name: String,
    },
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let client = context.client()?;
    let invite = |invite: &Invite| {
        format!("invite for {} (works once, until {}):\n{}", invite.user, invite.expires, invite.url)
    };
    match &arguments.verb {
        Verb::Ls => {
            let users: Vec<User> = client.get("/v1/users", &[])?;
            print_rows(context.output, &users, &["USER", "ROLES", "TRAITS", "STATE"], cells)
        }
        Verb::Add { name, roles, traits } => {
            let user = NewUser { name: name.clone(), roles: roles.clone(), traits: parse_traits(traits)? };
            let made: Invite = client.post("/v1/users", &user)?;
            print_one(context.output, &made, invite)
        }
        Verb::Set { name, roles, traits, disabled } => {
            let traits = if traits.is_empty() { None } else { Some(parse_traits(traits)?) };
            let change = UserChange { roles: roles.clone(), traits, disabled: *disabled };
            let user: User = client.patch(&format!("/v1/users/{}", segment(name)), &change)?;
            print_one(context.output, &user, |user| cells(user).join("  "))
        }
        Verb::Reset { name } => {
            let made: Invite =
                client.post(&format!("/v1/users/{}/reset", segment(name)), &serde_json::json!({}))?;
            print_one(context.output, &made, invite)
        }
        Verb::Rm { name } => {
            client.delete(&format!("/v1/users/{}", segment(name)), &[])?;
            print_line(&format!("user {name} was deleted"))
        }
    }
}

fn parse_traits(traits: &[String]) -> Result<BTreeMap<String, Vec<String>>> {
    let parse = |text: &String| {
        let (name, values) = text.split_once('=').with_context(|| format!("`{text}` is not NAME=VALUES"))?;
        Ok((name.to_owned(), values.split(',').map(str::to_owned).collect()))
    };
    traits.iter().map(parse).collect()
}

fn cells(user: &User) -> Vec<String> {
    let traits: Vec<String> =
        user.traits.iter().map(|(name, values)| format!("{name}={}", values.join(","))).collect();
    vec![user.name.clone(), user.roles.join(" "), traits.join(" "), user.status.clone()]
}
