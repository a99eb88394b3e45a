//! A second reader of the same objects, which only looks.

use std::time::Duration;

use archive::{Catalog, Parts};
use audit_log::Sealed;
use store::objects::DiskObjects;

use crate::fixture::Fixture;

/// Every payload that the parts hold, in order; fails where they leave a gap.
fn payloads(catalog: &Catalog) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for part in catalog.parts() {
        let rows: Vec<u32> = (0..(part.positions().end - part.positions().start) as u32).collect();
        found.extend(part.entries(&rows).unwrap().into_iter().map(|logged| logged.payload));
    }
    found
}

#[test]
fn a_reader_sees_what_was_sealed_merged_and_dropped_once_it_looks_again() {
    let mut fixture = Fixture::new();
    fixture.config.segment_rows = 40;
    fixture.config.retention = Some(Duration::from_secs(30 * 24 * 3600));
    let pair = fixture.open();
    let reader = Catalog::open_reader(DiskObjects::reader(&fixture.archive_folder())).unwrap();
    assert_eq!(reader.end(), 0);
    pair.append(&fixture, 0..400);
    let before = pair.everything();
    pair.archive.seal_up_to(&pair.log, 400).unwrap();
    assert_eq!(reader.end(), 0);
    reader.refresh().unwrap();
    assert_eq!(reader.end(), 400);
    let expected: Vec<Vec<u8>> = before[..400].iter().map(|(_, payload)| payload.clone()).collect();
    assert_eq!(payloads(&reader), expected);

    let parts = reader.parts();
    pair.archive.maintain(&pair.log).unwrap();
    pair.archive.maintain(&pair.log).unwrap();
    // The small segments are gone, and a question that was being answered from them still is.
    assert_eq!(parts[0].entries(&[0]).unwrap()[0].payload, expected[0]);
    assert_eq!(payloads(&reader), expected);
    reader.refresh().unwrap();
    assert!(reader.parts().len() < parts.len());
    assert_eq!(payloads(&reader), expected);

    fixture.pass(40);
    pair.archive.maintain(&pair.log).unwrap();
    reader.refresh().unwrap();
    assert_eq!(reader.status().pruned_entries, 400);
    assert!(payloads(&reader).is_empty());
    assert_eq!(reader.end(), 400);
}
