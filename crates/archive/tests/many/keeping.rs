//! What is sealed stays readable through the log, whatever is merged, dropped or rebuilt.

use std::fs;
use std::path::Path;
use std::time::Duration;

use archive::{Parts, Rebuild, SegmentName, Storage, verify};
use audit_log::{ReadError, Sealed};
use parquet::file::metadata::ParquetMetaDataReader;
use store::objects::DiskObjects;

use crate::fixture::{Fixture, Pair, numbers, read_all, runtime};

fn names(folder: &Path, suffix: &str) -> Vec<String> {
    let listed = DiskObjects::reader(folder).list("").unwrap();
    listed.into_iter().filter(|path| path.ends_with(suffix)).collect()
}

/// Verifies the objects against the log's tree; fails when anything is wrong.
fn assert_sound(pair: &Pair) {
    let tiles = |path: &str| pair.log.resource(path).map_err(std::io::Error::other);
    let checked = pair.archive.verify(Some(&tiles)).unwrap();
    assert_eq!(checked.problems, [], "{checked:?}");
    assert_eq!(checked.entries + checked.pruned, pair.archive.catalog().end());
}

#[test]
fn sealed_entries_leave_the_log_and_are_read_through_it() {
    let fixture = Fixture::new();
    let pair = fixture.open();
    pair.append(&fixture, 0..2000);
    let before = pair.everything();
    let size = pair.log.size();
    pair.archive.seal_up_to(&pair.log, size).unwrap();
    assert_eq!(pair.archive.catalog().end(), size);
    assert_eq!(pair.everything(), before);
    let segments = fs::read_dir(fixture.log_folder().join("wal")).unwrap().flatten();
    let wal = segments.filter(|entry| entry.path().extension().is_some_and(|kind| kind == "wal")).count();
    assert!(wal <= 2, "{wal} segments of the write-ahead log stayed");
    assert_sound(&pair);
    for position in [0, 1, 299, 300, 1234, size - 1] {
        assert_eq!(pair.log.prove(position, size).unwrap().position, position);
    }
    pair.close();

    let again = fixture.open();
    assert_eq!(again.everything()[..before.len()], before[..]);
    assert_eq!(again.archive.catalog().last_seq("file/test"), Some(1999));
    again.append(&fixture, 2000..2010);
    assert_eq!(numbers(&again.everything()), (0..2010).collect::<Vec<_>>());
    assert_sound(&again);
}

#[test]
fn the_running_sealer_takes_in_and_seals_what_comes() {
    let fixture = Fixture::new();
    let pair = fixture.open();
    let mut sealer = pair.archive.start(&pair.log).unwrap();
    pair.append(&fixture, 0..1000);
    let size = pair.log.size();
    wait(|| pair.archive.catalog().taken() == size && pair.archive.catalog().end() >= 900);
    let parts = pair.archive.catalog().parts();
    let mut at = 0;
    for part in &parts {
        assert_eq!(part.positions().start, at);
        at = part.positions().end;
    }
    assert_eq!(at, size);
    assert_eq!(pair.archive.failure(), None);
    sealer.stop();
    drop((sealer, parts));
    assert_eq!(numbers(&pair.everything()), (0..1000).collect::<Vec<_>>());
    pair.close();

    let again = fixture.open();
    assert_sound(&again);
    let _sealer = again.archive.start(&again.log).unwrap();
    again.append(&fixture, 1000..1400);
    let size = again.log.size();
    wait(|| again.archive.catalog().taken() == size && again.archive.catalog().end() >= 1200);
    assert_eq!(numbers(&again.everything()), (0..1400).collect::<Vec<_>>());
}

/// How many entries each segment has when so many bytes are enough for one.
fn rows_at(segment_bytes: u64) -> Vec<u64> {
    let mut fixture = Fixture::new();
    fixture.config.segment_rows = 1 << 17;
    fixture.config.segment_bytes = segment_bytes;
    let pair = fixture.open();
    pair.append(&fixture, 0..1000);
    pair.archive.seal_up_to(&pair.log, 1000).unwrap();
    assert_sound(&pair);
    let parts = pair.archive.catalog().parts();
    parts.iter().map(|part| part.positions().end - part.positions().start).collect()
}

