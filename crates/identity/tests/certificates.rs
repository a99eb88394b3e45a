//! Certificates: handed out, verified, refused, rotated, and what every step leaves in the log.

mod common;

use std::time::Duration;

use common::{admin, house, origin, ssh_key, tls_key};
use event::{Mfa, Outcome};
use identity::{AuthorityKind, Forwarding, IdentityError, LoginError, RotationStep, UserUpdate};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ssh_key::certificate::CertType;

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("tests pass PEM")
}

#[tokio::test]
async fn a_login_gives_certificates_that_say_who_and_for_how_long() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &["access"]).await;
    let grant = house.login("alice", &authenticator).await;
    let certificate = &grant.ssh_certificate;
    assert_eq!(certificate.valid_principals(), ["alice"]);
    assert_eq!(certificate.key_id(), format!("lodge:alice:{}", grant.login));
    assert_eq!(certificate.public_key(), ssh_key(2).public_key().key_data());
    assert_eq!(certificate.valid_before() - certificate.valid_after(), 3660);
    let by_ssh = house.identity.verify_ssh_certificate(certificate, &origin()).await.unwrap();
    let by_tls =
        house.identity.verify_tls_certificate(&der(&grant.tls_certificate), &origin()).await.unwrap();
    for who in [by_ssh, by_tls] {
        assert_eq!((who.user(), who.login(), who.expires()), ("alice", grant.login, grant.expires));
        assert_eq!((who.actor().mfa, who.roles()), (Some(Mfa::Totp), &["access".to_owned()][..]));
        assert_eq!(who.origin(), Some(&origin()));
    }
    let issued = house.events_of("cert.issue");
    assert_eq!(issued.len(), 2);
    assert!(issued.iter().all(|event| event.body.detail["login"] == grant.login.to_string()));
}

#[tokio::test]
async fn a_login_never_outlives_twelve_hours() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    let code = authenticator.code(house.ambient.now());
    let long =
        identity::LoginRequest { ttl: Duration::MAX, ..common::request("alice", common::PASSWORD, code) };
    let grant = house.identity.login(long).await.unwrap();
    assert_eq!(grant.expires, house.ambient.now().plus(Duration::from_secs(12 * 3600)));
    assert!(house.identity.verify_ssh_certificate(&grant.ssh_certificate, &origin()).await.is_ok());
    assert!(house.identity.verify_tls_certificate(&der(&grant.tls_certificate), &origin()).await.is_ok());
}

#[tokio::test]
async fn certificates_stop_with_their_login_and_user() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    let grant = house.login("alice", &authenticator).await;
    let identity = &house.identity;
    let codes = async || {
        let ssh =
            identity.verify_ssh_certificate(&grant.ssh_certificate, &origin()).await.unwrap_err().code();
        let tls = identity
            .verify_tls_certificate(&der(&grant.tls_certificate), &origin())
            .await
            .unwrap_err()
            .code();
        (ssh, tls)
    };
    identity.logout(&admin(), grant.login).await.unwrap();
    assert_eq!(codes().await, ("login_ended", "login_ended"));
    identity
        .update_user(&admin(), "alice", UserUpdate { disabled: Some(true), ..Default::default() })
        .await
        .unwrap();
    assert_eq!(codes().await, ("user_disabled", "user_disabled"));
    identity.delete_user(&admin(), "alice").await.unwrap();
    assert_eq!(codes().await, ("user_unknown", "user_unknown"));
    let denied = house.events_of("cert.deny");
    assert_eq!(denied.len(), 6);
    assert!(denied.iter().all(|event| event.outcome == Outcome::Denied && event.origin == Some(origin())));
    assert!(denied[0].reason.as_ref().unwrap().starts_with("login_ended: "));
    assert_eq!(denied[1].body.detail["key_id"], "alice");
    assert!(
        denied
            .iter()
            .all(|event| event.actor.user == "alice" && event.actor.kind == event::ActorType::Unknown)
    );
}

#[tokio::test]
async fn expired_certificates_are_refused() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    let grant = house.login("alice", &authenticator).await;
    house.clock.set(grant.expires);
    let refusal = house.identity.verify_ssh_certificate(&grant.ssh_certificate, &origin()).await.unwrap_err();
    assert_eq!(
        refusal.code(),
        "login_ended",
        "the skew that a certificate is allowed does not lengthen its login"
    );
    house.clock.advance(Duration::from_secs(61));
    let ssh = house.identity.verify_ssh_certificate(&grant.ssh_certificate, &origin()).await.unwrap_err();
    let tls =
        house.identity.verify_tls_certificate(&der(&grant.tls_certificate), &origin()).await.unwrap_err();
    assert_eq!((ssh.code(), tls.code()), ("expired", "expired"));
}

