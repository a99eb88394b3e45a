//! Evidence bundles: what was exported verifies, and what was changed is named.

use std::convert::Infallible;
use std::ops::Range;

use audit_log::evidence::{self, EvidenceError, EvidenceSource, WriteError};
use audit_log::verify::leaf::LeafView;
use audit_log::verify::{DamageKind, Report, VerifierKey};
use audit_log::{Checkpoint, Entry, Hash};
use proptest::prelude::*;

use crate::writer::*;

/// A log in memory that gives a few entries at a time.
pub struct InMemory(pub Vec<Record>);

pub fn entry(position: u64, record: &Record) -> Entry {
    let leaf = LeafView::parse(&record.leaf()).unwrap().to_leaf();
    Entry { position, leaf, salt: record.salt, payload: record.payload.clone() }
}

impl EvidenceSource for InMemory {
    type Error = Infallible;

    fn entries(&mut self, range: Range<u64>) -> Result<Vec<Entry>, Infallible> {
        Ok(range.take(5).map(|position| entry(position, &self.0[position as usize])).collect())
    }

    fn subtree(&mut self, height: u32, index: u64) -> Result<Hash, Infallible> {
        let hashes = hashes_of(&self.0);
        let (first, count) = ((index << height) as usize, 1usize << height);
        Ok(Hash(tree_hash(&hashes[first..first + count])))
    }
}

pub fn signed(records: &[Record], size: usize) -> Checkpoint {
    Checkpoint {
        origin: ORIGIN.to_owned(),
        size: size as u64,
        root: Hash(tree_hash(&hashes_of(&records[..size]))),
        note: checkpoint(records, size),
    }
}

fn export(records: &[Record], range: Range<u64>, size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    evidence::write(&mut InMemory(records.to_vec()), range, &signed(records, size), &mut out).unwrap();
    out
}

fn verify(bundle: &[u8]) -> Result<Report, EvidenceError> {
    evidence::verify(bundle, &key(), &mut |_| ())
}

fn kinds(bundle: &[u8]) -> Vec<(u64, u64, DamageKind)> {
    let report = verify(bundle).unwrap();
    report.damage.into_iter().map(|damage| (damage.position, damage.count, damage.kind)).collect()
}

fn lines(bundle: &[u8]) -> Vec<String> {
    String::from_utf8(bundle.to_vec()).unwrap().split_inclusive('\n').map(str::to_owned).collect()
}

#[test]
fn every_range_of_every_size_verifies() {
    let records = records(20);
    for size in 1..=20u64 {
        for from in 0..size {
            for to in from + 1..=size {
                let report = verify(&export(&records, from..to, size as usize)).unwrap();
                assert!(report.is_intact(), "{from}..{to} of {size}: {:?}", report.damage);
                assert_eq!((report.first, report.entries, report.tree_size()), (from, to - from, size));
            }
        }
    }
}

#[test]
fn empty_ranges_and_ranges_beyond_the_checkpoint_are_refused() {
    let records = records(5);
    for range in [3..3, 4..6, 6..7] {
        let result = evidence::write(&mut InMemory(records.clone()), range, &signed(&records, 5), Vec::new());
        assert!(matches!(result, Err(WriteError::Range { size: 5, .. })));
    }
}

#[test]
fn payloads_survive_byte_by_byte_whatever_they_are() {
    let mut records = records(6);
    records[2].payload = b"\"\\u0000\\\xc3\xa9 \x01 \n\t\r \xf0\x9f\x94\x91".to_vec();
    records[3].payload = vec![0xff, 0xfe, b'{', 0x80];
    records[4].payload = Vec::new();
    assert_eq!(kinds(&export(&records, 1..6, 6)), []);
}

#[test]
fn every_changed_byte_of_a_bundle_is_found() {
    let bundle = export(&records(9), 3..6, 9);
    let mut line = 0;
    for at in 0..bundle.len() {
        for mask in [0x01, 0x02, 0x20, 0x80, 0xff] {
            let mut changed = bundle.clone();
            changed[at] ^= mask;
            if let Ok(report) = verify(&changed) {
                assert!(!report.is_intact(), "byte {at} ^ {mask:#x}");
                if line > 0 && bundle[at] != b'\n' {
                    let named = |position| report.damage.iter().any(|damage| damage.position == position);
                    let range =
                        report.damage.iter().any(|d| matches!(d.kind, DamageKind::RootDiffers { .. }));
                    assert!(named(2 + line) || range, "byte {at} ^ {mask:#x}: {:?}", report.damage);
                }
            }
        }
        if bundle[at] == b'\n' {
            line += 1;
        }
    }
}

