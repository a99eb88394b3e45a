//! Appending, reading back, following.

use std::time::Duration;

use audit_log::hash::commitment;
use audit_log::{AppendError, MAX_READ, ReadError};
use event::{EncodedEvent, Timestamp};

use crate::fixture::{Fixture, START, all, details, kinds};

#[tokio::test]
async fn an_appended_event_is_read_back_byte_for_byte() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let event = fixture.event(7);
    let receipt = log.append(&event).await.unwrap();
    assert_eq!(receipt.position(), 1, "log.opened is the first");
    let entry = log.read(1..2).unwrap().remove(0);
    assert_eq!(entry.payload, event.encode().as_bytes());
    assert_eq!(entry.leaf.commitment, commitment(&entry.salt, &entry.payload));
    assert_eq!(
        (entry.leaf.time, entry.leaf.source.as_str(), entry.leaf.seq),
        (receipt.time(), "lodge/gate-1", 2)
    );
    assert_eq!(receipt.time(), Timestamp::from_micros(START));
    assert!(log.read(2..10).unwrap().is_empty());
    assert!(log.read(10..10).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_callers_each_get_their_own_position() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let tasks: Vec<_> = (0..200u64)
        .map(|number| {
            let (log, event) = (log.clone(), fixture.event(number));
            tokio::spawn(async move { (log.append(&event).await.unwrap().position(), event.encode()) })
        })
        .collect();
    let mut positions = Vec::new();
    for task in tasks {
        let (position, event) = task.await.unwrap();
        assert_eq!(log.read(position..position + 1).unwrap()[0].payload, event.as_bytes());
        positions.push(position);
    }
    positions.sort_unstable();
    assert_eq!(positions, (1..=200).collect::<Vec<_>>());
    let seqs: Vec<_> = all(&log).iter().map(|entry| entry.leaf.seq).collect();
    assert_eq!(seqs, (1..=201).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_batch_keeps_its_order_source_and_sequence() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let batch: Vec<(u64, EncodedEvent)> =
        (0..1000).map(|number| (number * 3, fixture.encoded(number))).collect();
    let receipt = log.append_batch("auditd/web-1", batch.clone()).await.unwrap();
    assert_eq!((receipt.first(), receipt.count()), (1, 1000));
    for (entry, (seq, event)) in log.read(1..1001).unwrap().iter().zip(&batch) {
        assert_eq!((entry.leaf.seq, entry.leaf.source.as_str()), (*seq, "auditd/web-1"));
        assert_eq!(entry.payload, event.as_bytes());
    }
    assert_eq!(log.append_batch("auditd/web-1", Vec::new()).await.unwrap().count(), 0);
    assert_eq!(log.append_batch("", Vec::new()).await, Err(AppendError::Source(0)));
    let long = "x".repeat(201);
    assert_eq!(log.append_batch(&long, batch).await, Err(AppendError::Source(201)));
    assert_eq!(log.size(), 1001);
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_log_goes_on() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let mut event = fixture.event(1);
    event.raw = Some("x".repeat(21 << 20));
    assert!(matches!(log.append(&event).await, Err(AppendError::TooLarge { .. })));
    event.raw = Some("x".repeat(20 << 20 >> 1));
    let many: Vec<_> = (0..8).map(|seq| (seq, event.encode())).collect();
    assert!(matches!(log.append_batch("a", many).await, Err(AppendError::TooLarge { .. })));
    let receipt = log.append(&event).await.unwrap();
    assert_eq!(
        log.read(receipt.position()..receipt.position() + 1).unwrap()[0].payload,
        event.encode().as_bytes()
    );
}

#[tokio::test]
async fn reads_cross_segments_and_stop_at_their_limits() {
    let fixture = Fixture::new();
    let mut config = fixture.config(&fixture.log_folder());
    config.segment_bytes = 10_000;
    let log = fixture.open_with(config).unwrap();
    for round in 0..20 {
        let batch = (0..300).map(|number| (round * 300 + number, fixture.encoded(number))).collect();
        log.append_batch("a", batch).await.unwrap();
    }
    assert!(log.health().segments > 15);
    let entries = log.read(5..6001).unwrap();
    assert_eq!(entries.len() as u64, MAX_READ);
    assert!(entries.iter().zip(5..).all(|(entry, position)| entry.position == position));
    for position in [0, 1, 255, 256, 300, 301, 511, 512, 5999, 6000] {
        assert_eq!(log.read(position..position + 1).unwrap()[0].position, position);
    }
    assert_eq!(all(&log).len(), 6001);
}

#[tokio::test]
async fn a_follower_sees_everything_in_order_and_only_what_is_published() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let mut follower = log.follow(0);
    assert_eq!(follower.next(10).await.unwrap()[0].position, 0);
    let writer = log.clone();
    let events: Vec<_> = (0..300).map(|number| fixture.event(number)).collect();
    let writing = tokio::spawn(async move {
        for event in &events {
            writer.append(event).await.unwrap();
        }
        writer.shutdown();
    });
    let mut seen = 1;
    loop {
        match follower.next(7).await {
            Ok(entries) => {
                assert!(!entries.is_empty() && entries.len() <= 7);
                for entry in entries {
                    assert_eq!(entry.position, seen);
                    seen += 1;
                }
                assert!(seen <= log.checkpoint().size);
            }
            Err(ReadError::Closed) => break,
            Err(error) => panic!("{error}"),
        }
    }
    writing.await.unwrap();
    assert_eq!((seen, follower.position()), (301, 301));
}