#[tokio::test]
async fn a_certificate_of_one_login_is_not_good_for_another() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    let first = house.login("alice", &authenticator).await;
    let second = house.login("alice", &authenticator).await;
    house.identity.logout(&admin(), first.login).await.unwrap();
    assert!(house.identity.verify_ssh_certificate(&first.ssh_certificate, &origin()).await.is_err());
    assert!(house.identity.verify_ssh_certificate(&second.ssh_certificate, &origin()).await.is_ok());
}

#[tokio::test]
async fn keys_that_are_too_weak_or_unreadable_are_not_certified() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    let request = || common::request("alice", common::PASSWORD, authenticator.code(house.ambient.now()));
    for key in ["", "ssh-ed25519", "ssh-ed25519 AAAA", "not a key", &"x".repeat(20_000)] {
        let result = house
            .identity
            .login(identity::LoginRequest { ssh_public_key: key.to_owned(), ..request() })
            .await;
        assert!(matches!(result, Err(LoginError::Key(_))), "{key:.20}");
    }
    for key in ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "junk"] {
        let result = house
            .identity
            .login(identity::LoginRequest { tls_public_key: key.to_owned(), ..request() })
            .await;
        assert!(matches!(result, Err(LoginError::Key(_))), "{key}");
    }
    // A signing request may ask for what it likes; only its key counts.
    let mut asked = rcgen::CertificateParams::new(vec!["root".to_owned()]).unwrap();
    asked.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let pem = asked.serialize_request(&tls_key()).unwrap().pem().unwrap();
    let grant =
        house.identity.login(identity::LoginRequest { tls_public_key: pem, ..request() }).await.unwrap();
    let who = house.identity.verify_tls_certificate(&der(&grant.tls_certificate), &origin()).await.unwrap();
    assert_eq!(who.user(), "alice");
}

#[tokio::test]
async fn the_gate_signs_in_to_targets_with_certificates_that_no_person_can_have() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    let grant = house.login("alice", &authenticator).await;
    let who = house.identity.verify_ssh_certificate(&grant.ssh_certificate, &origin()).await.unwrap();
    let session = house.ambient.session_id();
    let (key, certificate) =
        house.identity.gate_credential(&who.actor(), session, "deploy", &[]).await.unwrap();
    assert_eq!(certificate.public_key(), key.public_key().key_data());
    assert_eq!(certificate.valid_principals(), ["deploy"]);
    assert_eq!(certificate.key_id(), format!("lodge:alice:{session}"));
    assert_eq!(certificate.valid_before() - certificate.valid_after(), 360);
    let issued = house.newest("cert.issue");
    assert_eq!((issued.session, issued.body.detail["usage"].as_str()), (Some(session), Some("ssh_gate")));

    let gate = house.identity.trusted_keys(AuthorityKind::Gate);
    let user = house.identity.trusted_keys(AuthorityKind::User);
    assert_eq!(certificate.signature_key(), gate[0].key_data());
    assert_eq!(grant.ssh_certificate.signature_key(), user[0].key_data());
    assert_ne!(gate[0].key_data(), user[0].key_data());
    let refusal = house.identity.verify_ssh_certificate(&certificate, &origin()).await.unwrap_err();
    assert_eq!(refusal.code(), "unknown_authority", "nor is the gate's certificate good for a person");
    let targets_trust = house.identity.trusted_user_ca_keys();
    assert!(targets_trust.contains(&gate[0].to_openssh().unwrap()));
    assert!(!targets_trust.contains(&user[0].to_openssh().unwrap()));
    for account in ["", "a,b", "*", "root:x", "a b", "-oProxyCommand", "../x"] {
        let result = house.identity.gate_credential(&who.actor(), session, account, &[]).await;
        assert!(matches!(result, Err(IdentityError::Name { .. })), "{account}");
    }
    assert!(
        house.identity.gate_credential(&event::Actor::unknown("a:b"), session, "deploy", &[]).await.is_err()
    );
}