#[test]
fn a_segment_that_has_enough_bytes_ends_with_its_block() {
    assert_eq!(rows_at(40_000), [256, 256, 256, 232]);
    let of_large_events = rows_at(4000);
    assert!(of_large_events.iter().all(|rows| *rows < 100), "{of_large_events:?}");
}

#[test]
fn small_segments_become_large_ones_and_the_small_ones_go() {
    let mut fixture = Fixture::new();
    fixture.config.segment_rows = 50;
    let pair = fixture.open();
    pair.append(&fixture, 0..1000);
    let before = pair.everything();
    pair.archive.seal_up_to(&pair.log, 1000).unwrap();
    assert_eq!(names(&fixture.archive_folder(), ".parquet").len(), 20);
    let held = pair.archive.catalog().parts();
    pair.archive.maintain(&pair.log).unwrap();
    assert_eq!(names(&fixture.archive_folder(), ".parquet").len(), 20 + 1, "they are still being read");
    assert_eq!(held[0].entries(&[0]).unwrap()[0].payload, before[0].1);
    drop(held);
    pair.archive.maintain(&pair.log).unwrap();
    let left = names(&fixture.archive_folder(), ".parquet");
    assert!(left.len() < 8, "{left:?}");
    assert_eq!(names(&fixture.archive_folder(), ".index").len(), left.len());
    assert_eq!(pair.everything(), before);
    assert_sound(&pair);
    pair.close();
    let again = fixture.open();
    assert_eq!(again.everything()[..before.len()], before[..]);
}

#[test]
fn a_name_alone_removes_nothing() {
    let mut fixture = Fixture::new();
    fixture.config.segment_rows = 50;
    let pair = fixture.open();
    pair.append(&fixture, 0..200);
    let before = pair.everything();
    pair.archive.seal_up_to(&pair.log, 200).unwrap();
    pair.close();
    let folder = fixture.archive_folder();
    let good = names(&folder, ".parquet");
    let wide = format!("{:020}-{:020}", 0, 200);
    for suffix in [".parquet", ".index"] {
        fs::write(folder.join(format!("{wide}{suffix}")), b"wrong").unwrap();
    }

    let pair = fixture.open();
    pair.archive.seal_up_to(&pair.log, 200).unwrap();
    let left = names(&folder, ".parquet");
    assert!(good.iter().all(|name| left.contains(name)), "{left:?}");
    pair.close();

    for suffix in [".parquet", ".index"] {
        fs::remove_file(folder.join(format!("{wide}{suffix}"))).unwrap();
    }
    let again = fixture.open();
    assert_eq!(again.everything()[..before.len()], before[..]);
}

/// How many rows each row group of a segment has.
fn row_groups(path: &Path) -> Vec<i64> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&fs::File::open(path).unwrap()).unwrap();
    metadata.row_groups().iter().map(|group| group.num_rows()).collect()
}

#[test]
fn segments_of_full_row_groups_are_merged_as_they_are() {
    let mut fixture = Fixture::new();
    fixture.config.segment_rows = 8192;
    let pair = fixture.open();
    (0..8).for_each(|part| pair.append(&fixture, part * 8192..(part + 1) * 8192));
    let before = pair.everything();
    pair.archive.seal_up_to(&pair.log, 65_536).unwrap();
    pair.archive.maintain(&pair.log).unwrap();
    pair.archive.maintain(&pair.log).unwrap();
    let left = names(&fixture.archive_folder(), ".parquet");
    assert_eq!(left.len(), 1);
    // Written again, they would be four.
    assert_eq!(row_groups(&fixture.archive_folder().join(&left[0])), [8192; 8]);
    assert!(pair.everything() == before);
    assert_sound(&pair);
    assert_eq!(pair.archive.failure(), None);
}

