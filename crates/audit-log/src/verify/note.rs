//! Signed checkpoints: C2SP signed-note and tlog-checkpoint, read and checked.
//!
//! This is the verifier's own reading and shares nothing with the code that signs. A [`SignedCheckpoint`] exists
//! only where the key's signature was found good and the origin is the key's name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::key::{VerifierKey, is_key_name};
use crate::{Checkpoint, Hash};

/// Longest note that is read. Sixteen post-quantum signatures fit.
pub const MAX_NOTE_BYTES: usize = 256 << 10;
/// Most signature lines that are read.
const MAX_SIGNATURES: usize = 128;

/// Why a note is not a checkpoint signed by the key.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum NoteError {
    /// Not a signed note.
    #[error("the checkpoint is not a signed note: {0}")]
    Note(&'static str),
    /// The signed text is not a tree head.
    #[error("the signed text is not a checkpoint: {0}")]
    Body(&'static str),
    /// Signed with another key, under this log's name or its own.
    #[error("the checkpoint is signed with the key {log}, and the key that was given is {key}")]
    OtherLog {
        /// Name and id of the key that signed the checkpoint, by its own account.
        log: String,
        /// Name and id of the key that was given.
        key: String,
    },
    /// No signature line of this key.
    #[error("the checkpoint carries no signature of the key {0}")]
    NotSigned(String),
    /// A signature line of this key that is wrong.
    #[error("the signature of {0} does not belong to this checkpoint")]
    WrongSignature(String),
}

/// A tree head whose signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    origin: String,
    size: u64,
    root: Hash,
    note: String,
}

impl SignedCheckpoint {
    /// Returns the log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the number of entries that it covers.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the root of the tree over those entries.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// Returns the signed note, every byte.
    pub fn note(&self) -> &str {
        &self.note
    }
}

impl From<&SignedCheckpoint> for Checkpoint {
    fn from(signed: &SignedCheckpoint) -> Checkpoint {
        Checkpoint {
            origin: signed.origin.clone(),
            size: signed.size,
            root: signed.root,
            note: signed.note.clone(),
        }
    }
}

/// Checks a note against a key and reads the checkpoint in it.
pub fn open(note: &[u8], key: &VerifierKey) -> Result<SignedCheckpoint, NoteError> {
    if note.len() > MAX_NOTE_BYTES {
        return Err(NoteError::Note("it is longer than 256 KiB"));
    }
    let note = std::str::from_utf8(note).map_err(|_| NoteError::Note("it is not UTF-8"))?;
    if note.chars().any(|c| c < ' ' && c != '\n') {
        return Err(NoteError::Note("it holds control characters"));
    }
    let gap = note.rfind("\n\n").ok_or(NoteError::Note("no blank line ends its text"))?;
    let (text, signatures) = (&note[..=gap], &note[gap + 2..]);
    let signatures = signature_lines(signatures)?;
    let (origin, size, root) = body(text)?;
    if let Some(log) = other_signer(origin, text, &signatures, key) {
        return Err(NoteError::OtherLog { log, key: named(key.name(), key.id()) });
    }
    check_signatures(text, &signatures, key)?;
    if origin != key.name() {
        return Err(NoteError::Body("its origin is not the name of the key that signed it"));
    }
    Ok(SignedCheckpoint { origin: origin.to_owned(), size, root, note: note.to_owned() })
}

/// Names the key that signed for the origin, where it is another than ours. A signature of ours whose name or id was
/// altered is still ours, and the note damaged.
fn other_signer(origin: &str, text: &str, lines: &[SignatureLine<'_>], key: &VerifierKey) -> Option<String> {
    let ours = |line: &SignatureLine<'_>| match (line.name == key.name(), line.id == key.id()) {
        (true, true) => true,
        (false, false) => false,
        _ => key.has_signed(text.as_bytes(), &line.signature),
    };
    if lines.iter().any(ours) {
        return None;
    }
    lines.iter().find(|line| line.name == origin).map(|line| named(line.name, line.id))
}

/// Names a key as the first two fields of its text do.
fn named(name: &str, id: [u8; 4]) -> String {
    format!("{name}+{:08x}", u32::from_be_bytes(id))
}

/// Every line of the key must be good, and there must be one; lines of other keys say nothing to us.
fn check_signatures(text: &str, lines: &[SignatureLine<'_>], key: &VerifierKey) -> Result<(), NoteError> {
    let id = key.id();
    let mut signed = false;
    for line in lines.iter().filter(|line| line.name == key.name() && line.id == id) {
        if !key.has_signed(text.as_bytes(), &line.signature) {
            return Err(NoteError::WrongSignature(key.name().to_owned()));
        }
        signed = true;
    }
    if signed { Ok(()) } else { Err(NoteError::NotSigned(key.to_string())) }
}

struct SignatureLine<'a> {
    name: &'a str,
    id: [u8; 4],
    signature: Vec<u8>,
}

fn signature_lines(text: &str) -> Result<Vec<SignatureLine<'_>>, NoteError> {
    let lines = text.strip_suffix('\n').ok_or(NoteError::Note("its last line does not end"))?;
    let mut found = Vec::new();
    for line in lines.split('\n') {
        if found.len() == MAX_SIGNATURES {
            return Err(NoteError::Note("it has more than 128 signatures"));
        }
        found.push(signature_line(line).ok_or(NoteError::Note("a signature line is malformed"))?);
    }
    Ok(found)
}

