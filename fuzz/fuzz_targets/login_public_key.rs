//! The public key that a person sends with a login: any text, any bytes in PEM, and a signing request that is signed.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use identity::decode_any_public_key;
use libfuzzer_sys::fuzz_target;
use lodge_fuzz::der;

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let taken = decode_any_public_key(text);
        assert_ne!(taken, (true, true), "one text for two kinds of key");
    }
    decode_any_public_key(&format!("ssh-ed25519 {}", STANDARD.encode(bytes)));
    decode_any_public_key(&pem("PUBLIC KEY", bytes));
    decode_any_public_key(&pem("CERTIFICATE REQUEST", bytes));
    decode_any_public_key(&pem("CERTIFICATE REQUEST", &der::sign(bytes)));
});
