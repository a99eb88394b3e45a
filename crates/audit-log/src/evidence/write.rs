//! Writes an evidence bundle from anything that can read entries and give hashes of complete subtrees.

use std::io::{self, Write};
use std::ops::Range;

use super::{Base64, FORMAT, Header, Line};
use crate::verify::{leaf, tree};
use crate::{Checkpoint, Entry, Hash};

/// Most entries that are asked for at once.
const CHUNK: u64 = 256;

/// Where the entries and hashes of a bundle come from.
pub trait EvidenceSource {
    /// What can go wrong while reading.
    type Error: std::error::Error + Send + Sync + 'static;
    /// Reads entries from the start of `range` on, at least one, perhaps fewer than asked for.
    fn entries(&mut self, range: Range<u64>) -> Result<Vec<Entry>, Self::Error>;
    /// Returns the RFC 6962 hash of entries `index * 2^height .. (index + 1) * 2^height`.
    fn subtree(&mut self, height: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// Why a bundle could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The range is empty or reaches beyond the checkpoint.
    #[error("cannot export entries {from}..{to}: the checkpoint covers 0..{size}; choose a range within it")]
    Range {
        /// First entry asked for.
        from: u64,
        /// Entry behind the last.
        to: u64,
        /// Size of the checkpoint.
        size: u64,
    },
    /// The source failed.
    #[error("cannot read the log at {position} for the export")]
    Source {
        /// Entry, or first entry below the hash, that was asked for.
        position: u64,
        /// What the source said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The source gave an entry that was not asked for, or none.
    #[error("the log did not give entry {position} when it was asked for it")]
    Unexpected {
        /// Entry that was due.
        position: u64,
    },
    /// The destination failed.
    #[error("cannot write the export")]
    Output(#[from] io::Error),
    /// A line could not be put as JSON.
    #[error("cannot write the export as JSON")]
    Json(#[from] serde_json::Error),
}

/// Writes the bundle of `range`, proved against `checkpoint`.
pub fn write<S: EvidenceSource>(
    source: &mut S,
    range: Range<u64>,
    checkpoint: &Checkpoint,
    mut out: impl Write,
) -> Result<(), WriteError> {
    let (from, to, size) = (range.start, range.end, checkpoint.size);
    if from >= to || to > size {
        return Err(WriteError::Range { from, to, size });
    }
    let header = Header {
        format: FORMAT.to_owned(),
        origin: checkpoint.origin.clone(),
        from,
        to,
        checkpoint: checkpoint.note.clone(),
        left: subtree_hashes(source, 0, from)?,
        right: subtree_hashes(source, to, size)?,
    };
    write_line(&mut out, &header)?;
    let mut next = from;
    while next < to {
        let entries = source
            .entries(next..to.min(next.saturating_add(CHUNK)))
            .map_err(|source| WriteError::Source { position: next, source: Box::new(source) })?;
        if entries.is_empty() {
            return Err(WriteError::Unexpected { position: next });
        }
        for entry in entries {
            if entry.position != next || next >= to {
                return Err(WriteError::Unexpected { position: next });
            }
            write_entry(&mut out, &entry)?;
            next += 1;
        }
    }
    out.flush()?;
    Ok(())
}

fn subtree_hashes<S: EvidenceSource>(source: &mut S, from: u64, to: u64) -> Result<Vec<Base64>, WriteError> {
    let subtrees = tree::subtrees(from, to).into_iter();
    let hashes = subtrees.map(|(height, index)| {
        let hash = source.subtree(height, index);
        hash.map(|hash| Base64(hash.0.to_vec()))
            .map_err(|source| WriteError::Source { position: index << height, source: Box::new(source) })
    });
    hashes.collect()
}

fn write_entry(out: &mut impl Write, entry: &Entry) -> Result<(), WriteError> {
    let unexpected = WriteError::Unexpected { position: entry.position };
    let text = std::str::from_utf8(&entry.payload).ok();
    let line = Line {
        position: entry.position,
        leaf: Base64(leaf::encode(&entry.leaf).ok_or(unexpected)?),
        salt: Base64(entry.salt.to_vec()),
        payload: text.map(Into::into),
        payload_b64: text.is_none().then(|| Base64(entry.payload.clone())),
    };
    write_line(out, &line)
}

fn write_line(out: &mut impl Write, line: &impl serde::Serialize) -> Result<(), WriteError> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")?;
    Ok(())
}