#[test]
fn every_truncation_of_a_bundle_is_found() {
    let bundle = export(&records(9), 3..6, 9);
    for length in 0..bundle.len() {
        if let Ok(report) = verify(&bundle[..length]) {
            assert!(!report.is_intact(), "cut to {length}");
        }
    }
}

#[test]
fn dropped_swapped_and_inserted_lines_are_named() {
    let records = records(12);
    let sound = lines(&export(&records, 2..10, 12));
    for at in 0..8 {
        let position = 2 + at as u64;
        let mut dropped = sound.clone();
        dropped.remove(1 + at);
        let kind = if at == 7 { DamageKind::CutOff } else { DamageKind::Missing };
        assert_eq!(kinds(dropped.concat().as_bytes()), [(position, 1, kind)]);

        let mut repeated = sound.clone();
        repeated.insert(1 + at, sound[1 + at].clone());
        assert_eq!(kinds(repeated.concat().as_bytes()), [(position, 1, DamageKind::Inserted)]);

        if at < 7 {
            let mut swapped = sound.clone();
            swapped.swap(1 + at, 2 + at);
            assert_eq!(kinds(swapped.concat().as_bytes()), [(position, 1, DamageKind::Reordered)]);
        }
    }
    let stranger = lines(&export(&records, 11..12, 12)).remove(1);
    let more = sound.concat() + &stranger;
    assert_eq!(kinds(more.as_bytes()), [(11, 1, DamageKind::Inserted)]);
    let garbage = sound.concat() + "\n";
    assert_eq!(kinds(garbage.as_bytes()), [(10, 1, DamageKind::GarbageAfterEnd { bytes: 1 })]);
}

#[test]
fn several_changed_payloads_are_all_named() {
    let sound = lines(&export(&records(12), 2..10, 12));
    let mut changed = sound.clone();
    for at in [2, 5] {
        changed[at] = changed[at].replace("session.command", "session.comment");
    }
    let expected = [(3, 1, DamageKind::ChangedPayload), (6, 1, DamageKind::ChangedPayload)];
    assert_eq!(kinds(changed.concat().as_bytes()), expected);
}

#[test]
fn an_entry_replaced_with_its_leaf_is_found_and_the_range_named() {
    let records = records(12);
    let mut forged = records.clone();
    forged[5].payload = b"{}".to_vec();
    let (mut sound, other) = (lines(&export(&records, 2..10, 12)), lines(&export(&forged, 2..10, 12)));
    sound[4].clone_from(&other[4]);
    assert_eq!(kinds(sound.concat().as_bytes()), [(2, 8, DamageKind::RootDiffers { size: 12 })]);
}

#[test]
fn headers_that_lie_are_found() {
    let records = records(12);
    let sound = String::from_utf8(export(&records, 2..10, 12)).unwrap();
    for (what, with) in [
        ("\"from\":2", "\"from\":3"),
        ("\"to\":10", "\"to\":9"),
        ("\"to\":10", "\"to\":11"),
        ("\"to\":10", "\"to\":18446744073709551615"),
        ("\"from\":2", "\"from\":18446744073709551615"),
        ("\"origin\":\"lodge", "\"origin\":\"other"),
    ] {
        assert!(!verify(sound.replacen(what, with, 1).as_bytes()).unwrap().is_intact(), "{with}");
    }
    for (what, with) in [("lodge-evidence/v1", "lodge-evidence/v2"), ("\"from\"", "\"form\""), ("{", "")] {
        let result = verify(sound.replacen(what, with, 1).as_bytes());
        assert!(matches!(result, Err(EvidenceError::Header(_))), "{with}");
    }
    let other = VerifierKey::new("other.example", signing_key().verifying_key().as_bytes()).unwrap();
    let same_name = ed25519_dalek::SigningKey::from_bytes(&[1; 32]).verifying_key();
    let same_name = VerifierKey::new(ORIGIN, same_name.as_bytes()).unwrap();
    for other in [other, same_name] {
        let result = evidence::verify(sound.as_bytes(), &other, &mut |_| ());
        assert!(matches!(result, Err(EvidenceError::OtherLog { .. })), "{other}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(verify(&bytes).is_err());
        let mut bundle = lines(&export(&records(4), 1..3, 4)).remove(0).into_bytes();
        bundle.extend(bytes);
        prop_assert!(!verify(&bundle).unwrap().is_intact());
    }
}
