//! `lodge serve`

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use audit_log::Rollback;
use clap::Args;
use server::config::MessageFormat;
use server::{Config, Server};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Runs the server: the gate, the API, the audit log.
///
/// Without any configuration it makes a data folder with keys and the first admin's invite, and listens. The invite link
/// is printed at every start until somebody has used it. SIGTERM and SIGINT end it in order: sessions are ended and their
/// recordings sealed.
#[derive(Args)]
pub struct Arguments {
    /// Configuration, TOML.
    #[arg(long, short, value_name = "FILE", env = "LODGE_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Folder of everything that Lodge keeps.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// File of the 32-byte master key; made when missing.
    #[arg(long, value_name = "FILE", env = "LODGE_MASTER_KEY_FILE", hide_env_values = true)]
    master_key_file: Option<PathBuf>,
    /// Name or address under which clients reach Lodge.
    #[arg(long, value_name = "HOST")]
    public_host: Option<String>,
    /// Address of the API.
    #[arg(long, value_name = "ADDRESS:PORT")]
    api_listen: Option<SocketAddr>,
    /// Address of the SSH gate.
    #[arg(long, value_name = "ADDRESS:PORT")]
    ssh_listen: Option<SocketAddr>,
    /// Address of metrics and health, plain HTTP.
    #[arg(long, value_name = "ADDRESS:PORT")]
    metrics_listen: Option<SocketAddr>,
    /// Makes a further admin of this name and prints the invite: the way back in when nobody can administer any more.
    #[arg(long, value_name = "NAME")]
    invite_admin: Option<String>,
    /// Opens an audit log that is older than `state.db` remembers, because an older copy was restored on purpose. Writes
    /// `log.rolled_back`, with what was lost, before anything else. Never opens a log that is another one or was rewritten.
    #[arg(long)]
    accept_rollback: bool,
    /// Writes the addresses and the invite link to this file as JSON once it listens.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(arguments: Arguments) -> Result<()> {
    let config = configuration(&arguments)?;
    start_messages(&config)?;
    raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(serve(&config, &arguments))
}

fn configuration(arguments: &Arguments) -> Result<Config> {
    let mut config = match &arguments.config {
        Some(path) => Config::read(path)?,
        None => Config::default(),
    };
    let Arguments { data_dir, master_key_file, public_host, api_listen, ssh_listen, metrics_listen, .. } =
        arguments;
    config.data_dir = data_dir.clone().unwrap_or(config.data_dir);
    config.master_key_file = master_key_file.clone().or(config.master_key_file);
    if arguments.accept_rollback {
        config.rollback = Rollback::Accept;
    }
    config.public_host = public_host.clone().unwrap_or(config.public_host);
    config.api.listen = api_listen.unwrap_or(config.api.listen);
    config.ssh.listen = ssh_listen.unwrap_or(config.ssh.listen);
    config.metrics.listen = metrics_listen.unwrap_or(config.metrics.listen);
    Ok(config)
}

/// Lets the process open as many files as it may: each session takes three, and the usual soft limit is 1,024.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        tracing::warn!(%error, "cannot raise the limit of open files, which bounds how many sessions can be open");
    }
}

fn start_messages(config: &Config) -> Result<()> {
    let filter = message_filter(&config.messages.level)?;
    let messages = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let messages = messages.with_ansi(std::io::stderr().is_terminal());
    match config.messages.format {
        MessageFormat::Text => messages.init(),
        MessageFormat::Json => messages.json().init(),
    }
    Ok(())
}

/// Target of the messages that hold an invite. They are shown whatever the level: without them nobody gets in.
const INVITE: &str = "lodge::invite";

/// Words that stand alone as a level.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Makes the filter of messages. A word that is no level would silently hide everything, so it is refused.
fn message_filter(level: &str) -> Result<EnvFilter> {
    let parts: Vec<&str> = level.split(',').map(str::trim).collect();
    for part in &parts {
        let word = part.to_lowercase();
        if part.is_empty() || !part.contains(['=', '[']) && !LEVELS.contains(&word.as_str()) {
            bail!(
                "`messages.level` is {level:?}, and {part:?} is no level; write one of {}, or `crate=level` pairs, separated by commas",
                LEVELS.join(", ")
            );
        }
    }
    let filter =
        EnvFilter::try_new(parts.join(",")).with_context(|| format!("`messages.level` is {level:?}"))?;
    Ok(filter.add_directive(format!("{INVITE}=info").parse().context("cannot show invites")?))
}

async fn serve(config: &Config, arguments: &Arguments) -> Result<()> {
    say_places(config, arguments.config.as_deref());
    let server = Server::start(config, server::system::ambient()).await?;
    tracing::info!(api = %server.api, ssh = %server.ssh, metrics = %server.metrics, "listening");
    if let Some(invite) = &server.invite {
        tracing::info!(target: INVITE, "nobody has joined yet; the first admin's invite: {invite}");
    }
    if let Some(name) = &arguments.invite_admin {
        let invite = server.invite_admin(name).await?;
        tracing::info!(target: INVITE, "invite of the admin {name}: {invite}");
    }
    if let Some(path) = &arguments.ready_file {
        announce(&server, path)?;
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = server.log_failed() => {
            server.stop().await?;
            bail!("the audit log failed, so Lodge stopped: nothing may happen unrecorded. Look at the disk, then start again");
        }
    }
    tracing::info!("ending sessions and closing the log");
    server.stop().await
}

/// Says where everything lies, before anything can fail: whoever must look for it then knows where.
fn say_places(config: &Config, file: Option<&std::path::Path>) {
    let shown = |path: &std::path::Path| {
        std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
    };
    tracing::info!(
        data = shown(&config.data_dir),
        master_key = shown(&config.master_key()),
        archive = config.archive_place(),
        configuration = file.map_or_else(|| "none".to_owned(), shown),
        "starting; keep a copy of the master key apart from the data folder"
    );
    let open = [("api.listen", config.api.listen), ("ssh.listen", config.ssh.listen)];
    for (key, address) in open.into_iter().filter(|(_, address)| address.ip().is_unspecified()) {
        tracing::info!(
            "port {} is open on every address of this machine; `{key}` narrows it",
            address.port()
        );
    }
}

/// Writes the file whole or not at all; it holds the invite, so only its owner may read it.
fn announce(server: &Server, path: &std::path::Path) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let facts = serde_json::json!({
        "api": server.api.to_string(),
        "ssh": server.ssh.to_string(),
        "metrics": server.metrics.to_string(),
        "invite": server.invite,
    });
    let unfinished = path.with_extension("unfinished");
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(facts.to_string().as_bytes())?;
    std::fs::rename(&unfinished, path).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_that_would_hide_everything_are_refused() {
        for bad in ["", " ", "info,", "ifno", "lodge", "info,,debug", "lodge=loud"] {
            let error = message_filter(bad).unwrap_err();
            assert!(format!("{error:#}").contains("messages.level"), "{bad:?}: {error:#}");
        }
        for good in ["info", "off", "WARN", "info,russh=debug", "lodge=trace, api=info", "[span]=debug"] {
            message_filter(good).unwrap();
        }
    }

    #[test]
    fn invites_are_shown_at_every_level() {
        for level in ["off", "error", "lodge=error", "off,lodge::invite=off"] {
            let filter = message_filter(level).unwrap().to_string();
            assert!(filter.contains("lodge::invite=info"), "{level}: {filter}");
        }
    }
}
