//! Every byte of a small log that carries meaning: flipped, dropped, inserted, swapped, cut off.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use audit_log::verify::{DamageKind, Report, VerifyError, verify_log};

use crate::writer::*;

/// Verifies the log with one file replaced; what nobody may miss is an error or damage.
fn with_file(folder: &Path, file: &str, bytes: &[u8], sound: &[u8]) -> Result<Report, VerifyError> {
    fs::write(folder.join(file), bytes).unwrap();
    let result = verify_log(folder, &key(), &mut |_| ());
    fs::write(folder.join(file), sound).unwrap();
    if let Ok(report) = &result {
        for damage in &report.damage {
            assert!(!damage.to_string().is_empty());
        }
    }
    result
}

fn assert_found(result: Result<Report, VerifyError>, what: &str) {
    if let Ok(report) = result {
        assert!(!report.is_intact(), "not found: {what}");
    }
}

fn span_at<'a>(places: &'a BTreeMap<String, Vec<Span>>, file: &str, at: usize) -> Option<&'a Span> {
    places.get(file)?.iter().find(|span| span.bytes.contains(&at))
}

#[test]
fn every_flipped_byte_is_found_and_the_entry_is_named() {
    let (folder, _, places) = small_log();
    for (file, sound) in files(folder.path()) {
        for at in 0..sound.len() {
            for mask in [0x01, 0x20, 0xff] {
                let what = format!("byte {at} of {file} ^ {mask:#x}");
                let mut bytes = sound.clone();
                bytes[at] ^= mask;
                let result = with_file(folder.path(), &file, &bytes, &sound);
                let Some(span) = span_at(&places, &file, at) else {
                    assert_found(result, &what);
                    continue;
                };
                let report = result.unwrap();
                assert!(!report.is_intact(), "not found: {what}");
                let first = &report.damage[0];
                assert_eq!(first.position, span.position, "{what} ({:?}): {:?}", span.part, report.damage);
                assert_eq!(first.file, file, "{what}");
                if span.part == Part::SaltOrPayload {
                    assert_eq!(
                        (&first.kind, report.damage.len()),
                        (&DamageKind::ChangedPayload, 1),
                        "{what}"
                    );
                }
                if span.part == Part::Leaf {
                    let leaf = [DamageKind::ChangedLeaf, DamageKind::MalformedEntry];
                    assert!(leaf.contains(&first.kind), "{what}: {:?}", first.kind);
                }
            }
        }
    }
}

#[test]
fn every_truncation_is_found() {
    let (folder, ..) = small_log();
    for (file, sound) in files(folder.path()) {
        for length in 0..sound.len() {
            // Space set aside for later may be longer or shorter.
            if sound[length..].iter().any(|byte| *byte != 0) {
                let result = with_file(folder.path(), &file, &sound[..length], &sound);
                assert_found(result, &format!("{file} cut to {length}"));
            }
        }
    }
}

#[test]
fn every_dropped_inserted_and_swapped_byte_is_found() {
    let (folder, ..) = small_log();
    for (file, sound) in files(folder.path()) {
        for at in 0..=sound.len() {
            for byte in [0, b'A', b'\n'] {
                let mut bytes = sound.clone();
                bytes.insert(at, byte);
                if !same_but_for_padding(&bytes, &sound, &file) {
                    let result = with_file(folder.path(), &file, &bytes, &sound);
                    assert_found(result, &format!("{byte} inserted at {at} of {file}"));
                }
            }
            let mut dropped = sound.clone();
            let mut swapped = sound.clone();
            if at < sound.len() {
                dropped.remove(at);
            }
            if at + 1 < sound.len() {
                swapped.swap(at, at + 1);
            }
            for (bytes, how) in [(dropped, "dropped"), (swapped, "swapped")] {
                if !same_but_for_padding(&bytes, &sound, &file) {
                    let result = with_file(folder.path(), &file, &bytes, &sound);
                    assert_found(result, &format!("{how} at {at} of {file}"));
                }
            }
        }
    }
}

/// Zeros at the end of a segment carry no meaning.
fn same_but_for_padding(one: &[u8], other: &[u8], file: &str) -> bool {
    fn content(bytes: &[u8]) -> &[u8] {
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        &bytes[..end]
    }
    one == other || (file.starts_with("wal/") && content(one) == content(other))
}

#[test]
fn every_missing_file_is_found() {
    let (folder, ..) = small_log();
    for (file, sound) in files(folder.path()) {
        fs::remove_file(folder.path().join(&file)).unwrap();
        assert_found(verify_log(folder.path(), &key(), &mut |_| ()), &file);
        fs::write(folder.path().join(&file), sound).unwrap();
    }
}
