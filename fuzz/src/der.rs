//! Signing what X.509 and PKCS #10 sign: an element, the algorithm, the signature, in one sequence.

use std::sync::LazyLock;

use ed25519_dalek::{Signer, SigningKey};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[2; 32]));

/// Returns the key that signs; seeds that hold a key hold this one.
pub fn key() -> &'static SigningKey {
    &KEY
}

/// Signs an element.
pub fn sign(unsigned: &[u8]) -> Vec<u8> {
    let algorithm = [0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
    let signature = [&[0], KEY.sign(unsigned).to_bytes().as_slice()].concat();
    element(0x30, &[unsigned, &algorithm, &element(3, &signature)].concat())
}

/// Writes an element whose content is shorter than 64 KiB; of a longer one the length is wrong.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        length @ 0..0x80 => out.push(length as u8),
        length @ 0x80..0x100 => out.extend_from_slice(&[0x81, length as u8]),
        length => out.extend_from_slice(&[0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(content);
    out
}
