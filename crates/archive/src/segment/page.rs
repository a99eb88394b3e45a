//! Pages of a Parquet file: the header (Thrift, compact protocol) and the unpacked bytes behind it.
//!
//! Only what segments contain is read: data pages of version 1 and dictionary pages, plain or packed by zstd. The
//! library's own page reader trusts a page's word for how much memory it takes, which these bytes have not earned.

use bytes::Bytes;

/// The largest page, unpacked: one event of the largest size, and a page's worth before it.
pub(super) const MOST_PAGE_BYTES: usize = 40 << 20;
/// How deep structures of a header may nest.
const MOST_DEPTH: u32 = 4;

/// A page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) kind: PageKind,
    /// Values, nulls included.
    pub(super) values: usize,
    pub(super) encoding: Encoding,
    pub(super) body: Bytes,
}

/// What a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageKind {
    Data,
    Dictionary,
}

/// How values are written. The numbers are those of the Parquet format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Delta,
    Dictionary,
}

/// How pages are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Zstd,
}

/// Why bytes are no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct PageError(pub(super) &'static str);

const CUT: PageError = PageError("a page is cut short");

/// Unpacks pages one after another.
pub(super) struct Unpacker(Option<zstd::bulk::Decompressor<'static>>);

impl Unpacker {
    pub(super) fn new() -> Unpacker {
        Unpacker(None)
    }

    /// Made once it is needed: what is on the shelf needs none.
    fn decompressor(&mut self) -> &mut zstd::bulk::Decompressor<'static> {
        self.0.get_or_insert_with(|| zstd::bulk::Decompressor::new().expect("memory for a decompressor"))
    }

    /// Reads the page at the front of `bytes`; returns it and its length.
    pub(super) fn page(&mut self, bytes: &Bytes, packing: Packing) -> Result<(Page, usize), PageError> {
        let mut reader = Compact(bytes);
        let header = Header::read(&mut reader)?;
        let start = bytes.len() - reader.0.len();
        let end = start.checked_add(header.packed).filter(|end| *end <= bytes.len()).ok_or(CUT)?;
        let packed = bytes.slice(start..end);
        let body = match packing {
            Packing::None => packed,
            Packing::Zstd if header.unpacked == 0 => Bytes::new(),
            Packing::Zstd => {
                let unpacked = self.decompressor().decompress(&packed, header.unpacked);
                unpacked.map_err(|_| PageError("a page does not unpack"))?.into()
            }
        };
        if body.len() != header.unpacked {
            return Err(PageError("a page is not as long as its header says"));
        }
        Ok((Page { kind: header.kind, values: header.values, encoding: header.encoding, body }, end))
    }
}

struct Header {
    kind: PageKind,
    unpacked: usize,
    packed: usize,
    values: usize,
    encoding: Encoding,
}

impl Header {
    fn read(reader: &mut Compact<'_>) -> Result<Header, PageError> {
        let (mut kind, mut unpacked, mut packed, mut inner) = (None, None, None, None);
        let mut field = 0;
        while let Some(sort) = reader.field(&mut field)? {
            match (field, sort) {
                (1, INT) => kind = Some(reader.signed()?),
                (2, INT) => unpacked = Some(reader.size(MOST_PAGE_BYTES)?),
                (3, INT) => packed = Some(reader.size(2 * MOST_PAGE_BYTES)?),
                (5 | 7, STRUCT) => inner = Some((field, values(reader)?)),
                (_, sort) => reader.skip(sort, MOST_DEPTH)?,
            }
        }
        let missing = PageError("a page's header lacks a field");
        let (at, (values, encoding)) = inner.ok_or(missing)?;
        let kind = match (kind.ok_or(missing)?, at) {
            (0, 5) => PageKind::Data,
            (2, 7) => PageKind::Dictionary,
            _ => return Err(PageError("a page is of a kind that no segment has")),
        };
        Ok(Header {
            kind,
            unpacked: unpacked.ok_or(missing)?,
            packed: packed.ok_or(missing)?,
            values,
            encoding,
        })
    }
}

/// Reads the header of a data or dictionary page: how many values, and how they are written.
fn values(reader: &mut Compact<'_>) -> Result<(usize, Encoding), PageError> {
    let (mut values, mut encoding) = (None, None);
    let mut field = 0;
    while let Some(sort) = reader.field(&mut field)? {
        match (field, sort) {
            (1, INT) => values = Some(reader.size(MOST_PAGE_BYTES)?),
            (2, INT) => encoding = Some(reader.signed()?),
            (_, sort) => reader.skip(sort, MOST_DEPTH)?,
        }
    }
    let encoding = match encoding {
        Some(0) => Encoding::Plain,
        Some(2 | 8) => Encoding::Dictionary,
        Some(5) => Encoding::Delta,
        _ => return Err(PageError("a page is written in a way that no segment uses")),
    };
    Ok((values.ok_or(PageError("a page's header lacks a field"))?, encoding))
}

/// Sorts of Thrift fields.
const INT: u8 = 5;
const STRUCT: u8 = 12;

/// Thrift's compact protocol, as far as page headers need it.
struct Compact<'a>(&'a [u8]);

impl Compact<'_> {
    fn byte(&mut self) -> Result<u8, PageError> {
        let (byte, rest) = self.0.split_first().ok_or(CUT)?;
        self.0 = rest;
        Ok(*byte)
    }

    fn number(&mut self) -> Result<u64, PageError> {
        let mut wire = crate::wire::Wire(self.0);
        let number = wire.number().map_err(|_| CUT)?;
        self.0 = wire.0;
        Ok(number)
    }

    fn signed(&mut self) -> Result<i64, PageError> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn size(&mut self, most: usize) -> Result<usize, PageError> {
        let size = usize::try_from(self.signed()?).ok().filter(|size| *size <= most);
        size.ok_or(PageError("a page is larger than any can be"))
    }

    /// Reads the beginning of a field: its number into `field`, its sort as the answer; none at the end of the structure.
    fn field(&mut self, field: &mut i64) -> Result<Option<u8>, PageError> {
        let byte = self.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        *field = match byte >> 4 {
            0 => self.signed()?,
            step => field.saturating_add(i64::from(step)),
        };
        Ok(Some(byte & 0x0f))
    }

    fn skip(&mut self, sort: u8, depth: u32) -> Result<(), PageError> {
        let deeper = depth.checked_sub(1).ok_or(PageError("a page's header nests too deep"))?;
        match sort {
            1 | 2 => Ok(()),
            3 => self.take(1),
            4..=6 => self.number().map(drop),
            7 => self.take(8),
            8 => {
                let length = self.number()?;
                self.take(usize::try_from(length).map_err(|_| CUT)?)
            }
            12 => {
                let mut field = 0;
                while let Some(sort) = self.field(&mut field)? {
                    self.skip(sort, deeper)?;
                }
                Ok(())
            }
            _ => Err(PageError("a page's header has a field that no segment writes")),
        }
    }

    fn take(&mut self, length: usize) -> Result<(), PageError> {
        self.0 = self.0.get(length..).ok_or(CUT)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn arbitrary_bytes_are_read_or_refused(bytes: Vec<u8>, packed: bool) {
            let packing = if packed { Packing::Zstd } else { Packing::None };
            let _ = Unpacker::new().page(&Bytes::from(bytes), packing);
        }
    }
}
