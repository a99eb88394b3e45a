//! The public key of a log, as text that fits on one line and is safe to paste: `name+hash+key`.
//!
//! The form is that of C2SP signed-note. The hash is derived from the name and the key, so a slip of the pen in
//! either is noticed. A key that was read is a sound Ed25519 key and not one of the weak ones.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

/// Longest text that is read as a key.
const MAX_TEXT: usize = 1024;
/// Marks Ed25519 in the key's encoding.
const ED25519: u8 = 1;

/// Names a log and holds the key that its checkpoints are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key: VerifyingKey,
}

/// Why text is not a verifier key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// Not three fields with plus signs between them.
    #[error("a verifier key has the form name+hash+key, as `log.vkey` holds it; copy the whole line")]
    Form,
    /// The name is empty or holds a space or a control character.
    #[error("the name in the verifier key is empty or holds spaces or control characters")]
    Name,
    /// The last field is not a base64 Ed25519 key.
    #[error("the last field of the verifier key is not a base64 Ed25519 public key")]
    Key,
    /// The hash does not belong to this name and key.
    #[error("the hash in the verifier key does not belong to its name and key; copy the whole line again")]
    Hash,
}

impl VerifierKey {
    /// Takes a name and the 32 bytes of an Ed25519 public key.
    pub fn new(name: &str, key: &[u8; 32]) -> Result<VerifierKey, KeyError> {
        if !is_key_name(name) {
            return Err(KeyError::Name);
        }
        let key = VerifyingKey::from_bytes(key).map_err(|_| KeyError::Key)?;
        if key.is_weak() {
            return Err(KeyError::Key);
        }
        Ok(VerifierKey { name: name.to_owned(), key })
    }

    /// Returns the name, which is also the origin of the log's checkpoints.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the four bytes that name this key in a signature line.
    pub fn id(&self) -> [u8; 4] {
        let hash = Sha256::new()
            .chain_update(&self.name)
            .chain_update([b'\n', ED25519])
            .chain_update(self.key.as_bytes())
            .finalize();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// Tells whether `signature` is this key's signature of `text`.
    pub(crate) fn has_signed(&self, text: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text, &signature).is_ok())
    }
}

/// Tells whether a name may stand in a signature line.
pub(crate) fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c == '+' || c.is_whitespace() || c.is_control())
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<VerifierKey, KeyError> {
        let text = text.trim();
        if text.len() > MAX_TEXT {
            return Err(KeyError::Form);
        }
        let mut fields = text.splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(KeyError::Form);
        };
        let bytes = STANDARD.decode(key).map_err(|_| KeyError::Key)?;
        let [ED25519, key @ ..] = bytes.as_slice() else { return Err(KeyError::Key) };
        let key: &[u8; 32] = key.try_into().map_err(|_| KeyError::Key)?;
        let key = VerifierKey::new(name, key)?;
        if hash != format!("{:08x}", u32::from_be_bytes(key.id())) {
            return Err(KeyError::Hash);
        }
        Ok(key)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [ED25519; 33];
        bytes[1..].copy_from_slice(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(self.id()), STANDARD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;

    fn key() -> VerifierKey {
        VerifierKey::new("log.example/a", SigningKey::from_bytes(&[7; 32]).verifying_key().as_bytes())
            .unwrap()
    }

    #[test]
    fn prints_what_it_reads_and_another_implementation_reads_it() {
        let text = key().to_string();
        assert_eq!(format!(" {text}\n").parse::<VerifierKey>().unwrap(), key());
        let other = signed_note::StandardVerifier::new(&text).unwrap();
        assert_eq!(signed_note::Verifier::key_id(&other), u32::from_be_bytes(key().id()));
    }

    #[test]
    fn every_changed_character_is_refused() {
        let text = key().to_string();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            assert!(changed.parse::<VerifierKey>().is_err(), "{changed}");
        }
        assert_eq!("log.example/a".parse::<VerifierKey>(), Err(KeyError::Form));
        assert_eq!(VerifierKey::new("a b", &[7; 32]), Err(KeyError::Name));
    }

    #[test]
    fn weak_keys_are_refused() {
        let mut identity = [0u8; 32];
        identity[0] = 1;
        assert_eq!(VerifierKey::new("log.example", &identity), Err(KeyError::Key));
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,80}") {
            let _ = text.parse::<VerifierKey>();
            let _ = format!("a+{text}+b").parse::<VerifierKey>();
        }
    }
}
