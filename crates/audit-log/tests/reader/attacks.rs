//! Attackers who know the format: they fix every checksum, renumber, rebuild the tiles, and lack only the key.

use audit_log::verify::{DamageKind, Report, VerifyError};

use crate::whole::verify;
use crate::writer::*;

/// Rewrites the segments (positions and checksums right) and, if so told, the tiles; the checkpoint stays.
fn forge(forged: &[Record], rebuild_tiles: bool) -> Report {
    let (folder, ..) = small_log();
    write_wal(folder.path(), &layout(forged, SMALL_AND_MORE));
    if rebuild_tiles {
        write_tiles(folder.path(), forged);
    }
    verify(folder.path())
}

/// As the small log, with room for inserted entries.
const SMALL_AND_MORE: &[&[usize]] = &[&[3, 1, 3], &[2, 3, 9]];

fn first(report: &Report) -> (u64, u64, DamageKind) {
    let damage = report.damage.first().expect("the attack is found");
    (damage.position, damage.count, damage.kind.clone())
}

fn has(report: &Report, position: u64, kind: &DamageKind) -> bool {
    report.damage.iter().any(|damage| damage.position == position && damage.kind == *kind)
}

#[test]
fn a_payload_replaced_with_its_checksum_is_named() {
    for at in 0..12 {
        let mut forged = records(12);
        forged[at].commitment = Some(forged[at].commitment());
        forged[at].payload = b"{\"kind\":\"nothing\"}".to_vec();
        for rebuild in [false, true] {
            let report = forge(&forged, rebuild);
            assert_eq!(first(&report), (at as u64, 1, DamageKind::ChangedPayload));
            assert_eq!(report.damage_total, 1);
        }
    }
}

#[test]
fn a_payload_replaced_with_its_leaf_is_named() {
    for at in 0..12 {
        let mut forged = records(12);
        forged[at].payload = b"{\"kind\":\"nothing\"}".to_vec();
        let report = forge(&forged, false);
        assert_eq!(first(&report), (at as u64, 1, DamageKind::ChangedLeaf), "{:?}", report.damage);
        assert_eq!(report.damage_total, 1);
        // Once the tiles are rebuilt too, nothing but the signed root is left, and that names the range.
        let report = forge(&forged, true);
        assert_eq!(first(&report), (0, 12, DamageKind::RootDiffers { size: 12 }));
    }
}

#[test]
fn an_entry_dropped_and_the_rest_renumbered_is_named() {
    for at in 0..12 {
        let mut forged = records(12);
        forged.remove(at);
        let report = forge(&forged, false);
        let kind = if at == 11 { DamageKind::CutOff } else { DamageKind::Missing };
        assert_eq!(first(&report), (at as u64, 1, kind), "{at}: {:?}", report.damage);
        let report = forge(&forged, true);
        assert!(has(&report, 11, &DamageKind::CutOff), "{:?}", report.damage);
    }
}

#[test]
fn an_entry_dropped_from_its_batch_is_named() {
    for (segment, batch, at) in [(0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 1, 0), (0, 2, 1), (1, 0, 0), (1, 1, 1)]
    {
        let (folder, records, _) = small_log();
        let mut segments = layout(&records, SMALL);
        let position = segments[segment][batch].first + at as u64;
        segments[segment][batch].records.remove(at);
        segments[segment].retain(|batch| !batch.records.is_empty());
        write_wal(folder.path(), &segments);
        let report = verify(folder.path());
        assert!(has(&report, position, &DamageKind::Missing), "{position}: {:?}", report.damage);
        assert_eq!(report.damage[0].position, position, "{:?}", report.damage);
    }
}

#[test]
fn swapped_entries_are_named() {
    for at in 0..12 {
        for other in at + 1..12 {
            let mut forged = records(12);
            forged.swap(at, other);
            let report = forge(&forged, false);
            assert!(has(&report, at as u64, &DamageKind::Reordered), "{at} {other}: {:?}", report.damage);
            assert_eq!(report.damage[0].position, at as u64);
            assert!(!forge(&forged, true).is_intact());
        }
    }
}

