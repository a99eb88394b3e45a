//! Entries, parts made of them, and a naive reader of events.

use std::error::Error;
use std::ops::Range;
use std::sync::Arc;

use archive::{Entries, Growing, Part, ReadAt, Segment, SegmentWriter};
use audit_log::{Entry, Leaf, hash};
use bytes::Bytes;
use event::filter::tokens;
use event::ingested::FILE_SOURCE_PREFIX;
use event::view::Node;
use event::{RecordView, Timestamp};

/// Where the parts of these tests begin.
pub const FIRST: u64 = 1000;
/// Log time of the first entry.
pub const START: i64 = 1_764_000_000_000_000;

/// A log in memory.
pub struct List(pub Vec<Entry>);

impl Entries for List {
    fn read(&self, range: Range<u64>) -> Result<Vec<Entry>, Box<dyn Error + Send + Sync>> {
        let within = |entry: &&Entry| range.contains(&entry.position);
        Ok(self.0.iter().filter(within).take(7).cloned().collect())
    }
}

/// Makes an entry for each payload.
pub fn entries(payloads: &[Vec<u8>]) -> Vec<Entry> {
    let entry = |(at, payload): (usize, &Vec<u8>)| {
        let salt = [at as u8; 16];
        let leaf = Leaf {
            time: Timestamp::from_micros(START + at as i64 * 1_000),
            source: if at % 3 == 0 {
                "gate".to_owned()
            } else {
                format!("{}source-{}", if at % 4 == 1 { FILE_SOURCE_PREFIX } else { "" }, at % 5)
            },
            seq: at as u64 / 2,
            commitment: hash::commitment(&salt, payload),
        };
        Entry { position: FIRST + at as u64, leaf, salt, payload: payload.clone() }
    };
    payloads.iter().enumerate().map(entry).collect()
}

/// Seals entries: the bytes of the data and of the index.
pub fn seal(entries: &[Entry]) -> (Bytes, Bytes) {
    let mut writer = SegmentWriter::new(Vec::new(), "log.example", FIRST).unwrap();
    entries.iter().for_each(|entry| writer.push(entry).unwrap());
    let (data, index) = writer.finish().unwrap();
    (data.into(), index.into())
}

/// Seals entries as they are sealed after they grew.
pub fn seal_grown(entries: &[Entry]) -> (Bytes, Bytes) {
    let mut growing = Growing::new(FIRST, Arc::new(List(Vec::new())));
    entries.iter().for_each(|entry| growing.push(entry));
    let mut writer = SegmentWriter::with_digests(Vec::new(), "log.example", FIRST, growing.close()).unwrap();
    entries.iter().for_each(|entry| writer.push(entry).unwrap());
    let (data, index) = writer.finish().unwrap();
    (data.into(), index.into())
}

/// Opens what was sealed.
pub fn open(data: &Bytes, index: Option<&Bytes>) -> Segment {
    let shared = |bytes: &Bytes| Arc::new(bytes.clone()) as Arc<dyn ReadAt>;
    Segment::open(shared(data), index.map(shared), "test").unwrap()
}

/// Makes a growing part.
pub fn grow(entries: &[Entry]) -> Arc<dyn Part> {
    let mut growing = Growing::new(FIRST, Arc::new(List(entries.to_vec())));
    entries.iter().for_each(|entry| growing.push(entry));
    growing.snapshot()
}

/// What a filter sees at a field.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    Nothing,
    Text(String),
    Other,
}

/// Looks at a field as a filter does; unreadable events are other.
pub fn seen(payload: &[u8], field: &str) -> Seen {
    let Ok(view) = RecordView::parse(payload) else { return Seen::Other };
    let mut found = Vec::new();
    gather(view.root(), field, &mut found);
    match found.as_slice() {
        [] => Seen::Nothing,
        [Node::Text(text)] => Seen::Text(text.to_string()),
        _ => Seen::Other,
    }
}

fn gather<'n, 'a>(node: &'n Node<'a>, path: &str, found: &mut Vec<&'n Node<'a>>) {
    match node {
        Node::List(items) => items.iter().for_each(|item| gather(item, path, found)),
        Node::Object(entries) => {
            for (key, value) in entries {
                match path.strip_prefix(key.as_ref()) {
                    Some("") if *value != Node::Null => found.push(value),
                    Some(rest) => {
                        if let Some(rest) = rest.strip_prefix('.') {
                            gather(value, rest, found);
                        }
                    }
                    None => {}
                }
            }
        }
        _ => {}
    }
}

/// Lists the folded parts of an event's values.
pub fn parts_of(payload: &[u8]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    if let Ok(view) = RecordView::parse(payload) {
        walk(view.root(), &mut found);
    }
    found
}

fn walk(node: &Node<'_>, found: &mut Vec<Vec<String>>) {
    let mut add = |text: &str| found.push(tokens::parts(text).map(tokens::fold).collect());
    match node {
        Node::Null => {}
        Node::Bool(truth) => add(&truth.to_string()),
        Node::Number(number) => add(&number.to_string()),
        Node::Text(text) => add(text),
        Node::List(items) => items.iter().for_each(|item| walk(item, found)),
        Node::Object(entries) => entries.iter().for_each(|(_, value)| walk(value, found)),
    }
}

/// The event's own time, or the log's.
pub fn time_of(entry: &Entry) -> Timestamp {
    match seen(&entry.payload, "time") {
        Seen::Text(text) => text.parse().unwrap_or(entry.leaf.time),
        _ => entry.leaf.time,
    }
}
