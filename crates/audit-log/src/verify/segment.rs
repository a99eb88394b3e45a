//! Reads one segment of the write-ahead log as a sequence of pieces, sound or not.
//!
//! It knows the framing alone: headers, checksums, lengths. What a record says, and whether positions follow each
//! other, is judged by the caller. Any byte string is a segment to it; memory stays within one record.

use std::io::{self, Read};

use event::envelope::MAX_EVENT_BYTES;

use super::block::BlockReader;
use super::leaf::{FIXED_LEAF_BYTES, MAX_LEAF_BYTES, SALT_BYTES};

/// Bytes of a segment's header.
pub const SEGMENT_HEADER: usize = 32;
/// Bytes of a batch's header.
pub const BATCH_HEADER: usize = 24;
/// Bytes before a record's body: its length and its checksum.
pub const RECORD_HEADER: usize = 8;
/// Highest position that a batch may reach; far beyond any log, it keeps sums from overflowing.
pub const MAX_POSITION: u64 = 1 << 62;
/// Fewest bytes of a record's body: an entry without source id and payload.
const MIN_BODY: usize = 2 + FIXED_LEAF_BYTES + SALT_BYTES;
/// Most bytes of a record's body.
const MAX_BODY: usize = 2 + MAX_LEAF_BYTES + SALT_BYTES + MAX_EVENT_BYTES;

/// One thing that a segment holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A batch begins; `count` records follow unless other pieces say otherwise.
    Batch {
        /// Position of its first entry.
        first: u64,
        /// Number of its entries.
        count: u32,
    },
    /// A record of the batch.
    Record {
        /// Leaf length, leaf, salt and payload.
        body: &'a [u8],
        /// Whether its checksum is right.
        checksum_ok: bool,
    },
    /// The remaining records of the batch cannot be told apart; the batch was left behind.
    LostRecords {
        /// How many those are.
        count: u32,
    },
    /// The file ends within the batch.
    EndsWithin {
        /// Records that are not there.
        count: u32,
        /// Bytes that there are of them.
        bytes: u64,
    },
    /// Bytes within a batch after its last record, or between batches.
    Foreign {
        /// Their number.
        bytes: u64,
    },
    /// Bytes after which no batch follows any more.
    Garbage {
        /// Number up to the last that is not zero.
        bytes: u64,
    },
}

/// Reads the header of a segment; the position of its first entry, or nothing where the header is wrong.
pub fn segment_header(bytes: &[u8]) -> Option<u64> {
    let bytes: &[u8; SEGMENT_HEADER] = bytes.try_into().ok()?;
    let (magic, rest) = bytes.split_first_chunk::<8>()?;
    let (version, rest) = rest.split_first_chunk::<8>()?;
    let (first, reserved) = rest.split_first_chunk::<8>()?;
    (magic == b"LODGEWAL" && *version == [1, 0, 0, 0, 0, 0, 0, 0] && reserved == [0; 8])
        .then(|| u64::from_le_bytes(*first))
}

#[derive(Clone, Copy, Debug)]
struct BatchHeader {
    count: u32,
    first: u64,
    body: u32,
}

impl BatchHeader {
    /// Reads a header that is right in itself and could be followed by what it promises.
    fn parse(bytes: &[u8]) -> Option<BatchHeader> {
        let bytes: &[u8; BATCH_HEADER] = bytes.try_into().ok()?;
        let word = |at: usize| bytes[at..at + 4].try_into().map(u32::from_le_bytes).ok();
        let first = bytes[8..16].try_into().map(u64::from_le_bytes).ok()?;
        let (count, body, checksum) = (word(4)?, word(16)?, word(20)?);
        let least = u64::from(count) * (RECORD_HEADER + MIN_BODY) as u64;
        let sound = bytes.starts_with(b"LBT1")
            && checksum == crc32c::crc32c(&bytes[..20])
            && count > 0
            && u64::from(body) >= least
            && first <= MAX_POSITION - u64::from(count);
        sound.then_some(BatchHeader { count, first, body })
    }
}

/// Walks a segment from behind its header.
#[derive(Debug)]
pub struct SegmentReader<R> {
    bytes: BlockReader<R>,
    records_left: u32,
    bytes_left: u64,
    /// Bytes of the record that was handed out last.
    held: usize,
    /// Position from which a batch counts when one is searched for behind damage.
    floor: u64,
}

