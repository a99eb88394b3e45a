//! The checks of a TLS client certificate, each refusal for itself.

use std::time::Duration;

use event::Ambient;
use proptest::prelude::*;
use rcgen::string::Ia5String;
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    SanType,
};
use store::vault::Vault;

use super::*;
use crate::authority::AuthorityKind;
use crate::authority::keys::{AuthorityKey, X509Key, make_p256};
use crate::certificate::{random_serial, set_validity};

const LOGIN: &str = "018f0000-0000-7000-8000-000000000001";

fn now() -> Timestamp {
    Timestamp::EPOCH.plus(Duration::from_secs(1_764_000_000))
}

fn ambient(seed: u64) -> Ambient {
    Ambient::fixed(now(), seed).0
}

fn authority(seed: u64) -> Arc<X509Key> {
    let folder = tempfile::tempdir().unwrap();
    let ambient = ambient(seed);
    let random = ambient.clone();
    let random: store::vault::RandomFill = Arc::new(move |bytes: &mut [u8]| random.fill(bytes));
    let vault = Vault::open(&folder.path().join("master.key"), &random).unwrap();
    match AuthorityKey::make(AuthorityKind::X509, &ambient, &vault).unwrap().0 {
        AuthorityKey::X509(key) => key,
        AuthorityKey::Ssh(_) => panic!("asked for an X.509 key"),
    }
}

fn key() -> KeyPair {
    make_p256(&ambient(77)).unwrap().0
}

fn uri(text: &str) -> SanType {
    SanType::URI(Ia5String::try_from(text).unwrap())
}

/// Signs a certificate that holds but for what `change` does to it.
fn certificate(authority: &X509Key, change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "alice");
    params.subject_alt_names = vec![uri(&format!("lodge://login/{LOGIN}"))];
    params.serial_number = Some(random_serial(&ambient(5)));
    params.is_ca = IsCa::ExplicitNoCa;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    set_validity(&mut params, now().minus(CLOCK_SKEW), now().plus(MAX_CERTIFICATE_LIFE));
    change(&mut params);
    params.signed_by(&key(), &authority.issuer).unwrap().der().to_vec()
}

fn refused(change: impl FnOnce(&mut CertificateParams)) -> &'static str {
    let authority = authority(1);
    let der = certificate(&authority, change);
    examine_tls_certificate(&der, std::slice::from_ref(&authority.certificate), now()).unwrap_err().code()
}

#[test]
fn a_certificate_in_which_everything_holds_is_taken() {
    let authority = authority(1);
    let claims = examine_tls_certificate(
        &certificate(&authority, |_| {}),
        std::slice::from_ref(&authority.certificate),
        now(),
    )
    .unwrap();
    assert_eq!((claims.user.as_str(), claims.login.to_string().as_str()), ("alice", LOGIN));
    assert_eq!(claims.serial.len(), 32);
}

#[test]
fn other_authorities_are_refused_and_both_are_trusted_during_an_overlap() {
    let (old, new, stranger) = (authority(1), authority(2), authority(3));
    let trusted = [new.certificate.clone(), old.certificate.clone()];
    for one in [&old, &new] {
        assert!(examine_tls_certificate(&certificate(one, |_| {}), &trusted, now()).is_ok());
    }
    let refusal = examine_tls_certificate(&certificate(&stranger, |_| {}), &trusted, now()).unwrap_err();
    assert_eq!(refusal.code(), "unknown_authority");
    let nobody = examine_tls_certificate(&certificate(&old, |_| {}), &[], now()).unwrap_err();
    assert_eq!(nobody.code(), "unknown_authority");
    let itself = examine_tls_certificate(&old.certificate, &trusted, now()).unwrap_err();
    assert!(["malformed", "usage", "unknown_authority"].contains(&itself.code()), "{itself}");
}

#[test]
fn other_times_are_refused() {
    assert_eq!(
        refused(|params| set_validity(params, now().plus(CLOCK_SKEW), now().plus(CLOCK_SKEW * 2))),
        "not_yet_valid"
    );
    assert_eq!(
        refused(|params| set_validity(params, now().minus(CLOCK_SKEW * 2), now().minus(CLOCK_SKEW))),
        "expired"
    );
    assert_eq!(
        refused(|params| set_validity(params, now(), now().plus(MAX_CERTIFICATE_LIFE * 2))),
        "too_long"
    );
}

#[test]
fn other_purposes_are_refused() {
    use ExtendedKeyUsagePurpose::{Any, ClientAuth, ServerAuth};
    for usages in [vec![], vec![ServerAuth], vec![Any], vec![ClientAuth, ServerAuth], vec![ClientAuth, Any]] {
        assert_eq!(refused(|params| params.extended_key_usages = usages.clone()), "usage", "{usages:?}");
    }
}

#[test]
fn subjects_must_be_one_user_and_nothing_else() {
    for name in ["", "Alice", "a,b", "alice:bob", "*"] {
        assert_eq!(
            refused(|params| params.distinguished_name.push(DnType::CommonName, name)),
            "key_id",
            "{name}"
        );
    }
    assert_eq!(refused(|params| params.distinguished_name = DistinguishedName::new()), "key_id");
    assert_eq!(refused(|params| params.distinguished_name.push(DnType::OrganizationName, "x")), "key_id");
}

#[test]
fn the_alternative_name_must_be_one_login_and_nothing_else() {
    let good = uri(&format!("lodge://login/{LOGIN}"));
    let dns = SanType::DnsName(Ia5String::try_from("alice").unwrap());
    for names in [
        vec![],
        vec![dns.clone()],
        vec![good.clone(), dns],
        vec![good.clone(), good.clone()],
        vec![uri(LOGIN)],
        vec![uri(&format!("lodge://login/{LOGIN}/"))],
        vec![uri(&format!("lodge://login/{}", LOGIN.to_uppercase()))],
        vec![uri(&format!("https://login/{LOGIN}"))],
    ] {
        assert_eq!(refused(|params| params.subject_alt_names = names.clone()), "key_id", "{names:?}");
    }
}

#[test]
fn unknown_critical_extensions_are_refused() {
    let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
    extension.set_criticality(true);
    assert_eq!(refused(|params| params.custom_extensions.push(extension)), "malformed");
}

#[test]
fn altered_certificates_are_refused() {
    let authority = authority(1);
    let der = certificate(&authority, |_| {});
    for position in 0..der.len() {
        let mut altered = der.clone();
        altered[position] ^= 1;
        assert!(
            examine_tls_certificate(&altered, std::slice::from_ref(&authority.certificate), now()).is_err(),
            "byte {position}"
        );
    }
    let longer = [&der[..], &[0]].concat();
    assert!(examine_tls_certificate(&longer, std::slice::from_ref(&authority.certificate), now()).is_err());
    let large = vec![0x30; MAX_CERTIFICATE_BYTES + 1];
    assert_eq!(examine_tls_certificate(&large, &[], now()).unwrap_err().code(), "malformed");
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_never_taken(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let roots = [authority(1).certificate.clone()];
        prop_assert!(examine_tls_certificate(&bytes, &roots, now()).is_err());
    }
}
