//! Killed at each step: the object store dies after the n-th operation, and everything is opened again from what is there.

use std::sync::Arc;
use std::time::Duration;

use audit_log::Sealed;

use crate::failing::{Dies, FailingObjects};
use crate::fixture::{Fixture, Pair, numbers, read_all};

/// Seals, merges and drops, giving up at the first failure.
fn live(fixture: &Fixture, pair: &Pair) -> Result<(), archive::ArchiveError> {
    pair.archive.seal_up_to(&pair.log, 500)?;
    pair.archive.maintain(&pair.log)?;
    fixture.pass(40);
    pair.archive.maintain(&pair.log)?;
    pair.archive.maintain(&pair.log)
}

fn check(operations: u64, dies: Dies) -> bool {
    let at = format!("dead {dies:?} operation {operations}");
    let mut fixture = Fixture::new();
    fixture.config.segment_rows = 50;
    fixture.config.merged_rows = 450;
    fixture.config.retention = Some(Duration::from_secs(30 * 24 * 3600));
    let pair = fixture.open();
    pair.append(&fixture, 0..300);
    // What comes later is too young to be dropped.
    fixture.pass(20);
    pair.append(&fixture, 300..600);
    let before = pair.everything();
    pair.close();

    let failing = Arc::new(FailingObjects::new(fixture.objects(), operations, dies));
    let ended = match fixture.open_on(failing.clone()) {
        Ok(pair) => {
            let ended = live(&fixture, &pair);
            pair.close();
            ended.is_ok()
        }
        Err(_) => false,
    };
    drop(failing);

    let pair = fixture.open();
    assert_sound(&pair, &before, &at);
    // And it goes on from there as if nothing had been.
    live(&fixture, &pair).unwrap_or_else(|error| panic!("{at}: {error:?}"));
    assert_sound(&pair, &before, &at);
    pair.append(&fixture, 600..620);
    pair.archive.seal_up_to(&pair.log, pair.log.size()).unwrap();
    assert_sound(&pair, &before, &at);
    pair.close();
    ended
}

/// Nothing is missing, nothing is double, and what was dropped was announced.
fn assert_sound(pair: &Pair, before: &[(u64, Vec<u8>)], at: &str) {
    let catalog = pair.archive.catalog();
    let kept_from = catalog.first_kept(0).unwrap();
    let found = read_all(&pair.log, kept_from);
    let expected = before.iter().filter(|(position, _)| *position >= kept_from);
    assert!(expected.eq(found.iter().take_while(|(position, _)| *position < before.len() as u64)), "{at}");
    let mut seen = numbers(&found);
    let all = seen.len();
    seen.dedup();
    assert_eq!(seen.len(), all, "{at}: an event is double");
    if kept_from > 0 {
        let told = |payload: &[u8]| payload.windows(10).any(|part| part == b"log.pruned");
        assert!(found.iter().any(|(_, payload)| told(payload)), "{at}: dropped without a word");
    }
    let tiles = |path: &str| pair.log.resource(path).map_err(std::io::Error::other);
    let checked = pair.archive.verify(Some(&tiles)).unwrap();
    assert_eq!(checked.problems, [], "{at}");
    assert_eq!(checked.entries + checked.pruned, catalog.end(), "{at}");
}

fn kill_at_each_step(dies: Dies) {
    let mut operations = 1;
    while !check(operations, dies) {
        operations += 1;
        assert!(operations < 1000, "it never ends");
    }
    assert!(operations > 40, "only {operations} steps were tried");
}

#[test]
fn a_store_that_dies_before_any_step_loses_nothing() {
    kill_at_each_step(Dies::Before);
}

#[test]
fn a_store_that_dies_after_any_step_loses_nothing() {
    kill_at_each_step(Dies::After);
}

#[test]
fn a_segment_cut_short_on_disk_is_sealed_again() {
    let fixture = Fixture::new();
    let pair = fixture.open();
    pair.append(&fixture, 0..400);
    let before = pair.everything();
    // Killed between the data and its index, and the disk lost the data's end.
    pair.close();
    let failing = Arc::new(FailingObjects::new(fixture.objects(), 3, Dies::Before));
    let pair = fixture.open_on(failing).unwrap();
    assert!(pair.archive.seal_up_to(&pair.log, 300).is_err());
    pair.close();
    let folder = fixture.archive_folder();
    let path = std::fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path());
    let path = path.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "parquet")).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();

    let pair = fixture.open();
    assert_eq!(pair.archive.catalog().end(), 0);
    pair.archive.seal_up_to(&pair.log, 300).unwrap();
    assert_sound(&pair, &before, "cut short");
    assert_eq!(pair.archive.catalog().end(), 300);
}
