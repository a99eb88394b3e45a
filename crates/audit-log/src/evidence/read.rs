//! Verifies an evidence bundle in one streaming pass, with nothing but the log's key.

use std::io::{self, BufRead, Read};

use event::envelope::MAX_EVENT_BYTES;

use super::{Base64, FORMAT, Header, Line};
use crate::Hash;
use crate::verify::leaf::{LeafView, MAX_LEAF_BYTES};
use crate::verify::tree::{Peaks, leaf_hash, subtrees};
use crate::verify::{
    DamageKind, DamageList, Level, NoteError, Progress, Report, SignedCheckpoint, VerifierKey, note,
};

/// Longest line that is read: JSON may need six bytes for one of the payload.
pub const MAX_LINE_BYTES: usize = MAX_EVENT_BYTES * 6 + (4 << 10);
/// Longest first line: a checkpoint, each of its bytes escaped, and at most 64 hashes on each side.
const MAX_HEADER_BYTES: usize = note::MAX_NOTE_BYTES * 6 + (64 << 10);
/// Gaps that are remembered, to tell an entry that comes late from one that comes twice.
const MAX_GAPS: usize = 100;
/// Entries between two reports of progress.
const PROGRESS_EVERY: u64 = 1024;

/// Why a bundle cannot be verified at all.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The stream failed.
    #[error("cannot read the evidence bundle")]
    Read(#[from] io::Error),
    /// The first line is no header.
    #[error("this is not an evidence bundle: its first line is not a header of format {FORMAT}: {0}")]
    Header(String),
    /// The key is that of another log.
    #[error(
        "this is not the key of the bundle's log: its checkpoint is signed with {log}, and the key that was given is {key}. Give \
         the key of that log; where you know that the key is right, the bundle is not from the log that you expect"
    )]
    OtherLog {
        /// Name and id of the key that signed the bundle's checkpoint.
        log: String,
        /// Name and id of the key that was given.
        key: String,
    },
}

/// Verifies a bundle; what is wrong with it is in the report.
pub fn verify(
    mut input: impl BufRead,
    key: &VerifierKey,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, EvidenceError> {
    let header = read_header(&mut input)?;
    let mut damage = DamageList::default();
    let signed = open_checkpoint(&header, key, &mut damage)?;
    let left = if header.from < header.to { side(0, header.from, &header.left) } else { None };
    if left.is_none() {
        let reason = "`from`, `to` and the hashes on the left do not fit each other".to_owned();
        damage.add(header.from, 1, "line 1", DamageKind::BundleHeader { reason });
    }
    let mut range = RangeReader::new(&header, left);
    range.read(&mut input, &mut damage, progress)?;
    if let Some(signed) = &signed {
        range.check_root(&header, signed, &mut damage);
    }
    let (damage, damage_total) = damage.finish();
    Ok(Report {
        origin: key.name().to_owned(),
        first: header.from,
        entries: range.entries,
        pruned: 0,
        payload_bytes: range.payload_bytes,
        checkpoint: signed.as_ref().map(Into::into),
        beyond_checkpoint: 0,
        unfinished_bytes: 0,
        level: Level::Detecting,
        damage,
        damage_total,
    })
}

fn read_header(input: &mut impl BufRead) -> Result<Header, EvidenceError> {
    let mut line = Vec::new();
    if read_line(input, &mut line, MAX_HEADER_BYTES)? != LineEnd::Newline {
        return Err(EvidenceError::Header("it does not end, or is too long".to_owned()));
    }
    let header: Header =
        serde_json::from_slice(&line).map_err(|error| EvidenceError::Header(error.to_string()))?;
    if header.format != FORMAT {
        return Err(EvidenceError::Header(format!("the format is {:?}", header.format)));
    }
    Ok(header)
}

fn open_checkpoint(
    header: &Header,
    key: &VerifierKey,
    damage: &mut DamageList,
) -> Result<Option<SignedCheckpoint>, EvidenceError> {
    match note::open(header.checkpoint.as_bytes(), key) {
        Ok(signed) => {
            if header.origin != signed.origin() {
                let reason = "its origin is not that of its checkpoint".to_owned();
                damage.add(header.from, 1, "line 1", DamageKind::BundleHeader { reason });
            }
            Ok(Some(signed))
        }
        Err(NoteError::OtherLog { log, key }) => Err(EvidenceError::OtherLog { log, key }),
        Err(error) => {
            let kind = DamageKind::CheckpointSignature { reason: error.to_string() };
            damage.add(header.from, 1, "line 1", kind);
            Ok(None)
        }
    }
}

/// Pairs the subtrees of one side with the hashes in the header; nothing where their numbers differ.
fn side(from: u64, to: u64, hashes: &[Base64]) -> Option<Vec<(u32, Hash)>> {
    let subtrees = subtrees(from, to);
    if subtrees.len() != hashes.len() {
        return None;
    }
    let pairs = subtrees.into_iter().zip(hashes);
    pairs.map(|((height, _), hash)| Some((height, Hash(hash.0.as_slice().try_into().ok()?)))).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineEnd {
    Newline,
    EndOfInput,
    TooLong,
}

/// Reads a line without its newline; of one that is too long, the beginning, after passing over the rest.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>, limit: usize) -> io::Result<LineEnd> {
    line.clear();
    input.by_ref().take(limit as u64 + 1).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(LineEnd::Newline);
    }
    if line.len() <= limit {
        return Ok(LineEnd::EndOfInput);
    }
    input.skip_until(b'\n')?;
    Ok(LineEnd::TooLong)
}

/// Follows the lines of the entries.
struct RangeReader {
    /// The tree up to the next entry; nothing once a leaf is unknown.
    tree: Option<Peaks>,
    from: u64,
    to: u64,
    /// Position of the next entry.
    next: u64,
    /// Positions that were passed over and may still come.
    gaps: Vec<std::ops::Range<u64>>,
    entries: u64,
    payload_bytes: u64,
}