#[test]
fn what_is_too_old_is_dropped_after_an_event_and_its_proofs_stay() {
    let mut fixture = Fixture::new();
    fixture.config.retention = Some(Duration::from_secs(30 * 24 * 3600));
    let pair = fixture.open();
    pair.append(&fixture, 0..600);
    fixture.pass(20);
    pair.append(&fixture, 600..1200);
    let before = pair.everything();
    let size = pair.log.size();
    pair.archive.seal_up_to(&pair.log, size).unwrap();
    pair.archive.maintain(&pair.log).unwrap();
    assert_eq!(names(&fixture.archive_folder(), ".leaves").len(), 0, "nothing is old enough yet");
    fixture.pass(15);
    pair.archive.maintain(&pair.log).unwrap();
    pair.archive.maintain(&pair.log).unwrap();

    let status = pair.archive.status();
    assert_eq!((status.pruned_segments, status.pruned_entries), (2, 600));
    assert_eq!(names(&fixture.archive_folder(), ".leaves").len(), 2);
    assert_eq!(names(&fixture.archive_folder(), ".parquet").len() as u64, status.segments);
    assert!(matches!(pair.log.read(0..10), Err(ReadError::Pruned { from: 0, to: 600 })));
    let kept = read_all(&pair.log, 600);
    assert_eq!(kept[..before.len() - 600], before[600..]);
    assert_eq!(said_pruned(&kept), [(0, 300), (300, 600)]);
    runtime().block_on(pair.log.checkpoint_covering(pair.log.size())).unwrap();
    assert_eq!(pair.log.prove(5, size).unwrap().position, 5);
    assert_sound(&pair);
    pair.close();

    let again = fixture.open();
    assert_eq!(again.archive.status().pruned_entries, 600);
    assert!(matches!(again.log.read(599..601), Err(ReadError::Pruned { .. })));
    assert_eq!(again.archive.catalog().first_kept(3).unwrap(), 600);
    assert_sound(&again);
}

#[test]
fn a_lost_or_damaged_index_is_made_anew_and_loses_nothing() {
    let fixture = Fixture::new();
    let pair = fixture.open();
    pair.append(&fixture, 0..1000);
    let before = pair.everything();
    pair.archive.seal_up_to(&pair.log, pair.log.size()).unwrap();
    pair.close();
    let indexes = names(&fixture.archive_folder(), ".index");
    let path = |at: usize| fixture.archive_folder().join(&indexes[at]);
    let was = fs::read(path(0)).unwrap();
    fs::remove_file(path(0)).unwrap();
    fs::write(path(1), b"not an index").unwrap();

    let reader = DiskObjects::reader(&fixture.archive_folder());
    assert_eq!(verify(&reader, None, &mut |_| Ok(())).unwrap().problems.len(), 2);
    let again = fixture.open();
    assert_eq!(fs::read(path(0)).unwrap(), was);
    assert_eq!(again.everything()[..before.len()], before[..]);
    assert_sound(&again);
    fs::remove_file(path(2)).unwrap();
    assert_eq!(again.archive.rebuild(Rebuild::Unsound).unwrap().rebuilt, 1);
    let all = again.archive.rebuild(Rebuild::All).unwrap();
    assert_eq!((all.rebuilt, all.problems.len()), (all.segments, 0));
    assert_sound(&again);
}

#[test]
fn what_was_removed_under_an_open_archive_is_told() {
    let fixture = Fixture::new();
    let pair = fixture.open();
    pair.append(&fixture, 0..1000);
    pair.archive.seal_up_to(&pair.log, pair.log.size()).unwrap();
    let told = || {
        let status = pair.archive.look_over();
        (status.without_index, status.damaged.len(), status.failure)
    };
    assert_eq!(told(), (0, 0, None));
    let indexes = names(&fixture.archive_folder(), ".index");
    fs::remove_file(fixture.archive_folder().join(&indexes[1])).unwrap();
    assert_eq!(told(), (1, 0, None));
    pair.archive.rebuild(Rebuild::Unsound).unwrap();
    assert_eq!(told(), (0, 0, None));
    let data = names(&fixture.archive_folder(), ".parquet");
    fs::remove_file(fixture.archive_folder().join(&data[0])).unwrap();
    assert_eq!(told(), (0, 1, None));
    assert!(pair.archive.look_over().damaged[0].contains(&data[0]));
}

