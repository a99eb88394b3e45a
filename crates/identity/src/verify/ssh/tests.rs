//! The checks of a person's SSH certificate, each refusal for itself.

use std::time::Duration;

use proptest::prelude::*;
use ssh_key::PrivateKey;
use ssh_key::certificate::Builder;
use ssh_key::private::Ed25519Keypair;

use super::*;
use crate::certificate::unix_seconds;

const LOGIN: &str = "018f0000-0000-7000-8000-000000000001";

fn now() -> Timestamp {
    Timestamp::EPOCH.plus(Duration::from_secs(1_764_000_000))
}

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

/// A certificate that holds, each part of which a test may change.
struct Draft {
    nonce: Vec<u8>,
    serial: u64,
    cert_type: CertType,
    key_id: String,
    principals: Vec<String>,
    after: i64,
    before: i64,
    options: Vec<(&'static str, &'static str)>,
    extensions: Vec<(&'static str, &'static str)>,
    subject: ssh_key::public::KeyData,
    authority: PrivateKey,
}

fn draft() -> Draft {
    Draft {
        nonce: vec![7; 32],
        serial: 9,
        cert_type: CertType::User,
        key_id: format!("lodge:alice:{LOGIN}"),
        principals: vec!["alice".to_owned()],
        after: -60,
        before: 12 * 3600,
        options: vec![],
        extensions: EXTENSIONS.map(|name| (name, "")).to_vec(),
        subject: key(2).public_key().key_data().clone(),
        authority: key(1),
    }
}

impl Draft {
    fn sign(self) -> Certificate {
        let at = |seconds: i64| unix_seconds(now()).saturating_add_signed(seconds);
        let mut builder = Builder::new(self.nonce, self.subject, at(self.after), at(self.before)).unwrap();
        builder.serial(self.serial).unwrap().cert_type(self.cert_type).unwrap().key_id(self.key_id).unwrap();
        builder.all_principals_valid().unwrap();
        for principal in self.principals {
            builder.valid_principal(principal).unwrap();
        }
        for (name, value) in self.options {
            builder.critical_option(name, value).unwrap();
        }
        for (name, value) in self.extensions {
            builder.extension(name, value).unwrap();
        }
        builder.sign(&self.authority).unwrap()
    }
}

fn examine(certificate: &Certificate) -> Result<SshClaims, CertificateRefusal> {
    examine_ssh_certificate(certificate, &[key(1).public_key().clone()], now(), "192.0.2.7".parse().unwrap())
}

fn refused(change: impl FnOnce(&mut Draft)) -> &'static str {
    let mut draft = draft();
    change(&mut draft);
    examine(&draft.sign()).unwrap_err().code()
}

#[test]
fn a_certificate_in_which_everything_holds_is_taken() {
    let claims = examine(&draft().sign()).unwrap();
    assert_eq!((claims.user.as_str(), claims.login.to_string().as_str(), claims.serial), ("alice", LOGIN, 9));
}

#[test]
fn host_certificates_are_refused() {
    assert_eq!(refused(|draft| draft.cert_type = CertType::Host), "wrong_type");
}

#[test]
fn other_authorities_are_refused() {
    assert_eq!(refused(|draft| draft.authority = key(3)), "unknown_authority");
    let self_signed = Draft { authority: key(2), ..draft() }.sign();
    assert_eq!(examine(&self_signed).unwrap_err().code(), "unknown_authority");
    let nobody = examine_ssh_certificate(&draft().sign(), &[], now(), "192.0.2.7".parse().unwrap());
    assert_eq!(nobody.unwrap_err().code(), "unknown_authority");
}

#[test]
fn both_authorities_are_trusted_during_an_overlap() {
    let trusted = [key(8).public_key().clone(), key(1).public_key().clone()];
    assert!(examine_ssh_certificate(&draft().sign(), &trusted, now(), "192.0.2.7".parse().unwrap()).is_ok());
}

#[test]
fn altered_certificates_are_refused() {
    let bytes = draft().sign().to_bytes().unwrap();
    let genuine = Certificate::from_bytes(&bytes).unwrap();
    assert!(examine(&genuine).is_ok());
    for position in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[position] ^= 1;
        if let Ok(certificate) = Certificate::from_bytes(&altered) {
            assert!(examine(&certificate).is_err(), "byte {position}");
        }
    }
    // The name in the certificate, its length unchanged.
    let at = bytes.windows(5).rposition(|window| window == b"alice").unwrap();
    let mut renamed = bytes.clone();
    renamed[at..at + 5].copy_from_slice(b"admin");
    let renamed = Certificate::from_bytes(&renamed).unwrap();
    assert_eq!(examine(&renamed).unwrap_err().code(), "bad_signature");
}