impl RangeReader {
    fn new(header: &Header, left: Option<Vec<(u32, Hash)>>) -> RangeReader {
        let tree = left.and_then(|left| {
            let mut tree = Peaks::default();
            left.into_iter()
                .all(|(height, hash)| tree.push_subtree(height, hash, |_, _, _| ()))
                .then_some(tree)
        });
        let (from, to) = (header.from, header.to.max(header.from));
        RangeReader { tree, from, to, next: from, gaps: Vec::new(), entries: 0, payload_bytes: 0 }
    }

    fn read(
        &mut self,
        input: &mut impl BufRead,
        damage: &mut DamageList,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), EvidenceError> {
        let (mut line, mut number) = (Vec::new(), 1u64);
        loop {
            number += 1;
            let end = read_line(input, &mut line, MAX_LINE_BYTES)?;
            if end == LineEnd::EndOfInput && line.is_empty() {
                break;
            }
            let file = format!("line {number}");
            match serde_json::from_slice::<Line<'_>>(&line) {
                Ok(entry) if end != LineEnd::TooLong => self.entry(&entry, &file, damage),
                _ => self.malformed(&file, damage),
            }
            if end == LineEnd::EndOfInput {
                // A line is only known to be whole by its newline.
                damage.add(self.next.saturating_sub(1), 1, &file, DamageKind::CutOff);
                break;
            }
            if self.entries.is_multiple_of(PROGRESS_EVERY) {
                progress(Progress { entries: self.entries, expected: self.to - self.from });
            }
        }
        for gap in std::mem::take(&mut self.gaps) {
            damage.add(gap.start, gap.end - gap.start, &format!("line {number}"), DamageKind::Missing);
        }
        if self.next < self.to {
            self.tree = None;
            let count = self.to - self.next;
            damage.add(self.next, count, &format!("line {number}"), DamageKind::CutOff);
        }
        Ok(())
    }

    /// A line that cannot be read stands for the entry that is due.
    fn malformed(&mut self, file: &str, damage: &mut DamageList) {
        self.tree = None;
        if self.next < self.to {
            damage.add(self.next, 1, file, DamageKind::MalformedEntry);
            self.next += 1;
        } else {
            damage.add(self.next, 1, file, DamageKind::GarbageAfterEnd { bytes: 1 });
        }
    }

    fn entry(&mut self, line: &Line<'_>, file: &str, damage: &mut DamageList) {
        let position = line.position;
        if position >= self.to || position < self.from {
            self.tree = None;
            return damage.add(position, 1, file, DamageKind::Inserted);
        }
        if position < self.next {
            self.tree = None;
            let late = self.fill_gap(position);
            let kind = if late { DamageKind::Reordered } else { DamageKind::Inserted };
            damage.add(position, 1, file, kind);
        } else {
            if position > self.next {
                self.tree = None;
                if self.gaps.len() < MAX_GAPS {
                    self.gaps.push(self.next..position);
                } else {
                    damage.add(self.next, position - self.next, file, DamageKind::Missing);
                }
            }
            self.next = position + 1;
        }
        self.check(line, file, damage);
    }

    /// Takes a position out of the gaps; tells whether it was in one.
    fn fill_gap(&mut self, position: u64) -> bool {
        let Some(at) = self.gaps.iter().position(|gap| gap.contains(&position)) else { return false };
        let gap = self.gaps.remove(at);
        let parts = [gap.start..position, position + 1..gap.end];
        self.gaps.extend(parts.into_iter().filter(|part| !part.is_empty()));
        true
    }

    fn check(&mut self, line: &Line<'_>, file: &str, damage: &mut DamageList) {
        let payload: Option<&[u8]> = match (&line.payload, &line.payload_b64) {
            (Some(text), None) => Some(text.as_bytes()),
            (None, Some(bytes)) => Some(&bytes.0),
            _ => None,
        };
        let salt: Option<&[u8; 16]> = line.salt.0.as_slice().try_into().ok();
        let leaf = LeafView::parse(&line.leaf.0).filter(|_| line.leaf.0.len() <= MAX_LEAF_BYTES);
        match (leaf, salt, payload) {
            (Some(leaf), Some(salt), Some(payload)) => {
                self.entries += 1;
                self.payload_bytes += payload.len() as u64;
                if !leaf.commits_to(salt, payload) {
                    damage.add(line.position, 1, file, DamageKind::ChangedPayload);
                }
            }
            _ => damage.add(line.position, 1, file, DamageKind::MalformedEntry),
        }
        if let Some(tree) = &mut self.tree {
            tree.push_leaf(leaf_hash(&line.leaf.0), |_, _, _| ());
        }
    }

    /// Completes the tree to the right of the range and compares its root with the signed one.
    fn check_root(&mut self, header: &Header, signed: &SignedCheckpoint, damage: &mut DamageList) {
        let right =
            if header.to <= signed.size() { side(header.to, signed.size(), &header.right) } else { None };
        let Some(right) = right else {
            let reason = "`to`, the size of the checkpoint and the hashes on the right do not fit".to_owned();
            return damage.add(header.to, 1, "line 1", DamageKind::BundleHeader { reason });
        };
        // Without every leaf there is no root, and then damage was reported already.
        let Some(mut tree) = self.tree.take() else { return };
        let grown = right.into_iter().all(|(height, hash)| tree.push_subtree(height, hash, |_, _, _| ()));
        if !grown || tree.root() != *signed.root() {
            let kind = DamageKind::RootDiffers { size: signed.size() };
            damage.add(self.from, self.to - self.from, "line 1", kind);
        }
    }
}
