//! Proof files as an enemy may have written them: the event's own and the tlog-proof within, and what they prove once
//! the log signed a tree of a size and a root to match.
#![no_main]

use audit_log::proof::{EventProof, TlogProof};
use audit_log::verify::tree::leaf_hash;
use audit_log::{Checkpoint, Hash};
use libfuzzer_sys::fuzz_target;
use lodge_fuzz::signing::{key, sign_again, signer};

fn verify(mut proof: EventProof) {
    assert!(proof.clone().verify(key()).is_err(), "nobody signed it");
    let index = proof.proof.index;
    let said = sign_again(&proof.proof.checkpoint);
    let root = proof.proof.hashes.last().copied().unwrap_or(Hash([0; 32]));
    for size in [index.saturating_add(1), index.saturating_mul(2), 1 << 40, u64::MAX] {
        proof.proof.checkpoint = Checkpoint::sign(signer(), size, root).note;
        assert!(proof.clone().verify(key()).is_err(), "the path does not lead to the root");
    }
    proof.proof.checkpoint = said;
    let _ = proof.clone().verify(key());
    // A log of one entry, of which the leaf is the whole tree.
    proof.proof.checkpoint = Checkpoint::sign(signer(), 1, leaf_hash(&proof.leaf)).note;
    let holds = proof.proof.verify(&proof.leaf, key()).is_ok();
    assert_eq!(holds, index == 0 && proof.proof.hashes.is_empty());
    let _ = proof.verify(key());
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(proof) = EventProof::parse(bytes) {
        assert_eq!(EventProof::parse(proof.to_json().as_bytes()).ok().as_ref(), Some(&proof));
        verify(proof);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(proof) = text.parse::<TlogProof>() {
            assert_eq!(proof.to_string(), text);
        }
    }
});
