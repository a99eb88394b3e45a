//! A TLS client certificate from arbitrary bytes, examined with nobody and with itself as the authority; and what an
//! authority would be made to sign, signed.
//!
//! Input: the part of a certificate that is signed, or a whole one.
#![no_main]

use std::sync::LazyLock;

use ed25519_dalek::pkcs8::EncodePrivateKey;
use event::Timestamp;
use libfuzzer_sys::fuzz_target;
use lodge_fuzz::der;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};

static ROOT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let pkcs8 = der::key().to_pkcs8_der().expect("the key can be written");
    let key = KeyPair::try_from(pkcs8.as_bytes()).expect("the key can be read");
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.self_signed(&key).expect("the root can be signed").der().to_vec()
});

fuzz_target!(|bytes: &[u8]| {
    let now = Timestamp::from_micros(1_764_000_000_000_000);
    let signed = der::sign(bytes);
    for certificate in [bytes, &signed] {
        assert!(
            identity::verify::examine_tls_certificate(certificate, &[], now).is_err(),
            "nobody is trusted"
        );
        let _ = identity::verify::examine_tls_certificate(certificate, &[certificate.to_vec().into()], now);
        let _ = identity::verify::examine_tls_certificate(certificate, &[ROOT.clone().into()], now);
    }
});
