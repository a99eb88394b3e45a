//! Keyframes: screens of a sealed recording's terminals at moments along the way, so that seeking is quick.
//!
//! Derived and never evidence: the root does not cover them, deleting them loses nothing, and a file that is
//! damaged or belongs to another root is ignored and made again. They stand at chunk borders, at least 10 s or
//! 1 MiB apart, and only where every terminal can be restored exactly.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use event::SessionId;

use crate::chunk::Hash;
use crate::compress;
use crate::error::RecordingError;
use crate::folder::Shared;
use crate::reader::Reader;
use crate::sanitise::DrawingState;
use crate::seal::{Seal, Totals};
use crate::seek::Screens;
use crate::terminal::{Snapshot, Terminal};
use crate::verify::Place;
use crate::wire;

const MAGIC: &[u8; 19] = b"lodge/keyframes/v1\n";
/// Extension of a file that is not whole yet.
pub(crate) const MAKING: &str = "making";
const APART: Duration = Duration::from_secs(10);
const APART_BYTES: u64 = 1024 * 1024;
/// About how many keyframes a long recording has at most.
const MOST: u64 = 1000;
const FILE_LIMIT: u64 = 64 * 1024 * 1024;
const ENTRY_LIMIT: usize = 16 * 1024 * 1024;

/// A moment at a chunk border, and the terminals as they stood then.
pub(crate) struct Keyframe {
    pub place: Place,
    pub terminals: BTreeMap<u32, Terminal>,
}

/// Whether a recording is long enough for keyframes to pay.
pub(crate) fn worthwhile(seal: &Seal) -> bool {
    u128::from(seal.duration_ms) > 2 * APART.as_millis() || seal.bytes > 2 * APART_BYTES
}

/// Builds the keyframes of a just-sealed recording on a worker thread.
pub(crate) fn build_in_background(shared: &Arc<Shared>, session: SessionId) {
    let (shared, task) = (Arc::clone(shared), Arc::clone(shared));
    tokio::spawn(async move {
        // A failure costs only speed: the next seek tries again.
        let _ = shared.write_blocking(move || build(&Reader::open(task, session)?)).await;
    });
}

/// Reads the whole recording and writes its keyframes file.
pub(crate) fn build(reader: &Reader) -> Result<(), RecordingError> {
    let Some(seal) = reader.seal()? else { return Ok(()) };
    let making = reader.keys_path().with_extension(MAKING);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&making);
    let file = file.map_err(RecordingError::io("create", &making))?;
    let written = write_all(&mut reader.again()?, &seal, file, &making);
    let done = written.and_then(|()| {
        fs::rename(&making, reader.keys_path()).map_err(RecordingError::io("rename", &making))
    });
    if done.is_err() {
        let _ = fs::remove_file(&making);
    }
    done
}

fn write_all(reader: &mut Reader, seal: &Seal, mut file: File, path: &Path) -> Result<(), RecordingError> {
    let apart = APART.max(Duration::from_millis(seal.duration_ms / MOST));
    let apart_bytes = APART_BYTES.max(seal.bytes / MOST);
    let mut put = |bytes: &[u8]| file.write_all(bytes).map_err(RecordingError::io("write", path));
    put(MAGIC)?;
    put(&seal.root)?;
    let (mut screens, mut last, mut length) = (Screens::default(), Totals::default(), 0);
    loop {
        let place = reader.place();
        let due = place.totals.duration() >= last.duration() + apart
            || place.totals.bytes >= last.bytes + apart_bytes;
        if due
            && length < FILE_LIMIT
            && let Some(entry) = encode(&place, &screens)
        {
            put(&entry)?;
            length += entry.len() as u64;
            last = place.totals;
        }
        if !screens.take_chunk(reader)? {
            return Ok(());
        }
    }
}

