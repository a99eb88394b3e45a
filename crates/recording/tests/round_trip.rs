//! What is written is read: frames, order and times.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Place, output, session};
use proptest::prelude::*;
use recording::{Frame, RecordingError};

fn frames() -> impl Strategy<Value = Vec<(u64, Frame)>> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..3000).prop_map(bytes::Bytes::from);
    let frame = (0u32..3).prop_flat_map(move |channel| {
        prop_oneof![
            ("[a-z]{0,9}", any::<(u16, u16)>()).prop_map(move |(term, (columns, rows))| {
                Frame::Terminal { channel, term, columns, rows }
            }),
            ".{0,40}".prop_map(move |command| Frame::Command { channel, command }),
            bytes().prop_map(move |bytes| Frame::Output { channel, bytes }),
            bytes().prop_map(move |bytes| Frame::ErrorOutput { channel, bytes }),
            bytes().prop_map(move |bytes| Frame::Input { channel, bytes }),
            any::<(u16, u16)>().prop_map(move |(columns, rows)| Frame::Resize { channel, columns, rows }),
            any::<Option<u32>>().prop_map(move |exit_code| Frame::End { channel, exit_code }),
        ]
    });
    prop::collection::vec((0u64..5000, frame), 0..40)
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn frames_come_back_with_their_times(frames in frames()) {
        block_on(async {
            let place = Place::new();
            let (id, seal) = place.record(&frames).await;
            let read = place.frames(id);
            let mut at = Duration::ZERO;
            assert_eq!(read.len(), frames.len());
            for (timed, (wait_ms, frame)) in read.iter().zip(&frames) {
                at += Duration::from_millis(*wait_ms);
                assert_eq!((timed.offset, &timed.frame), (at, frame));
            }
            let reader = place.recordings.read(id).unwrap();
            assert_eq!(reader.verify().unwrap(), seal);
            assert_eq!(reader.seal().unwrap().unwrap(), seal);
            assert_eq!(place.recordings.sealed(id).unwrap().unwrap(), seal);
            assert_eq!(u128::from(seal.duration_ms), at.as_millis());
            assert_eq!(seal.frames, frames.len() as u64);
        });
    }
}

#[tokio::test]
async fn a_large_stream_comes_back_whole_and_in_order() {
    let place = Place::new();
    let (id, recorder) = place.start().await;
    let mut written = Vec::new();
    for number in 0..3000u32 {
        let line = format!("{number} {}\r\n", "x".repeat(number as usize % 4000));
        written.extend_from_slice(line.as_bytes());
        recorder.write(output(0, &line)).await.unwrap();
    }
    recorder.write(Frame::Output { channel: 0, bytes: vec![b'y'; 1_000_000].into() }).await.unwrap();
    written.extend_from_slice(&[b'y'; 1_000_000]);
    let seal = recorder.seal().await.unwrap();
    let mut read = Vec::new();
    for timed in place.frames(id) {
        let Frame::Output { bytes, .. } = timed.frame else { panic!("only output was written") };
        read.extend_from_slice(&bytes);
    }
    assert!(read == written, "the stream differs");
    assert!(seal.chunks > 20 && seal.stored_bytes < seal.bytes / 10, "{seal:?}");
    assert_eq!(place.recordings.read(id).unwrap().verify().unwrap(), seal);
}

#[tokio::test]
async fn time_never_goes_backwards() {
    let place = Place::new();
    let (id, recorder) = place.start().await;
    place.clock.advance(Duration::from_secs(10));
    recorder.write(output(0, "a")).await.unwrap();
    place.clock.set(event::Timestamp::EPOCH);
    recorder.write(output(0, "b")).await.unwrap();
    recorder.seal().await.unwrap();
    let offsets: Vec<Duration> = place.frames(id).iter().map(|timed| timed.offset).collect();
    assert_eq!(offsets, [Duration::from_secs(10); 2]);
}

#[tokio::test]
async fn sealing_twice_gives_the_same_seal_and_later_writes_fail() {
    let place = Place::new();
    let (id, recorder) = place.start().await;
    recorder.write(output(0, "a")).await.unwrap();
    let other = recorder.clone();
    let (first, second) = tokio::join!(recorder.seal(), other.seal());
    let first = first.unwrap();
    assert_eq!(second.unwrap(), first);
    assert_eq!(recorder.seal().await.unwrap(), first);
    assert!(matches!(recorder.write(output(0, "b")).await, Err(RecordingError::Sealed)));
    assert_eq!(place.frames(id).len(), 1);
    assert!(!place.file(id, "part").exists());
}

#[tokio::test]
async fn a_recording_is_never_overwritten() {
    let place = Place::new();
    let header = place.header();
    let recorder = place.recordings.start(header.clone()).await.unwrap();
    assert!(matches!(place.recordings.start(header.clone()).await, Err(RecordingError::Exists(_))));
    recorder.seal().await.unwrap();
    drop(recorder);
    assert!(matches!(place.recordings.start(header).await, Err(RecordingError::Exists(_))));
}

#[tokio::test]
async fn a_running_recording_is_read_as_far_as_it_goes() {
    let place = Place::new();
    let (id, recorder) = place.start().await;
    let mut reader = place.recordings.read(id).unwrap();
    assert!(reader.live() && reader.next_frame().unwrap().is_none());
    let mut durable = recorder.durable();
    recorder.write(output(0, "a")).await.unwrap();
    assert_eq!(durable.grown().await, Some(1));
    assert!(reader.next_frame().unwrap().is_some(), "the same reader goes on");
    assert!(reader.next_frame().unwrap().is_none());
    recorder.write(output(0, "b")).await.unwrap();
    recorder.seal().await.unwrap();
    assert!(reader.next_frame().unwrap().is_some(), "and follows to the end");
    assert!(reader.next_frame().unwrap().is_none());
    assert_eq!(reader.default_channel().unwrap(), Some(0));
    assert_eq!(durable.grown().await, Some(2));
    assert_eq!(durable.grown().await, None);
}

#[tokio::test]
async fn what_is_missing_is_said_to_be_missing() {
    let place = Place::new();
    let id = place.ambient.session_id();
    assert!(!place.recordings.exists(id));
    assert!(matches!(place.recordings.read(id), Err(RecordingError::Missing(missing)) if missing == id));
    let (id, _) = place.record(&session()).await;
    assert!(place.recordings.exists(id));
}