#[test]
fn only_entries_of_a_damaged_page_are_called_unreadable() {
    let mut fixture = Fixture::new();
    fixture.config.segment_rows = 1024;
    let pair = fixture.open();
    pair.append(&fixture, 0..1024);
    pair.archive.seal_up_to(&pair.log, 1024).unwrap();
    pair.close();
    let data = names(&fixture.archive_folder(), ".parquet");
    let path = fixture.archive_folder().join(&data[0]);
    let bytes = fs::read(&path).unwrap();
    let mut within = 0;
    for at in (0..bytes.len()).step_by(bytes.len() / 60) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        fs::write(&path, changed).unwrap();
        let reader = DiskObjects::reader(&fixture.archive_folder());
        let Ok(catalog) = archive::Catalog::open_reader(reader) else { continue };
        let Err(fault) = catalog.read(0..1024) else { continue };
        within += u32::from(fault.position > 0);
        let mut readable = 0;
        while readable < fault.position {
            readable = catalog.read(readable..fault.position).unwrap().last().unwrap().position + 1;
        }
        assert!(catalog.read(fault.position..fault.position + 1).is_err(), "byte {at}");
    }
    assert!(within > 0, "no byte damaged a later page alone");
}

#[test]
fn a_changed_segment_is_named_by_verify() {
    let fixture = Fixture::new();
    let pair = fixture.open();
    pair.append(&fixture, 0..900);
    pair.archive.seal_up_to(&pair.log, 900).unwrap();
    let data = names(&fixture.archive_folder(), ".parquet");
    let path = fixture.archive_folder().join(&data[1]);
    let bytes = fs::read(&path).unwrap();
    let tiles = |path: &str| pair.log.resource(path).map_err(std::io::Error::other);
    for at in (0..bytes.len()).step_by(bytes.len() / 40) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        fs::write(&path, changed).unwrap();
        let checked = pair.archive.verify(Some(&tiles)).unwrap();
        assert!(checked.problems.iter().all(|problem| problem.object.starts_with(&data[1][..20])));
        // A few bytes of a Parquet file say nothing that anybody reads.
        if checked.problems.is_empty() {
            assert_eq!(pair.everything().len() as u64, pair.log.size(), "byte {at}");
        }
    }
    fs::write(&path, &bytes).unwrap();
    assert_sound(&pair);
    fs::remove_file(&path).unwrap();
    let objects = DiskObjects::reader(&fixture.archive_folder());
    let missing = verify(&objects, None, &mut |_| Ok(())).unwrap();
    assert!(missing.problems.iter().any(|problem| problem.why.contains("gap")), "{missing:?}");
    pair.close();
    let refused = fixture.open_on(fixture.objects());
    assert!(refused.is_err_and(|error| error.to_string().contains("none that begins there")));
}

#[test]
fn one_process_at_a_time_writes_the_folder() {
    let fixture = Fixture::new();
    let first = Storage::folder(&fixture.archive_folder()).unwrap();
    assert!(Storage::folder(&fixture.archive_folder()).is_err());
    drop(first);
    assert!(Storage::folder(&fixture.archive_folder()).is_ok());
}

fn wait(mut ready: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if ready() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it did not happen within a minute");
}

