//! SSH certificates (OpenSSH's PROTOCOL.certkeys): of people, of the gate, of hosts.

use event::kinds::cert::Issued;
use event::{Ambient, SessionId, Timestamp};
use ssh_key::certificate::{Builder, CertType};
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, Certificate, HashAlg, PrivateKey, PublicKey};

use super::{from_unix_seconds, unix_seconds};
use crate::error::IdentityError;

/// Extensions of every person's certificate. Which of them a session may use, the gate decides for each request.
pub(crate) const EXTENSIONS: [&str; 5] = [
    "permit-X11-forwarding",
    "permit-agent-forwarding",
    "permit-port-forwarding",
    "permit-pty",
    "permit-user-rc",
];

/// The shortest RSA key that is certified, in bits.
const MIN_RSA_BITS: u32 = 3072;
/// The longest text of a public key that is looked at.
const MAX_PUBLIC_KEY_TEXT: usize = 16 * 1024;

/// What a certificate is to say.
pub(crate) struct SshRequest<'a> {
    pub key: &'a KeyData,
    pub cert_type: CertType,
    pub key_id: String,
    pub principals: Vec<String>,
    pub valid_after: Timestamp,
    pub valid_before: Timestamp,
    /// What the certificate permits; a host certificate permits nothing.
    pub extensions: &'a [&'static str],
}

/// Signs an SSH certificate.
pub(crate) fn sign(
    request: SshRequest<'_>,
    authority: &PrivateKey,
    ambient: &Ambient,
) -> Result<Certificate, IdentityError> {
    // An empty list would make a certificate that speaks for everyone.
    if request.principals.is_empty() {
        return Err(IdentityError::Certificate(
            "it would name no principal, and so speak for all".to_owned(),
        ));
    }
    let build = || -> ssh_key::Result<Certificate> {
        let (after, before) = (unix_seconds(request.valid_after), unix_seconds(request.valid_before));
        let mut builder = Builder::new(ambient.random::<32>(), request.key.clone(), after, before)?;
        // A serial number of zero reads as none.
        builder.serial(u64::from_be_bytes(ambient.random()) | 1)?;
        builder.cert_type(request.cert_type)?.key_id(&request.key_id)?;
        for principal in &request.principals {
            builder.valid_principal(principal)?;
        }
        for extension in request.extensions {
            builder.extension(*extension, "")?;
        }
        builder.sign(authority)
    };
    build().map_err(|error| IdentityError::Certificate(error.to_string()))
}

/// What the log says of an SSH certificate.
pub(crate) fn issued(usage: &str, certificate: &Certificate, login: Option<SessionId>) -> Issued {
    Issued {
        usage: usage.to_owned(),
        serial: serial_of(certificate),
        key_id: certificate.key_id().to_owned(),
        principals: certificate.valid_principals().to_vec(),
        public_key: certificate.public_key().fingerprint(HashAlg::Sha256).to_string(),
        authority: certificate.signature_key().fingerprint(HashAlg::Sha256).to_string(),
        valid_after: from_unix_seconds(certificate.valid_after()),
        valid_before: from_unix_seconds(certificate.valid_before()),
        login,
    }
}

/// Serial number in hexadecimal.
pub(crate) fn serial_of(certificate: &Certificate) -> String {
    format!("{:016x}", certificate.serial())
}

/// Key id of a certificate that belongs to a person: who, and by which login or in which session.
pub(crate) fn key_id(user: &str, id: SessionId) -> String {
    format!("lodge:{user}:{id}")
}

/// Reads a public key in OpenSSH form, and refuses what is too weak to certify.
pub(crate) fn parse_public_key(text: &str) -> Result<PublicKey, String> {
    if text.len() > MAX_PUBLIC_KEY_TEXT {
        return Err("the SSH public key is too long".to_owned());
    }
    let key = PublicKey::from_openssh(text.trim())
        .map_err(|error| format!("cannot read the SSH public key: {error}"))?;
    if strong_enough(key.key_data()) {
        Ok(key)
    } else {
        Err("an SSH key must be Ed25519, ECDSA (also on a security key), or RSA of at least 3072 bits"
            .to_owned())
    }
}

/// Whether a key is of a kind and size that Lodge certifies.
pub(crate) fn strong_enough(key: &KeyData) -> bool {
    if key.is_certificate() || key.is_other() {
        return false;
    }
    match key.algorithm() {
        Algorithm::Ed25519
        | Algorithm::SkEd25519
        | Algorithm::SkEcdsaSha2NistP256
        | Algorithm::Ecdsa { .. } => true,
        Algorithm::Rsa { .. } => key.rsa().is_some_and(|key| key.key_size() >= MIN_RSA_BITS),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_certificate_that_would_speak_for_all_is_never_signed() {
        let (ambient, _) = Ambient::fixed(Timestamp::EPOCH, 1);
        let key = PrivateKey::from(ssh_key::private::Ed25519Keypair::from_seed(&[1; 32]));
        let request = SshRequest {
            key: key.public_key().key_data(),
            cert_type: CertType::User,
            key_id: String::new(),
            principals: vec![],
            valid_after: Timestamp::EPOCH,
            valid_before: Timestamp::EPOCH.plus(std::time::Duration::from_secs(60)),
            extensions: &[],
        };
        assert!(sign(request, &key, &ambient).is_err());
    }

    #[test]
    fn certificates_are_not_taken_for_keys() {
        let text = "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t";
        assert!(parse_public_key(text).is_err());
        assert!(parse_public_key("ssh-dss AAAAB3NzaC1kc3MAAAAA").is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_never_taken_for_a_key(text in "\\PC{0,200}", base64 in "[A-Za-z0-9+/]{0,200}") {
            prop_assert!(parse_public_key(&text).is_err());
            let _ = parse_public_key(&format!("ssh-ed25519 {base64}"));
            let _ = parse_public_key(&format!("ssh-rsa {base64}"));
            let _ = parse_public_key(&format!("sk-ssh-ed25519@openssh.com {base64}"));
        }
    }
}