fn encode(place: &Place, screens: &Screens) -> Option<Vec<u8>> {
    let snapshots = screens.snapshots()?;
    let totals = &place.totals;
    let mut raw = Vec::new();
    for number in [
        place.position,
        totals.chunks,
        totals.frames,
        totals.bytes,
        totals.stored_bytes,
        snapshots.len() as u64,
    ] {
        wire::put_number(&mut raw, number);
    }
    raw.extend_from_slice(&place.last);
    for (channel, snapshot) in &snapshots {
        for number in
            [u64::from(*channel), snapshot.columns.into(), snapshot.rows.into(), snapshot.state.to_number()]
        {
            wire::put_number(&mut raw, number);
        }
        wire::put_bytes(&mut raw, &snapshot.drawing);
    }
    if raw.len() > ENTRY_LIMIT {
        return None;
    }
    let stored = zstd::bulk::compress(&raw, 3).ok()?;
    let mut entry = Vec::with_capacity(stored.len() + 20);
    entry.extend_from_slice(&totals.last_us.to_be_bytes());
    entry.extend_from_slice(&u32::try_from(raw.len()).ok()?.to_be_bytes());
    entry.extend_from_slice(&u32::try_from(stored.len()).ok()?.to_be_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&entry), &stored);
    entry.extend_from_slice(&checksum.to_be_bytes());
    entry.extend_from_slice(&stored);
    Some(entry)
}

/// Finds the last keyframe at or before `at`; `Ok(None)` where the file has none so early, `Err` where the file is
/// missing, damaged, or of another recording.
pub(crate) fn find(path: &Path, root: &Hash, at: Duration) -> Result<Option<Keyframe>, Unusable> {
    let mut input = BufReader::new(File::open(path).map_err(|_| Unusable)?);
    let mut start = [0; MAGIC.len() + 32];
    input.read_exact(&mut start).map_err(|_| Unusable)?;
    let (magic, of) = start.split_at(MAGIC.len());
    if magic != MAGIC || of != root {
        return Err(Unusable);
    }
    let at_us = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
    let mut best = None;
    while let Some(entry) = Entry::read(&mut input)? {
        if entry.last_us > at_us {
            break;
        }
        best = Some(entry);
    }
    best.map(|entry| entry.open().ok_or(Unusable)).transpose()
}

/// A keyframes file that cannot be used; it is made again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unusable;

struct Entry {
    last_us: u64,
    raw_length: usize,
    stored: Vec<u8>,
}

impl Entry {
    fn read(input: &mut impl Read) -> Result<Option<Entry>, Unusable> {
        let mut head = [0; 20];
        match input.read(&mut head[..1]) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(_) => return Err(Unusable),
        }
        input.read_exact(&mut head[1..]).map_err(|_| Unusable)?;
        let number = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().expect("four bytes"));
        let (raw_length, stored_length) = (number(8) as usize, number(12) as usize);
        if raw_length > ENTRY_LIMIT || stored_length > ENTRY_LIMIT {
            return Err(Unusable);
        }
        let mut stored = vec![0; stored_length];
        input.read_exact(&mut stored).map_err(|_| Unusable)?;
        if crc32c::crc32c_append(crc32c::crc32c(&head[..16]), &stored) != number(16) {
            return Err(Unusable);
        }
        let last_us = u64::from_be_bytes(head[..8].try_into().expect("eight bytes"));
        Ok(Some(Entry { last_us, raw_length, stored }))
    }

    fn open(self) -> Option<Keyframe> {
        let mut raw = Bytes::from(compress::decompress(&self.stored, self.raw_length)?);
        let mut number = || wire::take_number(&mut raw);
        let position = number()?;
        let (chunks, frames, bytes, stored_bytes, count) =
            (number()?, number()?, number()?, number()?, number()?);
        let last = wire::take_array(&mut raw)?;
        let totals = Totals { chunks, frames, bytes, stored_bytes, last_us: self.last_us };
        let mut terminals = BTreeMap::new();
        for _ in 0..count {
            let channel = wire::take(&mut raw)?;
            let (columns, rows) = (wire::take(&mut raw)?, wire::take(&mut raw)?);
            let state = DrawingState::from_number(wire::take_number(&mut raw)?)?;
            let drawing = wire::take_bytes(&mut raw)?.into();
            terminals.insert(channel, Terminal::restore(&Snapshot { columns, rows, state, drawing }));
        }
        Some(Keyframe { place: Place { position, last, totals }, terminals })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_keyframe_or_refused(bytes: Vec<u8>, raw_length in 0usize..2000) {
            let _ = Entry::read(&mut bytes.as_slice());
            let stored = zstd::bulk::compress(&bytes, 1).unwrap();
            let _ = Entry { last_us: 0, raw_length, stored }.open();
        }
    }
}
