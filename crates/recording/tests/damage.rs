//! What a crash, a fault or a hand does to a file: a prefix survives, and nothing altered passes.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::{Place, output, session};
use event::SessionId;
use proptest::prelude::*;
use recording::{Flaw, Frame, RecordingError, Timed};

/// A `.part` of several chunks, as a crash would leave it, and the frames in it.
async fn part(place: &Place) -> (SessionId, Vec<u8>, Vec<Timed>) {
    let (id, recorder) = place.start().await;
    let mut durable = recorder.durable();
    for (_, frame) in session() {
        recorder.write(frame).await.unwrap();
    }
    durable.grown().await;
    for _ in 0..3 {
        recorder.write(Frame::Output { channel: 9, bytes: vec![b'z'; 130_000].into() }).await.unwrap();
    }
    recorder.write(output(0, "last")).await.unwrap();
    recorder.seal().await.unwrap();
    let bytes = fs::read(place.file(id, "rec")).unwrap();
    let frames = place.frames(id);
    fs::remove_file(place.file(id, "rec")).unwrap();
    (id, bytes, frames)
}

#[tokio::test]
async fn truncation_at_every_byte_recovers_a_prefix() {
    let place = Place::new();
    let (id, bytes, frames) = part(&place).await;
    let mut most = 0;
    for length in 0..=bytes.len() {
        fs::write(place.file(id, "part"), &bytes[..length]).unwrap();
        let recovered = place.recordings.recover().unwrap();
        assert_eq!(recovered.len(), 1);
        let Some(seal) = &recovered[0].seal else {
            assert_eq!((recovered[0].discarded_bytes, &recovered[0].header), (length as u64, &None));
            assert!(!place.recordings.exists(id));
            continue;
        };
        assert_eq!(seal.truncated, length < bytes.len(), "only the whole file is sealed as it was");
        let saved = place.frames(id);
        assert_eq!(saved, frames[..saved.len()]);
        assert!(saved.len() >= most, "a longer file never saves less");
        most = saved.len();
        assert_eq!(&place.recordings.read(id).unwrap().verify().unwrap(), seal);
        fs::remove_file(place.file(id, "rec")).unwrap();
    }
    assert_eq!(most, frames.len());
}

#[tokio::test]
async fn every_changed_byte_is_found() {
    let place = Place::new();
    let (id, seal) = place.record(&session()).await;
    let path = place.file(id, "rec");
    let bytes = fs::read(&path).unwrap();
    let reader = place.recordings.read(id).unwrap();
    assert_eq!(reader.verify_against(&seal.root).unwrap(), seal);
    for at in 0..bytes.len() {
        for change in [1, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            fs::write(&path, &changed).unwrap();
            let damage = reader.verify().expect_err("a changed byte passed");
            assert!(damage.position <= at as u64, "{damage} for byte {at}");
            // Reading on meets it too, at the latest at the seal, and never panics.
            if let Ok(reader) = place.recordings.read(id) {
                assert!(reader.take_while(Result::is_ok).count() <= session().len());
            }
        }
    }
    for length in 0..bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        assert!(reader.verify().is_err(), "cut at {length}");
    }
    fs::write(&path, [bytes.as_slice(), &[0]].concat()).unwrap();
    assert_eq!(reader.verify().unwrap_err().flaw, Flaw::Trailing);
    fs::write(&path, &bytes).unwrap();
    assert_eq!(reader.verify_against(&[0; 32]).unwrap_err().flaw, Flaw::Root);
}

#[tokio::test]
async fn damage_names_the_chunk_and_its_time() {
    let place = Place::new();
    let (id, bytes, _) = part(&place).await;
    let path = place.file(id, "rec");
    let mut changed = bytes.clone();
    let middle = changed.len() - 150;
    changed[middle] ^= 1;
    fs::write(&path, &changed).unwrap();
    let damage = place.recordings.read(id).unwrap().verify().unwrap_err();
    assert!(damage.chunk >= 2 && damage.flaw == Flaw::Checksum, "{damage}");
    assert!(damage.to_string().starts_with("recording damaged in chunk "), "{damage}");
}

