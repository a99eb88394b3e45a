//! Builds an index block by block, and writes it once its data is written.

use super::file::{
    Binding, DIRECTORY, HEADER_BYTES, Header, ODD, POSTINGS, ROLLUPS, SECTIONS, SPANS, Section,
};
use super::postings::PostingsWriter;
use crate::extract::{FieldSet, ODD_COUNT};
use crate::rollup::RollupBuilder;
use crate::wire::{put, put_signed};

/// Tokens are kept in buckets by their first eight bits, each small enough to be sorted on the side.
const BUCKETS: usize = 256;

/// Takes blocks in.
pub(crate) struct IndexBuilder {
    spans: Vec<(i64, i64)>,
    odd: Vec<FieldSet>,
    /// Each bucket's tokens, block after block.
    buckets: Vec<Vec<u32>>,
    /// For each block, where its tokens end in each bucket.
    ends: Vec<[u32; BUCKETS]>,
    /// What is counted of its rows.
    pub(crate) rollups: RollupBuilder,
}

impl IndexBuilder {
    /// Makes an empty one.
    pub(crate) fn new() -> IndexBuilder {
        IndexBuilder {
            spans: Vec::new(),
            odd: Vec::new(),
            buckets: vec![Vec::new(); BUCKETS],
            ends: Vec::new(),
            rollups: RollupBuilder::new(),
        }
    }

    /// Adds a block: its event times in microseconds, the columns that are odd in it, and its tokens.
    pub(crate) fn add_block(&mut self, span: (i64, i64), odd: FieldSet, tokens: &[u32]) {
        self.spans.push(span);
        self.odd.push(odd);
        for token in tokens {
            self.buckets[(token >> 24) as usize].push(*token);
        }
        let ends =
            |bucket: usize| u32::try_from(self.buckets[bucket].len()).expect("fewer tokens than bytes");
        self.ends.push(std::array::from_fn(ends));
    }

    /// Writes the index.
    pub(crate) fn finish(mut self, binding: Binding) -> Vec<u8> {
        let odd = self.odd.iter().fold(0, |all, odd| all | odd);
        let rollups = self.rollups.encode(odd);
        let (postings, directory) = self.postings();
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

    fn postings(&mut self) -> (Vec<u8>, Vec<u8>) {
        let mut writer = PostingsWriter::new(self.spans.len());
        let mut pairs: Vec<u64> = Vec::new();
        let mut blocks = Vec::new();
        for bucket in 0..BUCKETS {
            let tokens = std::mem::take(&mut self.buckets[bucket]);
            pairs.clear();
            let mut start = 0;
            for (block, ends) in self.ends.iter().enumerate() {
                let end = ends[bucket] as usize;
                pairs.extend(tokens[start..end].iter().map(|token| u64::from(*token) << 32 | block as u64));
                start = end;
            }
            pairs.sort_unstable();
            for pairs in pairs.chunk_by(|left, right| left >> 32 == right >> 32) {
                blocks.clear();
                blocks.extend(pairs.iter().map(|pair| *pair as u32));
                writer.add(pairs[0] >> 32, &blocks);
            }
        }
        writer.finish()
    }
}
