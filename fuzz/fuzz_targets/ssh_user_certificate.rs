//! A person's SSH certificate from arbitrary bytes: read, and examined against an authority that signed nothing; and
//! what an authority would be made to sign, signed.
//!
//! Input: a certificate up to where its signer is named, or a whole one.
#![no_main]

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use ed25519_dalek::{Signer, SigningKey};
use event::Timestamp;
use libfuzzer_sys::fuzz_target;
use ssh_key::private::Ed25519Keypair;
use ssh_key::{Certificate, PrivateKey, PublicKey};

static STRANGER: LazyLock<PublicKey> =
    LazyLock::new(|| PrivateKey::from(Ed25519Keypair::from_seed(&[1; 32])).public_key().clone());
static AUTHORITY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[2; 32]));

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn with_algorithm(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, b"ssh-ed25519");
    put(&mut out, bytes);
    out
}

fn sign(unsigned: &[u8]) -> Vec<u8> {
    let mut out = unsigned.to_vec();
    put(&mut out, &with_algorithm(AUTHORITY.verifying_key().as_bytes()));
    let signature = AUTHORITY.sign(&out).to_bytes();
    put(&mut out, &with_algorithm(&signature));
    out
}

fn examine(bytes: &[u8]) {
    let Ok(certificate) = Certificate::from_bytes(bytes) else { return };
    let now = Timestamp::from_micros(1_764_000_000_000_000);
    let from = Ipv4Addr::LOCALHOST.into();
    let stranger = std::slice::from_ref(&*STRANGER);
    let refused = identity::verify::examine_ssh_certificate(&certificate, stranger, now, from);
    assert!(refused.is_err(), "the authority signed nothing");
    let signer = PublicKey::from(certificate.signature_key().clone());
    let signer = std::slice::from_ref(&signer);
    let person = identity::verify::examine_ssh_certificate(&certificate, signer, now, from);
    let host = identity::verify::examine_host_certificate(&certificate, signer, now, "host");
    assert!(person.is_err() || host.is_err(), "one certificate for a person and for a host");
}

fuzz_target!(|bytes: &[u8]| {
    examine(bytes);
    examine(&sign(bytes));
});
