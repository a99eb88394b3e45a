//! The front of the crate: opening it, verifying who someone is, and asking whether a login still stands.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arc_swap::ArcSwap;
use audit_log::{AppendError, AuditLog};
use event::kinds::cert::Refused;
use event::{Actor, Ambient, Detail, Event, Origin, SessionId, Timestamp};
use sha2::{Digest, Sha256};
use ssh_key::{Certificate, HashAlg};
use store::tables::Tables;
use store::vault::Vault;
use tokio::sync::{Mutex, watch};

use crate::Authenticated;
use crate::authority::keys::hex;
use crate::authority::{Authorities, AuthorityKind};
use crate::certificate::gate::HostCertificates;
use crate::certificate::ssh::serial_of;
use crate::directory::Directory;
use crate::error::IdentityError;
use crate::rows::LoginRow;
use crate::users::login::Turns;
use crate::users::pass::Passes;
use crate::users::password::Hashing;
use crate::users::token::ConsoleToken;
use crate::verify::{
    CertificateRefusal, examine_host_certificate, examine_ssh_certificate, examine_tls_certificate,
};

/// Longest text of a certificate that was not verified which the log keeps.
const MAX_UNVERIFIED: usize = 200;

/// People, logins and authorities. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

pub(crate) struct Inner {
    pub tables: Arc<dyn Tables>,
    pub vault: Arc<Vault>,
    pub log: AuditLog,
    pub ambient: Ambient,
    pub authorities: ArcSwap<Authorities>,
    directory: RwLock<Directory>,
    pub changing: Arc<Mutex<()>>,
    pub changes: watch::Sender<u64>,
    pub hashing: Hashing,
    pub turns: Turns,
    pub passes: Passes,
    pub host_certificates: HostCertificates,
}

