//! Lines become records: every one that is not blank, whatever it holds.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use bytes::Bytes;
use event::{Ambient, EncodedEvent, Outcome, Record, RecordView, Timestamp};
use ingest::{Chunk, Cut, Format, MAX_BATCH_LINES, MAX_LINE_BYTES, Reading, SOURCES, read, source};
use proptest::prelude::*;

fn ambient() -> Ambient {
    Ambient::fixed(Timestamp::from_micros(1_773_500_966_000_000), 7).0
}

fn chunk(body: &Bytes) -> Chunk<'_> {
    Chunk { body, offset: 100, line: 11, file: "/var/log/a", name: "prod", id: "file/x/prod/1", cut: None }
}

fn read_all(format: &dyn Format, body: &[u8]) -> Reading {
    read(format, &chunk(&Bytes::copy_from_slice(body)), &ambient()).unwrap()
}

fn kubernetes() -> &'static dyn Format {
    source("kubernetes").unwrap()
}

fn ndjson() -> &'static dyn Format {
    source("ndjson").unwrap()
}

/// Checks what holds of everything that was read.
fn check(body: &[u8], reading: &Reading) {
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    assert_eq!(reading.lines, lines as u64);
    assert!(reading.events.len() >= lines, "every line leaves something");
    assert!(reading.events.is_sorted_by_key(|(seq, _)| *seq));
    let mut places: Vec<u64> = reading.events.iter().map(|(seq, _)| *seq).collect();
    places.dedup();
    assert_eq!(places.len(), lines, "every line leaves something of its own");
    let mut rejected = 0;
    for (seq, event) in &reading.events {
        assert!((100..=100 + body.len() as u64).contains(seq));
        RecordView::parse(event.as_bytes()).unwrap();
        let record = Record::parse(event.as_bytes()).unwrap();
        rejected += u64::from(record.kind() == "source.rejected_record" && record.actor.user == "ingest");
        assert_eq!(EncodedEvent::from_json(event.as_bytes().to_vec()).unwrap(), *event);
    }
    assert!(rejected >= reading.rejected);
}

#[test]
fn the_public_samples_become_events_to_the_last() {
    for (text, failures) in [
        (include_str!("samples/audit2rbac.ndjson"), 2),
        (include_str!("samples/falco.ndjson"), 0),
        (include_str!("samples/perfspec.ndjson"), 4),
    ] {
        let reading = read_all(kubernetes(), text.as_bytes());
        check(text.as_bytes(), &reading);
        assert_eq!((reading.rejected, reading.events.len()), (0, text.lines().count()));
        for ((_, event), line) in reading.events.iter().zip(text.lines()) {
            let record = Record::parse(event.as_bytes()).unwrap();
            assert_eq!(record.body.detail, serde_json::from_str::<serde_json::Value>(line).unwrap());
            let whole = String::from_utf8_lossy(event.as_bytes()).into_owned();
            assert!(whole.contains(line.trim()), "the record stays as it came");
            assert!(record.time < Timestamp::from_micros(1_773_500_966_000_000), "its own time is read");
        }
        let unlike = reading
            .events
            .iter()
            .filter(|(_, event)| Record::parse(event.as_bytes()).unwrap().outcome != Outcome::Success);
        assert_eq!(unlike.count(), failures, "{text}");
    }
}

#[test]
fn a_bad_line_says_what_it_is_and_the_rest_goes_on() {
    let body = b"{\"a\":1}\nnot json \x1b[2J\n\n\xff\xfe{}\n{\"a\":2}";
    let reading = read_all(ndjson(), body);
    check(body, &reading);
    assert_eq!((reading.lines, reading.rejected, reading.events.len()), (4, 2, 4));
    let record = |at: usize| Record::parse(reading.events[at].1.as_bytes()).unwrap();
    let (json, utf8) = (record(1), record(2));
    assert_eq!((json.kind(), json.outcome), ("source.rejected_record", Outcome::Failure));
    assert_eq!(
        (json.body.detail["line"].as_u64(), json.body.detail["offset"].as_u64()),
        (Some(12), Some(108))
    );
    assert_eq!(json.body.detail["beginning"], "not json \x1b[2J");
    assert_eq!((utf8.body.detail["line"].as_u64(), utf8.body.detail["bytes"].as_u64()), (Some(14), Some(4)));
    assert_eq!(utf8.body.detail["cause"], "the line is not UTF-8");
    assert_eq!(reading.events.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [108, 122, 128, 135]);
}

#[test]
fn a_line_of_a_mebibyte_is_an_event() {
    for format in SOURCES {
        let line = format!(
            "{{\"kind\":\"Event\",\"auditID\":\"a\",\"verb\":\"get\",\"long\":\"{} colormatic\"}}\n",
            "x".repeat(1 << 20)
        );
        let reading = read_all(*format, line.as_bytes());
        assert_eq!((reading.rejected, reading.events.len()), (0, 1), "{}", format.name());
        assert!(reading.events[0].1.as_bytes().ends_with(b" colormatic\"}}"));
    }
}

#[test]
fn a_line_that_is_too_long_is_rejected_by_its_beginning() {
    let beginning = Bytes::from_static(b"{\"a\":\"xxx");
    let mut long = chunk(&beginning);
    long.cut = Some(Cut { bytes: 99 << 20, end: (99 << 20) + 101 });
    let reading = read(ndjson(), &long, &ambient()).unwrap();
    let record = Record::parse(reading.events[0].1.as_bytes()).unwrap();
    assert_eq!((reading.events[0].0, reading.rejected), ((99 << 20) + 101, 1));
    assert_eq!(
        (record.body.detail["bytes"].as_u64(), record.body.detail["line"].as_u64()),
        (Some(99 << 20), Some(11))
    );
    let body = vec![b'7'; MAX_LINE_BYTES + 1];
    assert_eq!(read_all(ndjson(), &body).rejected, 1);
}

#[test]
fn a_batch_of_too_many_lines_is_refused_and_a_list_of_too_many_records_is_rejected() {
    let many = Bytes::from(b"1\n".repeat(MAX_BATCH_LINES + 1));
    assert!(read(ndjson(), &chunk(&many), &ambient()).is_err());
    let list = format!("[{}0]", "0,".repeat(MAX_BATCH_LINES));
    let reading = read_all(kubernetes(), list.as_bytes());
    assert_eq!((reading.rejected, reading.events.len()), (1, 1));
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        prop::sample::select(vec![
            &b"\n"[..],
            b"\r\n",
            b"{\"kind\":\"Event\",\"auditID\":\"a\",\"verb\":\"get\"}",
            b"{\"kind\":\"EventList\",\"items\":[{},{\"auditID\":\"a\",\"verb\":\"b\"}]}",
            b"{\"id\":\"019d3a3c-5d6c-7a1b-8c2d-0123456789ab\",\"time\":\"2026-03-14T15:09:26Z\",\"kind\":\"x\",\"outcome\":\"success\",\"actor\":{\"user\":\"x\",\"type\":\"human\"}}",
            b"{\"ts\":-1}",
            b"[",
            b"{\"time\":\"2026-03-14\"}",
            b"{\"a\":\"\\ud800\"}",
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_line_of_any_bytes_leaves_an_event_or_a_rejection(body in hostile()) {
        for format in SOURCES {
            check(&body, &read_all(*format, &body));
        }
    }
}
