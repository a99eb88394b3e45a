//! Builds an index block by block, and writes it once its data is written.

use super::file::Binding;
use super::outline::Outline;
use super::postings::PostingsWriter;
use crate::extract::FieldSet;
use crate::rollup::RollupRows;

/// Tokens are kept in buckets by their first eight bits, each small enough to be sorted on the side.
const BUCKETS: usize = 256;

/// Takes blocks in.
pub(crate) struct IndexBuilder {
    outline: Outline,
    /// Each bucket's tokens, block after block.
    buckets: Vec<Vec<u32>>,
    /// For each block, where its tokens end in each bucket.
    ends: Vec<[u32; BUCKETS]>,
}

impl IndexBuilder {
    /// Makes an empty one.
    pub(crate) fn new() -> IndexBuilder {
        IndexBuilder { outline: Outline::new(), buckets: vec![Vec::new(); BUCKETS], ends: Vec::new() }
    }

    /// Adds a block: its event times in microseconds, the columns that are odd in it, and its tokens in order.
    pub(crate) fn add_block(&mut self, span: (i64, i64), odd: FieldSet, tokens: &[u32]) {
        self.outline.add_block(span, odd);
        for tokens in tokens.chunk_by(|left, right| left >> 24 == right >> 24) {
            self.buckets[(tokens[0] >> 24) as usize].extend_from_slice(tokens);
        }
        let ends =
            |bucket: usize| u32::try_from(self.buckets[bucket].len()).expect("fewer tokens than bytes");
        self.ends.push(std::array::from_fn(ends));
    }

    /// Counts rows.
    pub(crate) fn count(&mut self, rows: &RollupRows<'_>) {
        self.outline.count(rows);
    }

    /// Writes the index.
    pub(crate) fn finish(mut self, binding: Binding) -> Vec<u8> {
        let postings = self.postings();
        self.outline.finish(postings, binding)
    }

    fn postings(&mut self) -> PostingsWriter {
        let mut writer = PostingsWriter::new(self.outline.blocks());
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
        writer
    }
}
