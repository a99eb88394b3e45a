//! Signing in: password and second factor for short-lived certificates, or for the token of a browser's session.
//!
//! Whoever fails is told the same, and is kept waiting for as long, whether the user exists or not; the event tells
//! the difference. Tries for one name are taken one after another, so that guesses made at once count like guesses
//! made in turn, and a try that began is counted even when its caller hangs up.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use event::kinds::user::{LockedOut, Login as LoginDetail};
use event::{Actor, Detail, Event, Origin, SessionId, Timestamp};
use rcgen::ExtendedKeyUsagePurpose;
use secrecy::SecretString;
use ssh_key::certificate::CertType;
use ssh_key::{Certificate, PublicKey};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::code::{Code, matching_step};
use super::join::totp_name;
use super::password::PasswordHash;
use super::token::ConsoleToken;
use crate::authenticated::person;
use crate::authority::AuthorityKind;
use crate::certificate::ssh::{self, SshRequest};
use crate::certificate::tls::{self, TlsCertificate, TlsKey, TlsRequest};
use crate::change::{Change, settle};
use crate::directory::{Kept, RowChange};
use crate::error::{IdentityError, LoginError};
use crate::identity::{Identity, Inner};
use crate::names::UserName;
use crate::rows::{LoginRow, UserRow};
use crate::{CLOCK_SKEW, MAX_CERTIFICATE_LIFE};

/// Failures in a row after which further tries are refused for a while.
const FREE_FAILURES: u32 = 5;
/// The first time that tries are refused for; it doubles with each further failure.
const FIRST_LOCK: Duration = Duration::from_secs(60);
const LONGEST_LOCK: Duration = Duration::from_secs(3600);
const SHORTEST_LOGIN: Duration = Duration::from_secs(60);

/// A try to sign in.
#[derive(Debug)]
pub struct LoginRequest {
    /// Name of the user.
    pub user: String,
    /// Password.
    pub password: SecretString,
    /// A code of the authenticator, or a recovery code.
    pub code: SecretString,
    /// Where the try comes from.
    pub origin: Origin,
    /// The key to certify for SSH, in OpenSSH's form.
    pub ssh_public_key: String,
    /// The key to certify for TLS: a signing request (PKCS #10) or a public key, in PEM.
    pub tls_public_key: String,
    /// How long the login shall last: at least a minute, at most 12 hours; the nearer bound otherwise.
    pub ttl: Duration,
}

/// A try to sign in to the console.
#[derive(Debug)]
pub struct ConsoleRequest {
    /// Name of the user.
    pub user: String,
    /// Password.
    pub password: SecretString,
    /// A code of the authenticator, or a recovery code.
    pub code: SecretString,
    /// Where the try comes from.
    pub origin: Origin,
    /// How long the login shall last: at least a minute, at most 12 hours; the nearer bound otherwise.
    pub ttl: Duration,
}

/// What a login to the console gives.
#[derive(Clone, Debug)]
pub struct ConsoleGrant {
    /// Name of the user.
    pub user: String,
    /// Id of the login.
    pub login: SessionId,
    /// When it ends.
    pub expires: Timestamp,
    /// What the browser shows from now on, see [`Identity::verify_console_token`]; only its hash is kept.
    pub token: SecretString,
    /// Recovery codes that are left.
    pub recovery_codes: u32,
}

/// What a login gives.
#[derive(Clone, Debug)]
pub struct LoginGrant {
    /// Name of the user.
    pub user: String,
    /// Id of the login.
    pub login: SessionId,
    /// When it ends.
    pub expires: Timestamp,
    /// The SSH certificate.
    pub ssh_certificate: Certificate,
    /// The TLS client certificate, in PEM.
    pub tls_certificate: String,
    /// The X.509 authority's trusted certificates, in PEM.
    pub x509_bundle: String,
    /// The host authority's trusted keys, in OpenSSH's form.
    pub host_authorities: Vec<String>,
    /// Recovery codes that are left.
    pub recovery_codes: u32,
}

/// One lock for each of a few groups of names, whether or not there are such users.
pub(crate) struct Turns(Vec<Arc<Mutex<()>>>);

impl Default for Turns {
    fn default() -> Turns {
        Turns((0..256).map(|_| Arc::default()).collect())
    }
}

impl Turns {
    async fn of(&self, name: &str) -> OwnedMutexGuard<()> {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % self.0.len() as u64).unwrap_or(0);
        self.0[index].clone().lock_owned().await
    }
}

/// A try whose parts can be read.
struct Attempt {
    name: Option<UserName>,
    password: SecretString,
    code: Code,
    origin: Origin,
    keys: Keys,
    ttl: Duration,
}

