//! Verifying certificates: people's, over SSH and TLS, and targets' host certificates.
//!
//! What a certificate says is examined by pure functions, which see the certificate, the trusted keys, the time and
//! the address, and nothing else. [`Identity`](crate::Identity) then asks whether the login behind it still stands, and records every refusal.

mod host;
mod ssh;
mod tls;

pub use host::examine_host_certificate;
pub use ssh::{SshClaims, examine_ssh_certificate};
pub use tls::{TlsClaims, examine_tls_certificate};

use event::SessionId;
use ssh_key::Certificate;

use crate::names::UserName;

/// Why a certificate was refused; `code()` is the stable word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateRefusal {
    /// It cannot be read, or a field is not what every certificate of ours has.
    #[error("the certificate is malformed: {0}")]
    Malformed(&'static str),
    /// A host certificate was shown for a person, or the other way round.
    #[error("the certificate is not of the type that is needed here")]
    WrongType,
    /// Nobody that is trusted signed it.
    #[error("the certificate was signed by an authority that is not trusted here")]
    UnknownAuthority,
    /// The signature is not the authority's.
    #[error("the certificate's signature is not valid")]
    BadSignature,
    /// Its time has not come.
    #[error("the certificate is not valid yet; check the clocks")]
    NotYetValid,
    /// Its time is over.
    #[error("the certificate has expired")]
    Expired,
    /// It is valid for longer than any certificate of ours.
    #[error("the certificate is valid for longer than Lodge ever allows")]
    TooLong,
    /// The key that it certifies is too weak.
    #[error("the certified key is of a kind or size that is not allowed")]
    WeakKey,
    /// Its key id or subject does not name a user and a login.
    #[error("the certificate's key id or subject does not name one user and one login")]
    KeyId,
    /// It does not speak for exactly the name that is needed.
    #[error("the certificate's principals are not exactly the name that is needed")]
    Principal,
    /// It has a critical option that Lodge does not honour.
    #[error("the certificate has the critical option {0:?}, which is not honoured here")]
    CriticalOption(String),
    /// It may not be used from this address.
    #[error("the certificate may not be used from this address")]
    SourceAddress,
    /// It has an extension that Lodge does not know.
    #[error("the certificate has the extension {0:?}, which is not known here")]
    Extension(String),
    /// It is not for signing in.
    #[error("the certificate is not for TLS clients")]
    Usage,
    /// Its user does not exist (any more).
    #[error("the certificate's user does not exist")]
    UserUnknown,
    /// Its user is switched off.
    #[error("the certificate's user is disabled")]
    UserDisabled,
    /// Its login has ended.
    #[error("the certificate's login has ended")]
    LoginEnded,
    /// It is not the one that was issued for its login.
    #[error("the certificate is not the one that its login was given")]
    Serial,
    /// The check is out of service, so the answer is no.
    #[error("the refusal of a certificate could not be recorded: {0}")]
    Unrecorded(Box<CertificateRefusal>),
}

impl CertificateRefusal {
    /// The stable word for the reason.
    pub fn code(&self) -> &'static str {
        match self {
            CertificateRefusal::Malformed(_) => "malformed",
            CertificateRefusal::WrongType => "wrong_type",
            CertificateRefusal::UnknownAuthority => "unknown_authority",
            CertificateRefusal::BadSignature => "bad_signature",
            CertificateRefusal::NotYetValid => "not_yet_valid",
            CertificateRefusal::Expired => "expired",
            CertificateRefusal::TooLong => "too_long",
            CertificateRefusal::WeakKey => "weak_key",
            CertificateRefusal::KeyId => "key_id",
            CertificateRefusal::Principal => "principal",
            CertificateRefusal::CriticalOption(_) => "critical_option",
            CertificateRefusal::SourceAddress => "source_address",
            CertificateRefusal::Extension(_) => "extension",
            CertificateRefusal::Usage => "usage",
            CertificateRefusal::UserUnknown => "user_unknown",
            CertificateRefusal::UserDisabled => "user_disabled",
            CertificateRefusal::LoginEnded => "login_ended",
            CertificateRefusal::Serial => "serial",
            CertificateRefusal::Unrecorded(refusal) => refusal.code(),
        }
    }
}

/// Takes `lodge:<user>:<id>` apart.
fn parse_key_id(text: &str) -> Result<(UserName, SessionId), CertificateRefusal> {
    let rest = text.strip_prefix("lodge:").ok_or(CertificateRefusal::KeyId)?;
    let (user, id) = rest.split_once(':').ok_or(CertificateRefusal::KeyId)?;
    let user = user.parse().map_err(|_| CertificateRefusal::KeyId)?;
    Ok((user, parse_id(id)?))
}

/// Takes an id in the one form in which it is written.
fn parse_id(text: &str) -> Result<SessionId, CertificateRefusal> {
    let id: SessionId = text.parse().map_err(|_| CertificateRefusal::KeyId)?;
    if id.to_string() == text { Ok(id) } else { Err(CertificateRefusal::KeyId) }
}

/// Checks that one of `trusted` signed an SSH certificate, and that its window is not empty.
fn signed_by_one_of(
    certificate: &Certificate,
    trusted: &[ssh_key::PublicKey],
) -> Result<(), CertificateRefusal> {
    let signer = certificate.signature_key();
    if !trusted.iter().any(|key| key.key_data() == signer) {
        return Err(CertificateRefusal::UnknownAuthority);
    }
    if certificate.valid_after() >= certificate.valid_before() {
        return Err(CertificateRefusal::Expired);
    }
    // Asked at its own first second, the only thing left that can fail is the signature.
    let fingerprint = signer.fingerprint(ssh_key::HashAlg::Sha256);
    certificate
        .validate_at(certificate.valid_after(), [&fingerprint])
        .map_err(|_| CertificateRefusal::BadSignature)
}

/// Checks that a window in Unix seconds contains `now`, give or take the allowed skew. The end is exclusive.
fn within_window(certificate: &Certificate, now: event::Timestamp) -> Result<(), CertificateRefusal> {
    let now = crate::certificate::unix_seconds(now);
    let skew = crate::CLOCK_SKEW.as_secs();
    if now.saturating_add(skew) < certificate.valid_after() {
        return Err(CertificateRefusal::NotYetValid);
    }
    if now >= certificate.valid_before().saturating_add(skew) {
        return Err(CertificateRefusal::Expired);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn key_ids_are_read_in_one_spelling_only(text in "(lodge:)?[a-z:]{0,10}[0-9a-f-]{0,40}", any in "\\PC{0,80}") {
            for text in [text, any] {
                if let Ok((user, id)) = parse_key_id(&text) {
                    prop_assert_eq!(crate::certificate::ssh::key_id(user.as_str(), id), text);
                }
            }
        }
    }
}