#[test]
fn the_window_allows_a_minute_of_skew_and_no_more() {
    assert_eq!(refused(|draft| draft.after = 61), "not_yet_valid");
    assert!(examine(&Draft { after: 60, ..draft() }.sign()).is_ok());
    assert_eq!(refused(|draft| (draft.after, draft.before) = (-3600, -60)), "expired");
    assert!(examine(&Draft { after: -3600, before: -59, ..draft() }.sign()).is_ok());
}

#[test]
fn certificates_that_outlive_the_limit_are_refused() {
    assert_eq!(refused(|draft| draft.before = 12 * 3600 + 1), "too_long");
    assert_eq!(refused(|draft| draft.before = i64::MAX), "too_long");
}

#[test]
fn weak_keys_are_refused() {
    // A 1024-bit modulus; verifying needs no private half.
    let mut modulus = vec![0xff; 128];
    modulus[0] = 0x7f;
    let e = ssh_key::Mpint::from_bytes(&[1, 0, 1]).unwrap();
    let n = ssh_key::Mpint::from_bytes(&modulus).unwrap();
    let rsa = ssh_key::public::RsaPublicKey::new(e, n).unwrap();
    assert_eq!(refused(|draft| draft.subject = rsa.into()), "weak_key");
}

#[test]
fn key_ids_must_name_one_user_and_one_login() {
    for key_id in [
        String::new(),
        "alice".to_owned(),
        "lodge:alice".to_owned(),
        format!("lodge::{LOGIN}"),
        format!("lodge:a,b:{LOGIN}"),
        format!("lodge:alice:{LOGIN}:x"),
        format!("lodge:alice:{}", LOGIN.to_uppercase()),
        format!("lodge:alice:{}", LOGIN.replace('-', "")),
        format!("lodge:alice:{{{LOGIN}}}"),
        format!("Lodge:alice:{LOGIN}"),
        format!(" lodge:alice:{LOGIN}"),
    ] {
        assert_eq!(refused(|draft| draft.key_id = key_id.clone()), "key_id", "{key_id}");
    }
}

#[test]
fn principals_must_be_exactly_the_user() {
    for principals in [
        &[][..],
        &["bob"],
        &["alice", "bob"],
        &["alice", "alice"],
        &["*"],
        &["Alice"],
        &["alice,bob"],
        &[""],
        &["root"],
    ] {
        let principals: Vec<_> = principals.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(refused(|draft| draft.principals = principals.clone()), "principal", "{principals:?}");
    }
}

#[test]
fn critical_options_that_are_not_honoured_are_refused() {
    for name in ["force-command", "verify-required", "no-such-option@example.com", "Source-Address"] {
        assert_eq!(refused(|draft| draft.options = vec![(name, "x")]), "critical_option", "{name}");
    }
}

#[test]
fn source_addresses_are_honoured() {
    for list in ["192.0.2.7", "192.0.2.0/24", "198.51.100.0/24,192.0.2.7/32"] {
        assert!(
            examine(&Draft { options: vec![("source-address", list)], ..draft() }.sign()).is_ok(),
            "{list}"
        );
    }
    for list in [
        "",
        "192.0.2.8",
        "198.51.100.0/24",
        "192.0.2.7,",
        "192.0.2.7,x",
        "*",
        "!192.0.2.8",
        "2001:db8::/32",
        "192.0.2.0/33",
    ] {
        assert_eq!(
            refused(|draft| draft.options = vec![("source-address", list)]),
            "source_address",
            "{list}"
        );
    }
    let certificate = Draft { options: vec![("source-address", "192.0.2.0/24")], ..draft() }.sign();
    let mapped = "::ffff:192.0.2.7".parse().unwrap();
    assert!(examine_ssh_certificate(&certificate, &[key(1).public_key().clone()], now(), mapped).is_ok());
}

#[test]
fn unknown_extensions_are_refused() {
    for extension in
        [("no-touch-required", ""), ("permit-everything", ""), ("permit-pty", "x"), ("login@github.com", "x")]
    {
        assert_eq!(refused(|draft| draft.extensions = vec![extension]), "extension", "{extension:?}");
    }
    assert!(examine(&Draft { extensions: vec![], ..draft() }.sign()).is_ok());
}

#[test]
fn certificates_without_serial_or_nonce_are_refused() {
    assert_eq!(refused(|draft| draft.serial = 0), "malformed");
    assert_eq!(refused(|draft| draft.nonce = vec![1; 15]), "malformed");
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_never_taken(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(certificate) = Certificate::from_bytes(&bytes) {
            prop_assert!(examine(&certificate).is_err());
        }
    }

    #[test]
    fn altered_bytes_are_never_taken(position in 0usize..2000, value in any::<u8>(), cut in 0usize..2000) {
        let bytes = draft().sign().to_bytes().unwrap();
        let mut altered = bytes.clone();
        let position = position % bytes.len();
        altered[position] = value;
        altered.truncate(1 + cut % bytes.len());
        if altered != bytes && let Ok(certificate) = Certificate::from_bytes(&altered) {
            prop_assert!(examine(&certificate).is_err());
        }
    }
}
