//! Proof files as an enemy may have written them: the event's own and the tlog-proof within.
#![no_main]

use audit_log::proof::{EventProof, TlogProof};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(proof) = EventProof::parse(bytes) {
        assert_eq!(EventProof::parse(proof.to_json().as_bytes()).ok().as_ref(), Some(&proof));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(proof) = text.parse::<TlogProof>() {
            assert_eq!(proof.to_string(), text);
        }
    }
});
