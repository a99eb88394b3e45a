//! Signed notes with Ed25519 keys (C2SP signed-note): a text, an empty line, and signature lines.
//!
//! Signatures of unknown keys are kept and ignored, so that witnesses and second algorithms can add theirs.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// The largest note that is read, in bytes.
pub const MAX_NOTE_BYTES: usize = 1 << 16;
/// The most signature lines that are read.
pub const MAX_SIGNATURES: usize = 100;

/// Algorithm byte of plain Ed25519 keys.
const ED25519: u8 = 1;

/// Why a note or key was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not the form of a signed note.
    #[error("not a signed note: {0}")]
    Malformed(&'static str),
    /// Not the form of a verifier key.
    #[error("not a verifier key (name+hash+base64): {0}")]
    Key(&'static str),
    /// Nobody known signed.
    #[error("the note is not signed by {0}")]
    Unsigned(String),
    /// The signature of the known key is wrong.
    #[error("the note's signature by {0} is wrong: note or signature was changed")]
    Forged(String),
}

/// Tells whether `name` may name a key: not empty, no white space, no plus sign, no control characters.
pub fn is_key_name(name: &str) -> bool {
    let fits = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
    !name.is_empty() && name.len() <= 255 && name.chars().all(fits)
}

/// A public key with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key: VerifyingKey,
}

impl VerifierKey {
    /// Reads the form `name+hash+base64`.
    pub fn parse(text: &str) -> Result<VerifierKey, NoteError> {
        let (name, rest) =
            text.split_once('+').filter(|_| text.len() <= 1024).ok_or(NoteError::Key("a part is missing"))?;
        let (hash, encoded) = rest.split_once('+').ok_or(NoteError::Key("a part is missing"))?;
        let bytes = BASE64.decode(encoded).map_err(|_| NoteError::Key("the key is not base64"))?;
        let key: [u8; 33] = bytes.try_into().map_err(|_| NoteError::Key("the key is not of 33 bytes"))?;
        if key[0] != ED25519 {
            return Err(NoteError::Key("the algorithm is not Ed25519"));
        }
        let point = key.last_chunk().expect("33 bytes hold 32");
        let point =
            VerifyingKey::from_bytes(point).map_err(|_| NoteError::Key("not a point of the curve"))?;
        if !is_key_name(name) {
            return Err(NoteError::Key("the name holds white space or is empty"));
        }
        let key = VerifierKey { name: name.to_owned(), key: point };
        if hash != format!("{:08x}", key.id()) {
            return Err(NoteError::Key("hash and key differ"));
        }
        Ok(key)
    }

    /// Returns the key's name: the log's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the key's id: the first four bytes of SHA-256(name ‖ LF ‖ 0x01 ‖ key).
    pub fn id(&self) -> u32 {
        let hash = Sha256::new()
            .chain_update(&self.name)
            .chain_update([b'\n', ED25519])
            .chain_update(self.key.as_bytes());
        let hash: [u8; 32] = hash.finalize().into();
        u32::from_be_bytes(*hash.first_chunk().expect("32 bytes hold 4"))
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = [ED25519; 33];
        key[1..].copy_from_slice(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.id(), BASE64.encode(key))
    }
}

/// A signing key with its name.
pub struct NoteSigner {
    key: SigningKey,
    public: VerifierKey,
}

impl NoteSigner {
    /// Names a key; the name must satisfy [`is_key_name`].
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<NoteSigner, NoteError> {
        if !is_key_name(name) {
            return Err(NoteError::Key("the name holds white space or is empty"));
        }
        let key = SigningKey::from_bytes(seed);
        let public = VerifierKey { name: name.to_owned(), key: key.verifying_key() };
        Ok(NoteSigner { key, public })
    }

    /// Returns the public half.
    pub fn verifier(&self) -> &VerifierKey {
        &self.public
    }

    /// Signs a text, which must end in a line feed, and returns the whole note.
    pub fn sign(&self, text: &str) -> String {
        let mut signature = self.public.id().to_be_bytes().to_vec();
        signature.extend_from_slice(&self.key.sign(text.as_bytes()).to_bytes());
        format!("{text}\n— {} {}\n", self.public.name, BASE64.encode(signature))
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteSigner({})", self.public)
    }
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key that signed.
    pub name: String,
    /// Id of the key that signed.
    pub id: u32,
    /// The signature itself, in the form of the key's algorithm.
    pub bytes: Vec<u8>,
}

/// A note in its parts; parsing says nothing about who signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote<'a> {
    /// The signed text, with its last line feed.
    pub text: &'a str,
    /// The signature lines in order.
    pub signatures: Vec<NoteSignature>,
}

