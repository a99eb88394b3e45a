//! Sound logs pass; missing, foreign, older and newer parts are named.

use std::fs;
use std::path::Path;

use audit_log::Hash;
use audit_log::verify::{
    Checks, DamageKind, InconsistentError, Level, Report, Tail, VerifierKey, VerifyError, consistent,
    verify_log, verify_log_with,
};
use ed25519_dalek::SigningKey;

use crate::writer::*;

pub fn verify(folder: &Path) -> Report {
    verify_log(folder, &key(), &mut |_| ()).unwrap()
}

fn with(folder: &Path, checks: &Checks) -> Report {
    verify_log_with(folder, &key(), checks, &mut |_| ()).unwrap()
}

fn kinds(report: &Report) -> Vec<(u64, u64, DamageKind)> {
    report.damage.iter().map(|damage| (damage.position, damage.count, damage.kind.clone())).collect()
}

#[test]
fn a_sound_log_passes() {
    let (folder, ..) = small_log();
    let report = verify(folder.path());
    assert!(report.is_intact(), "{:?}", report.damage);
    assert_eq!((report.entries, report.tree_size(), report.beyond_checkpoint), (12, 12, 0));
    assert_eq!((report.level, report.origin.as_str()), (Level::Detecting, ORIGIN));
}

#[test]
fn logs_of_every_size_around_a_tile_pass() {
    for size in [0u64, 1, 2, 255, 256, 257, 511, 512, 513, 700] {
        let folder = tempfile::tempdir().unwrap();
        write_log(folder.path(), &records(size), &[&[300], &[200, 1, 199]]);
        let report = verify(folder.path());
        assert!(report.is_intact(), "{size}: {:?}", report.damage);
        assert_eq!((report.entries, report.tree_size()), (size, size));
    }
}

#[test]
fn a_log_with_tiles_of_three_levels_passes_and_each_level_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let records = records(66_000);
    write_log(folder.path(), &records, &[&[30_000, 5_000], &[31_000]]);
    let mut seen = 0;
    let report = verify_log(folder.path(), &key(), &mut |progress| seen = progress.entries).unwrap();
    assert!(report.is_intact(), "{:?}", report.damage);
    assert_eq!((report.entries, seen), (66_000, 65_536));

    for (file, position, count) in
        [("tile/2/000.p/1", 0, 65_536), ("tile/1/000", 256 * 3, 256), ("tile/1/001.p/1", 65_536, 256)]
    {
        let sound = fs::read(folder.path().join(file)).unwrap();
        let mut bytes = sound.clone();
        let at = if bytes.len() > 32 { 3 * 32 } else { 5 };
        bytes[at] ^= 4;
        write_file(folder.path(), file, &bytes);
        assert_eq!(kinds(&verify(folder.path())), [(position, count, DamageKind::TileDiffers)], "{file}");
        write_file(folder.path(), file, &sound);
    }
}

#[test]
fn the_plain_writers_tiles_are_those_of_another_implementation() {
    struct All(Vec<tlog_tiles::Hash>);
    impl tlog_tiles::HashReader for All {
        fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
            Ok(indexes.iter().map(|at| self.0[*at as usize]).collect())
        }
    }
    let records = records(700);
    let mut all = All(Vec::new());
    for (at, record) in records.iter().enumerate() {
        let more = tlog_tiles::stored_hashes(at as u64, &record.leaf(), &all).unwrap();
        all.0.extend(more);
    }
    let files = tiles(&records);
    let theirs = tlog_tiles::Tile::new_tiles(8, 0, 700);
    assert_eq!(theirs.len(), files.keys().filter(|file| !file.contains("entries")).count());
    for tile in theirs {
        let file = tile.path().replace("tile/8/", "tile/");
        assert_eq!(files[&file], tile.read_data(&all).unwrap(), "{file}");
    }
}

#[test]
fn entries_behind_the_checkpoint_are_counted() {
    let (folder, records, _) = small_log();
    write_file(folder.path(), "checkpoint", checkpoint(&records, 7).as_bytes());
    let report = verify(folder.path());
    assert_eq!(kinds(&report), [], "a wider tile serves as well");
    assert_eq!((report.entries, report.tree_size(), report.beyond_checkpoint), (12, 7, 5));

    // Tiles are derived, so behind the checkpoint they may be missing, and old partial ones may stay.
    write_tiles(folder.path(), &records[..7]);
    for (file, bytes) in tiles(&records[..4]) {
        write_file(folder.path(), &file, &bytes);
    }
    assert_eq!(kinds(&verify(folder.path())), []);
}

