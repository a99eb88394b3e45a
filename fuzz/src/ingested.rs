//! What holds of every batch of lines, whatever its source.

use bytes::Bytes;
use event::{Ambient, Record, RecordView, Timestamp};
use ingest::{Chunk, read, source};

/// Reads bytes as lines of a source and holds what comes of them.
pub fn hold(name: &str, bytes: &[u8]) {
    let format = source(name).expect("there is such a source");
    let (ambient, _) = Ambient::fixed(Timestamp::EPOCH, 1);
    let body = Bytes::copy_from_slice(bytes);
    let chunk = Chunk { body: &body, offset: 0, line: 1, file: "f", name: "n", id: "file/x/n/1", cut: None };
    let Ok(reading) = read(format, &chunk, &ambient) else { return };
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    let mut places: Vec<u64> = reading.events.iter().map(|(seq, _)| *seq).collect();
    assert!(places.is_sorted());
    places.dedup();
    assert_eq!((places.len(), reading.lines), (lines, lines as u64), "every line leaves something of its own");
    for (_, event) in &reading.events {
        Record::parse(event.as_bytes()).expect("a taken event can be read");
        RecordView::parse(event.as_bytes()).expect("a taken event can be viewed");
    }
}
