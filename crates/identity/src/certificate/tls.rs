//! X.509 certificates (RFC 5280): people's TLS client certificates and the API's own.

use event::kinds::cert::Issued;
use event::{Ambient, SessionId, Timestamp};
use rcgen::string::Ia5String;
use rcgen::{
    CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyUsagePurpose, PublicKeyData, SanType, SubjectPublicKeyInfo,
};

use super::{random_serial, set_validity};
use crate::authority::keys::{X509Key, hex, spki_fingerprint};
use crate::error::IdentityError;

const MAX_PUBLIC_KEY_TEXT: usize = 16 * 1024;

/// How a login's certificate names its login.
pub(crate) const LOGIN_URI: &str = "lodge://login/";

/// What a certificate is to say.
pub(crate) struct TlsRequest<'a> {
    pub common_name: &'a str,
    pub names: Vec<SanType>,
    pub usage: ExtendedKeyUsagePurpose,
    pub valid_after: Timestamp,
    pub valid_before: Timestamp,
}

/// A signed certificate.
pub(crate) struct TlsCertificate {
    pub pem: String,
    pub serial: String,
    pub issued: Issued,
}

/// Signs an X.509 certificate for `key`.
pub(crate) fn sign(
    request: TlsRequest<'_>,
    key: &impl PublicKeyData,
    authority: &X509Key,
    ambient: &Ambient,
    login: Option<SessionId>,
) -> Result<TlsCertificate, IdentityError> {
    let serial = random_serial(ambient);
    let usage =
        if request.usage == ExtendedKeyUsagePurpose::ClientAuth { "x509_client" } else { "x509_server" };
    let issued = Issued {
        usage: usage.to_owned(),
        serial: hex(&serial.to_bytes()),
        key_id: request.common_name.to_owned(),
        principals: request.names.iter().map(shown).collect(),
        public_key: spki_fingerprint(key),
        authority: spki_fingerprint(authority.issuer.key()),
        valid_after: request.valid_after,
        valid_before: request.valid_before,
        login,
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, request.common_name);
    params.subject_alt_names = request.names;
    params.serial_number = Some(serial);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![request.usage];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, request.valid_after, request.valid_before);
    let certificate = params
        .signed_by(key, &authority.issuer)
        .map_err(|error| IdentityError::Certificate(error.to_string()))?;
    Ok(TlsCertificate { pem: certificate.pem(), serial: issued.serial.clone(), issued })
}

fn shown(name: &SanType) -> String {
    match name {
        SanType::DnsName(name) | SanType::URI(name) => name.to_string(),
        SanType::IpAddress(ip) => ip.to_string(),
        other => format!("{other:?}"),
    }
}

/// The subject alternative name that binds a certificate to its login.
pub(crate) fn login_name(login: SessionId) -> SanType {
    let uri = Ia5String::try_from(format!("{LOGIN_URI}{login}")).expect("the URI of a login is ASCII");
    SanType::URI(uri)
}

/// A key to be certified for TLS.
pub(crate) enum TlsKey {
    Request(Box<CertificateSigningRequestParams>),
    Bare(SubjectPublicKeyInfo),
}

impl PublicKeyData for TlsKey {
    fn der_bytes(&self) -> &[u8] {
        match self {
            TlsKey::Request(request) => request.public_key.der_bytes(),
            TlsKey::Bare(key) => key.der_bytes(),
        }
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        match self {
            TlsKey::Request(request) => PublicKeyData::algorithm(&request.public_key),
            TlsKey::Bare(key) => key.algorithm(),
        }
    }
}

/// Reads a signing request (PKCS #10) or a public key in PEM. Of a request only the key is used: it names nothing.
pub(crate) fn parse_public_key(pem: &str) -> Result<TlsKey, String> {
    if pem.len() > MAX_PUBLIC_KEY_TEXT {
        return Err("the TLS public key is too long".to_owned());
    }
    let refuse = |error: rcgen::Error| {
        format!("cannot read the TLS key; send a signing request or a public key in PEM: {error}")
    };
    let key = if pem.contains("CERTIFICATE REQUEST-----") {
        TlsKey::Request(Box::new(CertificateSigningRequestParams::from_pem(pem).map_err(refuse)?))
    } else {
        TlsKey::Bare(SubjectPublicKeyInfo::from_pem(pem).map_err(refuse)?)
    };
    // A request names the algorithm of its signature, not of its key, so the key's length is held against it.
    let lengths = [
        (&rcgen::PKCS_ECDSA_P256_SHA256, 65),
        (&rcgen::PKCS_ECDSA_P384_SHA384, 97),
        (&rcgen::PKCS_ED25519, 32),
    ];
    if lengths.contains(&(key.algorithm(), key.der_bytes().len())) {
        Ok(key)
    } else {
        Err("a TLS key must be ECDSA on P-256 (SHA-256) or P-384 (SHA-384), or Ed25519".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    fn pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    }

    #[test]
    fn keys_of_allowed_kinds_are_taken_bare_or_in_a_request() {
        for algorithm in
            [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519]
        {
            let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let bare = parse_public_key(&pair.public_key_pem()).unwrap();
            let request = CertificateParams::default().serialize_request(&pair).unwrap().pem().unwrap();
            let request = parse_public_key(&request).unwrap();
            assert_eq!(bare.subject_public_key_info(), pair.subject_public_key_info());
            assert_eq!(request.subject_public_key_info(), pair.subject_public_key_info());
        }
    }

    #[test]
    fn requests_that_are_not_signed_by_their_key_are_refused() {
        let pair = rcgen::KeyPair::generate().unwrap();
        let mut der = CertificateParams::default().serialize_request(&pair).unwrap().der().to_vec();
        let last = der.len() - 1;
        der[last] ^= 1;
        assert!(parse_public_key(&pem("CERTIFICATE REQUEST", &der)).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..300, value in any::<u8>()) {
            let _ = parse_public_key(&pem("CERTIFICATE REQUEST", &bytes));
            let _ = parse_public_key(&pem("PUBLIC KEY", &bytes));
            let pair = rcgen::KeyPair::generate().unwrap();
            let mut der = CertificateParams::default().serialize_request(&pair).unwrap().der().to_vec();
            let at = at % der.len();
            der[at] = value;
            let _ = parse_public_key(&pem("CERTIFICATE REQUEST", &der));
        }
    }
}
