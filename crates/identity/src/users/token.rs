//! Tokens: 256 random bits that are shown once, and of which only a hash is kept.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use event::{Ambient, SessionId};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::authority::keys::hex;
use crate::rows::LoginRow;
use crate::verify::CertificateRefusal;

const BYTES: usize = 32;
/// As many bytes in base64 without padding.
const TEXT: usize = 43;
const CONSOLE: &[u8] = b"lodge/console-token/v1\0";

/// The random bits of a token.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<[u8; BYTES]>);

impl Secret {
    pub(crate) fn make(ambient: &Ambient) -> Secret {
        Secret(Zeroizing::new(ambient.random()))
    }

    /// Reads what [`Secret::expose`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Secret> {
        if text.len() != TEXT {
            return None;
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        Some(Secret(Zeroizing::new(bytes.as_slice().try_into().ok()?)))
    }

    pub(crate) fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(&self.0[..]))
    }

    /// The form in which it is kept; `purpose` keeps tokens of one sort from being another's.
    pub(crate) fn hash(&self, purpose: &[u8]) -> String {
        hex(&Sha256::new().chain_update(purpose).chain_update(&self.0[..]).finalize())
    }
}

/// The token of a browser's session, `<login>.<secret>`, that was shown and is still to be compared.
pub(crate) struct ConsoleToken {
    pub login: SessionId,
    hash: String,
}

impl ConsoleToken {
    /// Makes a token for a login: what the browser gets, and what is kept.
    pub(crate) fn make(login: SessionId, ambient: &Ambient) -> (SecretString, String) {
        let secret = Secret::make(ambient);
        (format!("{login}.{}", secret.expose().as_str()).into(), secret.hash(CONSOLE))
    }

    /// Reads a token.
    pub(crate) fn parse(text: &str) -> Result<ConsoleToken, CertificateRefusal> {
        let read = || {
            let (login, secret) = text.split_once('.')?;
            let id: SessionId = login.parse().ok()?;
            (id.to_string() == login).then_some(())?;
            Some(ConsoleToken { login: id, hash: Secret::parse(secret)?.hash(CONSOLE) })
        };
        read().ok_or(CertificateRefusal::Malformed("it is no token of a login to the console"))
    }

    /// Says whether it is the one that a login was given.
    pub(crate) fn is_of(&self, row: &LoginRow) -> bool {
        row.token.as_ref().is_some_and(|kept| kept.as_bytes().ct_eq(self.hash.as_bytes()).into())
    }
}