fn signature_line(line: &str) -> Option<SignatureLine<'_>> {
    let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
    if !is_key_name(name) {
        return None;
    }
    let bytes = STANDARD.decode(encoded).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    Some(SignatureLine { name, id: *id, signature: signature.to_vec() })
}

fn body(text: &str) -> Result<(&str, u64, Hash), NoteError> {
    let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
    let origin = lines.next().filter(|line| !line.is_empty()).ok_or(NoteError::Body("it has no origin"))?;
    let size = lines.next().and_then(decimal).ok_or(NoteError::Body("its second line is not a size"))?;
    let root = lines.next().and_then(hash).ok_or(NoteError::Body("its third line is not a SHA-256 root"))?;
    if lines.any(str::is_empty) {
        return Err(NoteError::Body("it has an empty extension line"));
    }
    Ok((origin, size, root))
}

/// Reads a decimal without sign or leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let canonical = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    canonical.then(|| text.parse().ok()).flatten()
}

/// Reads the base64 of a SHA-256 value.
pub(crate) fn hash(text: &str) -> Option<Hash> {
    let bytes = STANDARD.decode(text).ok()?;
    bytes.try_into().ok().map(Hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer, SigningKey};
    use proptest::prelude::*;

    fn pair() -> (SigningKey, VerifierKey) {
        let signing = SigningKey::from_bytes(&[9; 32]);
        let key = VerifierKey::new("log.example/a", signing.verifying_key().as_bytes()).unwrap();
        (signing, key)
    }

    fn sign(text: &str) -> String {
        let (signing, key) = pair();
        let mut bytes = key.id().to_vec();
        bytes.extend(signing.sign(text.as_bytes()).to_bytes());
        format!("{text}\n— {} {}\n", key.name(), STANDARD.encode(bytes))
    }

    fn text() -> String {
        format!("log.example/a\n12\n{}\n", STANDARD.encode([5; 32]))
    }

    #[test]
    fn a_good_note_opens_and_another_implementation_agrees() {
        let (_, key) = pair();
        let note = sign(&text());
        let opened = open(note.as_bytes(), &key).unwrap();
        assert_eq!((opened.origin(), opened.size(), opened.root().0), ("log.example/a", 12, [5; 32]));
        assert_eq!(opened.note(), note);

        let other = signed_note::StandardVerifier::new(&key.to_string()).unwrap();
        let list = signed_note::VerifierList::new(vec![Box::new(other)]);
        let (good, _) = signed_note::Note::from_bytes(note.as_bytes()).unwrap().verify(&list).unwrap();
        assert_eq!(good.len(), 1);
        let parsed = tlog_tiles::Checkpoint::from_bytes(text().as_bytes()).unwrap();
        assert_eq!((parsed.size(), parsed.hash().0), (12, opened.root().0));
    }

    #[test]
    fn cosignatures_of_others_do_not_matter() {
        let (_, key) = pair();
        let note = sign(&text()) + "— witness.example " + &STANDARD.encode([1; 77]) + "\n";
        assert_eq!(open(note.as_bytes(), &key).unwrap().size(), 12);
    }

    #[test]
    fn every_flipped_byte_and_every_truncation_is_refused() {
        let (_, key) = pair();
        let note = sign(&text()).into_bytes();
        for at in 0..note.len() {
            assert!(open(&note[..at], &key).is_err(), "cut at {at}");
            for mask in [1, 0x20, 0x80, 0xff] {
                let mut changed = note.clone();
                changed[at] ^= mask;
                assert!(open(&changed, &key).is_err(), "byte {at} ^ {mask:#x}");
            }
        }
    }

    #[test]
    fn signed_nonsense_is_no_checkpoint() {
        let (_, key) = pair();
        let root = STANDARD.encode([5; 32]);
        for bad in [
            "log.example/a\n012\nX\n".replace('X', &root),
            format!("log.example/a\n12\n{}\n", STANDARD.encode([5; 31])),
            format!("log.example/b\n12\n{root}\n"),
            "log.example/a\n12\n".to_owned(),
            format!("log.example/a\n+12\n{root}\n"),
        ] {
            assert!(open(sign(&bad).as_bytes(), &key).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_of_another_log_is_told_apart_from_damage() {
        let (signing, _) = pair();
        let other = VerifierKey::new("log.example/other", signing.verifying_key().as_bytes()).unwrap();
        assert!(matches!(open(sign(&text()).as_bytes(), &other), Err(NoteError::OtherLog { .. })));
        let same_name = SigningKey::from_bytes(&[1; 32]).verifying_key();
        let same_name = VerifierKey::new("log.example/a", same_name.as_bytes()).unwrap();
        let error = open(sign(&text()).as_bytes(), &same_name).unwrap_err();
        assert!(matches!(error, NoteError::OtherLog { .. }));
        for named in [same_name, pair().1] {
            let shown = named.to_string();
            assert!(
                error.to_string().contains(&shown.splitn(3, '+').take(2).collect::<Vec<_>>().join("+")),
                "{error} names {shown}"
            );
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let (_, key) = pair();
            prop_assert!(open(&bytes, &key).is_err());
        }

        #[test]
        fn note_like_text_never_panics(text in "[a-z0-9\n—+ =]{0,200}") {
            let (_, key) = pair();
            prop_assert!(open(text.as_bytes(), &key).is_err());
        }
    }
}