#[test]
fn a_missing_segment_is_named_and_the_rest_is_still_checked() {
    let (folder, ..) = small_log();
    fs::remove_file(folder.path().join("wal/00000000000000000000.wal")).unwrap();
    let report = verify(folder.path());
    assert_eq!(kinds(&report), [(0, 7, DamageKind::Missing)]);
    assert_eq!(report.entries, 5);

    let (folder, ..) = small_log();
    fs::remove_file(folder.path().join("wal/00000000000000000007.wal")).unwrap();
    assert_eq!(kinds(&verify(folder.path())), [(7, 5, DamageKind::CutOff)]);
    fs::remove_dir_all(folder.path().join("wal")).unwrap();
    assert_eq!(kinds(&verify(folder.path())), [(0, 12, DamageKind::CutOff)]);
    fs::remove_dir_all(folder.path().join("tile")).unwrap();
    assert_eq!(verify(folder.path()).damage[0].kind, DamageKind::CutOff);
}

#[test]
fn what_is_no_log_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(verify_log(folder.path(), &key(), &mut |_| ()), Err(VerifyError::NotALog(_))));
}

#[test]
fn a_key_of_another_log_is_no_damage_whatever_its_name() {
    let (folder, ..) = small_log();
    let other = VerifierKey::new("other.example/log", signing_key().verifying_key().as_bytes()).unwrap();
    let error = verify_log(folder.path(), &other, &mut |_| ()).unwrap_err();
    assert!(matches!(error, VerifyError::OtherLog { .. }), "{error}");

    let other = SigningKey::from_bytes(&[1; 32]).verifying_key();
    let other = VerifierKey::new(ORIGIN, other.as_bytes()).unwrap();
    let error = verify_log(folder.path(), &other, &mut |_| ()).unwrap_err();
    assert!(matches!(error, VerifyError::OtherLog { .. }), "{error}");
    for key in [&key(), &other] {
        let shown = key.to_string();
        assert!(
            error.to_string().contains(&shown.splitn(3, '+').take(2).collect::<Vec<_>>().join("+")),
            "{error} names {shown}"
        );
    }
}

#[test]
fn a_missing_checkpoint_is_damage() {
    let (folder, ..) = small_log();
    fs::remove_file(folder.path().join("checkpoint")).unwrap();
    assert_eq!(kinds(&verify(folder.path())), [(0, 1, DamageKind::CheckpointMissing)]);
}

#[test]
fn indexes_of_segments_belong_to_a_log_and_others_do_not() {
    let (folder, ..) = small_log();
    write_file(folder.path(), "wal/00000000000000000000.idx", b"derived");
    assert_eq!(kinds(&verify(folder.path())), []);
    for stray in ["wal/00000000000000000001.idx", "wal/0.idx", "wal/notes.txt"] {
        write_file(folder.path(), stray, b"derived");
        let report = verify(folder.path());
        assert_eq!(kinds(&report), [(0, 1, DamageKind::StrayFile)], "{stray}");
        assert_eq!(report.damage[0].file, stray);
        fs::remove_file(folder.path().join(stray)).unwrap();
    }
}

#[test]
fn missing_and_stray_tiles_are_named() {
    let (folder, _, _) = small_log();
    fs::remove_file(folder.path().join("tile/0/000.p/12")).unwrap();
    let report = verify(folder.path());
    assert_eq!(kinds(&report), [(0, 12, DamageKind::TileMissing)]);
    assert_eq!(report.damage[0].file, "tile/0/000.p/12");

    for stray in
        ["tile/0/000", "tile/0/000.p/13", "tile/1/000.p/1", "tile/0/000.tmp", "tile/9/x001/000", "wal/x"]
    {
        let (folder, _, _) = small_log();
        write_file(folder.path(), stray, &[0; 8]);
        let report = verify(folder.path());
        assert!(report.damage.iter().any(|d| d.kind == DamageKind::StrayFile && d.file == stray), "{stray}");
    }
}

#[test]
fn a_folder_or_a_pipe_in_place_of_a_file_is_named() {
    let (folder, ..) = small_log();
    for file in ["wal/00000000000000000007.wal", "tile/entries/000.p/12", "checkpoint"] {
        let (bytes, path) = (fs::read(folder.path().join(file)).unwrap(), folder.path().join(file));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let report = verify(folder.path());
        let unreadable = |kind: &DamageKind| matches!(kind, DamageKind::Unreadable { .. });
        assert!(report.damage.iter().any(|d| d.file == file && unreadable(&d.kind)), "{:?}", report.damage);
        fs::remove_dir(&path).unwrap();
        fs::write(&path, bytes).unwrap();
    }
}