impl SignedNote<'_> {
    /// Takes a note apart.
    pub fn parse(note: &str) -> Result<SignedNote<'_>, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::Malformed("it is larger than 64 KiB"));
        }
        if note.chars().any(|c| c.is_ascii_control() && c != '\n') {
            return Err(NoteError::Malformed("it holds control characters"));
        }
        let split = note.rfind("\n\n").ok_or(NoteError::Malformed("no empty line before the signatures"))?;
        let (text, block) = (&note[..=split], &note[split + 2..]);
        let lines = block.strip_suffix('\n').ok_or(NoteError::Malformed("the last line has no end"))?;
        let signatures: Vec<NoteSignature> =
            lines.split('\n').take(MAX_SIGNATURES + 1).map(signature).collect::<Result<_, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(NoteError::Malformed("it has more than 100 signatures"));
        }
        Ok(SignedNote { text, signatures })
    }

    /// Checks that `key` signed the text.
    pub fn verify(&self, key: &VerifierKey) -> Result<(), NoteError> {
        let id = key.id();
        let ours = self.signatures.iter().find(|line| line.id == id && line.name == key.name);
        let line = ours.ok_or_else(|| NoteError::Unsigned(key.name.clone()))?;
        let forged = || NoteError::Forged(key.name.clone());
        let signature = Signature::from_slice(&line.bytes).map_err(|_| forged())?;
        key.key.verify_strict(self.text.as_bytes(), &signature).map_err(|_| forged())
    }
}

fn signature(line: &str) -> Result<NoteSignature, NoteError> {
    let rest =
        line.strip_prefix("— ").ok_or(NoteError::Malformed("a signature line does not begin with a dash"))?;
    let (name, encoded) =
        rest.split_once(' ').ok_or(NoteError::Malformed("a signature line has no signature"))?;
    if !is_key_name(name) {
        return Err(NoteError::Malformed("a signature line names no key"));
    }
    let bytes = BASE64.decode(encoded).map_err(|_| NoteError::Malformed("a signature is not base64"))?;
    let (id, bytes) = bytes.split_first_chunk().ok_or(NoteError::Malformed("a signature is too short"))?;
    if bytes.is_empty() {
        return Err(NoteError::Malformed("a signature is too short"));
    }
    Ok(NoteSignature { name: name.to_owned(), id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use signed_note::Verifier;

    use super::*;

    fn signer() -> NoteSigner {
        NoteSigner::new("lodge.example.com/log", &[7; 32]).unwrap()
    }

    #[test]
    fn another_implementation_accepts_our_notes() {
        let note = signer().sign("one\ntwo\n");
        let key = signed_note::StandardVerifier::new(&signer().verifier().to_string()).unwrap();
        assert_eq!(key.key_id(), signer().verifier().id());
        let theirs = signed_note::Note::from_bytes(note.as_bytes()).unwrap();
        let list = signed_note::VerifierList::new(vec![Box::new(key)]);
        let (known, unknown) = theirs.verify(&list).unwrap();
        assert_eq!((known.len(), unknown.len()), (1, 0));
        assert_eq!(theirs.text(), b"one\ntwo\n");
    }

    #[test]
    fn changed_texts_and_foreign_keys_are_refused() {
        let note = signer().sign("one\n");
        let changed = note.replace("one", "two");
        let forged = SignedNote::parse(&changed).unwrap().verify(signer().verifier());
        assert!(matches!(forged, Err(NoteError::Forged(_))));
        let other = NoteSigner::new("lodge.example.com/log", &[8; 32]).unwrap();
        let unsigned = SignedNote::parse(&note).unwrap().verify(other.verifier());
        assert!(matches!(unsigned, Err(NoteError::Unsigned(_))));
    }

    #[test]
    fn verifier_keys_survive_the_journey_and_must_match_their_hash() {
        for seed in 0..50 {
            let text = NoteSigner::new("a/b", &[seed; 32]).unwrap().verifier().to_string();
            assert_eq!(VerifierKey::parse(&text).unwrap().to_string(), text);
            assert!(VerifierKey::parse(&text.replacen("a/b", "a/c", 1)).is_err());
        }
        for bad in ["", "a", "a+b", "a+00000000+AAAA", "+00000000+", "a+b+c+d+e"] {
            assert!(VerifierKey::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn foreign_signature_lines_are_kept_and_ignored() {
        let note = format!("{}— witness.example/w AAAAAQID\n", signer().sign("one\n"));
        let parsed = SignedNote::parse(&note).unwrap();
        assert_eq!(parsed.signatures.len(), 2);
        parsed.verify(signer().verifier()).unwrap();
    }

    proptest! {
        #[test]
        fn arbitrary_notes_never_panic(note in "([a-z\\n— +=AB]|\\PC){0,80}", tail in "(\n\n— a AAAAAAAA\n)?") {
            let note = format!("{note}{tail}");
            if let Ok(parsed) = SignedNote::parse(&note) {
                prop_assert!(parsed.verify(signer().verifier()).is_err());
            }
            let _ = VerifierKey::parse(&note);
        }
    }
}
