//! Fingerprints of X.509 authorities, for clients that pin one: `sha256:` and the hexadecimal SHA-256 of the DER.

use base16ct::lower::encode_string;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{Error, PemObject};
use sha2::{Digest, Sha256};

/// Why a bundle of authorities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The text is not a bundle of certificates.
    #[error("the server's authorities are not certificates in PEM: {0:?}")]
    Pem(Error),
    /// No certificate in the bundle has the fingerprint.
    #[error("none of the server's authorities has the fingerprint {0}")]
    Absent(String),
}

/// Returns the fingerprint of every certificate in a PEM bundle.
pub fn fingerprints(pem: &str) -> Result<Vec<String>, TrustError> {
    Ok(certificates(pem)?.iter().map(|certificate| fingerprint(certificate)).collect())
}

/// Returns, as PEM, the certificate of a bundle that has a fingerprint.
pub fn certificate_with_fingerprint(pem: &str, wanted: &str) -> Result<String, TrustError> {
    let found = certificates(pem)?.into_iter().find(|certificate| fingerprint(certificate) == wanted);
    let found = found.ok_or_else(|| TrustError::Absent(wanted.to_owned()))?;
    Ok(to_pem(&found))
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>().map_err(TrustError::Pem)
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    format!("sha256:{}", encode_string(&Sha256::digest(certificate.as_ref())))
}

fn to_pem(certificate: &CertificateDer<'_>) -> String {
    use base64::Engine;
    let encoded = base64::engine::general_purpose::STANDARD.encode(certificate.as_ref());
    let lines: Vec<&str> =
        (0..encoded.len()).step_by(64).map(|at| &encoded[at..encoded.len().min(at + 64)]).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
