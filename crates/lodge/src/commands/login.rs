//! `lodge login`

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use api::wire::{InviteBegin, InviteDone, InviteEnrolment, InviteFinish, LoginGrant, LoginRequest, Trust};
use clap::Args;

use super::{Context, ssh_config};
use crate::client::Client;
use crate::failure::Failure;
use crate::profile::{Folder, Profile};
use crate::terminal::{ask, ask_secret, print_one};

/// Signs you in: asks for password and authenticator code, and fetches short-lived certificates.
///
/// The first time, say where the server is: with the invite link that you were given (`--invite`), or with `--server`
/// and the fingerprint that your administrator tells you (`--ca`). Later a plain `lodge login` is enough. The
/// certificates go to your data folder, readable by you alone, and into a running ssh-agent.
#[derive(Args)]
pub struct Arguments {
    /// Invite link: sets your password and second factor, then signs you in.
    #[arg(long, value_name = "LINK", conflicts_with_all = ["server", "ca"])]
    invite: Option<String>,
    /// Address of the server, `https://host:port`.
    #[arg(long, value_name = "ADDRESS")]
    server: Option<String>,
    /// Fingerprint of the server's authority, `sha256:…`; needed the first time.
    #[arg(long, value_name = "FINGERPRINT")]
    ca: Option<String>,
    /// User name.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Authenticator or recovery code, instead of being asked.
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Life of the certificates in minutes; 12 hours at most.
    #[arg(long, value_name = "MINUTES")]
    minutes: Option<u64>,
    /// Leaves a running ssh-agent alone.
    #[arg(long)]
    no_agent: bool,
}

/// How often a code is asked for that was wrong.
const TRIES: u32 = 3;

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let folder = &context.folder;
    let (server, fingerprint, token) = whereto(arguments, folder)?;
    let trust = establish_trust(folder, &server, fingerprint.as_deref())?;
    let client = Client::anonymous(&server, &trust.x509_authorities)?;
    let mut user = arguments.user.clone();
    let mut password = None;
    if let Some(token) = token {
        let (joined, chosen) = accept_invite(&client, &token, arguments)?;
        (user, password) = (Some(joined), Some(chosen));
    }
    let user = user.or_else(|| folder.profile().ok().map(|profile| profile.user));
    let user = user.map_or_else(|| ask("User"), Ok)?;
    let password = password.map_or_else(|| ask_secret("Password"), Ok)?;
    // The code that finished an invite is spent, so a login after one always asks for the next.
    let joined = arguments.invite.is_some();
    let given = arguments.code.clone().filter(|_| !joined);
    let keys = Keys::new()?;
    let ssh_public_key = keys.ssh.public_key().to_openssh()?;
    let sign_in = |code: String| -> Result<LoginGrant> {
        let request = LoginRequest {
            user: user.clone(),
            password: password.clone(),
            code,
            ssh_public_key: ssh_public_key.clone(),
            tls_request: keys.tls_request.clone(),
            ttl_seconds: arguments.minutes.map(|minutes| minutes * 60),
        };
        client.post("/v1/login", &request)
    };
    // Behind an invite only the code can be wrong; otherwise it may be the password, which is asked for anew.
    let tries = if joined { TRIES } else { 1 };
    let question = "Authenticator code (the next one, if you just used one)";
    let grant = with_code(given, question, tries, "login", sign_in);
    let grant = grant.with_context(|| match (joined, &fingerprint) {
        (true, Some(fingerprint)) => format!(
            "you have joined, so the invite is used up, but you are not signed in; run \
             `lodge login --server {server} --ca {fingerprint} --user {user}`"
        ),
        _ => format!("cannot sign in as {user}"),
    })?;
    save(folder, &server, &trust, &keys, &grant)?;
    if !arguments.no_agent {
        add_to_agent(folder)?;
    }
    ssh_config::refresh(context)?;
    print_one(context.output, &grant, |grant| {
        format!(
            "signed in as {} until {}; `lodge targets` shows what you can reach",
            grant.user, grant.expires
        )
    })
}

/// Finds out where the server is, what its authority's fingerprint is, and whether there is an invite.
fn whereto(arguments: &Arguments, folder: &Folder) -> Result<(String, Option<String>, Option<String>)> {
    if let Some(link) = &arguments.invite {
        let (address, fingerprint) =
            link.split_once('#').context("the invite link has no `#sha256:…` at its end; copy it whole")?;
        let (server, token) = address
            .split_once("/invite/")
            .context("this is not an invite link: it has no `/invite/` part")?;
        return Ok((server.to_owned(), Some(fingerprint.to_owned()), Some(token.to_owned())));
    }
    if let Some(server) = &arguments.server {
        let server = if server.contains("://") { server.clone() } else { format!("https://{server}") };
        return Ok((server.trim_end_matches('/').to_owned(), arguments.ca.clone(), None));
    }
    let Some(profile) = folder.find_profile()? else {
        let what = "this folder knows no server yet; say where it is: --invite LINK, or --server ADDRESS --ca FINGERPRINT";
        return Err(Failure::NotSignedIn(what.to_owned()).into());
    };
    Ok((profile.server, arguments.ca.clone(), None))
}

