//! Merges the indexes of segments that follow each other, without a look at their events: what comes out is what would be
//! built from them.
//!
//! Invariant: every segment but the last has only full blocks, so that each block stays the block that it was.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bytes::Bytes;

use super::file::Binding;
use super::outline::Outline;
use super::postings::{self, PostingsWriter, Step};
use super::read::{Index, IndexError};
use crate::extract::ODD_COUNT;
use crate::rollup::RollupRows;
use crate::wire::WireError;

/// Bytes of postings that are read at once.
const READ_BYTES: u64 = 1 << 20;

/// Takes indexes in.
pub(crate) struct IndexMerger<'a> {
    outline: Outline,
    /// Each index, and which block its first becomes.
    indexes: Vec<(&'a Index, u32)>,
}

impl<'a> IndexMerger<'a> {
    /// Makes one that has none.
    pub(crate) fn new() -> IndexMerger<'a> {
        IndexMerger { outline: Outline::new(), indexes: Vec::new() }
    }

    /// Adds the index of the next segment.
    pub(crate) fn add(&mut self, index: &'a Index) {
        self.indexes.push((index, self.outline.blocks() as u32));
        for (block, span) in index.spans.iter().enumerate() {
            let is_odd = |field: &usize| index.odd[*field].contains(block);
            let odd = (0..ODD_COUNT).filter(is_odd).fold(0, |odd, field| odd | 1 << field);
            self.outline.add_block((span.first.as_micros(), span.last.as_micros()), odd);
        }
    }

    /// Counts rows of the segments.
    pub(crate) fn count(&mut self, rows: &RollupRows<'_>) {
        self.outline.count(rows);
    }

    /// Writes the index.
    pub(crate) fn finish(self, binding: Binding) -> Result<Vec<u8>, IndexError> {
        let postings = self.postings()?;
        Ok(self.outline.finish(postings, binding))
    }

    fn postings(&self) -> Result<PostingsWriter, IndexError> {
        let mut writer = PostingsWriter::new(self.outline.blocks());
        let mut walks: Vec<Walk<'_>> = self.indexes.iter().map(|(index, _)| Walk::new(index)).collect();
        // The least token comes first, and of one token the earliest blocks.
        let mut next = BinaryHeap::new();
        for (at, walk) in walks.iter_mut().enumerate() {
            next.extend(walk.token()?.map(|token| Reverse((token, at))));
        }
        let mut blocks = Vec::new();
        while let Some(Reverse((token, at))) = next.pop() {
            let first = self.indexes[at].1;
            walks[at].list(|block| blocks.push(first + block as u32))?;
            next.extend(walks[at].token()?.map(|token| Reverse((token, at))));
            if next.peek().is_none_or(|Reverse((other, _))| *other != token) {
                writer.add(token, &blocks);
                blocks.clear();
            }
        }
        Ok(writer)
    }
}

/// Walks the postings of an index: a token, its list, the next token.
struct Walk<'a> {
    index: &'a Index,
    /// Number of the next group.
    group: usize,
    /// Bytes of the section that were read, and where they lie in it.
    read: (u64, Bytes),
    /// The group that is being walked.
    bytes: Bytes,
    step: Option<Step>,
    token: Option<u64>,
}

impl<'a> Walk<'a> {
    fn new(index: &'a Index) -> Walk<'a> {
        Walk { index, group: 0, read: (0, Bytes::new()), bytes: Bytes::new(), step: None, token: None }
    }

    /// Reads the next token; none at the end.
    fn token(&mut self) -> Result<Option<u64>, IndexError> {
        let token = loop {
            if let Some(step) = &mut self.step
                && let Some(token) = step.token(&self.bytes)?
            {
                break token;
            }
            let Some(step) = self.next_group()? else { return Ok(None) };
            self.step = Some(step);
        };
        if self.token.is_some_and(|before| token <= before) {
            return Err(WireError("tokens do not rise").into());
        }
        self.token = Some(token);
        Ok(self.token)
    }

    /// Reads the blocks of the token that was read last, rising.
    fn list(&mut self, take: impl FnMut(usize)) -> Result<(), IndexError> {
        let step = self.step.as_mut().ok_or(WireError("a list without a token"))?;
        Ok(step.list(&self.bytes, self.index.spans.len(), take)?)
    }

    /// Goes to the next group.
    fn next_group(&mut self) -> Result<Option<Step>, IndexError> {
        let Some(group) = self.index.groups.get(self.group).copied() else { return Ok(None) };
        let end = group.offset + u64::from(group.length);
        let (offset, bytes) = &self.read;
        if end > offset + bytes.len() as u64 {
            let near = self.index.groups[self.group + 1..].iter();
            let end = near
                .map(|next| next.offset + u64::from(next.length))
                .take_while(|end| end - group.offset <= READ_BYTES)
                .last()
                .unwrap_or(end);
            self.read = (group.offset, self.index.read_postings(group.offset..end)?);
        }
        let start = (group.offset - self.read.0) as usize;
        let bytes = self.read.1.slice(start..start + group.length as usize);
        self.group += 1;
        self.bytes = postings::checked(bytes, &group)?;
        Ok(Some(Step::begin(&self.bytes, group.first)?))
    }
}
