//! `lodge ssh-config`

use anyhow::{Context as _, Result};
use api::wire::ReachableTarget;
use clap::Args;

use super::Context;
use crate::terminal::print_line;

/// Prints the OpenSSH configuration for your targets, for stock `ssh`, `scp`, `sftp`, `rsync` and `git`.
///
/// It also lies in your data folder and is renewed at every login. Put the `Include` line that this prints on standard
/// error at the top of `~/.ssh/config` once; from then on `ssh LOGIN@TARGET` goes through Lodge.
#[derive(Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_: &Arguments, context: &Context) -> Result<()> {
    let text = refresh(context)?;
    eprintln!(
        "# in ~/.ssh/config, at the top:\n# Include {}",
        quoted(&context.folder.path("ssh_config").to_string_lossy())
    );
    print_line(text.trim_end())
}

/// Writes the configuration anew and returns it.
pub fn refresh(context: &Context) -> Result<String> {
    let targets: Vec<ReachableTarget> = context.client()?.get("/v1/targets/reachable", &[])?;
    let text = configuration(context, &targets)?;
    context.folder.write("ssh_config", text.as_bytes())?;
    Ok(text)
}

fn configuration(context: &Context, targets: &[ReachableTarget]) -> Result<String> {
    let profile = context.folder.profile()?;
    let program = std::env::current_exe().context("cannot find this program's own path")?;
    let path = |name: &str| quoted(&context.folder.path(name).to_string_lossy());
    let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    // Without a target the block must match nothing, since an empty `Host` line is an error.
    let hosts = if names.is_empty() { "no-target-is-reachable.invalid".to_owned() } else { names.join(" ") };
    Ok(format!(
        "# Written by `lodge ssh-config` for {user} at {server}; renewed at every login.\n\
         Host {hosts}\n    \
         ProxyCommand {program} --home {folder} proxy --pass-socket %h\n    \
         ProxyUseFdpass yes\n    \
         IdentityFile {id}\n    \
         CertificateFile {certificate}\n    \
         IdentitiesOnly yes\n    \
         UserKnownHostsFile {known_hosts}\n    \
         GlobalKnownHostsFile none\n    \
         StrictHostKeyChecking yes\n    \
         UpdateHostKeys no\n    \
         CheckHostIP no\n    \
         HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com\n    \
         PreferredAuthentications publickey\n    \
         Ciphers aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com\n",
        user = profile.user,
        server = profile.server,
        program = quoted(&program.to_string_lossy()),
        folder = quoted(&context.folder.as_path().to_string_lossy()),
        id = path("id"),
        certificate = path("id-cert.pub"),
        known_hosts = path("known_hosts"),
    ))
}

/// Quotes a path for OpenSSH's configuration: `%` is doubled, spaces are held by double quotes.
fn quoted(path: &str) -> String {
    let path = path.replace('%', "%%");
    if path.contains([' ', '\t']) { format!("\"{path}\"") } else { path }
}
