//! Making and rotating authorities, and the files that make others trust them.

use std::collections::BTreeMap;
use std::sync::Arc;

use event::kinds::authority::{Authority as AuthorityMade, Rotated};
use event::{Actor, Author, Detail, Event};
use sha2::{Digest, Sha256};
use ssh_key::PublicKey;

use super::keys::{AuthorityKey, hex};
use super::{Authorities, Authority, AuthorityKind, AuthorityStatus, RotationPhase, RotationStep};
use crate::change::Change;
use crate::directory::RowChange;
use crate::error::IdentityError;
use crate::identity::{Identity, Inner};
use crate::rows::{AuthorityRow, KeyRow};

impl Inner {
    /// Makes the authorities that do not exist yet.
    pub(crate) async fn make_missing_authorities(self: &Arc<Inner>) -> Result<(), IdentityError> {
        let turn = self.turn().await;
        let mut authorities = Authorities::clone(&self.authorities.load());
        let mut change = Change::default();
        for kind in AuthorityKind::ALL {
            if authorities.0.contains_key(&kind) {
                continue;
            }
            let (key, row) = AuthorityKey::make(kind, &self.ambient, &self.vault)?;
            let made = AuthorityMade { authority: kind.word().to_owned(), public_key: key.fingerprint() };
            let row = AuthorityRow { phase: RotationPhase::Steady, signing: row, other: None };
            change = change
                .event(Event::new(&self.ambient, Actor::system("identity"), Detail::AuthorityCreate(made)))
                .row(RowChange::Authority(kind.word().to_owned(), Box::new(row)));
            authorities.0.insert(kind, Authority { phase: RotationPhase::Steady, signing: key, other: None });
        }
        if change.rows.is_empty() {
            return Ok(());
        }
        change.authorities = Some(Arc::new(authorities));
        self.perform(turn, change).await
    }
}

impl Identity {
    /// Moves an authority to the next step of its rotation, and says where it stands then.
    ///
    /// `Prepare` may be left out where nothing has to be told of the new key beforehand. The previous key goes on
    /// being trusted until `Complete`; certificates that it signed are refused from then on.
    pub async fn rotate(
        &self,
        by: &Author,
        kind: AuthorityKind,
        step: RotationStep,
    ) -> Result<AuthorityStatus, IdentityError> {
        let inner = self.inner();
        let turn = inner.turn().await;
        let row = inner.directory().authorities.get(kind.word()).map(|kept| kept.row.clone());
        let row = row.expect("opening identity makes every authority");
        let fresh = || AuthorityKey::make(kind, &inner.ambient, &inner.vault).map(|(_, row)| row);
        let next =
            step_from(row, step, fresh)?.map_err(|phase| IdentityError::Rotation { kind, phase, step })?;

        let mut authorities = Authorities::clone(&inner.authorities.load());
        let opened = Authorities::open(&BTreeMap::from([(kind, next.clone())]), &inner.vault)?;
        authorities.0.extend(opened.0);
        let status = authorities.status(kind);
        let rotated = Rotated {
            authority: kind.word().to_owned(),
            phase: step.word().to_owned(),
            signing: status.signing.clone(),
            trusted: status.trusted.clone(),
        };
        let event = by.event(&inner.ambient, Detail::AuthorityRotate(rotated));
        let mut change = Change::default().event(event);
        change = change.row(RowChange::Authority(kind.word().to_owned(), Box::new(next)));
        change.authorities = Some(Arc::new(authorities));
        inner.perform(turn, change).await?;
        Ok(status)
    }

    /// Says where every authority stands.
    pub fn authorities(&self) -> Vec<AuthorityStatus> {
        let authorities = self.inner().authorities.load();
        AuthorityKind::ALL.into_iter().map(|kind| authorities.status(kind)).collect()
    }

    /// Keys that are trusted now for this authority (both, during a rotation). None for X.509, which has
    /// [`Identity::x509_bundle`].
    pub fn trusted_keys(&self, kind: AuthorityKind) -> Vec<PublicKey> {
        self.inner().authorities.load().ssh_keys(kind)
    }

    /// The `known_hosts` lines that make OpenSSH trust the host authority for hosts that match `pattern`, such as
    /// `*.example.com`; see `sshd(8)`, SSH_KNOWN_HOSTS FILE FORMAT.
    pub fn known_hosts(&self, pattern: &str) -> Result<String, IdentityError> {
        if pattern.is_empty()
            || pattern.starts_with('#')
            || pattern.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            return Err(IdentityError::Attribute(format!("{pattern:?} is not a host pattern")));
        }
        let keys = self.trusted_keys(AuthorityKind::Host);
        Ok(keys.iter().map(|key| format!("@cert-authority {pattern} {} lodge-host\n", text(key))).collect())
    }

    /// The file for a target's `TrustedUserCAKeys`: the gate authority's keys, and no person's.
    pub fn trusted_user_ca_keys(&self) -> String {
        self.trusted_keys(AuthorityKind::Gate)
            .iter()
            .map(|key| format!("{} lodge-gate\n", text(key)))
            .collect()
    }

    /// The X.509 authority's trusted certificates, in PEM.
    pub fn x509_bundle(&self) -> String {
        self.inner().authorities.load().status(AuthorityKind::X509).public.concat()
    }

    /// Names the X.509 authority in an invite: `sha256:` and the hash of its certificate (DER) in hexadecimal.
    ///
    /// The server sends that certificate in its chain, so a client that trusts nothing yet can compare.
    pub fn x509_fingerprint(&self) -> String {
        let authorities = self.inner().authorities.load();
        format!("sha256:{}", hex(&Sha256::digest(&authorities.x509_signer().certificate)))
    }
}

fn text(key: &PublicKey) -> String {
    key.to_openssh().expect("an Ed25519 key can always be written")
}

/// Takes a step, or says in which phase it is not the next one.
fn step_from(
    row: AuthorityRow,
    step: RotationStep,
    fresh: impl FnOnce() -> Result<KeyRow, IdentityError>,
) -> Result<Result<AuthorityRow, RotationPhase>, IdentityError> {
    use RotationPhase::{Overlap, Prepared, Steady};
    let AuthorityRow { phase, signing, other } = row;
    let (phase, signing, other) = match (phase, step, other) {
        (Steady, RotationStep::Prepare, None) => (Prepared, signing, Some(fresh()?)),
        (Steady, RotationStep::Overlap, None) => (Overlap, fresh()?, Some(signing)),
        (Prepared, RotationStep::Overlap, Some(next)) => (Overlap, next, Some(signing)),
        (Prepared, RotationStep::Rollback, Some(_)) | (Overlap, RotationStep::Complete, Some(_)) => {
            (Steady, signing, None)
        }
        (Overlap, RotationStep::Rollback, Some(previous)) => (Steady, previous, None),
        (phase, _, _) => return Ok(Err(phase)),
    };
    Ok(Ok(AuthorityRow { phase, signing, other }))
}
