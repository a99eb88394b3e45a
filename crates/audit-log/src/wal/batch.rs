//! Batches: the records that one sync made durable together.
//!
//! Header of 24 bytes: magic `LBT1`, u32 LE count, u64 LE first position, u32 LE body length, u32 LE CRC32C of the 20
//! bytes before. A batch is written only after the sync of the one before it has returned; recovery rests on that.

/// Bytes of a batch header.
pub const BATCH_HEADER: usize = 24;
/// The most records in a batch.
pub const MAX_BATCH_COUNT: u32 = 1 << 20;
/// The largest batch body, in bytes.
pub const MAX_BATCH_BODY: u32 = 1 << 27;

const MAGIC: &[u8; 4] = b"LBT1";

/// What a batch header says.
///
/// A valid header holds zero bytes (its count is below 2^24), which JSON cannot: no payload can look like one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Number of records, at least one.
    pub count: u32,
    /// Position of the first record.
    pub first: u64,
    /// Bytes of all records.
    pub length: u32,
}

impl BatchHeader {
    /// Writes the header.
    pub fn encode(&self) -> [u8; BATCH_HEADER] {
        let mut bytes = [0; BATCH_HEADER];
        bytes[..4].copy_from_slice(MAGIC);
        bytes[4..8].copy_from_slice(&self.count.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.first.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.length.to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[..20]);
        bytes[20..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads a header; `None` for anything that no writer of this format wrote.
    pub fn decode(bytes: &[u8; BATCH_HEADER]) -> Option<BatchHeader> {
        let (content, checksum) = bytes.split_last_chunk::<4>()?;
        let (magic, rest) = content.split_first_chunk::<4>()?;
        if magic != MAGIC || crc32c::crc32c(content) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let (count, rest) = rest.split_first_chunk()?;
        let (first, rest) = rest.split_first_chunk()?;
        let length = u32::from_le_bytes(*rest.first_chunk()?);
        let header =
            BatchHeader { count: u32::from_le_bytes(*count), first: u64::from_le_bytes(*first), length };
        let possible = (1..=MAX_BATCH_COUNT).contains(&header.count) && length <= MAX_BATCH_BODY;
        (possible && header.first.checked_add(u64::from(header.count)).is_some()).then_some(header)
    }

    /// Finds the first valid header in `bytes` that begins at `from` or later.
    pub(crate) fn find(bytes: &[u8], from: usize) -> Option<(usize, BatchHeader)> {
        let windows = bytes.get(from..)?.windows(BATCH_HEADER).enumerate();
        windows.filter(|(_, window)| window.starts_with(MAGIC)).find_map(|(at, window)| {
            let header = BatchHeader::decode(window.first_chunk()?)?;
            Some((from + at, header))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn headers_survive_the_journey(count in 1..=MAX_BATCH_COUNT, first in 0u64..1 << 60, length in 0..=MAX_BATCH_BODY, before: Vec<u8>) {
            let header = BatchHeader { count, first, length };
            prop_assert_eq!(BatchHeader::decode(&header.encode()), Some(header));
            let bytes = [before.as_slice(), &header.encode()].concat();
            prop_assert_eq!(BatchHeader::find(&bytes, 0), Some((before.len(), header)));
        }

        #[test]
        fn json_never_looks_like_a_header(text in "LBT1[\\PC]{20,40}") {
            prop_assert_eq!(BatchHeader::find(text.as_bytes(), 0), None);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: [u8; 24], start: bool) {
            let mut bytes = bytes;
            if start {
                bytes[..4].copy_from_slice(MAGIC);
                let checksum = crc32c::crc32c(&bytes[..20]);
                bytes[20..].copy_from_slice(&checksum.to_le_bytes());
            }
            if let Some(header) = BatchHeader::decode(&bytes) {
                prop_assert_eq!(header.encode(), bytes);
            }
        }
    }
}
