//! Certificates of the gate and of targets: what the gate shows to clients and to targets, and what targets show to it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use event::{Actor, Author, Detail, Event, SessionId, Timestamp};
use ssh_key::certificate::CertType;
use ssh_key::private::Ed25519Keypair;
use ssh_key::{Certificate, HashAlg, PrivateKey, PublicKey};
use zeroize::Zeroizing;

use super::ssh::{self, SshRequest};
use crate::authority::AuthorityKind;
use crate::error::IdentityError;
use crate::identity::{Identity, Inner};
use crate::names::{Principal, UserName};
use crate::{CLOCK_SKEW, MAX_HOST_CERTIFICATE_LIFE};

/// Life of the gate's host certificates.
const GATE_HOST_LIFE: Duration = Duration::from_secs(24 * 3600);
/// Life of the gate's credential for one session's log-in to its target.
const GATE_CREDENTIAL_LIFE: Duration = Duration::from_secs(5 * 60);
/// How many host certificates are remembered; the names come from clients.
const MAX_REMEMBERED: usize = 4096;

/// What every credential permits. `~/.ssh/rc` is the account's own, and no option speaks of it.
const ALWAYS: [&str; 2] = ["permit-pty", "permit-user-rc"];

/// What a session may forward, as the credential tells the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarding {
    /// The client's X11 display.
    X11,
    /// The client's SSH agent.
    Agent,
    /// TCP ports and sockets.
    Ports,
}

impl Forwarding {
    fn extension(self) -> &'static str {
        match self {
            Forwarding::X11 => "permit-X11-forwarding",
            Forwarding::Agent => "permit-agent-forwarding",
            Forwarding::Ports => "permit-port-forwarding",
        }
    }
}

/// The gate's host certificates that were made already.
#[derive(Default)]
pub(crate) struct HostCertificates(Mutex<HashMap<HostKey, Remembered>>);

/// Name asked for, fingerprint of the gate's key, fingerprint of the authority's key.
type HostKey = (String, String, String);

struct Remembered {
    certificate: Certificate,
    renew_at: Timestamp,
}

impl HostCertificates {
    fn find(&self, key: &HostKey, now: Timestamp) -> Option<Certificate> {
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(key).filter(|one| now < one.renew_at).map(|one| one.certificate.clone())
    }

    fn remember(&self, key: HostKey, certificate: Certificate, now: Timestamp) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.retain(|_, one| now < one.renew_at);
        }
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(key, Remembered { certificate, renew_at: now.plus(GATE_HOST_LIFE / 2) });
    }
}

impl Inner {
    /// Signs an SSH certificate and records it.
    async fn issue(
        &self,
        kind: AuthorityKind,
        request: SshRequest<'_>,
        by: &Author,
        about: impl FnOnce(Event) -> Event,
    ) -> Result<Certificate, IdentityError> {
        let usage = match kind {
            AuthorityKind::Gate => "ssh_gate",
            AuthorityKind::Host => "ssh_host",
            AuthorityKind::User | AuthorityKind::X509 => "ssh_user",
        };
        let certificate = ssh::sign(request, self.authorities.load().ssh_signer(kind), &self.ambient)?;
        let detail = Detail::CertIssue(ssh::issued(usage, &certificate, None));
        self.record(&[about(by.event(&self.ambient, detail))]).await?;
        Ok(certificate)
    }
}

impl Identity {
    /// A host certificate for the gate's own key under the name that a client asked for; remembered, and renewed
    /// before half of its life is gone.
    ///
    /// Names come from clients and every new one is an event, so call this only for names that are known.
    pub async fn gate_host_certificate(
        &self,
        name: &str,
        key: &PublicKey,
    ) -> Result<Certificate, IdentityError> {
        let inner = self.inner();
        let name: Principal = name.parse().map_err(IdentityError::name(name))?;
        let now = inner.ambient.now();
        let authority = inner.authorities.load().of(AuthorityKind::Host).signing.fingerprint();
        let remembered = (name.to_string(), key.fingerprint(HashAlg::Sha256).to_string(), authority);
        if let Some(certificate) = inner.host_certificates.find(&remembered, now) {
            return Ok(certificate);
        }
        let request = SshRequest {
            key: key.key_data(),
            cert_type: CertType::Host,
            key_id: format!("lodge:gate:{name}"),
            principals: vec![name.into()],
            valid_after: now.minus(CLOCK_SKEW),
            valid_before: now.plus(GATE_HOST_LIFE),
            extensions: &[],
        };
        let certificate =
            inner.issue(AuthorityKind::Host, request, &Author::system("gate"), |event| event).await?;
        inner.host_certificates.remember(remembered, certificate.clone(), now);
        Ok(certificate)
    }

    /// A host certificate for a target's own host key, for the names by which the gate reaches it.
    pub async fn target_host_certificate(
        &self,
        by: &Author,
        key: &str,
        names: &[String],
        life: Duration,
    ) -> Result<Certificate, IdentityError> {
        let inner = self.inner();
        if life.is_zero() || life > MAX_HOST_CERTIFICATE_LIFE {
            return Err(IdentityError::Life(
                "a host certificate lives at least a second and at most 365 days".to_owned(),
            ));
        }
        let key = ssh::parse_public_key(key).map_err(IdentityError::Key)?;
        let parse =
            |name: &String| name.parse::<Principal>().map_err(IdentityError::name(name)).map(String::from);
        let principals = names.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let now = inner.ambient.now();
        let request = SshRequest {
            key: key.key_data(),
            cert_type: CertType::Host,
            key_id: format!("lodge:target:{}", principals.first().map_or("", String::as_str)),
            principals,
            valid_after: now.minus(CLOCK_SKEW),
            valid_before: now.plus(life),
            extensions: &[],
        };
        inner.issue(AuthorityKind::Host, request, by, |event| event).await
    }

    /// A fresh key and certificate with which the gate logs in to one target for one session.
    ///
    /// It lives five minutes, long enough to log in once; the session itself is ended by the gate, not by this. It permits
    /// a terminal and those `forwardings` alone, so that the target refuses the others too.
    pub async fn gate_credential(
        &self,
        actor: &Actor,
        session: SessionId,
        login: &str,
        forwardings: &[Forwarding],
    ) -> Result<(PrivateKey, Certificate), IdentityError> {
        let inner = self.inner();
        let account: Principal = login.parse().map_err(IdentityError::name(login))?;
        let user: UserName = actor.user.parse().map_err(IdentityError::name(&actor.user))?;
        let key = PrivateKey::from(Ed25519Keypair::from_seed(&Zeroizing::new(inner.ambient.random::<32>())));
        let now = inner.ambient.now();
        let extensions: Vec<&str> =
            forwardings.iter().map(|forwarding| forwarding.extension()).chain(ALWAYS).collect();
        let request = SshRequest {
            key: key.public_key().key_data(),
            cert_type: CertType::User,
            key_id: ssh::key_id(user.as_str(), session),
            principals: vec![account.into()],
            valid_after: now.minus(CLOCK_SKEW),
            valid_before: now.plus(GATE_CREDENTIAL_LIFE),
            extensions: &extensions,
        };
        let about = |event: Event| event.in_session(session);
        let certificate =
            inner.issue(AuthorityKind::Gate, request, &Author::of(actor.clone(), None), about).await?;
        Ok((key, certificate))
    }
}
