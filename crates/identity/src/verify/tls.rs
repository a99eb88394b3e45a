//! A person's TLS client certificate: everything about it that can be known without asking who is signed in.
//!
//! The chain, the window and the purpose are checked by rustls's own verifier; the names, which mean something only to
//! Lodge, are checked here.

use std::sync::Arc;

use event::{SessionId, Timestamp};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, RootCertStore};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::{CertificateRefusal, parse_id};
use crate::certificate::tls::LOGIN_URI;
use crate::certificate::{from_unix_seconds, unix_seconds};
use crate::names::UserName;
use crate::{CLOCK_SKEW, MAX_CERTIFICATE_LIFE};

/// The largest certificate that is looked at, in bytes.
pub const MAX_CERTIFICATE_BYTES: usize = 16 * 1024;

/// What a TLS certificate says, once everything about it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsClaims {
    /// Whose it is.
    pub user: UserName,
    /// The login that it belongs to.
    pub login: SessionId,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// When it ends.
    pub expires: Timestamp,
}

/// Examines a TLS client certificate completely: chain, signature, window, purpose, length of life, subject and login.
pub fn examine_tls_certificate(
    der: &[u8],
    roots: &[CertificateDer<'static>],
    now: Timestamp,
) -> Result<TlsClaims, CertificateRefusal> {
    if der.len() > MAX_CERTIFICATE_BYTES {
        return Err(CertificateRefusal::Malformed("it is too large"));
    }
    check_chain(der, roots, now)?;
    let unreadable = CertificateRefusal::Malformed("it cannot be read");
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| unreadable.clone())?;
    if !rest.is_empty() || certificate.is_ca() {
        return Err(unreadable);
    }
    check_usage(&certificate)?;
    let validity = certificate.validity();
    let seconds = |time: i64| u64::try_from(time).unwrap_or(0);
    let (after, before) = (seconds(validity.not_before.timestamp()), seconds(validity.not_after.timestamp()));
    if before.saturating_sub(after) > MAX_CERTIFICATE_LIFE.as_secs() + CLOCK_SKEW.as_secs() {
        return Err(CertificateRefusal::TooLong);
    }
    Ok(TlsClaims {
        user: subject(&certificate)?,
        login: login(&certificate)?,
        serial: crate::authority::keys::hex(certificate.raw_serial()),
        expires: from_unix_seconds(before),
    })
}

fn check_chain(
    der: &[u8],
    roots: &[CertificateDer<'static>],
    now: Timestamp,
) -> Result<(), CertificateRefusal> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider)
        .build()
        .map_err(|_| CertificateRefusal::UnknownAuthority)?;
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(unix_seconds(now)));
    match verifier.verify_client_cert(&CertificateDer::from(der), &[], now) {
        Ok(_) => Ok(()),
        Err(rustls::Error::InvalidCertificate(error)) => Err(refusal(&error)),
        Err(_) => Err(CertificateRefusal::Malformed("it cannot be checked")),
    }
}

fn refusal(error: &CertificateError) -> CertificateRefusal {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => CertificateRefusal::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateRefusal::NotYetValid
        }
        CertificateError::UnknownIssuer => CertificateRefusal::UnknownAuthority,
        CertificateError::BadSignature => CertificateRefusal::BadSignature,
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            CertificateRefusal::Usage
        }
        // Among these are critical extensions that nobody here knows.
        _ => CertificateRefusal::Malformed("it cannot be read, or asks for what is not known here"),
    }
}

/// Asks for the purpose by name: rustls would also take a certificate that names no purpose at all.
fn check_usage(certificate: &X509Certificate<'_>) -> Result<(), CertificateRefusal> {
    match certificate.extended_key_usage() {
        Ok(Some(usage)) if usage.value.client_auth && !usage.value.any && !usage.value.server_auth => Ok(()),
        _ => Err(CertificateRefusal::Usage),
    }
}

/// The one common name, which is all that the subject may hold.
fn subject(certificate: &X509Certificate<'_>) -> Result<UserName, CertificateRefusal> {
    let mut attributes = certificate.subject().iter_attributes();
    let (Some(only), None) = (certificate.subject().iter_common_name().next(), attributes.by_ref().nth(1))
    else {
        return Err(CertificateRefusal::KeyId);
    };
    only.as_str().ok().and_then(|name| name.parse().ok()).ok_or(CertificateRefusal::KeyId)
}

/// The one alternative name, which names the login.
fn login(certificate: &X509Certificate<'_>) -> Result<SessionId, CertificateRefusal> {
    let names = certificate.subject_alternative_name().ok().flatten().ok_or(CertificateRefusal::KeyId)?;
    match names.value.general_names.as_slice() {
        [GeneralName::URI(uri)] => parse_id(uri.strip_prefix(LOGIN_URI).ok_or(CertificateRefusal::KeyId)?),
        _ => Err(CertificateRefusal::KeyId),
    }
}

#[cfg(test)]
mod tests;