impl Inner {
    /// The copy in memory, to read. Held only between two awaits, never across one.
    pub fn directory(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The copy in memory, to change; only `change` does.
    pub fn directory_mut(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds who is behind a login, if both still stand.
    fn standing(
        &self,
        user: &str,
        login: SessionId,
    ) -> Result<(LoginRow, Authenticated), CertificateRefusal> {
        let directory = self.directory();
        let person = &directory.users.get(user).ok_or(CertificateRefusal::UserUnknown)?.row;
        if person.disabled {
            return Err(CertificateRefusal::UserDisabled);
        }
        let row = &directory.logins.get(&login).ok_or(CertificateRefusal::LoginEnded)?.row;
        if row.user.as_str() != user || row.expires <= self.ambient.now() || !person.joined() {
            return Err(CertificateRefusal::LoginEnded);
        }
        let authenticated = Authenticated {
            user: user.to_owned(),
            login,
            roles: person.roles.clone(),
            traits: person.traits.clone(),
            mfa: row.mfa,
            expires: row.expires,
            origin: None,
        };
        Ok((row.clone(), authenticated))
    }

    /// Joins what a certificate says with what is known of its login.
    fn admit(
        &self,
        user: &str,
        login: SessionId,
        expires: Timestamp,
        is_its_own: impl FnOnce(&LoginRow) -> bool,
    ) -> Result<Authenticated, CertificateRefusal> {
        let (row, mut authenticated) = self.standing(user, login)?;
        if !is_its_own(&row) {
            return Err(CertificateRefusal::Serial);
        }
        authenticated.expires = authenticated.expires.min(expires);
        Ok(authenticated)
    }

    /// Records a refused certificate. Who it names is a claim, nothing more.
    async fn refuse(
        &self,
        refused: Refused,
        origin: &Origin,
        refusal: CertificateRefusal,
    ) -> CertificateRefusal {
        let claimed = refused.key_id.as_deref().map(claimed_user).unwrap_or_default().to_owned();
        let reason = format!("{}: {refusal}", refusal.code());
        let event = Event::new(&self.ambient, Actor::unknown(&claimed), Detail::CertDeny(refused))
            .from_origin(Some(origin.clone()))
            .denied(reason);
        match self.log.append(&event).await {
            Ok(_) => refusal,
            Err(_) => CertificateRefusal::Unrecorded(Box::new(refusal)),
        }
    }
}

impl Identity {
    /// Opens users, logins and authorities, making the authorities where they are missing.
    ///
    /// One process at a time may have them open; the audit log's lock sees to that.
    pub async fn open(
        tables: Arc<dyn Tables>,
        vault: Arc<Vault>,
        log: AuditLog,
        ambient: Ambient,
    ) -> Result<Identity, IdentityError> {
        let directory = Directory::load(tables.as_ref())?;
        let kept = AuthorityKind::ALL
            .into_iter()
            .filter_map(|kind| Some((kind, directory.authorities.get(kind.word())?.row.clone())))
            .collect();
        let authorities = Authorities::open(&kept, &vault)?;
        let inner = Arc::new(Inner {
            tables,
            vault,
            log,
            ambient,
            authorities: ArcSwap::from_pointee(authorities),
            directory: RwLock::new(directory),
            changing: Arc::default(),
            changes: watch::Sender::new(0),
            hashing: Hashing::default(),
            turns: Turns::default(),
            passes: Passes::default(),
            host_certificates: HostCertificates::default(),
        });
        inner.make_missing_authorities().await?;
        Ok(Identity(inner))
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    /// The one complete check of a person's SSH certificate: authority, type, principal, validity, every critical option
    /// and extension, login not ended, user exists and is not disabled. Refusals leave `cert.deny`.
    ///
    /// That the person holds the certificate's private key is for the SSH handshake to show, before or after this.
    pub async fn verify_ssh_certificate(
        &self,
        certificate: &Certificate,
        origin: &Origin,
    ) -> Result<Authenticated, CertificateRefusal> {
        let trusted = self.trusted_keys(AuthorityKind::User);
        let examined = examine_ssh_certificate(certificate, &trusted, self.0.ambient.now(), origin.ip);
        let admitted = examined.and_then(|claims| {
            let is_its_own = |row: &LoginRow| {
                row.ssh_serial == Some(claims.serial) || self.0.passes.hold(row.id, claims.serial)
            };
            self.0.admit(claims.user.as_str(), claims.login, claims.expires, is_its_own)
        });
        match admitted {
            Ok(authenticated) => Ok(Authenticated { origin: Some(origin.clone()), ..authenticated }),
            Err(refusal) => {
                let refused = Refused {
                    usage: "ssh_user".to_owned(),
                    serial: Some(serial_of(certificate)),
                    key_id: Some(unverified(certificate.key_id())),
                    public_key: Some(certificate.public_key().fingerprint(HashAlg::Sha256).to_string()),
                };
                Err(self.0.refuse(refused, origin, refusal).await)
            }
        }
    }

    /// The same for a TLS client certificate (DER).
    pub async fn verify_tls_certificate(
        &self,
        der: &[u8],
        origin: &Origin,
    ) -> Result<Authenticated, CertificateRefusal> {
        let roots = self.0.authorities.load().x509_roots();
        let admitted = examine_tls_certificate(der, &roots, self.0.ambient.now()).and_then(|claims| {
            let is_its_own = |row: &LoginRow| row.tls_serial.as_ref() == Some(&claims.serial);
            self.0.admit(claims.user.as_str(), claims.login, claims.expires, is_its_own)
        });
        match admitted {
            Ok(authenticated) => Ok(Authenticated { origin: Some(origin.clone()), ..authenticated }),
            Err(refusal) => Err(self.0.refuse(describe(der), origin, refusal).await),
        }
    }

    /// The one complete check of the token that a login to the console gave: well-formed, its login not ended, the token that
    /// this login was given, user exists and is not disabled. Refusals leave `cert.deny`.
    pub async fn verify_console_token(
        &self,
        token: &str,
        origin: &Origin,
    ) -> Result<Authenticated, CertificateRefusal> {
        let admitted = ConsoleToken::parse(token).and_then(|token| {
            let user = self.0.directory().logins.get(&token.login).map(|kept| kept.row.user.to_string());
            let user = user.ok_or(CertificateRefusal::LoginEnded)?;
            self.0.admit(&user, token.login, Timestamp::MAX, |row| token.is_of(row))
        });
        match admitted {
            Ok(authenticated) => Ok(Authenticated { origin: Some(origin.clone()), ..authenticated }),
            Err(refusal) => {
                let refused =
                    Refused { usage: "console".to_owned(), serial: None, key_id: None, public_key: None };
                Err(self.0.refuse(refused, origin, refusal).await)
            }
        }
    }

    /// Records that a change was refused which a browser asked for, though not from our own page or without its token.
    pub async fn record_refused_change(&self, origin: &Origin, why: &str) -> Result<(), AppendError> {
        let refused = Refused { usage: "console".to_owned(), serial: None, key_id: None, public_key: None };
        let event = Event::new(&self.0.ambient, Actor::unknown(""), Detail::CertDeny(refused))
            .from_origin(Some(origin.clone()))
            .denied(unverified(why));
        self.0.log.append(&event).await.map(drop)
    }

    /// Whether a login still stands: not logged out, not expired, its user neither deleted nor disabled nor reset. Asked
    /// again and again for running sessions, so it reads memory only.
    ///
    /// Failed tries to sign in do not end a login that stands, or anybody could cut off anybody.
    pub fn login_stands(&self, user: &str, login: SessionId) -> bool {
        self.login_refusal(user, login).is_none()
    }

    /// Why a login does not stand any more; `None` while it does.
    pub fn login_refusal(&self, user: &str, login: SessionId) -> Option<CertificateRefusal> {
        self.0.standing(user, login).err()
    }

    /// Wakes whenever users, logins or authorities change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Checks a target's host certificate against the host authority for the name dialled.
    pub fn verify_host_certificate(
        &self,
        certificate: &Certificate,
        name: &str,
    ) -> Result<(), CertificateRefusal> {
        let trusted = self.trusted_keys(AuthorityKind::Host);
        examine_host_certificate(certificate, &trusted, self.0.ambient.now(), name)
    }
}

/// What can be said of a TLS certificate that was refused.
fn describe(der: &[u8]) -> Refused {
    use x509_parser::prelude::FromDer;
    let parsed =
        x509_parser::certificate::X509Certificate::from_der(der).ok().map(|(_, certificate)| certificate);
    let name = |certificate: &x509_parser::certificate::X509Certificate<'_>| {
        let name = certificate.subject().iter_common_name().next()?.as_str().ok()?;
        Some(unverified(name))
    };
    Refused {
        usage: "x509_client".to_owned(),
        serial: parsed.as_ref().map(|certificate| unverified(&hex(certificate.raw_serial()))),
        key_id: parsed.as_ref().and_then(name),
        public_key: parsed.as_ref().map(|certificate| {
            use base64::Engine;
            let digest = Sha256::digest(certificate.public_key().raw);
            format!("SHA256:{}", base64::engine::general_purpose::STANDARD_NO_PAD.encode(digest))
        }),
    }
}

/// The user that a key id (`lodge:<user>:<login>`) or a subject claims to be of.
fn claimed_user(key_id: &str) -> &str {
    key_id.strip_prefix("lodge:").and_then(|rest| rest.split_once(':')).map_or(key_id, |(user, _)| user)
}

/// Cuts text that a stranger chose to a length that the log can afford.
fn unverified(text: &str) -> String {
    text.chars().take(MAX_UNVERIFIED).collect()
}