#[tokio::test]
async fn the_clock_going_back_leaves_log_time_where_it_is_and_is_recorded() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let before = log.append(&fixture.event(1)).await.unwrap();
    fixture.clock.set(Timestamp::from_micros(START - 60_000_000));
    let after = log.append(&fixture.event(2)).await.unwrap();
    assert_eq!(after.time(), before.time());
    fixture.clock.set(Timestamp::from_micros(START + 7_200_000_000));
    let later = log.append(&fixture.event(3)).await.unwrap();
    assert!(later.time() > after.time());
    let jumps = details(&log, "log.clock_jump");
    assert_eq!(jumps.len(), 2);
    assert_eq!(jumps[0]["before"], before.time().to_string());
    let times: Vec<_> = all(&log).iter().map(|entry| entry.leaf.time).collect();
    assert!(times.is_sorted());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overload_is_refused_and_recorded() {
    let fixture = Fixture::new();
    let mut config = fixture.config(&fixture.log_folder());
    config.queue_bytes = 4000;
    let log = fixture.open_with(config).unwrap();
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let (log, event) = (log.clone(), fixture.event(number));
            tokio::spawn(async move { log.append(&event).await })
        })
        .collect();
    let (mut taken, mut refused) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => taken += 1,
            Err(AppendError::Overloaded) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    log.shutdown();
    assert!(taken > 0 && refused > 0, "{taken} taken, {refused} refused");
    let events = details(&log, "log.overload");
    let told: u64 = events
        .iter()
        .filter(|detail| detail["queued_bytes"] != 0)
        .map(|detail| detail["refused"].as_u64().unwrap())
        .sum();
    assert!(told <= refused, "events tell of {told} of {refused}");
    assert_eq!(kinds(&log).len() as u64, log.size());
}

#[tokio::test]
async fn after_shutdown_nothing_is_taken_and_everything_is_published() {
    let fixture = Fixture::new();
    let log = fixture.open();
    log.append(&fixture.event(1)).await.unwrap();
    log.shutdown();
    log.shutdown();
    assert_eq!(log.append(&fixture.event(2)).await, Err(AppendError::Closed));
    assert_eq!(log.checkpoint().size, 2);
    assert_eq!(all(&log).len(), 2);
    assert!(!log.health().failed);
}

#[test]
fn a_thread_without_a_runtime_appends_too() {
    let fixture = Fixture::new();
    let log = fixture.open();
    assert_eq!(log.append_blocking(&fixture.event(1)).unwrap().position(), 1);
}

#[tokio::test]
async fn a_checkpoint_is_published_without_being_asked_for() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let mut follower = log.follow(1);
    log.append(&fixture.event(1)).await.unwrap();
    let entries = tokio::time::timeout(Duration::from_secs(20), follower.next(10)).await.unwrap().unwrap();
    assert_eq!(entries[0].position, 1);
}
