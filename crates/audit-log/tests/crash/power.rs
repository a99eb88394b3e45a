//! What a power cut may leave of a folder whose writer was killed: less of what was not synced yet.
//!
//! A kill leaves the page cache; a power cut does not. Only states that POSIX and the writer's order of syncs allow are
//! made here: the last batch when nothing says that its sync returned, files that are derived and never
//! synced one by one, and the names of files whose folder was not synced.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use audit_log::wal::batch::{BATCH_HEADER, BatchHeader};
use audit_log::wal::segment::SEGMENT_HEADER;

use crate::budget::Dice;
use crate::promises::Promises;

/// A disk writes sectors whole.
const SECTOR: u64 = 512;

/// Cuts the power of the folder `log`; says what that did.
pub fn cut(log: &Path, promises: &Promises, dice: &mut Dice) -> Vec<String> {
    let mut done = Vec::new();
    if !log.join("wal").exists() {
        return done;
    }
    let synced = hint(log);
    done.extend(cut_batch(log, durable_entries(log, promises), dice));
    done.extend(cut_new_segment(log, dice));
    done.extend(forget_checkpoint(log, promises, synced, dice));
    done.extend(tear_tiles(log, synced, dice));
    done.extend(tear_indexes(log, dice));
    done.extend(tear_halves(log, dice));
    if dice.one_in(6) && fs::remove_file(log.join("tiles.synced")).is_ok() {
        done.push("no hint".into());
    }
    done
}

fn hint(log: &Path) -> u64 {
    fs::read_to_string(log.join("tiles.synced")).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

/// Entries whose sync has certainly returned: acknowledged, below a checkpoint, or in a tile.
fn durable_entries(log: &Path, promises: &Promises) -> u64 {
    let tiled = tiles(log).into_iter().map(|(end, _)| end).max().unwrap_or(0);
    promises.end().max(checkpoint_size(log).unwrap_or(0)).max(tiled)
}

fn checkpoint_size(log: &Path) -> Option<u64> {
    fs::read_to_string(log.join("checkpoint")).ok()?.lines().nth(1)?.parse().ok()
}

fn segments(log: &Path) -> Vec<PathBuf> {
    files(&log.join("wal"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "wal"))
        .collect()
}

/// Files of a folder, sorted; none where it is missing.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a folder can be listed").path()).collect();
    paths.sort();
    paths
}

/// Where the last batch of a segment begins, its first position, and where the content ends.
fn last_batch(bytes: &[u8]) -> (usize, u64, usize) {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    let (mut at, mut last) = (SEGMENT_HEADER, (SEGMENT_HEADER, u64::MAX, end));
    while let Some(header) = bytes.get(at..).and_then(|rest| BatchHeader::decode(rest.first_chunk()?)) {
        last = (at, header.first, end.max(at + BATCH_HEADER + header.length as usize));
        at += BATCH_HEADER + header.length as usize;
    }
    if end > at {
        // A header that is itself torn.
        last = (at, u64::MAX, end);
    }
    last
}

/// Tears the last batch, where its sync may not have returned.
fn cut_batch(log: &Path, durable: u64, dice: &mut Dice) -> Option<String> {
    let path = segments(log).pop()?;
    let bytes = fs::read(&path).expect("a segment can be read");
    let (begin, first, end) = last_batch(&bytes);
    if bytes.len() <= SEGMENT_HEADER || first < durable || end <= begin || dice.one_in(5) {
        return None;
    }
    let (begin, end) = (begin as u64, (end as u64).min(bytes.len() as u64));
    let file = OpenOptions::new().write(true).open(&path).expect("a segment can be written");
    let lose = |from: u64, to: u64| {
        let zeros = vec![0; (to.min(end) - from.max(begin)) as usize];
        file.write_all_at(&zeros, from.max(begin)).expect("a segment can be written");
    };
    let way = match dice.below(6) {
        0 => {
            lose(begin, end);
            "all zeros".to_owned()
        }
        1 => {
            file.set_len(begin).expect("a segment can be cut");
            "cut off".to_owned()
        }
        2 => {
            let at = begin + dice.below(end - begin);
            file.set_len(at).expect("a segment can be cut");
            format!("cut at byte {at}")
        }
        way => {
            let unit = if way == 3 { 8 * SECTOR } else { SECTOR };
            let mut lost = 0;
            for sector in begin / unit..=(end - 1) / unit {
                if dice.one_in(2) {
                    lose(sector * unit, (sector + 1) * unit);
                    lost += 1;
                }
            }
            format!("{lost} units of {unit} bytes lost")
        }
    };
    Some(format!("last batch in bytes {begin}..{end}: {way}"))
}