#[test]
fn log_time_and_own_sequence_must_rise() {
    let mut records = records(12);
    records[4].time -= 5000;
    records[9].seq = 9;
    records[6].source = "kubernetes/a".to_owned();
    records[6].seq = 1;
    let folder = tempfile::tempdir().unwrap();
    write_log(folder.path(), &records, SMALL);
    let expected = [(4, 1, DamageKind::TimeBackwards), (9, 1, DamageKind::SequenceNotRising)];
    assert_eq!(kinds(&verify(folder.path())), expected);
}

#[test]
fn an_unfinished_write_is_damage_at_rest_and_none_while_somebody_writes() {
    let (folder, records, _) = small_log();
    let more = [records.clone(), vec![Record::number(12), Record::number(13)]].concat();
    let (bytes, spans) = segment(7, &layout(&more, &[&[7], &[2, 3, 2]])[1]);
    let file = "wal/00000000000000000007.wal";
    let begin = spans.iter().find(|span| span.position == 12).unwrap().bytes.start;
    let end = spans.last().unwrap().bytes.start;
    for cut in begin + 1..end {
        for padding in [0, 10] {
            write_file(folder.path(), file, &[&bytes[..cut], &vec![0; padding]].concat());
            let report = with(folder.path(), &Checks { tail: Tail::BeingWritten, ..Checks::default() });
            assert!(report.is_intact(), "cut at {cut}: {:?}", report.damage);
            // Cut between two records of a batch, nothing is there of the second.
            assert!(report.unfinished_bytes > 0 || report.entries == 13, "cut at {cut}");
            assert!((12..=13).contains(&report.entries));
            assert!(!verify(folder.path()).is_intact(), "cut at {cut}");
        }
    }
}

#[test]
fn remembered_checkpoints_find_rollback_and_fork() {
    let (folder, records, _) = small_log();
    let earlier = |notes: Vec<String>| Checks {
        earlier: notes.into_iter().map(String::into_bytes).collect(),
        ..Checks::default()
    };
    let sound = (0..=12).map(|size| checkpoint(&records, size)).collect();
    let report = with(folder.path(), &earlier(sound));
    assert!(report.is_intact(), "{:?}", report.damage);
    assert_eq!(report.level, Level::Evident);

    let mut longer = records.clone();
    longer.extend((12..20).map(Record::number));
    let report = with(folder.path(), &earlier(vec![checkpoint(&longer, 20)]));
    assert_eq!(kinds(&report), [(12, 1, DamageKind::Rollback { signed: 20 })]);

    let mut forked = records.clone();
    forked[5].payload = b"{}".to_vec();
    let report = with(folder.path(), &earlier(vec![checkpoint(&records, 4), checkpoint(&forked, 8)]));
    assert_eq!(kinds(&report), [(4, 4, DamageKind::Fork { size: 8 })]);
    let report = with(folder.path(), &earlier(vec![checkpoint(&forked, 12)]));
    assert_eq!(kinds(&report), [(0, 12, DamageKind::Fork { size: 12 })]);

    // An older checkpoint was put back, though the entries are all there.
    write_file(folder.path(), "checkpoint", checkpoint(&records, 6).as_bytes());
    let report = with(folder.path(), &earlier(vec![checkpoint(&records, 9)]));
    assert_eq!(kinds(&report), [(6, 1, DamageKind::Rollback { signed: 9 })]);

    let unsigned = sign(4, [0; 32], &SigningKey::from_bytes(&[1; 32]));
    let error = verify_log_with(folder.path(), &key(), &earlier(vec![unsigned]), &mut |_| ()).unwrap_err();
    assert!(matches!(error, VerifyError::Earlier { number: 1, .. }));
}

#[test]
fn two_checkpoints_of_one_size_never_both_pass() {
    let records = records(12);
    let (one, two) = (checkpoint(&records, 8), sign(8, [7; 32], &signing_key()));
    assert!(consistent(one.as_bytes(), one.as_bytes(), &[], &key()).is_ok());
    for proof in [vec![], vec![Hash([7; 32])]] {
        let result = consistent(one.as_bytes(), two.as_bytes(), &proof, &key());
        assert_eq!(result, Err(InconsistentError::Fork { old: 8, new: 8 }));
    }
    let older = checkpoint(&records, 4);
    let right = Hash(tree_hash(&hashes_of(&records[4..8])));
    assert_eq!(consistent(older.as_bytes(), one.as_bytes(), &[right], &key()).unwrap().size(), 8);
    let back = consistent(one.as_bytes(), older.as_bytes(), &[right], &key());
    assert_eq!(back, Err(InconsistentError::Rollback { old: 8, new: 4 }));
}
