//! The verbs. One file each; one line each here.

mod access;
mod apply;
mod archive;
mod audit;
mod ca;
mod completions;
mod delete;
mod get;
mod ingest;
mod login;
mod logout;
mod play;
mod proxy;
mod reference;
mod scp;
mod serve;
mod sessions;
#[cfg(feature = "sql")]
mod sql_worker;
mod ssh;
mod ssh_config;
mod status;
mod targets;
mod users;
mod zone;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::client::Client;
use crate::profile::Folder;
use crate::terminal::Output;

/// Lodge lets people in to servers with short-lived identity, and keeps a provable record of what they do.
///
/// Sign in once with `lodge login`; then `ssh`, `scp`, `sftp`, `rsync` and `git` work as ever through the lines that
/// `lodge ssh-config` prints. Everything that happens is in one audit log: `lodge audit search` finds it, `lodge play`
/// shows it, `lodge audit prove` and `lodge audit verify` prove it.
#[derive(Parser)]
#[command(name = "lodge", version, disable_help_subcommand = true, max_term_width = 100)]
pub struct Lodge {
    /// Folder of your keys and certificates [default: `lodge` below the user's data folder].
    #[arg(long, global = true, env = "LODGE_HOME", hide_env_values = true, value_name = "FOLDER")]
    home: Option<PathBuf>,
    /// How answers are printed.
    #[arg(long, short, global = true, value_enum, default_value_t, value_name = "FORM")]
    output: Output,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Serve(serve::Arguments),
    Status(status::Arguments),
    Login(login::Arguments),
    Logout(logout::Arguments),
    Ssh(ssh::Arguments),
    Scp(scp::Arguments),
    SshConfig(ssh_config::Arguments),
    Proxy(proxy::Arguments),
    Targets(targets::Arguments),
    Sessions(sessions::Arguments),
    Play(play::Arguments),
    Audit(audit::Arguments),
    Ingest(ingest::Arguments),
    Archive(archive::Arguments),
    Apply(apply::Arguments),
    Get(get::Arguments),
    Delete(delete::Arguments),
    Access(access::Arguments),
    Users(users::Arguments),
    Ca(ca::Arguments),
    Completions(completions::Arguments),
    #[command(hide = true)]
    Reference(reference::Arguments),
    #[cfg(feature = "sql")]
    #[command(hide = true)]
    SqlWorker(sql_worker::Arguments),
}

/// What every verb is given.
pub struct Context {
    /// Where the person's keys and certificates lie.
    pub folder: Folder,
    /// How answers are printed.
    pub output: Output,
}

impl Context {
    /// Connects as whoever is signed in.
    pub fn client(&self) -> Result<Client> {
        Client::signed_in(&self.folder)
    }
}

/// Reads how many rows are wanted.
fn at_least_one(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(0) => Err("this would show nothing; give 1 or more".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err(format!("it takes a whole number from 1 to {}", u32::MAX)),
    }
}

/// Runs the verb that was given.
pub fn run(lodge: Lodge) -> Result<()> {
    // It has no home, nor anything else.
    #[cfg(feature = "sql")]
    if let Verb::SqlWorker(arguments) = &lodge.verb {
        return sql_worker::run(arguments);
    }
    let context = Context { folder: Folder::new(lodge.home)?, output: lodge.output };
    match lodge.verb {
        Verb::Serve(arguments) => serve::run(arguments),
        Verb::Status(arguments) => status::run(&arguments, &context),
        Verb::Login(arguments) => login::run(&arguments, &context),
        Verb::Logout(arguments) => logout::run(&arguments, &context),
        Verb::Ssh(arguments) => ssh::run(&arguments, &context),
        Verb::Scp(arguments) => scp::run(&arguments, &context),
        Verb::SshConfig(arguments) => ssh_config::run(&arguments, &context),
        Verb::Proxy(arguments) => proxy::run(&arguments, &context),
        Verb::Targets(arguments) => targets::run(&arguments, &context),
        Verb::Sessions(arguments) => sessions::run(&arguments, &context),
        Verb::Play(arguments) => play::run(&arguments, &context),
        Verb::Audit(arguments) => audit::run(&arguments, &context),
        Verb::Ingest(arguments) => ingest::run(&arguments, &context),
        Verb::Archive(arguments) => archive::run(&arguments, &context),
        Verb::Apply(arguments) => apply::run(&arguments, &context),
        Verb::Get(arguments) => get::run(&arguments, &context),
        Verb::Delete(arguments) => delete::run(&arguments, &context),
        Verb::Access(arguments) => access::run(&arguments, &context),
        Verb::Users(arguments) => users::run(&arguments, &context),
        Verb::Ca(arguments) => ca::run(&arguments, &context),
        Verb::Completions(arguments) => completions::run(&arguments),
        Verb::Reference(arguments) => reference::run(&arguments),
        #[cfg(feature = "sql")]
        Verb::SqlWorker(arguments) => sql_worker::run(&arguments),
    }
}