/// Fetches the server's authorities and holds them against the fingerprint, or against those of the last login.
fn establish_trust(folder: &Folder, server: &str, fingerprint: Option<&str>) -> Result<Trust> {
    let Some(fingerprint) = fingerprint else {
        let known = folder.read("ca.pem").context("this server is new here: give its fingerprint with --ca (its administrator sees it with `lodge ca ls`)")?;
        return Client::anonymous(server, &known)?.get("/v1/trust", &[]);
    };
    let trust: Trust = Client::unverified(server).get("/v1/trust", &[])?;
    let shown = api::fingerprints(&trust.x509_authorities)?;
    if !shown.iter().any(|shown| shown == fingerprint) {
        bail!(
            "{server} shows the authority {}, not {fingerprint}: somebody may be in between; nothing was sent",
            shown.join(", ")
        );
    }
    // What came over the unverified connection is used for nothing but the pinned authorities; the rest is asked again.
    let pinned = api::certificate_with_fingerprint(&trust.x509_authorities, fingerprint)?;
    Client::anonymous(server, &pinned)?.get("/v1/trust", &[])
}

/// Does what needs a code: with the one that was given, or with one that is asked for, again where it was wrong.
fn with_code<T>(
    given: Option<String>,
    question: &str,
    tries: u32,
    wrong: &str,
    send: impl Fn(String) -> Result<T>,
) -> Result<T> {
    if let Some(given) = given {
        return send(given);
    }
    let mut left = tries;
    loop {
        left -= 1;
        let error = match send(ask(question)?) {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let is_wrong = matches!(error.downcast_ref::<Failure>(), Some(Failure::Refused(problem)) if problem.code == wrong);
        if left == 0 || !is_wrong {
            return Err(error);
        }
        eprintln!("lodge: {}", api::told(error.as_ref()));
    }
}

fn accept_invite(client: &Client, token: &str, arguments: &Arguments) -> Result<(String, String)> {
    let password = ask_secret("New password (12 characters or more)")?;
    if ask_secret("The same again")? != password {
        bail!("the two passwords differ; nothing was changed, try again");
    }
    let begin = InviteBegin { token: token.to_owned(), password: password.clone() };
    let enrolment: InviteEnrolment = client.post("/v1/invites/begin", &begin)?;
    eprintln!("\nAdd this to your authenticator:\n\n{}", qr(&enrolment.totp_uri));
    eprintln!("  key: {}\n", enrolment.totp_secret);
    let finish = |code: String| -> Result<InviteDone> {
        client.post("/v1/invites/finish", &InviteFinish { token: token.to_owned(), code })
    };
    let done = with_code(arguments.code.clone(), "Authenticator code", TRIES, "invite", finish);
    let done = done.context(
        "you have not joined; the invite can be used again, with a new key for your authenticator",
    )?;
    eprintln!("\nKeep these recovery codes somewhere safe; each works once, and they are not shown again:\n");
    done.recovery_codes.iter().for_each(|code| eprintln!("  {code}"));
    eprintln!();
    Ok((done.user, password))
}

fn qr(text: &str) -> String {
    let Ok(code) = qrcode::QrCode::new(text) else { return String::new() };
    code.render::<qrcode::render::unicode::Dense1x2>().build()
}

/// The keys of one login; they never leave this machine.
struct Keys {
    ssh: ssh_key::PrivateKey,
    tls_key: String,
    tls_request: String,
}

impl Keys {
    fn new() -> Result<Keys> {
        let seed: [u8; 32] = server::system::ambient().random();
        let pair = ssh_key::private::Ed25519Keypair::from_seed(&seed);
        let ssh = ssh_key::PrivateKey::new(pair.into(), "lodge")?;
        let tls = rcgen::KeyPair::generate()?;
        let request = rcgen::CertificateParams::default().serialize_request(&tls)?;
        Ok(Keys { ssh, tls_key: tls.serialize_pem(), tls_request: request.pem()? })
    }
}

fn save(folder: &Folder, server: &str, trust: &Trust, keys: &Keys, grant: &LoginGrant) -> Result<()> {
    let profile = Profile {
        server: server.to_owned(),
        ssh_host: host_of(server).to_owned(),
        ssh_port: trust.ssh_port,
        user: grant.user.clone(),
        login: grant.login.clone(),
        expires: grant.expires,
    };
    folder.write("ca.pem", trust.x509_authorities.as_bytes())?;
    folder.write("known_hosts", trust.known_hosts().as_bytes())?;
    folder.write("log.vkey", format!("{}\n", trust.log_key).as_bytes())?;
    folder.write("id", keys.ssh.to_openssh(ssh_key::LineEnding::LF)?.as_bytes())?;
    folder.write("id.pub", format!("{}\n", keys.ssh.public_key().to_openssh()?).as_bytes())?;
    folder.write("id-cert.pub", format!("{}\n", grant.ssh_certificate).as_bytes())?;
    folder.write("tls.key", keys.tls_key.as_bytes())?;
    folder.write("tls.crt", grant.tls_certificate.as_bytes())?;
    folder.write("profile.json", &serde_json::to_vec_pretty(&profile)?)
}

fn host_of(server: &str) -> &str {
    let authority = server.split_once("://").map_or(server, |(_, rest)| rest);
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Puts key and certificate into a running ssh-agent, for no longer than they live.
fn add_to_agent(folder: &Folder) -> Result<()> {
    if std::env::var_os("SSH_AUTH_SOCK").is_none() {
        return Ok(());
    }
    let life = folder.profile()?.expires.since(server::system::ambient().now()).as_secs().max(1);
    let mut add = agent(&["-q", "-t", &life.to_string()], &folder.path("id"));
    if !matches!(add.status(), Ok(status) if status.success()) {
        eprintln!(
            "lodge: the ssh-agent did not take the key; `ssh` works all the same through `lodge ssh-config`"
        );
    }
    Ok(())
}

/// Makes an `ssh-add` command for a key file.
pub fn agent(options: &[&str], key: &Path) -> Command {
    let mut command = Command::new("ssh-add");
    command.args(options).arg(key).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}
