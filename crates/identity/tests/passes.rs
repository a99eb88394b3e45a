//! Passes: what stands in for a browser's session at the gate, and for how long.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::time::Duration;

use common::{Authenticator, House, PASSWORD, house, origin};
use event::{Author, Outcome};
use identity::{Authenticated, CertificateRefusal, ConsolePass, ConsoleRequest, IdentityError};
use secrecy::ExposeSecret;
use ssh_key::PrivateKey;
use ssh_key::private::Ed25519Keypair;

fn key() -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32]))
}

/// Signs in as a browser does.
async fn console(house: &House, user: &str, authenticator: &Authenticator) -> Authenticated {
    let request = ConsoleRequest {
        user: user.to_owned(),
        password: PASSWORD.into(),
        code: authenticator.code(house.ambient.now()),
        origin: origin(),
        ttl: Duration::from_secs(3600),
    };
    let grant = house.identity.login_to_console(request).await.unwrap();
    house.identity.verify_console_token(grant.token.expose_secret(), &origin()).await.unwrap()
}

async fn pass(house: &House, who: &Authenticated) -> Result<ConsolePass, IdentityError> {
    house.identity.console_pass(who, key().public_key()).await
}

#[tokio::test]
async fn a_pass_is_the_browsers_session_at_the_gate_and_in_the_log() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &["access"]).await;
    let who = console(&house, "alice", &authenticator).await;
    let pass = pass(&house, &who).await.unwrap();
    let shown = house.identity.verify_ssh_certificate(pass.certificate(), &origin()).await.unwrap();
    assert_eq!((shown.user(), shown.login(), shown.expires()), ("alice", who.login(), who.expires()));
    let issued = house.newest("cert.issue");
    assert_eq!(issued.outcome, Outcome::Success);
    assert_eq!(issued.actor.user, "alice");
}

#[tokio::test]
async fn a_pass_is_worth_nothing_once_it_is_dropped() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &["access"]).await;
    let who = console(&house, "alice", &authenticator).await;
    let (first, second) = (pass(&house, &who).await.unwrap(), pass(&house, &who).await.unwrap());
    let certificate = first.certificate().clone();
    drop(first);
    let refusal = house.identity.verify_ssh_certificate(&certificate, &origin()).await.unwrap_err();
    assert!(matches!(refusal, CertificateRefusal::Serial), "{refusal}");
    assert_eq!(house.newest("cert.deny").outcome, Outcome::Denied);
    let other = house.identity.verify_ssh_certificate(second.certificate(), &origin()).await;
    assert!(other.is_ok(), "a pass does not end with another");
}

#[tokio::test]
async fn signing_out_ends_the_pass_and_lets_no_other_be_made() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &["access"]).await;
    let who = console(&house, "alice", &authenticator).await;
    let held = pass(&house, &who).await.unwrap();
    house.identity.logout(&Author::of(who.actor(), Some(origin())), who.login()).await.unwrap();
    let refusal = house.identity.verify_ssh_certificate(held.certificate(), &origin()).await.unwrap_err();
    assert!(matches!(refusal, CertificateRefusal::LoginEnded), "{refusal}");
    assert!(matches!(pass(&house, &who).await, Err(IdentityError::NoSuchLogin(_))));
}

#[tokio::test]
async fn a_login_with_certificates_of_its_own_gets_no_pass() {
    let house = house().await;
    let (authenticator, _) = house.join("alice", &["access"]).await;
    let grant = house.login("alice", &authenticator).await;
    let who = house.identity.verify_ssh_certificate(&grant.ssh_certificate, &origin()).await.unwrap();
    assert!(matches!(pass(&house, &who).await, Err(IdentityError::NoSuchLogin(_))));
}