impl<R: Read> SegmentReader<R> {
    /// Takes the header's bytes off the stream; returns them, fewer where the stream is shorter.
    pub fn open(stream: R) -> io::Result<(SegmentReader<R>, Vec<u8>)> {
        let mut bytes = BlockReader::new(stream);
        let header = bytes.peek(SEGMENT_HEADER)?.to_vec();
        bytes.consume(header.len());
        Ok((SegmentReader { bytes, records_left: 0, bytes_left: 0, held: 0, floor: 0 }, header))
    }

    /// Returns the offset in the file of what comes next.
    pub fn offset(&self) -> u64 {
        self.bytes.offset() + self.held as u64
    }

    /// Says which entry is the next, so that a search behind damage passes over older batches.
    pub fn expect(&mut self, position: u64) {
        self.floor = position;
    }

    /// Returns the bytes up to the last that is not zero, and ends the walk.
    pub fn remaining(&mut self) -> io::Result<u64> {
        self.bytes.consume(std::mem::take(&mut self.held));
        self.records_left = 0;
        self.bytes_left = 0;
        let from = self.bytes.offset();
        let mut last = from;
        loop {
            let window = self.bytes.peek(1 << 16)?;
            let (length, nonzero) = (window.len(), window.iter().rposition(|byte| *byte != 0));
            if length == 0 {
                return Ok(last - from);
            }
            if let Some(at) = nonzero {
                last = self.bytes.offset() + at as u64 + 1;
            }
            self.bytes.consume(length);
        }
    }

    /// Returns the next piece, nothing at the end.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.bytes.consume(std::mem::take(&mut self.held));
        if self.records_left > 0 {
            return self.record().map(Some);
        }
        if self.bytes_left > 0 {
            let bytes = self.bytes.skip(std::mem::take(&mut self.bytes_left))?;
            return Ok(Some(Piece::Foreign { bytes }));
        }
        self.between_batches()
    }

    fn record(&mut self) -> io::Result<Piece<'_>> {
        let header = self.bytes.peek(RECORD_HEADER)?;
        let Some((length, checksum)) = record_header(header) else { return self.ends_within() };
        let whole = RECORD_HEADER as u64 + u64::from(length);
        let length = length as usize;
        if !(MIN_BODY..=MAX_BODY).contains(&length) || whole > self.bytes_left {
            return self.lost_records();
        }
        if self.bytes.peek(RECORD_HEADER + length)?.len() < RECORD_HEADER + length {
            return self.ends_within();
        }
        self.records_left -= 1;
        self.bytes_left -= whole;
        self.held = RECORD_HEADER + length;
        let body = &self.bytes.visible(self.held)[RECORD_HEADER..];
        Ok(Piece::Record { body, checksum_ok: crc32c::crc32c(body) == checksum })
    }

    fn lost_records(&mut self) -> io::Result<Piece<'_>> {
        let count = std::mem::take(&mut self.records_left);
        let promised = std::mem::take(&mut self.bytes_left);
        let bytes = self.bytes.skip(promised)?;
        Ok(if bytes < promised { Piece::EndsWithin { count, bytes } } else { Piece::LostRecords { count } })
    }

    fn ends_within(&mut self) -> io::Result<Piece<'_>> {
        let count = std::mem::take(&mut self.records_left);
        let bytes = self.bytes.skip(std::mem::take(&mut self.bytes_left))?;
        Ok(Piece::EndsWithin { count, bytes })
    }

    fn between_batches(&mut self) -> io::Result<Option<Piece<'_>>> {
        let window = self.bytes.peek(BATCH_HEADER)?;
        if window.is_empty() {
            return Ok(None);
        }
        match BatchHeader::parse(window) {
            Some(header) => Ok(Some(self.begin(header))),
            None => self.search(),
        }
    }

    fn begin(&mut self, header: BatchHeader) -> Piece<'static> {
        self.bytes.consume(BATCH_HEADER);
        self.records_left = header.count;
        self.bytes_left = u64::from(header.body);
        Piece::Batch { first: header.first, count: header.count }
    }

    /// Looks for a batch behind bytes that are none; zeros to the end are the regular end of a segment.
    fn search(&mut self) -> io::Result<Option<Piece<'_>>> {
        let from = self.bytes.offset();
        let mut last_nonzero = None;
        loop {
            let window = self.bytes.peek(1 << 16)?;
            if window.is_empty() {
                let bytes = last_nonzero.map_or(0, |last: u64| last + 1 - from);
                return Ok((bytes > 0).then_some(Piece::Garbage { bytes }));
            }
            // All but the last bytes of the window, lest a header lie across its edge; the file's end has no edge.
            let whole = window.len() < 1 << 16;
            let searched = if whole { window.len() } else { window.len() - BATCH_HEADER + 1 };
            let found = (0..searched).find(|&at| {
                window[at] == b'L'
                    && window
                        .get(at..at + BATCH_HEADER)
                        .and_then(BatchHeader::parse)
                        .is_some_and(|header| header.first >= self.floor)
            });
            let passed = found.unwrap_or(searched);
            if let Some(at) = window[..passed].iter().rposition(|byte| *byte != 0) {
                last_nonzero = Some(self.bytes.offset() + at as u64);
            }
            self.bytes.consume(passed);
            if found.is_some() {
                return Ok(Some(Piece::Foreign { bytes: self.bytes.offset() - from }));
            }
        }
    }
}

