//! Postings: for each token, in order, the blocks that hold it. Written in groups that are read and checked alone.
//!
//! Most tokens are in one block only, and hashes are as far apart as chance has it, so bits are what counts: each token takes
//! about as many as chance leaves open. Nothing is lost, so that lists can be put together where segments are merged.

use bytes::Bytes;

use super::bits::{BitReader, BitWriter};
use crate::blocks::Blocks;
use crate::shelf::Keep;
use crate::wire::{Wire, WireError, put};

/// Tokens after which a group ends.
const GROUP_TOKENS: usize = 1024;
/// Numbers of blocks after which it ends, those of one token apart.
const GROUP_BLOCKS: usize = 4096;
/// The largest group that is read: one group's worth and the longest list of one token.
pub(super) const MOST_GROUP_BYTES: u64 = 1 << 20;

/// One group, as the directory knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Its first token.
    pub(super) first: u64,
    /// Where it lies in the section.
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) crc: u32,
}

/// How a list of so many blocks out of all is written.
enum Form {
    /// There is nothing to be said.
    All,
    /// A bit for each block.
    Bitmap,
    /// How many blocks were passed over each time, as Rice numbers.
    Gaps(u32),
}

impl Form {
    /// The shorter form, as far as the number alone can tell.
    fn of(listed: usize, blocks: usize) -> Form {
        if listed >= blocks {
            Form::All
        } else if listed * 4 > blocks {
            Form::Bitmap
        } else {
            Form::Gaps((blocks / listed).ilog2())
        }
    }
}

/// Bits of the number of a block.
fn block_bits(blocks: usize) -> u32 {
    usize::BITS - blocks.saturating_sub(1).leading_zeros()
}

/// Writes postings; tokens must come in order, each once.
pub(super) struct PostingsWriter {
    blocks: usize,
    out: Vec<u8>,
    groups: Vec<Group>,
    /// Tokens of the open group, and how many blocks each has.
    tokens: Vec<(u64, u32)>,
    /// Their blocks, those of one token after those of the one before.
    listed: Vec<u32>,
    bits: BitWriter,
}

impl PostingsWriter {
    pub(super) fn new(blocks: usize) -> PostingsWriter {
        PostingsWriter {
            blocks,
            out: Vec::new(),
            groups: Vec::new(),
            tokens: Vec::new(),
            listed: Vec::new(),
            bits: BitWriter::default(),
        }
    }

    /// Adds a token and its blocks, in order, at least one.
    pub(super) fn add(&mut self, token: u64, blocks: &[u32]) {
        self.tokens.push((token, blocks.len() as u32));
        if blocks.len() < self.blocks {
            self.listed.extend_from_slice(blocks);
        }
        if self.tokens.len() >= GROUP_TOKENS || self.listed.len() >= GROUP_BLOCKS {
            self.close();
        }
    }

    /// Writes the open group.
    fn close(&mut self) {
        let (Some((first, _)), Some((last, _))) = (self.tokens.first(), self.tokens.last()) else { return };
        let (first, count) = (*first, self.tokens.len());
        let k = ((last - first) / count as u64).checked_ilog2().unwrap_or(0);
        let offset = self.out.len();
        put(&mut self.out, count as u64);
        self.out.push(k as u8);
        let mut before = None;
        let mut rest = self.listed.as_slice();
        for (token, listed) in &self.tokens {
            if let Some(before) = before.replace(*token) {
                self.bits.rice((token - before - 1) as u32, k);
            }
            let listed = *listed as usize;
            let own;
            (own, rest) = rest.split_at(if listed < self.blocks { listed } else { 0 });
            put_list(&mut self.bits, own, listed, self.blocks);
        }
        self.bits.finish(&mut self.out);
        let bytes = &self.out[offset..];
        let length = u32::try_from(bytes.len()).expect("a group has a few kilobytes");
        self.groups.push(Group { first, offset: offset as u64, length, crc: crc32c::crc32c(bytes) });
        self.tokens.clear();
        self.listed.clear();
    }

    /// Returns the postings and the directory.
    pub(super) fn finish(mut self) -> (Vec<u8>, Vec<u8>) {
        self.close();
        let mut directory = Vec::with_capacity(self.groups.len() * 12);
        put(&mut directory, self.groups.len() as u64);
        let mut last = 0;
        for group in &self.groups {
            put(&mut directory, group.first - last);
            put(&mut directory, u64::from(group.length));
            directory.extend_from_slice(&group.crc.to_le_bytes());
            last = group.first;
        }
        (self.out, directory)
    }
}

