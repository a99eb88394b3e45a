//! Portable proofs of single events.

use audit_log::proof::{self, EventProof, ProofError, TlogProof};
use audit_log::verify::VerifierKey;
use audit_log::{Hash, InclusionProof};
use proptest::prelude::*;

use crate::evidence::{entry, signed};
use crate::writer::*;

fn event_proof(records: &[Record], position: usize) -> EventProof {
    let hashes = inclusion(position, &hashes_of(records)).into_iter().map(Hash).collect();
    let inclusion = InclusionProof { position: position as u64, size: records.len() as u64, hashes };
    let entry = entry(position as u64, &records[position]);
    EventProof::new(&entry, &inclusion, &signed(records, records.len())).unwrap()
}

#[test]
fn the_proof_of_every_event_verifies_offline() {
    for size in 1..=17 {
        let records = records(size);
        for position in 0..size as usize {
            let json = event_proof(&records, position).to_json();
            let verified = proof::verify(json.as_bytes(), &key()).unwrap();
            assert_eq!(verified.position, position as u64);
            assert_eq!(verified.payload, records[position].payload);
            assert_eq!(
                (verified.seq, verified.time.as_micros()),
                (position as u64 + 1, records[position].time)
            );
            assert_eq!(verified.checkpoint.size(), size);
        }
    }
}

#[test]
fn every_changed_byte_of_a_proof_is_refused() {
    let json = event_proof(&records(7), 4).to_json().into_bytes();
    for at in 0..json.len() {
        assert!(proof::verify(&json[..at], &key()).is_err(), "cut to {at}");
        for mask in [0x01, 0x02, 0x20, 0x80, 0xff] {
            let mut changed = json.clone();
            changed[at] ^= mask;
            assert!(proof::verify(&changed, &key()).is_err(), "byte {at} ^ {mask:#x}");
        }
    }
}

#[test]
fn refusals_say_what_is_wrong() {
    let records = records(7);
    let sound = event_proof(&records, 4);
    let mut changed = sound.clone();
    changed.payload = b"{}".to_vec();
    assert!(matches!(changed.verify(&key()), Err(ProofError::ChangedPayload { position: 4 })));
    let mut moved = sound.clone();
    moved.proof.index = 5;
    assert!(matches!(moved.verify(&key()), Err(ProofError::NotIncluded { position: 5, size: 7 })));
    let said = sound.to_json().replace("\"position\":4", "\"position\":3");
    assert!(matches!(
        proof::verify(said.as_bytes(), &key()),
        Err(ProofError::Position { said: 3, proved: 4 })
    ));
    let other = VerifierKey::new("other.example", signing_key().verifying_key().as_bytes()).unwrap();
    assert!(matches!(sound.verify(&other), Err(ProofError::Checkpoint(_))));
}

#[test]
fn the_file_is_that_of_the_standard() {
    let checkpoint =
        "log.example\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— log.example AAAAAA==\n";
    let text = format!(
        "c2sp.org/tlog-proof@v1\nextra aGk=\nindex 73894\n{0}\n{0}\n\n{checkpoint}",
        "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
    );
    let read: TlogProof = text.parse().unwrap();
    assert_eq!((read.index, read.hashes.len(), read.extra.as_deref()), (73894, 2, Some(b"hi".as_slice())));
    assert_eq!((read.hashes[0], read.checkpoint.as_str()), (Hash([1; 32]), checkpoint));
    assert_eq!(read.to_string(), text);

    let without = text.replace("extra aGk=\n", "");
    assert_eq!(without.parse::<TlogProof>().unwrap().to_string(), without);
    for (what, with) in [
        ("@v1", "@v2"),
        ("index 73894", "index 073894"),
        ("index 73894", "index +1"),
        ("index ", "Index "),
        ("extra aGk=", "extra aGk"),
        ("AQE=\n\n", "AQF=\n\n"),
        ("\n\n", "\n"),
        ("index 73894\n", ""),
    ] {
        assert!(text.replace(what, with).parse::<TlogProof>().is_err(), "{with}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(proof::verify(&bytes, &key()).is_err());
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let _ = format!("c2sp.org/tlog-proof@v1\n{text}\n\n").parse::<TlogProof>();
    }
}
