//! The two texts that a verifier is given to trust: its key, and a signed checkpoint.
#![no_main]

use audit_log::verify::{VerifierKey, note};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (key, note) = text.split_once('\n').unwrap_or((text, ""));
    if let Ok(key) = key.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text.split_once('\n').map_or(text, |(key, _)| key).trim());
        let _ = note::open(note.as_bytes(), &key);
    }
});
