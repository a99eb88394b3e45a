//! `lodge ca`

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use api::wire::{Authority, HostCertificate, HostCertificateRequest, Rotation, RotationStep, Trust};
use clap::{Args, Subcommand, ValueEnum};

use super::Context;
use crate::terminal::{print_line, print_one, print_rows};

/// Shows and rotates certificate authorities.
///
/// There are four: `user` signs people's SSH certificates, `host` signs host certificates, `gate` signs Lodge's own
/// short-lived certificates, which targets trust, and `x509` signs TLS certificates.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Lists the authorities, their phase and fingerprints.
    Ls,
    /// Prints what others must trust.
    Export {
        /// What for.
        what: Export,
    },
    /// Signs a server's host key and prints the certificate, for the server's `HostCertificate` file.
    ///
    /// A target whose host key is given as `authority: NAME` is then known by this certificate, whatever address it has.
    SignHost {
        /// The server's public host key, such as `/etc/ssh/ssh_host_ed25519_key.pub`.
        key: PathBuf,
        /// A name by which targets refer to the server; may be given several times.
        #[arg(long = "name", required = true)]
        names: Vec<String>,
        /// Days until the certificate ends; 365 at most.
        #[arg(long, default_value_t = 90)]
        days: u64,
    },
    /// Takes the next step of a rotation: `overlap`, then, once everyone trusts the new key, `complete`.
    Rotate {
        /// `user`, `host`, `gate` or `x509`.
        #[arg(value_parser = ["user", "host", "gate", "x509"])]
        kind: String,
        /// Which step.
        step: Step,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Export {
    /// `TrustedUserCAKeys` file for the targets' sshd.
    Sshd,
    /// `@cert-authority` lines for `known_hosts`.
    KnownHosts,
    /// X.509 authorities, PEM.
    X509,
    /// Fingerprint for `lodge login --ca`.
    Fingerprint,
    /// Verifier key of the audit log, for `lodge audit verify --key`.
    LogKey,
}

#[derive(Clone, Copy, ValueEnum)]
enum Step {
    /// Makes the next key and publishes it, while the old one signs on; may be left out.
    Prepare,
    /// Lets the next key sign; both are trusted.
    Overlap,
    /// Withdraws the old key.
    Complete,
    /// Goes back to the old key and withdraws the next one.
    Rollback,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let client = context.client()?;
    match &arguments.verb {
        Verb::Ls => {
            let authorities: Vec<Authority> = client.get("/v1/authorities", &[])?;
            print_rows(
                context.output,
                &authorities,
                &["AUTHORITY", "PHASE", "SIGNING KEY", "TRUSTED"],
                |authority| {
                    vec![
                        authority.kind.clone(),
                        authority.phase.clone(),
                        authority.signing.clone(),
                        authority.trusted.len().to_string(),
                    ]
                },
            )
        }
        Verb::Export { what } => {
            let trust: Trust = client.get("/v1/trust", &[])?;
            print_line(export(*what, &trust).trim_end())
        }
        Verb::SignHost { key, names, days } => {
            let public_key =
                fs::read_to_string(key).with_context(|| format!("cannot read {}", key.display()))?;
            let ttl_seconds = days.saturating_mul(24 * 3600);
            let request = HostCertificateRequest { public_key, names: names.clone(), ttl_seconds };
            let signed: HostCertificate = client.post("/v1/authorities/host/sign", &request)?;
            print_one(context.output, &signed, |signed| signed.certificate.clone())
        }
        Verb::Rotate { kind, step } => {
            let step = match step {
                Step::Prepare => RotationStep::Prepare,
                Step::Overlap => RotationStep::Overlap,
                Step::Complete => RotationStep::Complete,
                Step::Rollback => RotationStep::Rollback,
            };
            let authority: Authority =
                client.post(&format!("/v1/authorities/{kind}/rotate"), &Rotation { step })?;
            print_one(context.output, &authority, |authority| {
                format!(
                    "authority {}: {}, signing with {}",
                    authority.kind, authority.phase, authority.signing
                )
            })
        }
    }
}

fn export(what: Export, trust: &Trust) -> String {
    match what {
        Export::Sshd => trust.ssh_gate_authorities.join("\n"),
        Export::KnownHosts => trust.known_hosts(),
        Export::X509 => trust.x509_authorities.clone(),
        Export::Fingerprint => trust.x509_fingerprint.clone(),
        Export::LogKey => trust.log_key.clone(),
    }
}