#[tokio::test]
async fn the_gates_certificate_permits_what_the_session_may_forward_and_no_more() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    let grant = house.login("alice", &authenticator).await;
    let who = house.identity.verify_ssh_certificate(&grant.ssh_certificate, &origin()).await.unwrap();
    let session = house.ambient.session_id();
    for (forwardings, permits) in [
        (&[][..], &[][..]),
        (&[Forwarding::Ports], &["permit-port-forwarding"]),
        (&[Forwarding::X11, Forwarding::Agent], &["permit-X11-forwarding", "permit-agent-forwarding"]),
    ] {
        let made = house.identity.gate_credential(&who.actor(), session, "deploy", forwardings).await;
        let (_, certificate) = made.unwrap();
        let extensions: Vec<&str> = certificate.extensions().keys().map(String::as_str).collect();
        assert_eq!(extensions, [permits, &["permit-pty", "permit-user-rc"]].concat());
    }
}

#[tokio::test]
async fn host_certificates_are_made_once_renewed_and_verified() {
    let house = house().await;
    let key = ssh_key(9);
    let first = house.identity.gate_host_certificate("web-1", key.public_key()).await.unwrap();
    let same = house.identity.gate_host_certificate("web-1", key.public_key()).await.unwrap();
    assert_eq!((first.cert_type(), first.serial()), (CertType::Host, same.serial()));
    let other = house.identity.gate_host_certificate("web-2", key.public_key()).await.unwrap();
    assert_eq!(house.events_of("cert.issue").len(), 2);
    assert!(house.identity.verify_host_certificate(&first, "web-1").is_ok());
    assert_eq!(house.identity.verify_host_certificate(&other, "web-1").unwrap_err().code(), "principal");
    house.clock.advance(Duration::from_secs(12 * 3600));
    let renewed = house.identity.gate_host_certificate("web-1", key.public_key()).await.unwrap();
    assert_ne!(renewed.serial(), first.serial());
    assert!(house.identity.gate_host_certificate("*", key.public_key()).await.is_err());
    assert!(house.identity.gate_host_certificate("", key.public_key()).await.is_err());
}

#[tokio::test]
async fn targets_get_host_certificates_for_their_names() {
    let house = house().await;
    let key = ssh_key(9).public_key().to_openssh().unwrap();
    let names = ["web-1".to_owned(), "web-1.example.com".to_owned()];
    let day = Duration::from_secs(24 * 3600);
    let sign = async |names: &[String], life| {
        house.identity.target_host_certificate(&admin(), &key, names, life).await
    };
    let certificate = sign(&names, day).await.unwrap();
    assert!(house.identity.verify_host_certificate(&certificate, "web-1.example.com").is_ok());
    assert!(sign(&[], day).await.is_err(), "a certificate without names would speak for every host");
    assert!(sign(&["*".to_owned()], day).await.is_err());
    assert!(matches!(sign(&names, day * 400).await, Err(IdentityError::Life(_))));
    assert!(matches!(sign(&names, Duration::ZERO).await, Err(IdentityError::Life(_))));
}

#[tokio::test]
async fn a_rotation_overlaps_and_then_withdraws_the_old_key() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &[]).await;
    let old = house.login("alice", &authenticator).await;
    let rotate = async |kind, step| house.identity.rotate(&admin(), kind, step).await.unwrap();
    for kind in [AuthorityKind::User, AuthorityKind::X509] {
        assert_eq!(rotate(kind, RotationStep::Overlap).await.trusted.len(), 2);
    }
    let new = house.login("alice", &authenticator).await;
    assert_ne!(new.ssh_certificate.signature_key(), old.ssh_certificate.signature_key());
    assert_eq!(new.x509_bundle.matches("BEGIN CERTIFICATE").count(), 2);
    let house_ref = &house;
    let verify = async |grant: &identity::LoginGrant| {
        let ssh = house_ref.identity.verify_ssh_certificate(&grant.ssh_certificate, &origin()).await;
        let tls = house_ref.identity.verify_tls_certificate(&der(&grant.tls_certificate), &origin()).await;
        (ssh.map_err(|refusal| refusal.code()).map(drop), tls.map_err(|refusal| refusal.code()).map(drop))
    };
    assert_eq!(verify(&old).await, (Ok(()), Ok(())));
    assert_eq!(verify(&new).await, (Ok(()), Ok(())));
    for kind in [AuthorityKind::User, AuthorityKind::X509] {
        assert_eq!(rotate(kind, RotationStep::Complete).await.trusted.len(), 1);
    }
    assert_eq!(verify(&old).await, (Err("unknown_authority"), Err("unknown_authority")));
    assert_eq!(verify(&new).await, (Ok(()), Ok(())));
    let events = house.events_of("authority.rotate");
    let phases: Vec<_> = events.iter().map(|event| event.body.detail["phase"].as_str().unwrap()).collect();
    assert_eq!(phases, ["overlap", "overlap", "complete", "complete"]);
    assert_eq!(events[0].actor.user, "root");
}