#[tokio::test]
async fn a_recording_under_another_name_is_refused() {
    let place = Place::new();
    let (id, _) = place.record(&session()).await;
    let other = place.ambient.session_id();
    fs::rename(place.file(id, "rec"), place.file(other, "rec")).unwrap();
    assert!(
        matches!(place.recordings.read(other), Err(RecordingError::Damaged(damage)) if damage.flaw == Flaw::Session)
    );
}

#[tokio::test]
async fn recovery_leaves_running_recordings_alone_and_keeps_damaged_tails() {
    let place = Place::new();
    let (running, recorder) = place.start().await;
    let (id, bytes, _) = part(&place).await;
    let mut damaged = bytes.clone();
    let middle = damaged.len() - 150;
    damaged[middle] ^= 1;
    fs::write(place.file(id, "part"), &damaged).unwrap();
    let recovered = place.recordings.recover().unwrap();
    assert_eq!(recovered.iter().map(|one| one.session).collect::<Vec<_>>(), [id]);
    let torn = fs::read(place.file(id, "torn")).unwrap();
    assert_eq!(torn.len() as u64, recovered[0].discarded_bytes);
    assert!(damaged.ends_with(&torn));
    recorder.write(output(0, "still here")).await.unwrap();
    assert_eq!(recorder.seal().await.unwrap().frames, 1);
    assert_eq!(place.frames(running).len(), 1);
}

#[tokio::test]
async fn a_recorder_dropped_without_a_seal_is_recovered() {
    let place = Place::new();
    let (id, recorder) = place.start().await;
    let mut durable = recorder.durable();
    recorder.write(output(0, "kept")).await.unwrap();
    durable.grown().await;
    drop(recorder);
    drop(durable);
    let recovered = loop {
        let recovered = place.recordings.recover().unwrap();
        if !recovered.is_empty() {
            break recovered;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(recovered[0].header.as_ref().unwrap().user, "alice");
    assert!(recovered[0].seal.as_ref().unwrap().truncated);
    assert_eq!(place.frames(id).len(), 1);
}

/// Fills a 256 KiB file system while recording to it.
#[tokio::test]
async fn a_full_disk_fails_the_recorder_for_good_and_loses_nothing_written() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
        .arg(folder.path())
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        eprintln!("skipped: mounting a tmpfs needs root");
        return;
    }
    let mut place = Place::new();
    place.recordings = recording::Recordings::open(folder.path(), place.ambient.clone()).unwrap();
    let (id, recorder) = place.start().await;
    let error = loop {
        let noise: Vec<u8> = (0..8).flat_map(|_| place.ambient.random::<1024>()).collect();
        if let Err(error) = recorder.write(Frame::Output { channel: 0, bytes: noise.into() }).await {
            break error;
        }
    };
    assert!(error.to_string().contains("No space left"), "{error}");
    assert!(
        matches!(recorder.write(output(0, "x")).await, Err(RecordingError::Io { .. })),
        "the error is sticky"
    );
    assert!(matches!(recorder.seal().await, Err(RecordingError::Io { .. })));
    let durable = recorder.durable().frames();
    drop(recorder);
    let recovered = loop {
        match place.recordings.recover() {
            Ok(recovered) if recovered.is_empty() => tokio::task::yield_now().await,
            other => break other,
        }
    };
    let recovered = recovered.unwrap();
    let seal = recovered[0].seal.as_ref().unwrap();
    assert!(seal.truncated && seal.frames >= durable, "{seal:?} {durable}");
    assert_eq!(&place.recordings.read(id).unwrap().verify().unwrap(), seal);
    let unmounted = std::process::Command::new("umount").arg(folder.path()).status().unwrap();
    assert!(unmounted.success());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn arbitrary_files_are_refused_or_recovered(bytes: Vec<u8>, with_magic: bool) {
        let place = Place::new();
        let id = place.ambient.session_id();
        let start: &[u8] = if with_magic { b"lodge/recording/v1\n" } else { b"" };
        fs::write(place.file(id, "part"), [start, &bytes].concat()).unwrap();
        prop_assert!(place.recordings.read(id).is_err());
        prop_assert_eq!(place.recordings.recover().unwrap()[0].seal.clone(), None);
        recording::decode_any(&bytes);
    }
}
