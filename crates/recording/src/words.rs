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
use crate::lines::{self, LINE_LIMIT, Line};
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

/// Shows every line that the filter takes to `each`, which says when it has seen enough. Blocks.
///
/// A line is an event with the one field `raw`, so free text finds it and fields do not.
pub(crate) fn search(
    shared: &Arc<Shared>,
    session: SessionId,
    filter: &Filter,
    mut each: impl FnMut(Line) -> ControlFlow<()>,
) -> Result<(), RecordingError> {
    let reader = Reader::open(Arc::clone(shared), session)?;
    let mut found = |line: Line| {
        if filter.matches(&RecordView::of_text(&line.text)) { each(line) } else { ControlFlow::Continue(()) }
    };
    if let Some(seal) = reader.seal()? {
        let path = shared.words(session);
        // A file that breaks off must be noticed before anything of it is told.
        let is_whole = || walk(&path, &seal.root, &mut |_| ControlFlow::Continue(())).is_some();
        if is_whole() || build(shared, &reader).is_ok() && is_whole() {
            walk(&path, &seal.root, &mut found);
            return Ok(());
        }
    }
    let mut flow = ControlFlow::Continue(());
    lines::read(&mut reader.again()?, |line| {
        if flow.is_continue() {
            flow = found(line);
        }
        Ok(())
    })
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
    lines::read(reader, |line| {
        wire::put_number(&mut block, u64::try_from(line.at.as_millis()).unwrap_or(u64::MAX));
        wire::put_number(&mut block, line.channel.into());
        wire::put_bytes(&mut block, line.text.as_bytes());
        if block.len() < BLOCK {
            return Ok(());
        }
        put(&stored(&block, path)?)?;
        block.clear();
        Ok(())
    })?;
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

/// Walks the lines of a words file; `None` when it is missing, damaged, or another recording's.
fn walk(path: &Path, root: &[u8; 32], each: &mut dyn FnMut(Line) -> ControlFlow<()>) -> Option<()> {
    walk_bytes(BufReader::new(File::open(path).ok()?), root, each)
}

/// As [`walk`], over the bytes of such a file.
pub(crate) fn walk_bytes(
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