#[test]
fn one_damaged_segment_does_not_keep_the_others_from_their_work() {
    let mut fixture = Fixture::new();
    fixture.config.segment_rows = 50;
    let pair = fixture.open();
    pair.append(&fixture, 0..1500);
    pair.archive.seal_up_to(&pair.log, 1500).unwrap();
    let data = names(&fixture.archive_folder(), ".parquet");
    let path = fixture.archive_folder().join(&data[2]);
    let mut bytes = fs::read(&path).unwrap();
    // Its first page, behind the four bytes with which every Parquet file begins.
    bytes[4..60].fill(0xff);
    fs::write(&path, bytes).unwrap();
    assert!(pair.archive.maintain(&pair.log).is_err());
    (0..3).for_each(|_| pair.archive.maintain(&pair.log).unwrap());
    let left = names(&fixture.archive_folder(), ".parquet");
    assert!(left.contains(&data[2]) && left.len() < 20, "{left:?}");
    assert!(pair.archive.status().damaged[0].starts_with(&data[2]), "{:?}", pair.archive.status());

    let mut fixture = fixture;
    pair.close();
    fixture.config.retention = Some(Duration::from_secs(24 * 3600));
    let pair = fixture.open();
    fixture.pass(2);
    assert!(pair.archive.maintain(&pair.log).is_err());
    (0..3).for_each(|_| pair.archive.maintain(&pair.log).unwrap());
    let damaged = SegmentName::parse(&data[2]).unwrap().0.positions();
    let kept = read_all(&pair.log, 1500);
    let said = said_pruned(&kept);
    assert!(said.iter().all(|(from, to)| *to <= damaged.start || damaged.end <= *from), "{said:?}");
    let dropped: u64 = said.iter().map(|(from, to)| to - from).sum();
    assert_eq!(dropped, 1500 - 50, "each is said once, and all but the damaged one are dropped: {said:?}");
    assert_eq!(pair.archive.status().pruned_entries, dropped);
}

#[test]
fn what_cannot_be_dropped_now_is_announced_once_and_dropped_later() {
    let mut fixture = Fixture::new();
    fixture.config.retention = Some(Duration::from_secs(24 * 3600));
    fixture.config.segment_rows = 50;
    let pair = fixture.open();
    pair.append(&fixture, 0..800);
    pair.archive.seal_up_to(&pair.log, 800).unwrap();
    fixture.pass(2);
    // What lies where the leaves should go cannot be replaced.
    let first = names(&fixture.archive_folder(), ".parquet").remove(0);
    let leaves = fixture.archive_folder().join(first.replace(".parquet", ".leaves"));
    fs::create_dir(&leaves).unwrap();
    (0..3).for_each(|_| assert!(pair.archive.maintain(&pair.log).is_err()));
    assert_eq!(said_pruned(&read_all(&pair.log, 800)), [(0, 50)]);
    assert_eq!(pair.archive.status().pruned_entries, 0);
    fs::remove_dir(&leaves).unwrap();
    pair.archive.maintain(&pair.log).unwrap();
    assert_eq!(pair.archive.status().pruned_entries, 800);
    // Others were merged meanwhile; what was announced was not, so that nothing is said twice.
    let said = said_pruned(&read_all(&pair.log, 800));
    assert!(said.len() < 16 && said.windows(2).all(|pair| pair[0].1 == pair[1].0), "{said:?}");
    assert_eq!((said[0].0, said[said.len() - 1].1), (0, 800));
}

/// What `log.pruned` events say has been dropped.
fn said_pruned(entries: &[(u64, Vec<u8>)]) -> Vec<(u64, u64)> {
    let events =
        entries.iter().filter_map(|(_, payload)| serde_json::from_slice::<serde_json::Value>(payload).ok());
    let pruned = events.filter(|event| event["kind"] == "log.pruned");
    pruned
        .map(|event| (event["detail"]["from"].as_u64().unwrap(), event["detail"]["to"].as_u64().unwrap()))
        .collect()
}

#[test]
fn verification_and_merging_do_not_wait_for_each_other() {
    let mut fixture = Fixture::new();
    fixture.config.segment_rows = 20;
    let pair = fixture.open();
    pair.append(&fixture, 0..1000);
    pair.archive.seal_up_to(&pair.log, 1000).unwrap();
    std::thread::scope(|scope| {
        let verifying = scope.spawn(|| (0..5).for_each(|_| assert_sound(&pair)));
        while !verifying.is_finished() {
            pair.archive.maintain(&pair.log).unwrap();
        }
        verifying.join().unwrap();
    });
    assert_sound(&pair);
}
