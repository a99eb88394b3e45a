//! What a sealed recording showed, kept beside it as text, so that a word is found without drawing every screen again.
//!
//! `<session>.words` is derived and never evidence: the root does not cover it, deleting it loses nothing, and a file that is
//! damaged or belongs to another root is made again. A running recording is read from its frames.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use event::{Filter, RecordView, SessionId};

use crate::compress;
use crate::error::RecordingError;
use crate::folder::Shared;
use crate::lines::{LINE_LIMIT, Line, Lines};
use crate::reader::Reader;
use crate::wire;

const MAGIC: &[u8; 15] = b"lodge/words/v1\n";
/// Extension of a file that is not whole yet.
pub(crate) const MAKING: &str = "wording";
/// Lines are compressed in blocks of about this size before compression.
const BLOCK: usize = 256 * 1024;
const LEVEL: i32 = 3;
/// No block is larger than this, before or after compression.
const BLOCK_LIMIT: usize = 2 * BLOCK;

/// Builds the words of a just-sealed recording on a worker thread.
pub(crate) fn build_in_background(shared: &Arc<Shared>, session: SessionId) {
    let (shared, task) = (Arc::clone(shared), Arc::clone(shared));
    tokio::spawn(async move {
        // A failure costs only speed: the next search tries again.
        let _ = shared.write_blocking(move || build(&task, &Reader::open(Arc::clone(&task), session)?)).await;
    });
}

/// Finds the first lines that the filter takes, at most so many. Blocks.
///
/// A line is an event with the one field `raw`, so free text finds it and fields do not.
pub(crate) fn search(
    shared: &Arc<Shared>,
    session: SessionId,
    filter: &Filter,
    most: usize,
) -> Result<Vec<Line>, RecordingError> {
    let reader = Reader::open(Arc::clone(shared), session)?;
    if let Some(seal) = reader.seal()? {
        let path = shared.words(session);
        let kept = || in_file(&path, &seal.root, filter, most);
        if let Some(lines) = kept().or_else(|| build(shared, &reader).ok().and_then(|()| kept())) {
            return Ok(lines);
        }
    }
    let (mut reader, mut found) = (reader.again()?, Vec::new());
    let mut lines = Lines::of(&mut reader);
    while found.len() < most
        && let Some(line) = lines.next_line()?
    {
        found.extend(taken(filter, line));
    }
    Ok(found)
}

fn taken(filter: &Filter, line: Line) -> Option<Line> {
    filter.matches(&RecordView::of_text(&line.text)).then_some(line)
}

/// Looks into a words file; `None` when it is missing, damaged, or another recording's, as far as it was read.
fn in_file(path: &Path, root: &[u8; 32], filter: &Filter, most: usize) -> Option<Vec<Line>> {
    let mut found = Vec::new();
    walk(BufReader::new(File::open(path).ok()?), root, &mut |line| {
        found.extend(taken(filter, line));
        if found.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Some(found)
}

fn build(shared: &Shared, reader: &Reader) -> Result<(), RecordingError> {
    let Some(seal) = reader.seal()? else { return Ok(()) };
    let path = shared.words(reader.header().session);
    let making = path.with_extension(MAKING);
    // Whoever finds the file there leaves it to the one who is making it.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&making);
    let file = file.map_err(RecordingError::io("create", &making))?;
    let written = reader.again().and_then(|mut reader| write(&mut reader, &seal.root, file, &making));
    let done =
        written.and_then(|()| fs::rename(&making, &path).map_err(RecordingError::io("rename", &making)));
    if done.is_err() {
        let _ = fs::remove_file(&making);
    }
    done
}

fn write(reader: &mut Reader, root: &[u8; 32], mut file: File, path: &Path) -> Result<(), RecordingError> {
    let mut put = |bytes: &[u8]| file.write_all(bytes).map_err(RecordingError::io("write", path));
    put(MAGIC)?;
    put(root)?;
    let mut block = Vec::new();
    let mut lines = Lines::of(reader);
    while let Some(line) = lines.next_line()? {
        wire::put_number(&mut block, u64::try_from(line.at.as_millis()).unwrap_or(u64::MAX));
        wire::put_number(&mut block, line.channel.into());
        wire::put_bytes(&mut block, line.text.as_bytes());
        if block.len() >= BLOCK {
            put(&stored(&block, path)?)?;
            block.clear();
        }
    }
    put(&stored(&block, path)?)?;
    // A block of nothing says that the file is whole.
    if block.is_empty() { Ok(()) } else { put(&stored(&[], path)?) }
}

/// Length before compression, length after, checksum, bytes.
fn stored(block: &[u8], path: &Path) -> Result<Vec<u8>, RecordingError> {
    let packed = zstd::bulk::compress(block, LEVEL).map_err(RecordingError::io("compress", path))?;
    let mut out = Vec::with_capacity(packed.len() + 12);
    for number in [block.len(), packed.len()] {
        out.extend_from_slice(&u32::try_from(number).expect("blocks are small").to_le_bytes());
    }
    out.extend_from_slice(&crc32c::crc32c(&packed).to_le_bytes());
    out.extend_from_slice(&packed);
    Ok(out)
}

/// Walks the lines of a words file until it is told to stop; `None` when the file is not one of this root.
pub(crate) fn walk(
    mut file: impl Read,
    root: &[u8; 32],
    each: &mut dyn FnMut(Line) -> ControlFlow<()>,
) -> Option<()> {
    let mut head = [0; MAGIC.len() + 32];
    file.read_exact(&mut head).ok()?;
    if head[..MAGIC.len()] != *MAGIC || head[MAGIC.len()..] != *root {
        return None;
    }
    loop {
        let mut numbers = [0; 12];
        file.read_exact(&mut numbers).ok()?;
        let [length, packed, checksum] =
            [0, 4, 8].map(|at| u32::from_le_bytes(numbers[at..at + 4].try_into().expect("four bytes")));
        if length as usize > BLOCK_LIMIT || packed as usize > BLOCK_LIMIT {
            return None;
        }
        let mut bytes = vec![0; packed as usize];
        file.read_exact(&mut bytes).ok()?;
        if crc32c::crc32c(&bytes) != checksum {
            return None;
        }
        if length == 0 {
            return Some(());
        }
        let mut block = Bytes::from(compress::decompress(&bytes, length as usize)?);
        while !block.is_empty() {
            let at = Duration::from_millis(wire::take_number(&mut block)?);
            let channel = wire::take(&mut block)?;
            let text = wire::take_text(&mut block).filter(|text| text.len() <= LINE_LIMIT)?;
            if each(Line { at, channel, text }).is_break() {
                return Some(());
            }
        }
    }
}
