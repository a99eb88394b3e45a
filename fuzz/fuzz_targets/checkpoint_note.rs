//! Signed notes, checkpoints and verifier keys: any text is refused or read, never a panic, and nothing verifies;
//! signed, the log's own reading and the verifier's agree on what it says.
#![no_main]

use audit_log::Checkpoint;
use audit_log::note::{SignedNote, VerifierKey};
use audit_log::verify::note;
use libfuzzer_sys::fuzz_target;
use lodge_fuzz::signing::{key, sign_again, signer};

fuzz_target!(|text: &str| {
    if let Ok(note) = SignedNote::parse(text) {
        assert!(note.verify(signer().verifier()).is_err());
    }
    assert!(Checkpoint::open(text, signer().verifier()).is_err());
    assert!(note::open(text.as_bytes(), key()).is_err());
    let signed = sign_again(text);
    let ours = Checkpoint::open(&signed, signer().verifier());
    let theirs = note::open(signed.as_bytes(), key());
    if let (Ok(ours), Ok(theirs)) = (&ours, &theirs) {
        assert_eq!(*ours, Checkpoint::from(theirs));
    }
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
});
