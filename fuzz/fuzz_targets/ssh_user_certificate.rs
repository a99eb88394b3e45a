//! A person's SSH certificate from arbitrary bytes: read, and examined against an authority that signed nothing.
#![no_main]

use std::net::Ipv4Addr;

use event::Timestamp;
use libfuzzer_sys::fuzz_target;
use ssh_key::private::Ed25519Keypair;
use ssh_key::{Certificate, PrivateKey};

fuzz_target!(|bytes: &[u8]| {
    let Ok(certificate) = Certificate::from_bytes(bytes) else { return };
    let now = Timestamp::from_micros(1_764_000_000_000_000);
    let stranger = PrivateKey::from(Ed25519Keypair::from_seed(&[1; 32])).public_key().clone();
    let from = Ipv4Addr::LOCALHOST.into();
    let refused = identity::verify::examine_ssh_certificate(&certificate, &[stranger], now, from);
    assert!(refused.is_err(), "the authority signed nothing");
    // With its own signer trusted, everything after the signature is reached.
    let signer = ssh_key::PublicKey::from(certificate.signature_key().clone());
    let _ = identity::verify::examine_ssh_certificate(&certificate, std::slice::from_ref(&signer), now, from);
    let _ = identity::verify::examine_host_certificate(&certificate, std::slice::from_ref(&signer), now, "host");
});