/// Writes a list of so many blocks; where it has all of them it need not be given.
fn put_list(bits: &mut BitWriter, list: &[u32], listed: usize, blocks: usize) {
    bits.gamma(listed as u32);
    if let ([block], 2..) = (list, blocks) {
        return bits.put(*block, block_bits(blocks));
    }
    let mut next = 0;
    match Form::of(listed, blocks) {
        Form::All => {}
        Form::Gaps(k) => {
            for block in list {
                bits.rice(block - next, k);
                next = block + 1;
            }
        }
        Form::Bitmap => {
            for block in list {
                let mut zeros = block - next;
                while zeros > 0 {
                    let some = zeros.min(32);
                    bits.put(0, some);
                    zeros -= some;
                }
                bits.put(1, 1);
                next = block + 1;
            }
            for _ in next as usize..blocks {
                bits.put(0, 1);
            }
        }
    }
}

/// Reads the directory of a postings section of `length` bytes.
pub(super) fn read_directory(bytes: &[u8], length: u64) -> Result<Vec<Group>, WireError> {
    let mut wire = Wire(bytes);
    let count = wire.count(6)?;
    let mut groups = Vec::with_capacity(count);
    let (mut first, mut offset) = (0_u64, 0_u64);
    for _ in 0..count {
        first = first.checked_add(wire.number()?).ok_or(WireError("a token is too large"))?;
        let bytes = wire.below(MOST_GROUP_BYTES + 1)? as u64;
        groups.push(Group { first, offset, length: bytes as u32, crc: wire.fixed32()? });
        offset += bytes;
    }
    wire.end()?;
    if offset == length { Ok(groups) } else { Err(WireError("the directory does not fit its postings")) }
}

/// A group, taken apart as far as its tokens, so that none before the wanted one is read again.
pub(super) struct Tokens {
    bytes: Bytes,
    tokens: Vec<u32>,
    /// The bit at which each token's list begins.
    lists: Vec<u32>,
}

impl Keep for Tokens {
    fn bytes(&self) -> usize {
        self.bytes.len() + size_of_val(&self.tokens[..]) + size_of_val(&self.lists[..])
    }
}

impl Tokens {
    /// Takes a group apart, of an index of so many blocks.
    pub(super) fn read(bytes: Bytes, first: u64, blocks: usize) -> Result<Tokens, WireError> {
        const LARGE: WireError = WireError("a group is too large");
        let (mut tokens, mut lists) = (Vec::new(), Vec::new());
        let mut step = Step::begin(&bytes, first)?;
        while let Some(token) = step.token(&bytes)? {
            tokens.push(u32::try_from(token).map_err(|_| LARGE)?);
            lists.push(u32::try_from(step.at).map_err(|_| LARGE)?);
            step.list(&bytes, blocks, |_| {})?;
        }
        Ok(Tokens { bytes, tokens, lists })
    }

    /// Finds a token and adds its blocks to the set.
    pub(super) fn find(&self, wanted: u32, found: &mut Blocks) -> Result<(), WireError> {
        let at = self.tokens.partition_point(|token| *token < wanted);
        let Some(list) = self.lists.get(at).filter(|_| self.tokens[at] == wanted) else { return Ok(()) };
        let mut bits = BitReader::new(&self.bytes, *list as usize);
        read_list(&mut bits, found.count(), |block| found.insert(block))
    }
}

/// Where a walk through a group is: before a token, or before its list.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// The next bit.
    at: usize,
    /// Tokens that follow.
    left: usize,
    k: u32,
    /// The token that was read last; none at the begin.
    token: Option<u64>,
    /// The first token, as the directory has it.
    first: u64,
}

impl Step {
    /// Begins a group.
    pub(super) fn begin(group: &[u8], first: u64) -> Result<Step, WireError> {
        let mut wire = Wire(group);
        let left = wire.below(GROUP_TOKENS as u64 + 1)?;
        let k = u32::from(wire.bytes(1)?[0]);
        if k >= 32 {
            return Err(WireError("a token has more than 32 bits"));
        }
        Ok(Step { at: (group.len() - wire.0.len()) * 8, left, k, token: None, first })
    }

    /// Reads the next token; none at the end of the group.
    pub(super) fn token(&mut self, group: &[u8]) -> Result<Option<u64>, WireError> {
        let mut bits = BitReader::new(group, self.at);
        let Some(left) = self.left.checked_sub(1) else {
            bits.end()?;
            return Ok(None);
        };
        let token = match self.token {
            None => self.first,
            Some(before) => before + 1 + u64::from(bits.rice(self.k)?),
        };
        if token > u64::from(u32::MAX) {
            return Err(WireError("a token is too large"));
        }
        (self.at, self.left, self.token) = (bits.at, left, Some(token));
        Ok(self.token)
    }

    /// Reads the list of the token that was read last, rising; there are `count` blocks in all.
    pub(super) fn list(
        &mut self,
        group: &[u8],
        count: usize,
        take: impl FnMut(usize),
    ) -> Result<(), WireError> {
        let mut bits = BitReader::new(group, self.at);
        read_list(&mut bits, count, take)?;
        self.at = bits.at;
        Ok(())
    }
}

