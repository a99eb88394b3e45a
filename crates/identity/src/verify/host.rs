//! A target's host certificate, checked against the host authority for the name that was dialled.

use event::Timestamp;
use ssh_key::certificate::CertType;
use ssh_key::{Certificate, PublicKey};

use super::{CertificateRefusal, signed_by_one_of, within_window};
use crate::certificate::ssh::strong_enough;

/// Examines a host certificate: type, authority, signature, window, key, that it names `name`, and that it has no
/// critical option, for none is defined for hosts.
pub fn examine_host_certificate(
    certificate: &Certificate,
    trusted: &[PublicKey],
    now: Timestamp,
    name: &str,
) -> Result<(), CertificateRefusal> {
    if certificate.cert_type() != CertType::Host {
        return Err(CertificateRefusal::WrongType);
    }
    signed_by_one_of(certificate, trusted)?;
    within_window(certificate, now)?;
    if !strong_enough(certificate.public_key()) {
        return Err(CertificateRefusal::WeakKey);
    }
    // Compared whole: a principal is no pattern here, and an empty list speaks for no host.
    if name.is_empty() || !certificate.valid_principals().iter().any(|one| one.eq_ignore_ascii_case(name)) {
        return Err(CertificateRefusal::Principal);
    }
    match certificate.critical_options().keys().next() {
        Some(option) => Err(CertificateRefusal::CriticalOption(option.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ssh_key::PrivateKey;
    use ssh_key::certificate::Builder;
    use ssh_key::private::Ed25519Keypair;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::EPOCH.plus(Duration::from_secs(1_764_000_000))
    }

    fn key(seed: u8) -> PrivateKey {
        PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
    }

    fn certificate(change: impl FnOnce(&mut Builder), names: &[&str], authority: u8) -> Certificate {
        let at = 1_764_000_000;
        let mut builder =
            Builder::new(vec![1; 32], key(2).public_key().key_data().clone(), at - 60, at + 600).unwrap();
        builder.serial(1).unwrap().key_id("host").unwrap().all_principals_valid().unwrap();
        for name in names {
            builder.valid_principal(*name).unwrap();
        }
        change(&mut builder);
        builder.sign(&key(authority)).unwrap()
    }

    fn host(builder: &mut Builder) {
        builder.cert_type(CertType::Host).unwrap();
    }

    fn check(certificate: &Certificate, at: Timestamp, name: &str) -> Result<(), &'static str> {
        let trusted = [key(1).public_key().clone()];
        examine_host_certificate(certificate, &trusted, at, name).map_err(|refusal| refusal.code())
    }

    #[test]
    fn a_host_is_known_by_each_of_its_names() {
        let certificate = certificate(host, &["web-1", "web-1.example.com"], 1);
        assert_eq!(check(&certificate, now(), "web-1"), Ok(()));
        assert_eq!(check(&certificate, now(), "WEB-1.example.com"), Ok(()));
    }

    #[test]
    fn other_names_types_authorities_times_and_options_are_refused() {
        let good = certificate(host, &["web-1"], 1);
        for name in ["web-2", "", "*", "web-1.", "web"] {
            assert_eq!(check(&good, now(), name), Err("principal"), "{name}");
        }
        assert_eq!(check(&certificate(host, &[], 1), now(), "web-1"), Err("principal"));
        assert_eq!(check(&certificate(host, &["*"], 1), now(), "web-1"), Err("principal"));
        assert_eq!(check(&certificate(host, &["web-1,web-2"], 1), now(), "web-1"), Err("principal"));
        assert_eq!(check(&certificate(|_| {}, &["web-1"], 1), now(), "web-1"), Err("wrong_type"));
        assert_eq!(check(&certificate(host, &["web-1"], 3), now(), "web-1"), Err("unknown_authority"));
        assert_eq!(check(&good, now().plus(Duration::from_secs(660)), "web-1"), Err("expired"));
        assert_eq!(check(&good, now().minus(Duration::from_secs(121)), "web-1"), Err("not_yet_valid"));
        let optioned = certificate(
            |builder| {
                host(builder);
                builder.critical_option("source-address", "192.0.2.0/24").unwrap();
            },
            &["web-1"],
            1,
        );
        assert_eq!(check(&optioned, now(), "web-1"), Err("critical_option"));
    }
}