#[tokio::test]
async fn a_rotation_can_be_prepared_and_rolled_back_and_survives_a_restart() {
    let house = house().await;
    let gate = AuthorityKind::Gate;
    let first = house.identity.trusted_keys(gate);
    let prepared = house.identity.rotate(&admin(), gate, RotationStep::Prepare).await.unwrap();
    assert_eq!(house.identity.trusted_keys(gate)[0], first[0], "the present key still signs");
    assert_eq!(
        house.identity.trusted_user_ca_keys().lines().count(),
        2,
        "and the next one is published already"
    );
    let house = house.reopen().await;
    let overlap = house.identity.rotate(&admin(), gate, RotationStep::Overlap).await.unwrap();
    assert_eq!(overlap.signing, prepared.trusted[1]);
    let house = house.reopen().await;
    assert_eq!(house.identity.trusted_keys(gate)[1], first[0]);
    house.identity.rotate(&admin(), gate, RotationStep::Rollback).await.unwrap();
    assert_eq!(house.identity.trusted_keys(gate), first);

    for step in [RotationStep::Complete, RotationStep::Rollback] {
        let result = house.identity.rotate(&admin(), gate, step).await;
        assert!(matches!(result, Err(IdentityError::Rotation { .. })), "{step}");
    }
    house.identity.rotate(&admin(), gate, RotationStep::Overlap).await.unwrap();
    for step in [RotationStep::Prepare, RotationStep::Overlap] {
        assert!(house.identity.rotate(&admin(), gate, step).await.is_err(), "{step}");
    }
}

#[tokio::test]
async fn authorities_survive_a_restart() {
    let house = house().await;
    let before = house.identity.authorities();
    let fingerprint = house.identity.x509_fingerprint();
    let house = house.reopen().await;
    assert_eq!(house.identity.authorities(), before);
    assert_eq!(house.identity.x509_fingerprint(), fingerprint);
    assert_eq!(house.events_of("authority.create").len(), 4);
}

#[tokio::test]
async fn exports_are_files_that_openssh_and_tls_clients_read() {
    let house = house().await;
    let known_hosts = house.identity.known_hosts("*.example.com").unwrap();
    let entries: Vec<_> = ssh_key::KnownHosts::new(&known_hosts).collect::<Result<_, _>>().unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].marker(), Some(&ssh_key::known_hosts::Marker::CertAuthority));
    for pattern in ["", "a b", "a\nb", "#x"] {
        assert!(house.identity.known_hosts(pattern).is_err(), "{pattern:?}");
    }
    let root = der(&house.identity.x509_bundle());
    let digest: String = ring::digest::digest(&ring::digest::SHA256, &root)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(house.identity.x509_fingerprint(), format!("sha256:{digest}"));
}

#[tokio::test]
async fn the_api_certificate_is_kept_and_renewed() {
    let house = house().await;
    let names = ["lodge.example.com".to_owned(), "127.0.0.1".to_owned()];
    let first = house.identity.api_server_certificate(&names).await.unwrap();
    assert_eq!(first.chain().len(), 2);
    let house = house.reopen().await;
    let same = house.identity.api_server_certificate(&names).await.unwrap();
    assert_eq!((&same.chain_pem, same.private_key()), (&first.chain_pem, first.private_key()));
    let (key, chain) = (same.private_key(), same.chain());
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    config.with_no_client_auth().with_single_cert(chain, key).unwrap();

    let renamed = house.identity.api_server_certificate(&names[..1]).await.unwrap();
    assert_ne!(renamed.chain_pem, first.chain_pem);
    house.clock.advance(Duration::from_secs(15 * 24 * 3600));
    let renewed = house.identity.api_server_certificate(&names[..1]).await.unwrap();
    assert_ne!(renewed.chain_pem, renamed.chain_pem);
    house.identity.rotate(&admin(), AuthorityKind::X509, RotationStep::Overlap).await.unwrap();
    let rotated = house.identity.api_server_certificate(&names[..1]).await.unwrap();
    assert_eq!(rotated.chain()[1], der(&house.identity.x509_bundle()));
    assert_eq!(house.events_of("cert.issue").len(), 4);
    assert!(house.identity.api_server_certificate(&["a b".to_owned()]).await.is_err());
}