fn read_list(bits: &mut BitReader<'_>, count: usize, mut take: impl FnMut(usize)) -> Result<(), WireError> {
    const BEYOND: WireError = WireError("a block lies beyond the last");
    let listed = bits.gamma()? as usize;
    if listed > count {
        return Err(BEYOND);
    }
    if listed == 1 && count > 1 {
        let block = bits.number(block_bits(count))? as usize;
        take(Some(block).filter(|block| *block < count).ok_or(BEYOND)?);
        return Ok(());
    }
    match Form::of(listed, count) {
        Form::All => (0..count).for_each(take),
        Form::Gaps(k) => {
            let mut next = 0;
            for _ in 0..listed {
                let block = next + bits.rice(k)? as usize;
                if block >= count {
                    return Err(BEYOND);
                }
                take(block);
                next = block + 1;
            }
        }
        Form::Bitmap => {
            let mut found = 0;
            for first in (0..count).step_by(32) {
                let width = (count - first).min(32);
                let mut word = bits.number(width as u32)?;
                found += word.count_ones() as usize;
                while word != 0 {
                    take(first + word.trailing_zeros() as usize);
                    word &= word - 1;
                }
            }
            if found != listed {
                return Err(WireError("a list of blocks has another length"));
            }
        }
    }
    Ok(())
}

/// Returns the bytes of a group if they are those that the directory means.
pub(super) fn checked(bytes: Bytes, group: &Group) -> Result<Bytes, WireError> {
    if crc32c::crc32c(&bytes) != group.crc {
        return Err(WireError("the checksum of a group of postings does not match"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    type Lists = BTreeMap<u32, BTreeSet<u32>>;

    fn lists() -> impl Strategy<Value = (usize, Lists)> {
        (1usize..300).prop_flat_map(|blocks| {
            let few = prop::collection::btree_set(0..blocks as u32, 1..4.min(blocks + 1));
            let many = prop::collection::btree_set(0..blocks as u32, 1..=blocks);
            let all = Just((0..blocks as u32).collect::<BTreeSet<u32>>());
            let list = prop_oneof![6 => few, 3 => many, 1 => all];
            let token = prop_oneof![any::<u32>(), 0..5000_u32];
            (Just(blocks), prop::collection::btree_map(token, list, 0..2000))
        })
    }

    fn written(blocks: usize, lists: &Lists) -> (Vec<u8>, Vec<Group>) {
        let mut writer = PostingsWriter::new(blocks);
        for (token, list) in lists {
            writer.add(u64::from(*token), &list.iter().copied().collect::<Vec<u32>>());
        }
        let (postings, directory) = writer.finish();
        let groups = read_directory(&directory, postings.len() as u64).unwrap();
        (postings, groups)
    }

    fn bytes<'a>(postings: &'a [u8], group: &Group) -> &'a [u8] {
        &postings[group.offset as usize..][..group.length as usize]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn lists_survive_the_journey((blocks, lists) in lists()) {
            let (postings, groups) = written(blocks, &lists);
            let mut read = Lists::new();
            for group in &groups {
                let bytes = bytes(&postings, group);
                let mut step = Step::begin(bytes, group.first).unwrap();
                while let Some(token) = step.token(bytes).unwrap() {
                    let list = read.entry(token as u32).or_default();
                    step.list(bytes, blocks, |block| assert!(list.insert(block as u32))).unwrap();
                }
            }
            prop_assert_eq!(&read, &lists);
        }

        #[test]
        fn what_is_asked_for_is_found_and_nothing_else((blocks, lists) in lists(), other: u32) {
            let (postings, groups) = written(blocks, &lists);
            for token in lists.keys().copied().take(50).chain([other]) {
                let mut found = Blocks::none(blocks);
                let behind = groups.partition_point(|group| group.first <= u64::from(token));
                if let Some(group) = behind.checked_sub(1).map(|at| groups[at]) {
                    let bytes = Bytes::copy_from_slice(bytes(&postings, &group));
                    Tokens::read(bytes, group.first, blocks).unwrap().find(token, &mut found).unwrap();
                }
                let listed: BTreeSet<u32> = found.iter().map(|block| block as u32).collect();
                prop_assert_eq!(listed, lists.get(&token).cloned().unwrap_or_default());
            }
        }

        #[test]
        fn arbitrary_groups_are_read_or_refused(group: Vec<u8>, first: u32, wanted: u32, blocks in 0usize..5000) {
            let mut found = Blocks::none(blocks);
            if let Ok(tokens) = Tokens::read(group.into(), first.into(), blocks) {
                let _ = tokens.find(wanted, &mut found);
            }
        }
    }
}