fn record_header(bytes: &[u8]) -> Option<(u32, u32)> {
    let (length, checksum) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*length), u32::from_le_bytes(checksum.try_into().ok()?)))
}

/// Takes a record's body apart: leaf, salt and payload.
pub fn record_parts(body: &[u8]) -> Option<(&[u8], &[u8; SALT_BYTES], &[u8])> {
    let (length, rest) = body.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_le_bytes(*length));
    if length > MAX_LEAF_BYTES {
        return None;
    }
    let (leaf, rest) = rest.split_at_checked(length)?;
    let (salt, payload) = rest.split_first_chunk::<SALT_BYTES>()?;
    (payload.len() <= MAX_EVENT_BYTES).then_some((leaf, salt, payload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn walk(bytes: &[u8]) -> (u64, u64) {
        let (mut reader, header) = SegmentReader::open(bytes).unwrap();
        segment_header(&header);
        let (mut pieces, mut records) = (0, 0);
        while let Some(piece) = reader.next_piece().unwrap() {
            pieces += 1;
            if let Piece::Record { body, .. } = piece {
                records += 1;
                record_parts(body);
            }
        }
        (pieces, records)
    }

    fn batch(first: u64, bodies: &[Vec<u8>]) -> Vec<u8> {
        let records: Vec<u8> = bodies
            .iter()
            .flat_map(|body| {
                let mut record = (body.len() as u32).to_le_bytes().to_vec();
                record.extend(crc32c::crc32c(body).to_le_bytes());
                record.extend(body);
                record
            })
            .collect();
        let mut bytes = b"LBT1".to_vec();
        bytes.extend((bodies.len() as u32).to_le_bytes());
        bytes.extend(first.to_le_bytes());
        bytes.extend((records.len() as u32).to_le_bytes());
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        bytes.extend(records);
        bytes
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            walk(&bytes);
        }

        #[test]
        fn batches_with_arbitrary_insides_never_panic(
            bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 60..200), 1..5),
            cut in any::<prop::sample::Index>(), flip in any::<prop::sample::Index>(), mask in 1u8..
        ) {
            let mut bytes = vec![0; SEGMENT_HEADER];
            bytes.extend(batch(0, &bodies));
            bytes.extend(batch(bodies.len() as u64, &bodies));
            let at = flip.index(bytes.len());
            bytes[at] ^= mask;
            let cut = cut.index(bytes.len());
            bytes.truncate(cut);
            walk(&bytes);
        }
    }

    #[test]
    fn a_batch_behind_foreign_bytes_is_found_also_across_the_windows_edge() {
        for gap in [1usize, 23, 24, 25, 65_512, 65_513, 65_535, 65_536, 70_000] {
            let mut bytes = vec![0; SEGMENT_HEADER];
            bytes.extend(vec![b'L'; gap]);
            bytes.extend(batch(5, &[vec![1; 70]]));
            bytes.extend([0; 100]);
            let (mut reader, _) = SegmentReader::open(bytes.as_slice()).unwrap();
            assert_eq!(reader.next_piece().unwrap(), Some(Piece::Foreign { bytes: gap as u64 }));
            assert_eq!(reader.next_piece().unwrap(), Some(Piece::Batch { first: 5, count: 1 }));
            assert!(matches!(reader.next_piece().unwrap(), Some(Piece::Record { checksum_ok: true, .. })));
            assert_eq!(reader.next_piece().unwrap(), None);
        }
    }
}
