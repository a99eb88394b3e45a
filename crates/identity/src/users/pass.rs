//! Passes: SSH certificates with which this process speaks SSH to its own gate for a browser's session.
//!
//! The certificate is of the console's login, so whatever ends that login ends what was opened with it. The invariant: the
//! gate takes it only while its [`ConsolePass`] is held; neither it nor its serial number is written to a disk.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event::{Detail, Event, SessionId};
use ssh_key::certificate::CertType;
use ssh_key::{Certificate, PublicKey};

use crate::authority::AuthorityKind;
use crate::certificate::ssh::{self, SshRequest};
use crate::error::IdentityError;
use crate::identity::Identity;
use crate::{Authenticated, CLOCK_SKEW};

/// A certificate that stands in for a browser's session at the gate, until it is dropped.
pub struct ConsolePass {
    certificate: Certificate,
    held: Passes,
    login: SessionId,
}

impl ConsolePass {
    /// Returns the certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

impl Drop for ConsolePass {
    fn drop(&mut self) {
        self.held.lock().remove(&(self.login, self.certificate.serial()));
    }
}

/// The passes that are held now, by login and serial number. Clones are one.
#[derive(Clone, Default)]
pub(crate) struct Passes(Arc<Mutex<HashSet<(SessionId, u64)>>>);

impl Passes {
    /// Says whether a pass of this login and serial number is held.
    pub(crate) fn hold(&self, login: SessionId, serial: u64) -> bool {
        self.lock().contains(&(login, serial))
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<(SessionId, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Identity {
    /// Certifies a key for the gate in the name of a browser's session, and leaves `cert.issue`. Fails where the login has
    /// ended, or is not a browser's.
    pub async fn console_pass(
        &self,
        who: &Authenticated,
        key: &PublicKey,
    ) -> Result<ConsolePass, IdentityError> {
        let (inner, login) = (self.inner(), who.login());
        let is_console = inner.directory().logins.get(&login).is_some_and(|kept| kept.row.token.is_some());
        if !is_console || !self.login_stands(who.user(), login) {
            return Err(IdentityError::NoSuchLogin(login));
        }
        let request = SshRequest {
            key: key.key_data(),
            cert_type: CertType::User,
            key_id: ssh::key_id(who.user(), login),
            principals: vec![who.user().to_owned()],
            valid_after: inner.ambient.now().minus(CLOCK_SKEW),
            // A session ends with the certificate that it began with, so this one lasts as long as the login.
            valid_before: who.expires(),
            extensions: &ssh::EXTENSIONS,
        };
        let certificate =
            ssh::sign(request, inner.authorities.load().ssh_signer(AuthorityKind::User), &inner.ambient)?;
        let issued = Detail::CertIssue(ssh::issued("ssh_user", &certificate, Some(login)));
        let event = Event::new(&inner.ambient, who.actor(), issued).from_origin(who.origin().cloned());
        inner.record(&[event]).await?;
        let held = inner.passes.clone();
        held.lock().insert((login, certificate.serial()));
        Ok(ConsolePass { certificate, held, login })
    }
}
