//! Opening again: after a clean end, after a crash at any byte, after damage, after a rollback.

use std::fs;
use std::path::{Path, PathBuf};

use audit_log::note::NoteSigner;
use audit_log::{AuditLog, Checkpoint, Hash, LogConfig, OpenError, Rollback};
use event::{Ambient, Timestamp};
use store::vault::VaultError;

use crate::fixture::{Fixture, all, copy_folder, details, kinds, root_by_another_implementation, segments};

/// A small log of several batches whose folder is copied while it runs: the last segment has zeroed space.
async fn crashed(fixture: &Fixture) -> std::path::PathBuf {
    let log = fixture.open();
    for round in 0..4 {
        let batch = (0..3).map(|number| (round * 3 + number, fixture.encoded(number))).collect();
        log.append_batch("a", batch).await.unwrap();
        log.append(&fixture.event(round)).await.unwrap();
    }
    log.checkpoint_covering(log.size()).await.unwrap();
    let copy = fixture.snapshot("crashed");
    log.shutdown();
    copy
}

fn last_content_byte(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).unwrap()
}

fn check_whole(log: &AuditLog) {
    let checkpoint = log.checkpoint();
    assert_eq!(checkpoint.size, log.size());
    assert_eq!(root_by_another_implementation(log, checkpoint.size), checkpoint.root.0);
}

#[tokio::test]
async fn a_clean_end_is_told_from_a_crash() {
    let fixture = Fixture::new();
    fixture.open().shutdown();
    let log = fixture.open();
    log.append(&fixture.event(1)).await.unwrap();
    let crash = fixture.snapshot("crash");
    log.shutdown();
    let opened = details(&fixture.open(), "log.opened");
    assert_eq!(
        opened.iter().map(|detail| detail["clean"].as_bool().unwrap()).collect::<Vec<_>>(),
        [true, true, true]
    );
    let opened = details(&fixture.open_at(&crash).unwrap(), "log.opened");
    assert_eq!(opened.last().unwrap()["clean"], false);
}