/// Takes away the header of a segment that holds nothing, where the roll that made it was not finished.
fn cut_new_segment(log: &Path, dice: &mut Dice) -> Option<String> {
    let paths = segments(log);
    let newest = paths.last()?;
    let rolled = paths.len() > 1 && paths[paths.len() - 2].with_extension("idx").exists();
    let bytes = fs::read(newest).expect("a segment can be read");
    if rolled || bytes.len() > SEGMENT_HEADER || dice.one_in(3) {
        return None;
    }
    if dice.one_in(3) {
        fs::remove_file(newest).expect("a segment can be removed");
        return Some("new segment gone".into());
    }
    let keep = if dice.one_in(2) { 0 } else { bytes.len().min(16) };
    fs::write(newest, &bytes[..keep]).expect("a segment can be written");
    Some(format!("new segment cut to {keep} bytes"))
}

/// Brings the checkpoint before back, where nobody has seen the newest one.
fn forget_checkpoint(log: &Path, promises: &Promises, synced: u64, dice: &mut Dice) -> Option<String> {
    let newest = checkpoint_size(log)?;
    let seen = promises.published.last_key_value();
    let before = seen.map_or(0, |(size, _)| *size);
    if before >= newest || synced > before || dice.one_in(2) {
        return None;
    }
    match seen {
        Some((_, (_, note))) => fs::write(log.join("checkpoint"), note).expect("it can be written"),
        // Before the first that was seen stood the one of no entries, which is durable before the first entry.
        None => return None,
    }
    Some(format!("checkpoint of {before} instead of {newest}"))
}

/// Every tile and bundle, with the position after its last leaf.
fn tiles(log: &Path) -> Vec<(u64, PathBuf)> {
    let mut found = Vec::new();
    for series in files(&log.join("tile")) {
        let name = series.file_name().and_then(|name| name.to_str()).expect("tile folders have plain names");
        let each = name.parse::<u32>().map_or(1, |level| 256u64.pow(level));
        // Logs here stay below 1000 tiles: names have one part.
        for path in files(&series) {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("tiles have plain names");
            let index: u64 = stem.parse().unwrap_or_else(|_| panic!("a tile is named {}", path.display()));
            if path.is_dir() {
                for partial in files(&path) {
                    let width = partial.file_name().and_then(|name| name.to_str()?.parse::<u64>().ok());
                    found.push(((index * 256 + width.expect("a width")) * each, partial));
                }
            } else {
                found.push(((index + 1) * 256 * each, path));
            }
        }
    }
    found
}

/// Loses tiles that no sync has covered, all or some, as a file system does: gone, empty, cut, zeros.
fn tear_tiles(log: &Path, synced: u64, dice: &mut Dice) -> Option<String> {
    let unsynced: Vec<_> = tiles(log).into_iter().filter(|(end, _)| *end > synced).collect();
    let one_in = 1 + dice.below(4);
    let mut torn = 0;
    for (_, path) in &unsynced {
        if one_in < 4 && dice.one_in(one_in) {
            tear(path, dice);
            torn += 1;
        }
    }
    (torn > 0).then(|| format!("{torn} of {} unsynced tiles", unsynced.len()))
}

/// Indexes are never synced by themselves.
fn tear_indexes(log: &Path, dice: &mut Dice) -> Option<String> {
    let indexes =
        files(&log.join("wal")).into_iter().filter(|path| path.extension().is_some_and(|end| end == "idx"));
    let torn: Vec<_> = indexes.filter(|_| dice.one_in(8)).collect();
    torn.iter().for_each(|path| tear(path, dice));
    (!torn.is_empty()).then(|| format!("{} indexes", torn.len()))
}

/// Halves of replacements that were never renamed.
fn tear_halves(log: &Path, dice: &mut Dice) -> Option<String> {
    let halves: Vec<_> =
        files(log).into_iter().filter(|path| path.extension().is_some_and(|end| end == "new")).collect();
    halves.iter().for_each(|path| tear(path, dice));
    (!halves.is_empty()).then(|| format!("{} halves", halves.len()))
}

fn tear(path: &Path, dice: &mut Dice) {
    let length = fs::metadata(path).expect("the file is there").len();
    let file = || File::options().write(true).open(path).expect("the file can be written");
    match dice.below(4) {
        0 => fs::remove_file(path).expect("the file can be removed"),
        1 => file().set_len(0).expect("the file can be cut"),
        2 => file().set_len(dice.below(length + 1)).expect("the file can be cut"),
        _ => file().write_all_at(&vec![0; length as usize], 0).expect("the file can be written"),
    }
}
