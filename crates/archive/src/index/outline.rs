//! What an index tells block by block, but for its postings; and how all of it is put together.

use super::file::{
    Binding, DIRECTORY, HEADER_BYTES, Header, ODD, POSTINGS, ROLLUPS, SECTIONS, SPANS, Section,
};
use super::postings::PostingsWriter;
use crate::extract::{FieldSet, ODD_COUNT};
use crate::rollup::{RollupBuilder, RollupRows};
use crate::wire::{put, put_signed};

/// Takes blocks and rows in.
pub(super) struct Outline {
    /// Event times of each block, in microseconds.
    spans: Vec<(i64, i64)>,
    odd: Vec<FieldSet>,
    rollups: RollupBuilder,
}

impl Outline {
    pub(super) fn new() -> Outline {
        Outline { spans: Vec::new(), odd: Vec::new(), rollups: RollupBuilder::new() }
    }

    /// Adds a block: its event times, and the columns that are odd in it.
    pub(super) fn add_block(&mut self, span: (i64, i64), odd: FieldSet) {
        self.spans.push(span);
        self.odd.push(odd);
    }

    /// Counts rows.
    pub(super) fn count(&mut self, rows: &RollupRows<'_>) {
        self.rollups.add(rows);
    }

    /// How many blocks there are.
    pub(super) fn blocks(&self) -> usize {
        self.spans.len()
    }

    /// Writes the index.
    pub(super) fn finish(mut self, postings: PostingsWriter, binding: Binding) -> Vec<u8> {
        let odd = self.odd.iter().fold(0, |all, odd| all | odd);
        let rollups = self.rollups.encode(odd);
        let (postings, directory) = postings.finish();
        let mut sections = vec![self.spans(), self.odd_blocks(), directory, postings];
        sections.extend(rollups);
        let mut header = Header { binding, sections: [Section::default(); SECTIONS] };
        let mut offset = HEADER_BYTES as u64;
        // The postings come last: what is read first lies together.
        let order: Vec<usize> =
            [SPANS, ODD, DIRECTORY].into_iter().chain(ROLLUPS..SECTIONS).chain([POSTINGS]).collect();
        for at in order.iter().copied() {
            let crc = if at == POSTINGS { 0 } else { crc32c::crc32c(&sections[at]) };
            header.sections[at] = Section { offset, length: sections[at].len() as u64, crc };
            offset += sections[at].len() as u64;
        }
        let mut out = header.encode();
        for at in order {
            out.extend_from_slice(&sections[at]);
        }
        out
    }

    fn spans(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut last = 0;
        for (first, end) in &self.spans {
            put_signed(&mut out, first - last);
            put(&mut out, (end - first) as u64);
            last = *first;
        }
        out
    }

    fn odd_blocks(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for field in 0..ODD_COUNT {
            let blocks: Vec<usize> =
                (0..self.odd.len()).filter(|block| self.odd[*block] >> field & 1 == 1).collect();
            put(&mut out, blocks.len() as u64);
            let mut next = 0;
            for block in blocks {
                put(&mut out, (block - next) as u64);
                next = block + 1;
            }
        }
        out
    }
}
