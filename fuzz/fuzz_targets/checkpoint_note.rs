//! Signed notes, checkpoints and verifier keys: any text is refused or read, never a panic, and nothing verifies.
#![no_main]

use audit_log::Checkpoint;
use audit_log::note::{NoteSigner, SignedNote, VerifierKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let signer = NoteSigner::new("lodge.example.com/log", &[7; 32]).expect("the name is valid");
    if let Ok(note) = SignedNote::parse(text) {
        assert!(note.verify(signer.verifier()).is_err());
    }
    assert!(Checkpoint::open(text, signer.verifier()).is_err());
    let _ = Checkpoint::parse(&signer.sign(&format!("{text}\n")));
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
});
