//! Reads an index in ranges: header, times and directory once, postings and roll-ups when they are asked for.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use event::Timestamp;

use super::file::{Binding, DIRECTORY, HEADER_BYTES, Header, ODD, POSTINGS, ROLLUPS, SPANS, Section};
use super::postings::{self, Group, Tokens};
use crate::blocks::Blocks;
use crate::cells::Rollups;
use crate::extract::ODD_COUNT;
use crate::part::{RollupKey, Span};
use crate::read_at::ReadAt;
use crate::rollup;
use crate::shelf::{Shelf, What};
use crate::tokens;
use crate::wire::{Wire, WireError};

/// The largest section that is read whole.
const MOST_SECTION_BYTES: u64 = 256 << 20;

/// Why an index cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    /// It could not be read.
    #[error("cannot read the index: {0}")]
    Read(#[from] io::Error),
    /// It was read and is none, or a damaged one.
    #[error("the index is damaged: {0}")]
    Damaged(#[from] WireError),
    /// It belongs to other data.
    #[error("the index belongs to other data")]
    Stale,
}

/// An index that fits its data.
pub(crate) struct Index {
    source: Arc<dyn ReadAt>,
    header: Header,
    /// Event times of each block.
    pub(crate) spans: Vec<Span>,
    /// Blocks in which each column decides nothing.
    pub(crate) odd: [Blocks; ODD_COUNT],
    /// Where the groups of postings lie.
    pub(super) groups: Vec<Group>,
    /// Groups that were read for questions.
    shelf: Shelf,
}

impl Index {
    /// Opens the index of the data that `binding` describes.
    pub(crate) fn open(source: Arc<dyn ReadAt>, binding: &Binding) -> Result<Index, IndexError> {
        let length = source.len();
        if length < HEADER_BYTES as u64 {
            return Err(WireError("it is cut short").into());
        }
        let header = Header::decode(&source.read_at(0, HEADER_BYTES)?, length)?;
        if header.binding != *binding {
            return Err(IndexError::Stale);
        }
        let blocks = binding.blocks().ok_or(IndexError::Stale)?;
        let section = |at: usize| read_section(&*source, &header.sections[at]);
        let spans = read_spans(&section(SPANS)?, blocks)?;
        let odd = read_odd(&section(ODD)?, blocks)?;
        let groups = postings::read_directory(&section(DIRECTORY)?, header.sections[POSTINGS].length)?;
        Ok(Index { header, spans, odd, groups, source, shelf: Shelf::default() })
    }

    /// The blocks that may hold a value with these parts one after another.
    pub(crate) fn holding(&self, parts: &[&str]) -> Result<Blocks, IndexError> {
        let mut all = Blocks::all(self.spans.len());
        for token in tokens::wanted(parts) {
            let mut found = Blocks::none(self.spans.len());
            self.find(token, &mut found)?;
            all.intersect(&found);
            if all.is_empty() {
                break;
            }
        }
        Ok(all)
    }

    fn find(&self, token: u32, found: &mut Blocks) -> Result<(), IndexError> {
        let behind = self.groups.partition_point(|group| group.first <= u64::from(token));
        let Some(at) = behind.checked_sub(1) else { return Ok(()) };
        let group = self.groups[at];
        let read = || -> Result<Tokens, IndexError> {
            let bytes = self.read_postings(group.offset..group.offset + u64::from(group.length))?;
            Ok(Tokens::read(postings::checked(bytes, &group)?, group.first, self.spans.len())?)
        };
        Ok(self.shelf.get(What::Postings(at), read)?.find(token, found)?)
    }

    /// Reads a range of the postings.
    pub(super) fn read_postings(&self, range: Range<u64>) -> io::Result<Bytes> {
        let offset = self.header.sections[POSTINGS].offset + range.start;
        self.source.read_at(offset, (range.end - range.start) as usize)
    }

    /// Reads a roll-up.
    pub(crate) fn rollup(&self, key: RollupKey) -> Result<Option<Rollups>, IndexError> {
        let Some(at) = rollup::section_of(key) else { return Ok(None) };
        let bytes = read_section(&*self.source, &self.header.sections[ROLLUPS + at])?;
        Ok(rollup::decode(&bytes)?)
    }
}

fn read_section(source: &dyn ReadAt, section: &Section) -> Result<Bytes, IndexError> {
    if section.length > MOST_SECTION_BYTES {
        return Err(WireError("a section is larger than any can be").into());
    }
    let bytes = source.read_at(section.offset, section.length as usize)?;
    if crc32c::crc32c(&bytes) != section.crc {
        return Err(WireError("the checksum of a section does not match").into());
    }
    Ok(bytes)
}

fn read_spans(bytes: &[u8], blocks: usize) -> Result<Vec<Span>, WireError> {
    if bytes.len() < blocks.saturating_mul(2) {
        return Err(WireError("times are missing"));
    }
    let mut wire = Wire(bytes);
    let mut spans = Vec::with_capacity(blocks);
    let mut last = 0_i64;
    for _ in 0..blocks {
        let first = last.checked_add(wire.signed()?).ok_or(WireError("a time is too large"))?;
        let end = first.checked_add_unsigned(wire.number()?).ok_or(WireError("a time is too large"))?;
        spans.push(Span { first: Timestamp::from_micros(first), last: Timestamp::from_micros(end) });
        last = first;
    }
    wire.end()?;
    Ok(spans)
}

fn read_odd(bytes: &[u8], blocks: usize) -> Result<[Blocks; ODD_COUNT], WireError> {
    let mut wire = Wire(bytes);
    let mut fields = [const { None }; ODD_COUNT];
    for field in &mut fields {
        let mut odd = Blocks::none(blocks);
        let mut next = 0;
        for _ in 0..wire.count(1)? {
            let block = next + wire.below(blocks as u64)?;
            if block >= blocks {
                return Err(WireError("an odd block lies beyond the last"));
            }
            odd.insert(block);
            next = block + 1;
        }
        *field = Some(odd);
    }
    wire.end()?;
    Ok(fields.map(|odd| odd.expect("each was just read")))
}
