//! Second factors: time-based codes (RFC 6238: SHA-1, 30 s, 6 digits, as every authenticator app knows them) and
//! single-use recovery codes.

use std::fmt::Write;

use event::{Ambient, Mfa, Timestamp};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::authority::keys::hex;
use crate::certificate::unix_seconds;
use crate::names::UserName;

const STEP_SECONDS: u64 = 30;
const DIGITS: usize = 6;
/// Bytes of a TOTP secret: the length of SHA-1's output, as RFC 4226 recommends.
pub(crate) const TOTP_SECRET_BYTES: usize = 20;
/// How many recovery codes are given out.
pub(crate) const RECOVERY_CODES: usize = 10;
const RECOVERY_BYTES: usize = 10;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ISSUER: &str = "Lodge";

/// What a person may type as the second factor.
pub(crate) enum Code {
    /// Six digits.
    Totp(SecretString),
    /// Anything else, its hash.
    Recovery(String),
}

impl Code {
    /// Sorts what was typed. Spaces do not matter, since apps show codes in groups.
    pub fn parse(typed: &SecretString, user: &str) -> Code {
        let text: Zeroizing<String> =
            Zeroizing::new(typed.expose_secret().chars().filter(|c| !c.is_whitespace()).take(64).collect());
        if text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Code::Totp(text.as_str().into());
        }
        Code::Recovery(recovery_hash(&text, user))
    }

    pub fn factor(&self) -> Mfa {
        match self {
            Code::Totp(_) => Mfa::Totp,
            Code::Recovery(_) => Mfa::RecoveryCode,
        }
    }

    /// The way of signing in, as events name it.
    pub fn method(&self) -> &'static str {
        match self {
            Code::Totp(_) => "password+totp",
            Code::Recovery(_) => "password+recovery_code",
        }
    }
}

/// Finds the time step that a code belongs to: the present one or a neighbour, but none up to `last`, whose codes were taken.
pub(crate) fn matching_step(secret: &[u8], code: &SecretString, now: Timestamp, last: u64) -> Option<u64> {
    let present = unix_seconds(now) / STEP_SECONDS;
    // All three are compared, so that the time taken does not say which one it was.
    let matches =
        |step: &u64| bool::from(totp(secret, *step).as_bytes().ct_eq(code.expose_secret().as_bytes()));
    let matching: Vec<u64> = (present.saturating_sub(1)..=present + 1).filter(matches).collect();
    matching.into_iter().find(|&step| step > last)
}

/// The code of one time step (RFC 4226, section 5.3).
fn totp(secret: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let at = usize::from(bytes[19] & 0x0f);
    let word = u32::from_be_bytes([bytes[at] & 0x7f, bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    format!("{:06}", word % 1_000_000)
}

/// The text that authenticator apps read from a QR code.
pub(crate) fn otpauth_uri(user: &UserName, secret: &[u8]) -> SecretString {
    let secret = base32(secret);
    format!("otpauth://totp/{ISSUER}:{user}?secret={}&issuer={ISSUER}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}", *secret).into()
}

/// Writes bytes in base32 (RFC 4648) without padding.
pub(crate) fn base32(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 8 / 5 + 1));
    let (mut held, mut bits) = (0u32, 0);
    for &byte in bytes {
        held = (held << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(BASE32[((held >> bits) & 31) as usize]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(BASE32[((held << (5 - bits)) & 31) as usize]));
    }
    text
}

/// Makes one recovery code, as it is shown: four groups of four letters and digits, 80 random bits.
pub(crate) fn make_recovery_code(ambient: &Ambient) -> SecretString {
    let bytes = Zeroizing::new(ambient.random::<RECOVERY_BYTES>());
    let letters = base32(&bytes[..]);
    let mut code = Zeroizing::new(String::new());
    for (index, letter) in letters.to_ascii_lowercase().chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            code.push('-');
        }
        let _ = code.write_char(letter);
    }
    code.as_str().into()
}

/// The form in which a recovery code is kept. A plain hash is enough for 80 random bits.
pub(crate) fn recovery_hash(code: &str, user: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"lodge/recovery-code/v1\0");
    hasher.update(user.as_bytes());
    hasher.update(b"\0");
    for byte in code.bytes().filter(u8::is_ascii_alphanumeric) {
        hasher.update([byte.to_ascii_lowercase()]);
    }
    hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SECRET: &[u8] = b"12345678901234567890";

    fn at(seconds: u64) -> Timestamp {
        Timestamp::EPOCH.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, the last six of its eight digits.
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            assert_eq!(totp(SECRET, seconds / 30), code);
        }
    }

    #[test]
    fn one_step_of_drift_is_forgiven_and_no_code_is_taken_twice() {
        let step = 1_111_111_109 / 30;
        let code: SecretString = "081804".into();
        for drift in [-30i64, 0, 30] {
            let now = at(1_111_111_109u64.saturating_add_signed(drift));
            assert_eq!(matching_step(SECRET, &code, now, 0), Some(step), "{drift}");
            assert_eq!(matching_step(SECRET, &code, now, step), None);
            assert_eq!(matching_step(SECRET, &code, now, step + 1), None);
        }
        assert_eq!(matching_step(SECRET, &code, at(1_111_111_109 + 60), 0), None);
        assert_eq!(matching_step(SECRET, &code, at(1_111_111_109 - 60), 0), None);
        assert_eq!(matching_step(SECRET, &"081805".into(), at(1_111_111_109), 0), None);
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(*base32(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn the_uri_is_what_authenticator_apps_read() {
        let uri = otpauth_uri(&"alice".parse().unwrap(), SECRET);
        assert_eq!(
            uri.expose_secret(),
            "otpauth://totp/Lodge:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Lodge&algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn recovery_codes_forgive_case_and_dashes_and_belong_to_one_user() {
        let (ambient, _) = Ambient::fixed(at(1), 1);
        let code = make_recovery_code(&ambient);
        let text = code.expose_secret();
        assert_eq!(text.len(), 19);
        let typed = text.to_uppercase().replace('-', " ");
        let Code::Recovery(hash) = Code::parse(&typed.as_str().into(), "alice") else {
            panic!("{text} is no TOTP code")
        };
        assert_eq!(hash, recovery_hash(text, "alice"));
        assert_ne!(hash, recovery_hash(text, "bob"));
        assert_ne!(text, make_recovery_code(&ambient).expose_secret());
    }
}
