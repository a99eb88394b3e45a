//! Checkpoints: signed statements of how many entries the log has and what their root is (C2SP tlog-checkpoint).

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::hash::Hash;
use crate::note::{NoteError, NoteSigner, SignedNote, VerifierKey};

/// A signed tree head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log it is about.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// The whole signed note.
    pub note: String,
}

/// Why a note is not a checkpoint of the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note or its signature.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text is not that of a checkpoint.
    #[error("not a checkpoint: {0}")]
    Malformed(&'static str),
    /// It is about another log.
    #[error("the checkpoint is about {found}, not {wanted}")]
    Origin {
        /// Origin that the checkpoint names.
        found: String,
        /// Origin that was expected.
        wanted: String,
    },
}

impl Checkpoint {
    /// Signs a tree head; the signer's name is the origin.
    pub fn sign(signer: &NoteSigner, size: u64, root: Hash) -> Checkpoint {
        let origin = signer.verifier().name().to_owned();
        let note = signer.sign(&format!("{origin}\n{size}\n{}\n", BASE64.encode(root.0)));
        Checkpoint { origin, size, root, note }
    }

    /// Reads a checkpoint without asking who signed it.
    pub fn parse(note: &str) -> Result<Checkpoint, CheckpointError> {
        let signed = SignedNote::parse(note)?;
        let mut lines = signed.text.strip_suffix('\n').unwrap_or(signed.text).split('\n');
        let origin = lines.next().filter(|line| !line.is_empty());
        let origin = origin.ok_or(CheckpointError::Malformed("the origin is empty"))?;
        let size = lines
            .next()
            .and_then(parse_size)
            .ok_or(CheckpointError::Malformed("the size is not a decimal number"))?;
        let root = lines.next().and_then(|line| BASE64.decode(line).ok());
        let root = root.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let root = root.ok_or(CheckpointError::Malformed("the root is not base64 of 32 bytes"))?;
        if lines.any(str::is_empty) {
            return Err(CheckpointError::Malformed("an extension line is empty"));
        }
        Ok(Checkpoint { origin: origin.to_owned(), size, root: Hash(root), note: note.to_owned() })
    }

    /// Reads a checkpoint and checks that `key` signed it for the log of that name.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Checkpoint, CheckpointError> {
        let checkpoint = Checkpoint::parse(note)?;
        if checkpoint.origin != key.name() {
            return Err(CheckpointError::Origin { found: checkpoint.origin, wanted: key.name().to_owned() });
        }
        SignedNote::parse(note)?.verify(key)?;
        Ok(checkpoint)
    }
}

/// Reads a decimal number that has no sign and no leading zeros.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| canonical)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signer() -> NoteSigner {
        NoteSigner::new("lodge.example.com/log", &[7; 32]).unwrap()
    }

    #[test]
    fn another_implementation_reads_our_checkpoints() {
        let ours = Checkpoint::sign(&signer(), 1234, Hash([9; 32]));
        let text = SignedNote::parse(&ours.note).unwrap().text.to_owned();
        let theirs = tlog_tiles::Checkpoint::from_bytes(text.as_bytes()).unwrap();
        assert_eq!(
            (theirs.origin(), theirs.size(), theirs.hash().0),
            ("lodge.example.com/log", 1234, [9; 32])
        );
        assert_eq!(Checkpoint::open(&ours.note, signer().verifier()).unwrap(), ours);
    }

    #[test]
    fn checkpoints_of_other_logs_and_forgeries_are_refused() {
        let ours = Checkpoint::sign(&signer(), 5, Hash([9; 32]));
        let other = NoteSigner::new("other.example.com/log", &[7; 32]).unwrap();
        let error = Checkpoint::open(&ours.note, other.verifier()).unwrap_err();
        assert!(matches!(error, CheckpointError::Origin { .. }));
        let raised = ours.note.replacen("\n5\n", "\n6\n", 1);
        let error = Checkpoint::open(&raised, signer().verifier()).unwrap_err();
        assert!(matches!(error, CheckpointError::Note(NoteError::Forged(_))));
    }

    #[test]
    fn malformed_texts_are_refused() {
        let root = BASE64.encode([1; 32]);
        for text in [
            format!("\n5\n{root}\n"),
            format!("o\n05\n{root}\n"),
            format!("o\n+5\n{root}\n"),
            format!("o\n18446744073709551616\n{root}\n"),
            "o\n5\nAAAA\n".to_owned(),
            "o\n5\n".to_owned(),
            format!("o\n5\n{root}\n\nx\n"),
        ] {
            let note = signer().sign(&text);
            assert!(Checkpoint::parse(&note).is_err(), "{text:?}");
        }
        let extended = signer().sign(&format!("o\n5\n{root}\nextension\n"));
        assert_eq!(Checkpoint::parse(&extended).unwrap().size, 5);
    }

    proptest! {
        #[test]
        fn arbitrary_texts_never_panic(text in "[a-z0-9\\n=A]{0,80}") {
            let _ = Checkpoint::parse(&text);
            let _ = Checkpoint::parse(&signer().sign(&format!("{text}\n")));
        }
    }
}