/// What is to be issued.
enum Keys {
    Certificates { ssh: PublicKey, tls: TlsKey },
    Token,
}

/// What was issued.
enum Issued {
    Certificates { ssh: Box<Certificate>, tls: Box<TlsCertificate> },
    Token(SecretString),
}

/// A login that came about.
struct Admitted {
    user: String,
    login: SessionId,
    expires: Timestamp,
    issued: Issued,
    recovery_codes: u32,
}

/// What made a try right.
enum Proof {
    Totp { step: u64 },
    Recovery { hash: String },
}

/// What made a try wrong: the words for the event, and whether it counts as a guess.
struct Wrong {
    why: &'static str,
    counts: bool,
}

impl Identity {
    /// Signs a person in. A login that was not refused left `user.login` and two `cert.issue`; one that was, `user.login`.
    pub async fn login(&self, request: LoginRequest) -> Result<LoginGrant, LoginError> {
        // What is wrong with the keys may be said plainly: it says nothing of the user.
        let ssh_key = ssh::parse_public_key(&request.ssh_public_key).map_err(LoginError::Key)?;
        let tls_key = tls::parse_public_key(&request.tls_public_key).map_err(LoginError::Key)?;
        let attempt = Attempt {
            name: request.user.parse().ok(),
            code: Code::parse(&request.code, &request.user),
            password: request.password,
            origin: request.origin,
            keys: Keys::Certificates { ssh: ssh_key, tls: tls_key },
            ttl: request.ttl.clamp(SHORTEST_LOGIN, MAX_CERTIFICATE_LIFE),
        };
        let admitted = self.attempt(attempt).await?;
        let Issued::Certificates { ssh, tls } = admitted.issued else { return Err(LoginError::Changed) };
        let authorities = self.inner().authorities.load();
        let host_authorities = authorities.status(AuthorityKind::Host).public;
        Ok(LoginGrant {
            user: admitted.user,
            login: admitted.login,
            expires: admitted.expires,
            ssh_certificate: *ssh,
            tls_certificate: tls.pem,
            x509_bundle: authorities.status(AuthorityKind::X509).public.concat(),
            host_authorities,
            recovery_codes: admitted.recovery_codes,
        })
    }

    /// Signs a person in to the console. Refused or not, it leaves `user.login`.
    pub async fn login_to_console(&self, request: ConsoleRequest) -> Result<ConsoleGrant, LoginError> {
        let attempt = Attempt {
            name: request.user.parse().ok(),
            code: Code::parse(&request.code, &request.user),
            password: request.password,
            origin: request.origin,
            keys: Keys::Token,
            ttl: request.ttl.clamp(SHORTEST_LOGIN, MAX_CERTIFICATE_LIFE),
        };
        let admitted = self.attempt(attempt).await?;
        let Issued::Token(token) = admitted.issued else { return Err(LoginError::Changed) };
        let Admitted { user, login, expires, recovery_codes, .. } = admitted;
        Ok(ConsoleGrant { user, login, expires, token, recovery_codes })
    }

    async fn attempt(&self, attempt: Attempt) -> Result<Admitted, LoginError> {
        let inner = self.inner().clone();
        settle(tokio::spawn(async move { inner.attempt(attempt).await })).await
    }
}

impl Inner {
    async fn attempt(self: Arc<Inner>, attempt: Attempt) -> Result<Admitted, LoginError> {
        // The place comes first, so that no more than a queue of tries ever waits for its turn.
        let Ok(place) = self.hashing.place() else {
            self.record(&[self.failed(&attempt, "too many logins at once; it was not checked")]).await?;
            return Err(LoginError::Busy);
        };
        let _one_at_a_time = self.turns.of(attempt.name.as_ref().map_or("", UserName::as_str)).await;
        let user = attempt.name.as_ref().and_then(|name| self.directory().users.get(name.as_str()).cloned());
        let credentials = user.as_ref().and_then(|kept| kept.row.credentials.as_ref());
        let hash = credentials.map_or_else(PasswordHash::decoy, |credentials| credentials.password.clone());
        let password_right = self.hashing.verify(&place, attempt.password.clone(), hash).await;
        match (user, self.judge(&attempt, password_right)?) {
            (Some(user), Ok(proof)) => self.admit_login(attempt, user, proof).await,
            (user, Err(wrong)) => self.refuse_login(attempt, user.map(|kept| kept.row), wrong).await,
            (None, Ok(_)) => Err(LoginError::Changed),
        }
    }

