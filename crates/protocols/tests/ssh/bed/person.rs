//! A person with a login: a key, and the certificate that the login gave.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use event::Clock as _;
use event::{Actor, ManualClock, Origin, SessionId};
use identity::{Identity, LoginRequest, NewUser};
use russh::keys::PrivateKey;
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use secrecy::{ExposeSecret as _, SecretString};

/// A TLS key that the login certifies and nobody uses here (RFC 8410, section 10.1).
const TLS_KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
    -----END PUBLIC KEY-----\n";
const PASSWORD: &str = "correct horse battery staple";

/// Someone who has signed in.
pub struct Person {
    pub login: SessionId,
    pub key: PathBuf,
    pub certificate: PathBuf,
}

impl Person {
    /// Creates a user, accepts the invite and signs in.
    pub async fn join(
        identity: &Identity,
        clock: &ManualClock,
        folder: &Path,
        name: &str,
        roles: &[&str],
    ) -> Person {
        let origin = Origin::of("127.0.0.1:1".parse().unwrap());
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let new = NewUser { name: name.to_owned(), roles, traits: Default::default(), disabled: false };
        let invite = identity.create_user(&event::Author::of(Actor::human("boss"), None), new).await.unwrap();
        let enrolment = identity.begin_invite(&origin, &invite.token, PASSWORD.into()).await.unwrap();
        let code = totp(enrolment.secret.expose_secret(), clock);
        identity.finish_invite(&origin, &invite.token, code).await.unwrap();
        // A code is good once.
        clock.advance(Duration::from_secs(30));
        let private = key_of(name);
        let request = LoginRequest {
            user: name.to_owned(),
            password: PASSWORD.into(),
            code: totp(enrolment.secret.expose_secret(), clock),
            origin,
            ssh_public_key: private.public_key().to_openssh().unwrap(),
            tls_public_key: TLS_KEY.to_owned(),
            ttl: Duration::from_secs(3600),
        };
        let grant = identity.login(request).await.unwrap();
        let key = folder.join(format!("{name}-key"));
        let certificate = folder.join(format!("{name}-key-cert.pub"));
        write_private(&key, &private.to_openssh(LineEnding::LF).unwrap());
        std::fs::write(&certificate, grant.ssh_certificate.to_openssh().unwrap()).unwrap();
        Person { login: grant.login, key, certificate }
    }
}

/// A key that belongs to a name.
pub fn key_of(name: &str) -> PrivateKey {
    let mut seed = [7; 32];
    seed.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    PrivateKey::new(KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed)), name).unwrap()
}

/// Writes a file that only its owner may read, as `ssh` and `sshd` want it.
pub fn write_private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A code of RFC 6238 with a secret in base32.
fn totp(secret: &str, clock: &ManualClock) -> SecretString {
    let mut bits = (0_u64, 0);
    let mut key = Vec::new();
    for symbol in secret.bytes().filter(u8::is_ascii_alphanumeric) {
        let value =
            if symbol.is_ascii_digit() { symbol - b'2' + 26 } else { symbol.to_ascii_uppercase() - b'A' };
        bits = ((bits.0 << 5) | u64::from(value), bits.1 + 5);
        if bits.1 >= 8 {
            bits.1 -= 8;
            key.push((bits.0 >> bits.1) as u8);
        }
    }
    let step = clock.now().as_unix_seconds() / 30;
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = ring::hmac::sign(&key, &step.to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 0xf);
    let number = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000).into()
}
