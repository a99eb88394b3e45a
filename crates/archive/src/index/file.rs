//! The outer shape of an index file: what it belongs to, and where its sections lie.

use crate::blocks::BLOCK_ROWS;
use crate::rollup;
use crate::wire::{Wire, WireError};

/// Version of the format.
const VERSION: u32 = 4;
/// The first bytes of an index.
pub(super) const MAGIC: &[u8; 8] = b"LODGEIX1";
/// Bytes of a header: all of it is read at once.
pub(super) const HEADER_BYTES: usize = 8 + 4 + 4 + 4 + 8 + 8 + 8 + 4 + SECTIONS * SECTION_BYTES + 4;
const SECTION_BYTES: usize = 8 + 8 + 4;
/// The most rows of a segment; block numbers fit 20 bits.
const MOST_ROWS: u64 = (BLOCK_ROWS as u64) << 20;

/// How many sections there are.
pub(super) const SECTIONS: usize = ROLLUPS + rollup::SECTIONS;
/// Event times of the blocks.
pub(super) const SPANS: usize = 0;
/// Odd blocks of the columns.
pub(super) const ODD: usize = 1;
/// Where the groups of postings lie.
pub(super) const DIRECTORY: usize = 2;
/// The postings; each of their groups has its own checksum in the directory, and this section none.
pub(super) const POSTINGS: usize = 3;
/// Roll-up by hour; those of user, target and address follow, by day and then in all.
pub(super) const ROLLUPS: usize = 4;

/// What ties an index to its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    /// Position of the first entry.
    pub(crate) first: u64,
    /// Position behind the last.
    pub(crate) end: u64,
    /// Bytes of the Parquet file.
    pub(crate) data_bytes: u64,
    /// CRC32C of its footer: the metadata, their length and the closing magic.
    pub(crate) footer_crc: u32,
}

impl Binding {
    /// How many blocks there are; none where the range is no range of a segment.
    pub(super) fn blocks(&self) -> Option<usize> {
        let rows = self.end.checked_sub(self.first).filter(|rows| *rows <= MOST_ROWS)?;
        Some((rows as usize).div_ceil(BLOCK_ROWS))
    }
}

/// Where a section lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) crc: u32,
}

/// The header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) binding: Binding,
    pub(super) sections: [Section; SECTIONS],
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(MAGIC);
        for number in [VERSION, event::filter::tokens::VERSION, BLOCK_ROWS as u32] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.binding.first, self.binding.end, self.binding.data_bytes] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.binding.footer_crc.to_le_bytes());
        for section in &self.sections {
            out.extend_from_slice(&section.offset.to_le_bytes());
            out.extend_from_slice(&section.length.to_le_bytes());
            out.extend_from_slice(&section.crc.to_le_bytes());
        }
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header of a file of `length` bytes; every section lies within it.
    pub(super) fn decode(bytes: &[u8], length: u64) -> Result<Header, WireError> {
        let (body, crc) = bytes.split_last_chunk::<4>().ok_or(WireError("the header is cut short"))?;
        if bytes.len() != HEADER_BYTES || body.first_chunk() != Some(MAGIC) {
            return Err(WireError("it does not begin as an index does"));
        }
        if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
            return Err(WireError("the checksum of the header does not match"));
        }
        let mut wire = Wire(&body[MAGIC.len()..]);
        let versions = [wire.fixed32()?, wire.fixed32()?, wire.fixed32()?];
        if versions != [VERSION, event::filter::tokens::VERSION, BLOCK_ROWS as u32] {
            return Err(WireError("it was made by another version"));
        }
        let binding = Binding {
            first: wire.fixed64()?,
            end: wire.fixed64()?,
            data_bytes: wire.fixed64()?,
            footer_crc: wire.fixed32()?,
        };
        let mut sections = [Section::default(); SECTIONS];
        for section in &mut sections {
            *section = Section { offset: wire.fixed64()?, length: wire.fixed64()?, crc: wire.fixed32()? };
            if section.offset.checked_add(section.length).is_none_or(|end| end > length) {
                return Err(WireError("a section lies beyond the end"));
            }
        }
        binding.blocks().ok_or(WireError("its positions are no range of a segment"))?;
        Ok(Header { binding, sections })
    }
}