    /// The event of a login that did not come about.
    fn failed(&self, attempt: &Attempt, why: &str) -> Event {
        // A name that cannot be one is not logged: people type passwords into the wrong field.
        let user = attempt.name.as_ref().map(ToString::to_string).unwrap_or_default();
        let actor = Actor::unknown(&user);
        let detail = LoginDetail {
            user,
            method: attempt.code.method().to_owned(),
            login: None,
            expires: None,
            means: attempt.keys.means().to_owned(),
        };
        Event::new(&self.ambient, actor, Detail::UserLogin(detail))
            .from_origin(Some(attempt.origin.clone()))
            .failed(why)
    }

    /// Decides on a try. The order is that of the reasons which the event gives; the stranger gets none of them.
    fn judge(&self, attempt: &Attempt, password_right: bool) -> Result<Result<Proof, Wrong>, IdentityError> {
        let no = |why, counts| Ok(Err(Wrong { why, counts }));
        let Some(name) = &attempt.name else { return no("that is not a user's name", false) };
        let Ok(user) = self.user(name.as_str()) else { return no("there is no such user", false) };
        let Some(credentials) = &user.credentials else { return no("the user has not joined yet", false) };
        if user.disabled {
            return no("the user is disabled", false);
        }
        let now = self.ambient.now();
        if user.locked_until.is_some_and(|until| now < until) {
            return no("the user is locked out after failed tries", false);
        }
        if !password_right {
            return no("the password is wrong", true);
        }
        let proof = match &attempt.code {
            Code::Totp(code) => {
                let secret = self.vault.unseal(&totp_name(name), &credentials.totp.0)?;
                let step = matching_step(&secret, code, now, credentials.last_step);
                step.map(|step| Proof::Totp { step })
            }
            Code::Recovery(hash) => {
                credentials.recovery.contains(hash).then(|| Proof::Recovery { hash: hash.clone() })
            }
        };
        match proof {
            Some(proof) => Ok(Ok(proof)),
            None => no("the code is wrong or was used before", true),
        }
    }

    /// Records and counts a failed try.
    async fn refuse_login(
        self: &Arc<Inner>,
        attempt: Attempt,
        user: Option<UserRow>,
        wrong: Wrong,
    ) -> Result<Admitted, LoginError> {
        let failed = self.failed(&attempt, wrong.why);
        let turn = self.turn().await;
        // The row is read again: an admin may have changed it since, and only the count is to be added.
        let row = user.and_then(|user| self.user(user.name.as_str()).ok()).filter(|_| wrong.counts);
        let Some(mut row) = row else {
            drop(turn);
            self.record(&[failed]).await?;
            self.write_for_stranger().await?;
            return Err(LoginError::Refused);
        };
        row.failures = row.failures.saturating_add(1);
        let mut change = Change::default().event(failed);
        if let Some(lock) = lock_after(row.failures) {
            let until = self.ambient.now().plus(lock);
            row.locked_until = Some(until);
            let locked = LockedOut { user: row.name.to_string(), failures: row.failures, until };
            let event =
                Event::new(&self.ambient, change.events[0].actor.clone(), Detail::UserLockedOut(locked));
            change = change.event(event.from_origin(Some(attempt.origin)));
        }
        let row = RowChange::User(row.name.to_string(), Some(Box::new(row)));
        self.perform(turn, change.row(row).unannounced()).await?;
        Err(LoginError::Refused)
    }

    /// Records the login, makes its certificates or token, and spends what proved it.
    async fn admit_login(
        self: &Arc<Inner>,
        attempt: Attempt,
        judged: Kept<UserRow>,
        proof: Proof,
    ) -> Result<Admitted, LoginError> {
        let turn = self.turn().await;
        let name = judged.row.name.to_string();
        let unchanged =
            self.directory().users.get(&name).is_some_and(|kept| kept.revision == judged.revision);
        if !unchanged {
            drop(turn);
            self.record(&[self.failed(&attempt, "the user was changed during the login")]).await?;
            return Err(LoginError::Changed);
        }
        let mut user = judged.row;
        let recovery_codes = spend(&mut user, proof);
        let (issued, row) = self.give(&user, &attempt)?;

        let actor = person(&name, &user.roles, row.mfa);
        let detail = LoginDetail {
            user: name.clone(),
            method: attempt.code.method().to_owned(),
            login: Some(row.id),
            expires: Some(row.expires),
            means: attempt.keys.means().to_owned(),
        };
        let mut details = vec![Detail::UserLogin(detail)];
        if let Issued::Certificates { ssh, tls } = &issued {
            details.push(Detail::CertIssue(ssh::issued("ssh_user", ssh, Some(row.id))));
            details.push(Detail::CertIssue(tls.issued.clone()));
        }
        let mut change = self.forget_expired();
        for detail in details {
            change = change
                .event(Event::new(&self.ambient, actor.clone(), detail).from_origin(row.origin.clone()));
        }
        let (login, expires) = (row.id, row.expires);
        let change = change
            .row(RowChange::User(name.clone(), Some(Box::new(user))))
            .row(RowChange::Login(login, Some(Box::new(row))));
        self.perform(turn, change).await?;
        Ok(Admitted { user: name, login, expires, issued, recovery_codes })
    }

