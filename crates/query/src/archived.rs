//! The archive's own parts over a list of entries, for tests: sealed ones, and one that still grows.

use std::collections::BTreeSet;
use std::error::Error;
use std::ops::Range;
use std::sync::Arc;

use archive::{Growing, Logged, Part, ReadAt, Segment, SegmentWriter};
use audit_log::{Entry, Leaf, hash};
use bytes::Bytes;

use crate::testing::Entries;

impl archive::Entries for Entries {
    fn read(&self, range: Range<u64>) -> Result<Vec<Entry>, Box<dyn Error + Send + Sync>> {
        Ok(self.0.iter().filter(|logged| range.contains(&logged.position)).map(entry).collect())
    }
}

fn entry(logged: &Logged) -> Entry {
    let salt = [7; 16];
    let leaf = Leaf {
        time: logged.log_time,
        source: "test".to_owned(),
        seq: logged.position,
        commitment: hash::commitment(&salt, &logged.payload),
    };
    Entry { position: logged.position, leaf, salt, payload: logged.payload.clone() }
}

/// Makes parts of the log up to the last of these positions; the last part grows.
pub(crate) fn parts(entries: &Entries, cuts: &[usize], indexed: bool) -> Vec<Arc<dyn Part>> {
    let ends: BTreeSet<usize> = cuts.iter().map(|cut| (*cut).min(entries.0.len())).collect();
    let last = ends.last().copied();
    let mut start = 0;
    let mut parts = Vec::new();
    for end in ends.into_iter().filter(|end| *end > 0) {
        let logged = entries.0[start..end].iter().map(entry);
        let first = start as u64;
        parts.push(if Some(end) == last {
            growing(entries, first, logged)
        } else {
            sealed(first, logged, indexed)
        });
        start = end;
    }
    parts
}

fn growing(entries: &Entries, first: u64, logged: impl Iterator<Item = Entry>) -> Arc<dyn Part> {
    let mut growing = Growing::new(first, Arc::new(entries.clone()));
    logged.for_each(|entry| growing.push(&entry));
    growing.snapshot()
}

fn sealed(first: u64, logged: impl Iterator<Item = Entry>, indexed: bool) -> Arc<dyn Part> {
    let mut writer = SegmentWriter::new(Vec::new(), "log.example", first).unwrap();
    logged.for_each(|entry| writer.push(&entry).unwrap());
    let (data, index) = writer.finish().unwrap();
    let shared = |bytes: Vec<u8>| Arc::new(Bytes::from(bytes)) as Arc<dyn ReadAt>;
    let segment = Segment::open(shared(data), indexed.then(|| shared(index)), "a segment of a test").unwrap();
    assert_eq!(segment.index_is_sound(), indexed);
    Arc::new(segment)
}
