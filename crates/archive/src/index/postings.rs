//! Postings: for each token, in order, the blocks that hold it. Written in groups that are read and checked alone.

use bytes::Bytes;

use crate::blocks::Blocks;
use crate::wire::{Wire, WireError, put};

/// Bytes after which a group ends.
const GROUP_BYTES: usize = 4096;
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

/// Writes postings; tokens must come in order, each once.
pub(super) struct PostingsWriter {
    blocks: usize,
    out: Vec<u8>,
    groups: Vec<Group>,
    last: u64,
    scratch: Vec<u8>,
}

impl PostingsWriter {
    pub(super) fn new(blocks: usize) -> PostingsWriter {
        PostingsWriter { blocks, out: Vec::new(), groups: Vec::new(), last: 0, scratch: Vec::new() }
    }

    /// Adds a token and its blocks, in order.
    pub(super) fn add(&mut self, token: u64, blocks: &[u32]) {
        let full =
            self.groups.last().is_none_or(|group| self.out.len() as u64 - group.offset >= GROUP_BYTES as u64);
        if full {
            self.close();
            self.groups.push(Group { first: token, offset: self.out.len() as u64, length: 0, crc: 0 });
            self.last = token;
        }
        put(&mut self.out, token - self.last);
        self.last = token;
        self.add_list(blocks);
    }

    /// A list is written in the shortest of four ways; most tokens are in one block only. Nothing is lost, so that lists can
    /// be put together where segments are merged.
    fn add_list(&mut self, blocks: &[u32]) {
        if blocks.len() == self.blocks {
            return put(&mut self.out, 0);
        }
        if let [block] = blocks {
            return put(&mut self.out, u64::from(*block) << 1 | 1);
        }
        self.scratch.clear();
        let mut next = 0;
        for block in blocks {
            put(&mut self.scratch, u64::from(block - next));
            next = block + 1;
        }
        let bitmap = self.blocks.div_ceil(8);
        if self.scratch.len() <= bitmap {
            put(&mut self.out, (blocks.len() as u64) << 1);
            return self.out.extend_from_slice(&self.scratch);
        }
        put(&mut self.out, 2);
        let start = self.out.len();
        self.out.resize(start + bitmap, 0);
        for block in blocks {
            self.out[start + *block as usize / 8] |= 1 << (block % 8);
        }
    }

    fn close(&mut self) {
        if let Some(group) = self.groups.last_mut() {
            let bytes = &self.out[group.offset as usize..];
            group.length = u32::try_from(bytes.len()).expect("a group has a few kilobytes");
            group.crc = crc32c::crc32c(bytes);
        }
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

/// Finds a token in a group and adds its blocks to the set.
pub(super) fn find(group: &[u8], first: u64, wanted: u64, found: &mut Blocks) -> Result<(), WireError> {
    let mut wire = Wire(group);
    let mut token = first;
    while !wire.0.is_empty() {
        token = token.checked_add(wire.number()?).ok_or(WireError("a token is too large"))?;
        if token > wanted {
            return Ok(());
        }
        let list = wire.number()?;
        if token == wanted {
            return read_list(&mut wire, list, found.count(), |block| found.insert(block));
        }
        match list {
            2 => drop(wire.bytes(found.count().div_ceil(8))?),
            list if list & 1 == 1 => {}
            list => skip(&mut wire, list >> 1)?,
        }
    }
    Ok(())
}

fn skip(wire: &mut Wire<'_>, numbers: u64) -> Result<(), WireError> {
    for _ in 0..numbers {
        wire.number()?;
    }
    Ok(())
}

/// Reads a list of which the first number was read, and gives its blocks in rising order; there are `count` in all.
pub(super) fn read_list(
    wire: &mut Wire<'_>,
    list: u64,
    count: usize,
    mut take: impl FnMut(usize),
) -> Result<(), WireError> {
    const BEYOND: WireError = WireError("a block lies beyond the last");
    match list {
        0 => (0..count).for_each(take),
        2 => {
            let bitmap = wire.bytes(count.div_ceil(8))?;
            let set = |block: &usize| bitmap[block / 8] >> (block % 8) & 1 == 1;
            (0..count).filter(set).for_each(take);
        }
        list if list & 1 == 1 => {
            let block = usize::try_from(list >> 1).ok().filter(|block| *block < count);
            take(block.ok_or(BEYOND)?);
        }
        list => {
            let mut next = 0;
            for _ in 0..list >> 1 {
                let block = next + wire.below(count as u64)?;
                if block >= count {
                    return Err(BEYOND);
                }
                take(block);
                next = block + 1;
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