    fn give(&self, user: &UserRow, attempt: &Attempt) -> Result<(Issued, LoginRow), IdentityError> {
        let now = self.ambient.now();
        let id = self.ambient.session_id();
        let name = user.name.as_str();
        // Certificates count whole seconds, so the login ends on one too.
        let expires =
            crate::certificate::from_unix_seconds(crate::certificate::unix_seconds(now.plus(attempt.ttl)));
        let mut row = LoginRow {
            id,
            user: user.name.clone(),
            mfa: attempt.code.factor(),
            started: now,
            expires,
            origin: Some(attempt.origin.clone()),
            ssh_serial: None,
            tls_serial: None,
            token: None,
        };
        let Keys::Certificates { ssh: ssh_key, tls: tls_key } = &attempt.keys else {
            let (token, hash) = ConsoleToken::make(id, &self.ambient);
            row.token = Some(hash);
            return Ok((Issued::Token(token), row));
        };
        let authorities = self.authorities.load();
        let ssh = SshRequest {
            key: ssh_key.key_data(),
            cert_type: CertType::User,
            key_id: ssh::key_id(name, id),
            principals: vec![name.to_owned()],
            valid_after: now.minus(CLOCK_SKEW),
            valid_before: expires,
            extensions: &ssh::EXTENSIONS,
        };
        let ssh = ssh::sign(ssh, authorities.ssh_signer(AuthorityKind::User), &self.ambient)?;
        let tls = TlsRequest {
            common_name: name,
            names: vec![tls::login_name(id)],
            usage: ExtendedKeyUsagePurpose::ClientAuth,
            valid_after: now.minus(CLOCK_SKEW),
            valid_before: expires,
        };
        let tls = tls::sign(tls, tls_key, authorities.x509_signer(), &self.ambient, Some(id))?;
        (row.ssh_serial, row.tls_serial) = (Some(ssh.serial()), Some(tls.serial.clone()));
        Ok((Issued::Certificates { ssh: Box::new(ssh), tls: Box::new(tls) }, row))
    }

    /// Begins a change with the removal of the logins that ended by themselves; the log remembers them.
    fn forget_expired(&self) -> Change {
        let now = self.ambient.now();
        let directory = self.directory();
        let expired = directory.logins.values().filter(|kept| kept.row.expires <= now);
        expired.fold(Change::default(), |change, kept| change.row(RowChange::Login(kept.row.id, None)))
    }
}

impl Keys {
    /// The word for what is issued.
    fn means(&self) -> &'static str {
        match self {
            Keys::Certificates { .. } => "certificates",
            Keys::Token => "console",
        }
    }
}

/// Uses up what proved a login, and says how many recovery codes are left.
fn spend(user: &mut UserRow, proof: Proof) -> u32 {
    (user.failures, user.locked_until) = (0, None);
    let credentials = user.credentials.as_mut().expect("only users with credentials can prove anything");
    match proof {
        Proof::Totp { step } => credentials.last_step = step,
        Proof::Recovery { hash } => credentials.recovery.retain(|left| *left != hash),
    }
    u32::try_from(credentials.recovery.len()).unwrap_or(u32::MAX)
}

/// How long tries are refused for after so many failures in a row.
fn lock_after(failures: u32) -> Option<Duration> {
    let beyond = failures.checked_sub(FREE_FAILURES)?;
    let doubled = FIRST_LOCK.saturating_mul(1u32.checked_shl(beyond).unwrap_or(u32::MAX));
    Some(doubled.min(LONGEST_LOCK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_double_from_a_minute_to_an_hour() {
        let seconds = |failures| lock_after(failures).map(|lock| lock.as_secs());
        assert_eq!((0..5).filter_map(seconds).count(), 0);
        assert_eq!(
            [5, 6, 7, 10, 11, 12, 40, u32::MAX].map(seconds).map(Option::unwrap),
            [60, 120, 240, 1920, 3600, 3600, 3600, 3600]
        );
    }
}
