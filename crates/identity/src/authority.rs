//! Certificate authorities: their keys, which of them sign, and which are trusted.
//!
//! Four authorities, so that no certificate is good for more than its purpose: a person's certificate is signed by a
//! key that no target trusts. A rotation has an overlap in which both keys are trusted.

pub(crate) mod keys;
pub(crate) mod rotate;

use std::collections::BTreeMap;
use std::fmt;

use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use ssh_key::{PrivateKey, PublicKey};
use store::vault::Vault;

use crate::error::IdentityError;
use crate::rows::AuthorityRow;
use keys::{AuthorityKey, X509Key};

/// Which authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorityKind {
    /// Signs people's SSH certificates, which only Lodge's gate trusts.
    User,
    /// Signs host certificates, of targets and of the gate.
    Host,
    /// Signs the gate's own short-lived certificates, which targets trust (`TrustedUserCAKeys`).
    Gate,
    /// Signs TLS certificates: the API's own and people's client certificates.
    X509,
}

impl AuthorityKind {
    /// Every kind.
    pub const ALL: [AuthorityKind; 4] =
        [AuthorityKind::User, AuthorityKind::Host, AuthorityKind::Gate, AuthorityKind::X509];

    /// The kind as a word: `user`, `host`, `gate` or `x509`.
    pub fn word(self) -> &'static str {
        match self {
            AuthorityKind::User => "user",
            AuthorityKind::Host => "host",
            AuthorityKind::Gate => "gate",
            AuthorityKind::X509 => "x509",
        }
    }
}

impl fmt::Display for AuthorityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Where an authority's rotation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationPhase {
    /// One key signs and is trusted.
    Steady,
    /// The present key still signs; the next one is published and trusted already.
    Prepared,
    /// The new key signs; the previous one is still trusted.
    Overlap,
}

impl fmt::Display for RotationPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RotationPhase::Steady => "steady",
            RotationPhase::Prepared => "prepared",
            RotationPhase::Overlap => "overlapping",
        })
    }
}

/// A step of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationStep {
    /// Makes and publishes the next key while the present one goes on signing, so that targets and clients can be
    /// told of it first. May be left out.
    Prepare,
    /// Lets the next key sign. Both are trusted.
    Overlap,
    /// Withdraws the previous key.
    Complete,
    /// Goes back to the key from before the rotation and withdraws the other.
    Rollback,
}

impl RotationStep {
    /// The step as a word: `prepare`, `overlap`, `complete` or `rollback`.
    pub fn word(self) -> &'static str {
        match self {
            RotationStep::Prepare => "prepare",
            RotationStep::Overlap => "overlap",
            RotationStep::Complete => "complete",
            RotationStep::Rollback => "rollback",
        }
    }
}

impl fmt::Display for RotationStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What may be shown of an authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityStatus {
    /// Which authority.
    pub kind: AuthorityKind,
    /// Where its rotation stands.
    pub phase: RotationPhase,
    /// Fingerprint of the key that signs.
    pub signing: String,
    /// Fingerprints of the keys that are trusted.
    pub trusted: Vec<String>,
    /// The trusted keys: OpenSSH public keys, or X.509 certificates in PEM.
    pub public: Vec<String>,
}

/// One authority, its keys open.
#[derive(Clone)]
pub(crate) struct Authority {
    pub phase: RotationPhase,
    pub signing: AuthorityKey,
    pub other: Option<AuthorityKey>,
}

impl Authority {
    pub fn trusted(&self) -> impl Iterator<Item = &AuthorityKey> {
        std::iter::once(&self.signing).chain(&self.other)
    }
}

/// All authorities, their keys open.
#[derive(Clone)]
pub(crate) struct Authorities(pub BTreeMap<AuthorityKind, Authority>);

impl Authorities {
    /// Opens the stored authorities.
    pub fn open(
        rows: &BTreeMap<AuthorityKind, AuthorityRow>,
        vault: &Vault,
    ) -> Result<Authorities, IdentityError> {
        let open = |(kind, row): (&AuthorityKind, &AuthorityRow)| {
            let other = row.other.as_ref().map(|key| AuthorityKey::open(*kind, key, vault)).transpose()?;
            let signing = AuthorityKey::open(*kind, &row.signing, vault)?;
            Ok((*kind, Authority { phase: row.phase, signing, other }))
        };
        Ok(Authorities(rows.iter().map(open).collect::<Result<_, IdentityError>>()?))
    }

    pub fn of(&self, kind: AuthorityKind) -> &Authority {
        self.0.get(&kind).expect("opening identity makes every authority")
    }

    /// The key that signs SSH certificates of this kind.
    pub fn ssh_signer(&self, kind: AuthorityKind) -> &PrivateKey {
        match &self.of(kind).signing {
            AuthorityKey::Ssh(key) => key,
            AuthorityKey::X509(_) => {
                unreachable!("an authority's key is opened by its kind, and this is an SSH kind")
            }
        }
    }

    /// The key that signs TLS certificates.
    pub fn x509_signer(&self) -> &X509Key {
        match &self.of(AuthorityKind::X509).signing {
            AuthorityKey::X509(key) => key,
            AuthorityKey::Ssh(_) => unreachable!("an authority's key is opened by its kind"),
        }
    }

    /// The SSH keys that are trusted for this kind; none for X.509.
    pub fn ssh_keys(&self, kind: AuthorityKind) -> Vec<PublicKey> {
        let ssh = |key: &AuthorityKey| match key {
            AuthorityKey::Ssh(key) => Some(key.public_key().clone()),
            AuthorityKey::X509(_) => None,
        };
        self.of(kind).trusted().filter_map(ssh).collect()
    }

    /// The X.509 certificates that are trusted.
    pub fn x509_roots(&self) -> Vec<CertificateDer<'static>> {
        let root = |key: &AuthorityKey| match key {
            AuthorityKey::X509(key) => Some(key.certificate.clone()),
            AuthorityKey::Ssh(_) => None,
        };
        self.of(AuthorityKind::X509).trusted().filter_map(root).collect()
    }

    /// What may be shown of one authority.
    pub fn status(&self, kind: AuthorityKind) -> AuthorityStatus {
        let authority = self.of(kind);
        AuthorityStatus {
            kind,
            phase: authority.phase,
            signing: authority.signing.fingerprint(),
            trusted: authority.trusted().map(AuthorityKey::fingerprint).collect(),
            public: authority.trusted().map(AuthorityKey::public).collect(),
        }
    }
}
