//! Entries that an archive gives back are re-hashed as those in the segments are, and every wrong one is named.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;

use audit_log::verify::{Checks, DamageKind, Report, verify_log_with};
use audit_log::{Sealed, SealedBody, SealedEntry, SealedError};
use event::Timestamp;
use proptest::prelude::*;

use crate::writer::*;

/// An archive that answers what it is told to.
#[derive(Clone, Debug, Default)]
struct Archive {
    end: u64,
    entries: Vec<SealedEntry>,
    /// Entries that cannot be read.
    lost: BTreeSet<u64>,
}

impl Archive {
    fn of(records: &[Record]) -> Archive {
        let entries = (0..).zip(records).map(|(position, record)| SealedEntry {
            position,
            leaf: record.leaf(),
            body: Some(SealedBody { salt: record.salt, payload: record.payload.clone() }),
        });
        Archive { end: records.len() as u64, entries: entries.collect(), lost: BTreeSet::new() }
    }
}

impl Sealed for Archive {
    fn end(&self) -> u64 {
        self.end
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<SealedEntry>, SealedError> {
        let lost = |position: &&u64| range.contains(*position);
        if let Some(position) = self.lost.iter().find(lost) {
            return Err(SealedError { position: *position, why: "the disk is gone".to_owned() });
        }
        let from = self.entries.len().min(range.start as usize);
        Ok(self.entries[from..self.entries.len().min(range.end as usize).max(from)].to_vec())
    }

    fn last_seq(&self, _source: &str) -> Option<u64> {
        None
    }

    fn last_time(&self) -> Option<Timestamp> {
        None
    }

    fn first_at(&self, _time: Timestamp) -> Result<u64, SealedError> {
        Ok(0)
    }
}

/// The small log with its first segment released; the archive holds that and the beginning of the second.
fn released() -> (tempfile::TempDir, Archive) {
    let (folder, records, _) = small_log();
    fs::remove_file(folder.path().join("wal/00000000000000000000.wal")).unwrap();
    (folder, Archive::of(&records[..10]))
}

fn verify(folder: &tempfile::TempDir, archive: &Archive) -> Report {
    let checks = Checks { sealed: Some(archive), ..Checks::default() };
    verify_log_with(folder.path(), &key(), &checks, &mut |_| ()).unwrap()
}

fn found(report: &Report) -> Vec<(u64, u64, &str, &DamageKind)> {
    let each = report.damage.iter();
    each.map(|damage| (damage.position, damage.count, damage.file.as_str(), &damage.kind)).collect()
}

#[test]
fn a_log_of_archive_and_segments_passes() {
    let (folder, mut archive) = released();
    for end in (7..=10).rev() {
        archive.end = end;
        archive.entries.truncate(end as usize);
        let report = verify(&folder, &archive);
        assert!(report.is_intact(), "{:?}", report.damage);
        assert_eq!((report.entries, report.pruned, report.tree_size()), (12, 0, 12));
    }
}

#[test]
fn every_changed_byte_of_an_answer_is_found_and_the_entry_is_named() {
    let (folder, sound) = released();
    let mut tried = 0;
    for at in 0..sound.entries.len() {
        let (leaf, payload) = (&sound.entries[at].leaf, &sound.entries[at].body.as_ref().unwrap().payload);
        let parts = [("leaf", leaf.len()), ("salt", 16), ("payload", payload.len())];
        for (part, byte) in
            parts.into_iter().flat_map(|(part, length)| (0..length).map(move |byte| (part, byte)))
        {
            for mask in [0x01, 0x20, 0xff] {
                let mut archive = sound.clone();
                let entry = &mut archive.entries[at];
                let body = entry.body.as_mut().unwrap();
                match part {
                    "leaf" => entry.leaf[byte] ^= mask,
                    "salt" => body.salt[byte] ^= mask,
                    _ => body.payload[byte] ^= mask,
                }
                let report = verify(&folder, &archive);
                let what =
                    format!("byte {byte} of the {part} of entry {at} ^ {mask:#x}: {:?}", report.damage);
                let (position, _, file, kind) = found(&report)[0];
                assert_eq!((position, file), (at as u64, "archive"), "{what}");
                let fits = match part {
                    "leaf" => matches!(kind, DamageKind::ChangedLeaf | DamageKind::MalformedEntry),
                    _ => *kind == DamageKind::ChangedPayload && report.damage_total == 1,
                };
                assert!(fits, "{what}");
                tried += 1;
            }
        }
    }
    assert!(tried > 3000);
}

#[test]
fn every_changed_byte_of_a_pruned_entrys_leaf_is_found() {
    let (folder, mut sound) = released();
    sound.entries.iter_mut().take(5).for_each(|entry| entry.body = None);
    let report = verify(&folder, &sound);
    assert!(report.is_intact(), "{:?}", report.damage);
    assert_eq!((report.entries, report.pruned), (7, 5));
    for at in 0..5 {
        for byte in 0..sound.entries[at].leaf.len() {
            let mut archive = sound.clone();
            archive.entries[at].leaf[byte] ^= 0x10;
            let report = verify(&folder, &archive);
            let (position, _, file, kind) = found(&report)[0];
            assert_eq!((position, file), (at as u64, "archive"));
            assert!(matches!(kind, DamageKind::ChangedLeaf | DamageKind::MalformedEntry), "{kind:?}");
        }
    }
}

#[test]
fn leaves_and_payloads_changed_together_are_found_by_the_root() {
    let (folder, mut archive) = released();
    let mut forged = Record::number(4);
    forged.payload = b"{}".to_vec();
    let body = SealedBody { salt: forged.salt, payload: forged.payload.clone() };
    archive.entries[4] = SealedEntry { position: 4, leaf: forged.leaf(), body: Some(body) };
    assert_eq!(found(&verify(&folder, &archive)), [(4, 1, "archive", &DamageKind::ChangedLeaf)]);
}

#[test]
fn a_changed_segment_beside_a_sound_copy_is_the_one_that_is_accused() {
    let (folder, archive) = released();
    let mut records = records(12);
    records[8].seq = 77;
    write_wal(folder.path(), &layout(&records, SMALL)[1..]);
    let file = "wal/00000000000000000007.wal";
    let report = verify(&folder, &archive);
    assert!(found(&report).contains(&(8, 1, file, &DamageKind::ChangedLeaf)), "{:?}", report.damage);
    assert!(report.damage.iter().all(|damage| damage.file == file), "{:?}", report.damage);
}

#[test]
fn entries_that_an_archive_does_not_give_are_named() {
    let (folder, sound) = released();
    let mut archive = sound.clone();
    archive.lost = BTreeSet::from([2, 8]);
    let report = verify(&folder, &archive);
    let lost = DamageKind::Unreadable { error: "the disk is gone".to_owned() };
    assert_eq!(found(&report), [(2, 1, "archive", &lost), (8, 1, "archive", &lost)]);
    assert_eq!(report.entries, 11);

    let mut archive = sound.clone();
    archive.entries.truncate(5);
    let nothing = DamageKind::Unreadable { error: "the archive gave nothing".to_owned() };
    let report = verify(&folder, &archive);
    assert_eq!(found(&report)[0], (5, 5, "archive", &nothing));
    assert!(report.damage[0].to_string().starts_with("entries 5 to 9: "), "{}", report.damage[0]);

    let mut archive = sound.clone();
    archive.entries.swap(3, 4);
    let report = verify(&folder, &archive);
    assert_eq!(found(&report)[0].0, 3);
    assert!(report.damage[0].to_string().contains("gave entry 4"), "{}", report.damage[0]);

    let mut archive = sound;
    archive.end = 5;
    archive.entries.truncate(5);
    let file = "wal/00000000000000000007.wal";
    assert_eq!(found(&verify(&folder, &archive)), [(5, 2, file, &DamageKind::Missing)]);
}

#[test]
fn swapped_and_repeated_entries_under_right_positions_are_found() {
    let (folder, sound) = released();
    let renumbered = |entries: Vec<SealedEntry>| {
        let numbered = (0..).zip(entries).map(|(position, entry)| SealedEntry { position, ..entry });
        Archive { entries: numbered.collect(), ..sound.clone() }
    };
    let mut swapped = sound.entries.clone();
    swapped.swap(3, 4);
    let report = verify(&folder, &renumbered(swapped));
    assert!(found(&report).contains(&(3, 2, "archive", &DamageKind::Reordered)), "{:?}", report.damage);
    let mut dropped = sound.entries.clone();
    dropped.remove(2);
    let report = verify(&folder, &renumbered(dropped));
    assert!(report.damage.iter().any(|damage| damage.position == 2), "{:?}", report.damage);
}

#[test]
fn bundles_are_needed_from_the_segments_on_and_compared_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let records = records(700);
    write_log(folder.path(), &records, &[&[600], &[100]]);
    fs::remove_file(folder.path().join("wal/00000000000000000000.wal")).unwrap();
    let archive = Archive::of(&records[..600]);
    let bundle = |index: u64| folder.path().join(format!("tile/entries/{index:03}"));
    fs::remove_file(bundle(0)).unwrap();
    assert_eq!(found(&verify(&folder, &archive)), []);
    let kept = fs::read(bundle(1)).unwrap();
    let mut bytes = kept.clone();
    bytes[77] ^= 1;
    fs::write(bundle(1), bytes).unwrap();
    let report = verify(&folder, &archive);
    assert_eq!(found(&report), [(257, 1, "tile/entries/001", &DamageKind::TileDiffers)]);
    fs::remove_file(bundle(1)).unwrap();
    assert_eq!(found(&verify(&folder, &archive)), []);
    fs::remove_file(folder.path().join("tile/entries/002.p/188")).unwrap();
    let report = verify(&folder, &archive);
    assert_eq!(found(&report), [(512, 188, "tile/entries/002.p/188", &DamageKind::TileMissing)]);
}

fn arbitrary_entry() -> impl Strategy<Value = SealedEntry> {
    let leaf = prop_oneof![
        any::<Vec<u8>>(),
        (0u64..12).prop_map(|number| Record::number(number).leaf()),
        Just(vec![1; 100_000]),
    ];
    let body = proptest::option::of((any::<[u8; 16]>(), any::<Vec<u8>>()));
    let body = body.prop_map(|body| body.map(|(salt, payload)| SealedBody { salt, payload }));
    (0u64..14, leaf, body).prop_map(|(position, leaf, body)| SealedEntry { position, leaf, body })
}

proptest! {
    #[test]
    fn arbitrary_answers_never_panic_and_never_pass(
        changes in proptest::collection::vec((0usize..10, arbitrary_entry()), 1..5),
        lost in proptest::collection::btree_set(0u64..12, 0..3),
    ) {
        let (folder, mut archive) = released();
        archive.lost = lost;
        for (at, entry) in changes {
            archive.entries[at] = entry;
        }
        let report = verify(&folder, &archive);
        prop_assert!(!report.is_intact());
        for damage in &report.damage {
            prop_assert!(!damage.to_string().is_empty());
        }
    }
}