#[test]
fn inserted_and_repeated_entries_are_named() {
    for at in 0..=12 {
        let mut inserted = records(12);
        inserted.insert(at, Record { payload: b"{}".to_vec(), ..Record::number(at.min(11) as u64) });
        let mut repeated = records(12);
        repeated.insert(at, Record::number(at.min(11) as u64));
        for (forged, how) in [(inserted, "inserted"), (repeated, "repeated")] {
            for rebuild in [false, true] {
                let report = forge(&forged, rebuild);
                if at == 12 {
                    // Behind the checkpoint it is the next entry; only its sequence number betrays it.
                    assert_eq!(first(&report), (12, 1, DamageKind::SequenceNotRising), "{how}");
                    continue;
                }
                assert!(!report.is_intact(), "{how} at {at}");
                if !rebuild {
                    // Of two equal ones it is the second that stands where it should not; and where all that follows
                    // lies behind the checkpoint, another entry looks like a changed one.
                    let position = if how == "repeated" { at as u64 + 1 } else { at as u64 };
                    let kind = if position == 11 { DamageKind::ChangedLeaf } else { DamageKind::Inserted };
                    let near = has(&report, position, &kind) || (position == 12 && !report.is_intact());
                    assert!(near, "{how} at {at}: {:?}", report.damage);
                }
            }
        }
    }
}

#[test]
fn a_changed_leaf_with_the_same_payload_is_named() {
    let changes: [fn(&mut Record); 3] =
        [|r| r.time += 1, |r| r.source = "lodge/gate-2".to_owned(), |r| r.seq = r.seq.wrapping_add(1 << 40)];
    for at in 0..12 {
        for change in changes {
            let mut forged = records(12);
            change(&mut forged[at]);
            let report = forge(&forged, false);
            assert_eq!(first(&report), (at as u64, 1, DamageKind::ChangedLeaf), "{:?}", report.damage);
            let report = forge(&forged, true);
            assert!(has(&report, 0, &DamageKind::RootDiffers { size: 12 }), "{:?}", report.damage);
        }
    }
}

#[test]
fn every_cut_between_batches_is_found() {
    let sizes: [&[&[usize]]; 4] = [&[&[3]], &[&[3, 1]], &[&[3, 1, 3]], &[&[3, 1, 3], &[2]]];
    for sizes in sizes {
        let (folder, records, _) = small_log();
        let left: usize = sizes.iter().copied().flatten().sum();
        write_wal(folder.path(), &layout(&records, sizes));
        let expected = (left as u64, 12 - left as u64, DamageKind::CutOff);
        assert_eq!(first(&verify(folder.path())), expected);
        write_tiles(folder.path(), &records[..left]);
        assert!(has(&verify(folder.path()), left as u64, &DamageKind::CutOff));
    }
}

#[test]
fn tiles_rebuilt_around_another_hash_do_not_shift_the_blame_to_the_entries() {
    let (folder, mut records, _) = small_log();
    records[3].payload = b"{}".to_vec();
    write_tiles(folder.path(), &records);
    let report = verify(folder.path());
    assert_eq!(first(&report), (3, 1, DamageKind::TileDiffers));
    assert_eq!(report.damage_total, 2, "the tile and the bundle: {:?}", report.damage);
}

#[test]
fn a_checkpoint_signed_with_another_key_does_not_pass() {
    let (folder, mut records, _) = small_log();
    records[3].payload = b"{}".to_vec();
    write_log(folder.path(), &records, SMALL);
    let root = tree_hash(&hashes_of(&records));
    let note = sign(12, root, &ed25519_dalek::SigningKey::from_bytes(&[1; 32]));
    write_file(folder.path(), "checkpoint", note.as_bytes());
    let error = audit_log::verify::verify_log(folder.path(), &key(), &mut |_| ()).unwrap_err();
    assert!(matches!(error, VerifyError::OtherLog { .. }), "{error}");
    assert!(error.to_string().contains("put there in place"), "{error}");
}

#[test]
fn positions_beyond_reason_cost_no_time() {
    let (folder, records, _) = small_log();
    let mut segments = layout(&records, SMALL);
    for batch in &mut segments[1] {
        batch.first += 1 << 61;
    }
    write_wal(folder.path(), &segments);
    assert!(has(&verify(folder.path()), 7, &DamageKind::Missing));
}