#[tokio::test]
async fn sequences_log_time_and_key_go_on_after_a_restart() {
    let fixture = Fixture::new();
    let log = fixture.open();
    log.append(&fixture.event(1)).await.unwrap();
    let key = log.verifier_key();
    log.shutdown();
    fixture.clock.set(event::Timestamp::from_micros(crate::fixture::START - 5_000_000));
    let log = fixture.open();
    assert_eq!(log.verifier_key(), key);
    let entries = all(&log);
    assert_eq!(entries.iter().map(|entry| entry.leaf.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(entries.iter().map(|entry| entry.leaf.time).is_sorted());
    assert_eq!(details(&log, "log.clock_jump").len(), 1);
    check_whole(&log);
}

#[tokio::test]
async fn a_second_process_is_kept_out() {
    let fixture = Fixture::new();
    let log = fixture.open();
    assert!(matches!(fixture.open_at(&fixture.log_folder()), Err(OpenError::Locked { .. })));
    log.shutdown();
    fixture.open();
}

/// The checkpoint that every log begins with.
fn checkpoint_of_nothing(fixture: &Fixture, log: &Path) -> String {
    let sealed = fs::read(log.join("key.sealed")).unwrap();
    let seed = fixture.vault().unseal("audit-log/signing-key", &sealed).unwrap();
    let signer = NoteSigner::new("lodge.example.com/log", seed[..].try_into().unwrap()).unwrap();
    Checkpoint::sign(&signer, 0, Hash::empty_root()).note
}

#[tokio::test]
async fn a_log_that_lost_its_checkpoint_is_refused() {
    let fixture = Fixture::new();
    let crash = crashed(&fixture).await;
    fs::remove_file(crash.join("checkpoint")).unwrap();
    assert!(matches!(fixture.open_at(&crash), Err(OpenError::CheckpointMissing { size: 17, .. })));
}

#[tokio::test]
async fn a_log_that_holds_less_than_is_remembered_is_refused() {
    let fixture = Fixture::new();
    let crash = crashed(&fixture).await;
    let remembered = Some(fs::read_to_string(crash.join("checkpoint")).unwrap());
    fs::write(crash.join("checkpoint"), checkpoint_of_nothing(&fixture, &crash)).unwrap();
    for part in ["wal", "tile"] {
        fs::remove_dir_all(crash.join(part)).unwrap();
    }
    let config = LogConfig { remembered, ..fixture.config(&crash) };
    assert!(matches!(fixture.open_with(config), Err(OpenError::Older { size: 0, remembered: 17 })));
}

/// With the checkpoint of no entries, as if the crash came before any other: any cut must then lose only the batch that it tears.
#[tokio::test]
async fn a_crash_at_every_byte_loses_no_batch_before_it() {
    let fixture = Fixture::new();
    let crash = crashed(&fixture).await;
    let segment = segments(&crash).pop().unwrap();
    let bytes = fs::read(&segment).unwrap();
    let end = last_content_byte(&bytes) + 1;
    fs::write(crash.join("checkpoint"), checkpoint_of_nothing(&fixture, &crash)).unwrap();
    let mut sizes = Vec::new();
    for cut in (end - 900..=end).chain([0, 10, 31, 32, 33, 60]) {
        let folder = fixture.folder.path().join("cut");
        copy_folder(&crash, &folder);
        fs::write(folder.join("wal").join(segment.file_name().unwrap()), &bytes[..cut]).unwrap();
        let key = folder.join("key.sealed");
        let opened = fixture.open_at(&folder);
        let log = opened.unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
        let detail = details(&log, "log.opened").pop().unwrap();
        assert_eq!(detail["size"].as_u64().unwrap() + 1, log.size());
        if cut > end - 900 && cut < end {
            sizes.push(log.size());
        }
        check_whole(&log);
        assert!(key.exists());
        log.shutdown();
        drop(log);
        fs::remove_dir_all(&folder).unwrap();
    }
    assert!(sizes.is_sorted() && sizes.first() < sizes.last(), "{sizes:?}");
}

#[tokio::test]
async fn entries_missing_below_the_checkpoint_are_a_rollback_and_nothing_is_changed() {
    let fixture = Fixture::new();
    let crash = crashed(&fixture).await;
    let segment = segments(&crash).pop().unwrap();
    let bytes = fs::read(&segment).unwrap();
    let cut = &bytes[..last_content_byte(&bytes) - 10];
    fs::write(&segment, cut).unwrap();
    match fixture.open_at(&crash) {
        Err(OpenError::RolledBack { size: 16, published: 17 }) => {}
        other => panic!("{:?}", other.err()),
    }
    assert_eq!(fs::read(&segment).unwrap(), cut);
    assert!(fixture.open_at(&crash).is_err(), "a second try must not succeed either");
}

#[tokio::test]
async fn every_flipped_byte_is_noticed() {
    let fixture = Fixture::new();
    let crash = crashed(&fixture).await;
    let segment = segments(&crash).pop().unwrap();
    let bytes = fs::read(&segment).unwrap();
    for at in (0..=last_content_byte(&bytes)).step_by(7) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x40;
        fs::write(&segment, &flipped).unwrap();
        match fixture.open_at(&crash) {
            Err(OpenError::Damaged { .. } | OpenError::RolledBack { .. }) => {}
            other => panic!("byte {at}: {:?}", other.err()),
        }
        assert_eq!(fs::read(&segment).unwrap(), flipped, "nothing is changed");
    }
    fs::write(&segment, &bytes).unwrap();
    check_whole(&fixture.open_at(&crash).unwrap());
}

#[tokio::test]
async fn an_entry_replaced_with_a_right_checksum_is_noticed_by_the_root() {
    let fixture = Fixture::new();
    let crash = crashed(&fixture).await;
    let segment = segments(&crash).pop().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    // The first record of the first batch: change its leaf's sequence number and mend the checksum.
    let record = 32 + 24;
    let length = u32::from_le_bytes(bytes[record..record + 4].try_into().unwrap()) as usize;
    bytes[record + 8 + 2 + 16] ^= 1;
    let checksum = crc32c::crc32c(&bytes[record + 8..record + 8 + length]);
    bytes[record + 4..record + 8].copy_from_slice(&checksum.to_le_bytes());
    fs::write(&segment, &bytes).unwrap();
    assert!(matches!(fixture.open_at(&crash), Err(OpenError::Root { size: 17 })));
}

async fn many_segments(fixture: &Fixture) {
    let mut config = fixture.config(&fixture.log_folder());
    config.segment_bytes = 20_000;
    let log = fixture.open_with(config).unwrap();
    for round in 0..10 {
        let batch = (0..150).map(|number| (round * 150 + number, fixture.encoded(number))).collect();
        log.append_batch("a", batch).await.unwrap();
    }
    log.checkpoint_covering(log.size()).await.unwrap();
    log.shutdown();
}

#[tokio::test]
async fn a_missing_segment_is_named() {
    let fixture = Fixture::new();
    many_segments(&fixture).await;
    let paths = segments(&fixture.log_folder());
    assert!(paths.len() > 4);
    for (missing, path) in paths.iter().enumerate() {
        let folder = fixture.snapshot(&format!("without-{missing}"));
        let path = folder.join("wal").join(path.file_name().unwrap());
        let first: u64 = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        fs::remove_file(path).unwrap();
        match fixture.open_at(&folder) {
            Err(OpenError::Damaged { position, .. }) => assert_eq!(position, first),
            Err(OpenError::RolledBack { size, .. }) => assert_eq!(size, first),
            // The newest one may hold nothing yet; it is made again.
            Ok(_) => assert_eq!(missing + 1, paths.len()),
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn lost_and_damaged_indexes_are_rebuilt() {
    let fixture = Fixture::new();
    many_segments(&fixture).await;
    let folder = fixture.log_folder();
    let indexes = || {
        let entries = fs::read_dir(folder.join("wal")).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|end| end == "idx")).collect::<Vec<_>>()
    };
    let before: Vec<_> = indexes();
    assert!(before.len() > 4);
    let kept: Vec<_> = before.iter().map(|path| fs::read(path).unwrap()).collect();
    fs::remove_file(&before[0]).unwrap();
    fs::write(&before[1], b"nonsense").unwrap();
    fs::copy(&before[3], &before[2]).unwrap();
    let log = fixture.open();
    check_whole(&log);
    log.shutdown();
    assert_eq!(before.iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>(), kept);
}

#[tokio::test]
async fn lost_torn_and_changed_tiles_are_written_again_after_a_crash() {
    let fixture = Fixture::new();
    many_segments(&fixture).await;
    let folder = fixture.log_folder();
    fs::remove_file(folder.join("tiles.synced")).unwrap();
    let tile = |path: &str| folder.join("tile").join(path);
    let kept = fs::read(tile("0/001")).unwrap();
    fs::write(tile("0/001"), &kept[..100]).unwrap();
    fs::remove_file(tile("0/002")).unwrap();
    fs::write(tile("entries/000"), b"").unwrap();
    let log = fixture.open();
    check_whole(&log);
    assert_eq!(fs::read(tile("0/001")).unwrap(), kept);
    for position in 0..log.size() {
        log.prove(position, log.size()).unwrap();
    }
}

/// Partial tiles are not synced either, and a verifier looks at every one that is there.
#[tokio::test]
async fn partial_tiles_torn_by_a_crash_are_mended_or_removed() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let mut folders = Vec::new();
    for number in 0..3 {
        log.append(&fixture.event(number)).await.unwrap();
        log.checkpoint_covering(log.size()).await.unwrap();
        folders.push(fixture.snapshot(&format!("crash-{number}")));
    }
    let key = log.verifier_key().parse().unwrap();
    log.shutdown();
    let folder = folders.pop().unwrap();
    let tile = |path: &str| folder.join("tile").join(path);
    fs::write(tile("0/000.p/2"), b"").unwrap();
    fs::write(tile("entries/000.p/3"), b"torn").unwrap();
    let newest = fs::read(tile("0/000.p/4")).unwrap();
    fs::write(tile("0/000.p/4"), [0; 128]).unwrap();
    fs::remove_file(tile("entries/000.p/4")).unwrap();
    let log = fixture.open_at(&folder).unwrap();
    check_whole(&log);
    log.shutdown();
    assert_eq!(fs::read(tile("0/000.p/4")).unwrap(), newest, "the published checkpoint has its tiles");
    assert!(tile("entries/000.p/4").exists() && tile("0/000.p/3").exists());
    assert!(!tile("0/000.p/2").exists() && !tile("entries/000.p/3").exists());
    let report = audit_log::verify::verify_log(&folder, &key, &mut |_| ()).unwrap();
    assert!(report.is_intact(), "{:?}", report.damage);
}

/// A crash may come between the writing of a full tile and the removal of its partial versions.
#[tokio::test]
async fn partial_tiles_left_beside_a_full_one_are_removed() {
    let fixture = Fixture::new();
    many_segments(&fixture).await;
    let folder = fixture.log_folder();
    fs::remove_file(folder.join("tiles.synced")).unwrap();
    let partials = folder.join("tile/0/001.p");
    fs::create_dir(&partials).unwrap();
    fs::write(partials.join("17"), b"torn").unwrap();
    check_whole(&fixture.open());
    assert!(!partials.exists());
}

#[tokio::test]
async fn a_hint_that_lies_about_tiles_is_not_trusted() {
    let fixture = Fixture::new();
    many_segments(&fixture).await;
    let folder = fixture.log_folder();
    fs::write(folder.join("tile/0/001"), [7; 8192]).unwrap();
    fs::remove_file(folder.join("tile/0/003")).unwrap();
    let log = fixture.open();
    check_whole(&log);
    log.shutdown();
    fs::write(folder.join("tiles.synced"), "99999999999\n").unwrap();
    check_whole(&fixture.open());
}

#[tokio::test]
async fn leftovers_of_a_crash_do_no_harm() {
    let fixture = Fixture::new();
    let crash = crashed(&fixture).await;
    for name in ["checkpoint.new", "tiles.synced.new", "key.sealed.new", "wal/note.txt", "wal/17.wal"] {
        fs::write(crash.join(name), b"half").unwrap();
    }
    let next = crash.join("wal").join(format!("{:020}.wal", 17));
    fs::write(&next, &b"LODGEWAL"[..5]).unwrap();
    let log = fixture.open_at(&crash).unwrap();
    check_whole(&log);
    assert!(!next.exists(), "a segment that was never begun goes away");
}

#[tokio::test]
async fn a_foreign_key_origin_or_checkpoint_is_refused() {
    let fixture = Fixture::new();
    let crash = crashed(&fixture).await;
    let refuse = |change: &dyn Fn(&Path), name: &str| {
        let folder = fixture.folder.path().join(name);
        copy_folder(&crash, &folder);
        change(&folder);
        fixture.open_at(&folder).err().unwrap_or_else(|| panic!("{name} was taken"))
    };
    let error = refuse(&|folder| fs::remove_file(folder.join("key.sealed")).unwrap(), "no-key");
    assert!(matches!(error, OpenError::KeyMissing { .. }), "{error}");
    let error = refuse(&|folder| fs::write(folder.join("key.sealed"), b"x").unwrap(), "bad-key");
    assert!(matches!(error, OpenError::Key { .. }), "{error}");
    let error = refuse(&|folder| fs::write(folder.join("checkpoint"), b"x").unwrap(), "bad-checkpoint");
    assert!(matches!(error, OpenError::Checkpoint { .. }), "{error}");
    let error = refuse(
        &|folder| {
            fs::remove_file(folder.join("key.sealed")).unwrap();
            fs::remove_dir_all(folder.join("wal")).unwrap();
        },
        "no-key-no-entries",
    );
    assert!(matches!(error, OpenError::KeyMissing { .. }), "{error}");
    let shown = fs::read(crash.join("log.vkey")).unwrap();
    let mut config = fixture.config(&crash);
    config.origin = "other.example.com/log".into();
    assert!(matches!(fixture.open_with(config).err(), Some(OpenError::Checkpoint { .. })));
    assert_eq!(fs::read(crash.join("log.vkey")).unwrap(), shown);
    let mut config = fixture.config(&fixture.folder.path().join("fresh"));
    config.origin = "with space".into();
    assert!(matches!(fixture.open_with(config).err(), Some(OpenError::Config(_))));
}

/// A copy of a log, and the checkpoint over two more entries than it has.
async fn restored(fixture: &Fixture, name: &str) -> (PathBuf, String) {
    let log = fixture.open();
    log.append(&fixture.event(1)).await.unwrap();
    log.shutdown();
    let copy = fixture.snapshot(name);
    let log = fixture.open();
    log.append(&fixture.event(2)).await.unwrap();
    log.shutdown();
    (copy, log.checkpoint().note)
}

#[tokio::test]
async fn a_rollback_is_refused_unless_it_is_accepted_and_then_it_is_the_first_event() {
    let fixture = Fixture::new();
    let (copy, note) = restored(&fixture, "copy").await;
    let remembered = Checkpoint::parse(&note).unwrap();
    let refuse = LogConfig { remembered: Some(note.clone()), ..fixture.config(&copy) };
    let accept = LogConfig { rollback: Rollback::Accept, ..refuse.clone() };
    let error = fixture.open_with(refuse.clone()).err().unwrap();
    assert!(matches!(error, OpenError::Older { size: 2, remembered: 4 }), "{error}");
    assert!(error.to_string().contains("--accept-rollback"), "{error}");

    let found = Checkpoint::parse(&fs::read_to_string(copy.join("checkpoint")).unwrap()).unwrap();
    let log = fixture.open_with(accept.clone()).unwrap();
    assert_eq!(kinds(&log)[2..], ["log.rolled_back", "log.opened"]);
    let told = details(&log, "log.rolled_back").remove(0);
    assert_eq!(
        (told["size"].as_u64(), told["published"].as_u64(), told["lost"].as_u64()),
        (Some(2), Some(4), Some(2))
    );
    assert_eq!(told["root"], found.root.to_string());
    assert_eq!(told["published_root"], remembered.root.to_string());
    log.shutdown();

    // The process ended before the new checkpoint was remembered: the log is as long again, and another one.
    let error = fixture.open_with(refuse).err().unwrap();
    assert!(matches!(error, OpenError::Forked { size: 4, .. }), "{error}");
    let log = fixture.open_with(accept).unwrap();
    assert_eq!(details(&log, "log.rolled_back").len(), 2);
    let newest = log.checkpoint_covering(log.size()).await.unwrap().note;
    log.shutdown();
    let again = LogConfig { remembered: Some(newest), ..fixture.config(&copy) };
    assert_eq!(details(&fixture.open_with(again).unwrap(), "log.rolled_back").len(), 2);
}

#[tokio::test]
async fn accepting_a_rollback_opens_neither_a_fork_nor_another_log() {
    let fixture = Fixture::new();
    let (copy, note) = restored(&fixture, "copy").await;
    let accept = |folder: &Path, note: &str| LogConfig {
        remembered: Some(note.to_owned()),
        rollback: Rollback::Accept,
        ..fixture.config(folder)
    };
    // The copy went on by itself, and is as long as what is remembered, or longer.
    for events in 0..2 {
        let log = fixture.open_at(&copy).unwrap();
        log.append(&fixture.event(10 + events)).await.unwrap();
        log.shutdown();
        let error = fixture.open_with(accept(&copy, &note)).err().unwrap();
        assert!(matches!(error, OpenError::Forked { size: 4, .. }), "{error}");
    }
    let other = fixture.folder.path().join("other");
    fixture.open_at(&other).unwrap().shutdown();
    let error = fixture.open_with(accept(&other, &note)).err().unwrap();
    assert!(matches!(error, OpenError::Remembered { .. }), "{error}");
    // Where nothing was rolled back, accepting it changes nothing.
    let log = fixture.open_with(accept(&fixture.log_folder(), &note)).unwrap();
    assert!(details(&log, "log.rolled_back").is_empty());
}

#[tokio::test]
async fn a_damaged_signing_key_is_told_from_a_wrong_master_key() {
    let fixture = Fixture::new();
    let crash = crashed(&fixture).await;
    let sealed = fs::read(crash.join("key.sealed")).unwrap();
    let said = |fixture: &Fixture, bytes: &[u8]| {
        fs::write(crash.join("key.sealed"), bytes).unwrap();
        match fixture.open_at(&crash).err().unwrap() {
            OpenError::Key { source, .. } => source,
            error => panic!("{error}"),
        }
    };
    let mut flipped = sealed.clone();
    flipped[40] ^= 1;
    assert!(matches!(said(&fixture, &flipped), VaultError::Damaged { .. }));
    assert!(matches!(said(&fixture, &sealed[..50]), VaultError::Damaged { .. }));
    let stranger = Fixture { ambient: Ambient::fixed(Timestamp::from_micros(0), 99).0, ..Fixture::new() };
    assert!(matches!(said(&stranger, &sealed), VaultError::Open { .. }));
}

#[tokio::test]
async fn the_files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    many_segments(&fixture).await;
    let folder = fixture.log_folder();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for name in ["", "wal", "tile", "tile/0"] {
        assert_eq!(mode(&folder.join(name)), 0o700, "{name}");
    }
    for name in [
        "LOCK",
        "checkpoint",
        "key.sealed",
        "ballast",
        "tiles.synced",
        "tile/0/000",
        "wal/00000000000000000000.wal",
    ] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
}
