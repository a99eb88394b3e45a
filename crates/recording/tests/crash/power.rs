//! What a power cut may leave of recordings whose writer was killed: less of what was not synced yet.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use event::SessionId;

use crate::budget::Dice;
use crate::promises::Promises;

/// A disk writes sectors whole.
const SECTOR: u64 = 512;
/// Bytes before the first chunk, and before a chunk's stored bytes (docs/formats/recording.md).
const MAGIC: usize = 19;
const PREFIX: usize = 66;

/// Loses bytes of open recordings that no sync has covered for certain; says what that did.
pub fn cut(folder: &Path, promises: &Promises, dice: &mut Dice) -> Vec<String> {
    let mut done = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "keys") && dice.one_in(3) {
            let length = fs::metadata(&path).unwrap().len();
            OpenOptions::new().write(true).open(&path).unwrap().set_len(dice.below(length + 1)).unwrap();
            done.push("keyframes".to_owned());
        }
        if path.extension().is_some_and(|extension| extension == "part") {
            let id: SessionId = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
            let session = promises.sessions.get(&id);
            let bytes = fs::read(&path).unwrap();
            let begin = session.map_or(0, |session| synced(&bytes, session.durable)).min(bytes.len());
            done.extend(tear(&path, begin as u64, bytes.len() as u64, dice));
        }
    }
    done
}

/// Bytes that hold the header and this many frames.
fn synced(bytes: &[u8], durable: u64) -> usize {
    let (mut at, mut frames, mut chunks) = (MAGIC, 0, 0);
    while chunks == 0 || frames < durable {
        let Some(prefix) = bytes.get(at..at + PREFIX) else { break };
        let number = |from: usize| u32::from_be_bytes(*prefix[from..].first_chunk().unwrap());
        frames += u64::from(number(10));
        chunks += 1;
        at += PREFIX + number(2) as usize;
    }
    at
}

fn tear(path: &Path, begin: u64, end: u64, dice: &mut Dice) -> Option<String> {
    if begin >= end {
        return None;
    }
    let file = OpenOptions::new().write(true).open(path).unwrap();
    let lose = |from: u64, to: u64| {
        let zeros = vec![0; (to.min(end) - from.max(begin)) as usize];
        file.write_all_at(&zeros, from.max(begin)).unwrap();
    };
    let way = match dice.below(4) {
        0 => {
            lose(begin, end);
            "all zeros".to_owned()
        }
        1 => {
            let at = begin + dice.below(end - begin);
            file.set_len(at).unwrap();
            format!("cut at {at}")
        }
        way => {
            let unit = if way == 2 { 8 * SECTOR } else { SECTOR };
            for sector in begin / unit..=(end - 1) / unit {
                if dice.one_in(2) {
                    lose(sector * unit, (sector + 1) * unit);
                }
            }
            format!("units of {unit} bytes lost")
        }
    };
    Some(format!("bytes {begin}..{end}: {way}"))
}
