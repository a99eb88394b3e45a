//! What is kept of entries that retention has dropped: their leaves, so that every proof still holds.
//!
//! The file is a run of zstd frames of up to 4,096 leaves each, every leaf after its length (u16 BE), as entry bundles have
//! them; then a skippable frame that says where the frames are, so that one can be read alone, and what the log wants to
//! know of the range. Any zstd program unpacks the leaves. Invariant: the number of leaves is that of the name's positions.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use audit_log::leaf::MAX_LEAF_BYTES;
use audit_log::{Leaf, SealedEntry};
use event::Timestamp;

use crate::name::SegmentName;
use crate::part::PartError;
use crate::read_at::ReadAt;

/// Leaves of a frame.
const FRAME_LEAVES: u64 = 4096;
/// The most bytes that a frame may unpack to.
const MAX_FRAME_BYTES: usize = FRAME_LEAVES as usize * (MAX_LEAF_BYTES + 2);
/// Opens the skippable frame (RFC 8878 section 3.1.2).
const SKIPPABLE: [u8; 4] = 0x184D_2A50_u32.to_le_bytes();
/// Ends the file.
const MAGIC: &[u8; 8] = b"LODGELV1";
/// Bytes behind the table: its length, its CRC32C, the magic.
const TRAILER: usize = 4 + 4 + 8;
/// The largest table that is read: sources of 200 bytes by the ten thousand.
const MAX_TABLE_BYTES: usize = 16 << 20;
/// zstd's own default; commitments do not compress anyway.
const LEVEL: i32 = 3;

/// What stands behind the leaves, as JSON.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Table {
    first: u64,
    end: u64,
    last_time: i64,
    sources: BTreeMap<String, u64>,
    /// For each frame: its bytes, its CRC32C, and the log time of its last leaf.
    frames: Vec<(u32, u32, i64)>,
}

/// Writes leaves, in order.
pub(crate) struct LeavesWriter<W: Write> {
    out: W,
    table: Table,
    frame: Vec<u8>,
    in_frame: u64,
}

impl<W: Write> LeavesWriter<W> {
    pub(crate) fn new(out: W, name: SegmentName) -> LeavesWriter<W> {
        let table = Table {
            first: name.first(),
            end: name.first(),
            last_time: Timestamp::MIN.as_micros(),
            sources: BTreeMap::new(),
            frames: Vec::new(),
        };
        LeavesWriter { out, table, frame: Vec::new(), in_frame: 0 }
    }

    /// Adds the next leaf.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        let leaf = Leaf::decode(bytes).map_err(io::Error::other)?;
        let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
        self.frame.extend_from_slice(&length.to_be_bytes());
        self.frame.extend_from_slice(bytes);
        self.table.end += 1;
        self.table.last_time = self.table.last_time.max(leaf.time.as_micros());
        let seq = self.table.sources.entry(leaf.source).or_default();
        *seq = leaf.seq.max(*seq);
        self.in_frame += 1;
        if self.in_frame == FRAME_LEAVES { self.end_frame() } else { Ok(()) }
    }

    fn end_frame(&mut self) -> io::Result<()> {
        let packed = zstd::bulk::compress(&self.frame, LEVEL)?;
        let length = u32::try_from(packed.len()).map_err(io::Error::other)?;
        self.out.write_all(&packed)?;
        self.table.frames.push((length, crc32c::crc32c(&packed), self.table.last_time));
        self.frame.clear();
        self.in_frame = 0;
        Ok(())
    }

    /// Writes the table and returns what was written to.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if self.in_frame > 0 {
            self.end_frame()?;
        }
        let table = serde_json::to_vec(&self.table)?;
        let length = u32::try_from(table.len()).map_err(io::Error::other)?;
        let skipped = u32::try_from(table.len() + TRAILER).map_err(io::Error::other)?;
        self.out.write_all(&SKIPPABLE)?;
        self.out.write_all(&skipped.to_le_bytes())?;
        self.out.write_all(&table)?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&crc32c::crc32c(&table).to_le_bytes())?;
        self.out.write_all(MAGIC)?;
        Ok(self.out)
    }
}

/// The leaves of one frame.
type Frame = Arc<Vec<Vec<u8>>>;

/// The leaves of a pruned segment, open for reading.
pub(crate) struct Leaves {
    data: Arc<dyn ReadAt>,
    path: String,
    table: Table,
    /// Where each frame begins.
    starts: Vec<u64>,
    /// The frame that was read last, for whoever goes through them in order.
    last: Mutex<Option<(usize, Frame)>>,
}

impl Leaves {
    /// Opens the file of a pruned segment.
    pub(crate) fn open(data: Arc<dyn ReadAt>, name: SegmentName, path: &str) -> Result<Leaves, PartError> {
        let damaged = |why: &str| PartError::Damaged { name: path.to_owned(), why: why.to_owned() };
        let unread = |source: io::Error| PartError::Read { name: path.to_owned(), source: source.into() };
        let size = data.len();
        let at = size.checked_sub(TRAILER as u64).ok_or_else(|| damaged("it is cut short"))?;
        let trailer = data.read_at(at, TRAILER).map_err(unread)?;
        let number = |at: usize| trailer[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        if trailer[8..] != MAGIC[..] {
            return Err(damaged("it does not end as leaves do"));
        }
        let length = number(0) as usize;
        let begin = at.checked_sub(length as u64).filter(|_| length <= MAX_TABLE_BYTES);
        let begin = begin.ok_or_else(|| damaged("its table does not fit into it"))?;
        let bytes = data.read_at(begin, length).map_err(unread)?;
        if crc32c::crc32c(&bytes) != number(4) {
            return Err(damaged("its table was changed"));
        }
        let table: Table = serde_json::from_slice(&bytes).map_err(|_| damaged("its table cannot be read"))?;
        let frames = name.rows().div_ceil(FRAME_LEAVES);
        if (table.first..table.end) != name.positions() || table.frames.len() as u64 != frames {
            return Err(damaged("its table is of other positions than its name"));
        }
        let mut starts = Vec::with_capacity(table.frames.len());
        let mut start = 0;
        for (length, ..) in &table.frames {
            starts.push(start);
            start += u64::from(*length);
        }
        if start.checked_add(8) != Some(begin) {
            return Err(damaged("its frames do not fill it"));
        }
        Ok(Leaves { data, path: path.to_owned(), table, starts, last: Mutex::new(None) })
    }

    /// Log time of the last leaf.
    pub(crate) fn last_time(&self) -> Timestamp {
        Timestamp::from_micros(self.table.last_time)
    }

    /// The last sequence number of each source.
    pub(crate) fn sources(&self) -> &BTreeMap<String, u64> {
        &self.table.sources
    }

    /// Bytes of the file.
    pub(crate) fn bytes(&self) -> u64 {
        self.data.len()
    }

    /// Reads leaves in order from the start of the range, which lies within: at least one, at most those of a frame.
    pub(crate) fn read(&self, range: Range<u64>) -> Result<Vec<SealedEntry>, PartError> {
        let row = range.start.saturating_sub(self.table.first);
        let (frame, skip) = ((row / FRAME_LEAVES) as usize, (row % FRAME_LEAVES) as usize);
        let leaves = self.frame(frame)?;
        let count = range.end.saturating_sub(range.start) as usize;
        let wanted = leaves.iter().skip(skip).take(count);
        Ok((range.start..)
            .zip(wanted)
            .map(|(position, leaf)| SealedEntry { position, leaf: leaf.clone(), body: None })
            .collect())
    }

    /// Position of the first leaf of that time or later; the end when there is none.
    pub(crate) fn first_at(&self, time: Timestamp) -> Result<u64, PartError> {
        let frame = self.table.frames.partition_point(|(_, _, last)| *last < time.as_micros());
        let first = self.table.first + frame as u64 * FRAME_LEAVES;
        if frame == self.table.frames.len() {
            return Ok(self.table.end);
        }
        let leaves = self.frame(frame)?;
        let earlier = |bytes: &Vec<u8>| Leaf::decode(bytes).is_ok_and(|leaf| leaf.time < time);
        Ok(first + leaves.iter().take_while(|bytes| earlier(bytes)).count() as u64)
    }

    fn frame(&self, frame: usize) -> Result<Frame, PartError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((number, leaves)) = last.as_ref()
            && *number == frame
        {
            return Ok(leaves.clone());
        }
        let leaves = Arc::new(self.unpack(frame)?);
        *last = Some((frame, leaves.clone()));
        Ok(leaves)
    }

    fn unpack(&self, frame: usize) -> Result<Vec<Vec<u8>>, PartError> {
        let damaged = |why: &str| PartError::Damaged { name: self.path.clone(), why: why.to_owned() };
        let (Some((length, sum, _)), Some(start)) = (self.table.frames.get(frame), self.starts.get(frame))
        else {
            return Err(damaged("it has no such frame"));
        };
        let packed = self.data.read_at(*start, *length as usize);
        let packed =
            packed.map_err(|source| PartError::Read { name: self.path.clone(), source: source.into() })?;
        if crc32c::crc32c(&packed) != *sum {
            return Err(damaged("a frame was changed"));
        }
        let bundle = zstd::bulk::decompress(&packed, MAX_FRAME_BYTES)
            .map_err(|_| damaged("a frame cannot be unpacked"))?;
        let leaves = split(&bundle).ok_or_else(|| damaged("a frame does not hold leaves"))?;
        let first = self.table.first + frame as u64 * FRAME_LEAVES;
        if leaves.len() as u64 != FRAME_LEAVES.min(self.table.end - first) {
            return Err(damaged("a frame has too few leaves"));
        }
        Ok(leaves)
    }
}

fn split(bundle: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut leaves = Vec::new();
    let mut rest = bundle;
    while !rest.is_empty() {
        let (length, behind) = rest.split_first_chunk::<2>()?;
        let (leaf, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        if leaf.len() > MAX_LEAF_BYTES {
            return None;
        }
        leaves.push(leaf.to_vec());
        rest = behind;
    }
    Some(leaves)
}

/// Reads whatever bytes as leaves, for the fuzzer and the property test.
#[doc(hidden)]
pub fn probe_leaves(bytes: &[u8], first: u64, rows: u64) {
    let Some(name) = first.checked_add(rows).and_then(|end| SegmentName::new(first..end)) else { return };
    let data: Arc<dyn ReadAt> = Arc::new(bytes.to_vec());
    let Ok(leaves) = Leaves::open(data, name, "probe") else { return };
    let _ = leaves.first_at(Timestamp::EPOCH);
    for frame in 0..leaves.table.frames.len().min(16) {
        let _ = leaves.unpack(frame);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaf(position: u64) -> Vec<u8> {
        let time = Timestamp::from_micros(position as i64 * 10);
        let source = if position.is_multiple_of(3) { "lodge/a" } else { "file/b" };
        Leaf { time, source: source.to_owned(), seq: position, commitment: [position as u8; 32] }.encode()
    }

    fn written(name: SegmentName) -> Vec<u8> {
        let mut writer = LeavesWriter::new(Vec::new(), name);
        name.positions().for_each(|position| writer.push(&leaf(position)).unwrap());
        writer.finish().unwrap()
    }

    #[test]
    fn leaves_are_read_back_from_any_position() {
        for (first, rows) in [(0, 1), (5, 4096), (7, 4097), (100, 10_000)] {
            let name = SegmentName::new(first..first + rows).unwrap();
            let leaves = Leaves::open(Arc::new(written(name)), name, "x").unwrap();
            let mut at = first;
            while at < name.end() {
                for entry in leaves.read(at..name.end()).unwrap() {
                    assert_eq!((entry.position, &entry.leaf), (at, &leaf(at)));
                    assert!(entry.body.is_none());
                    at += 1;
                }
            }
            assert_eq!(leaves.last_time(), Timestamp::from_micros((name.end() - 1) as i64 * 10));
            for wanted in [first, first + rows / 2, name.end() - 1] {
                let time = Timestamp::from_micros(wanted as i64 * 10 - 3);
                assert_eq!(leaves.first_at(time).unwrap(), wanted);
            }
            assert_eq!(leaves.first_at(Timestamp::MAX).unwrap(), name.end());
            let last = |rest: u64| name.positions().rev().find(|at| (at % 3 == 0) == (rest == 0));
            assert_eq!(leaves.sources().get("lodge/a").copied(), last(0));
            assert_eq!(leaves.sources().get("file/b").copied(), last(1));
        }
    }

    #[test]
    fn every_changed_byte_of_a_frame_or_table_is_noticed() {
        let name = SegmentName::new(3..40).unwrap();
        let bytes = written(name);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 4;
            let read = Leaves::open(Arc::new(changed), name, "x").and_then(|leaves| leaves.read(3..40));
            let skippable = at + TRAILER < bytes.len() && read.is_ok();
            // Only the header of the skippable frame does not matter to us.
            assert!(read.is_err() || skippable, "byte {at}");
        }
        let other = SegmentName::new(3..41).unwrap();
        assert!(Leaves::open(Arc::new(bytes), other, "x").is_err());
    }

    #[test]
    fn any_zstd_program_unpacks_the_leaves() {
        let name = SegmentName::new(0..5000).unwrap();
        let unpacked = zstd::stream::decode_all(&written(name)[..]).unwrap();
        let leaves = split(&unpacked).unwrap();
        assert_eq!(leaves.len(), 5000);
        assert_eq!(leaves[4999], leaf(4999));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, first: u64, rows in 0u64..10_000, tail: bool) {
            let mut bytes = bytes;
            if tail {
                bytes.extend_from_slice(MAGIC);
            }
            probe_leaves(&bytes, first, rows);
        }

        #[test]
        fn changed_tables_never_panic(at in 0usize..200, with: u8) {
            let name = SegmentName::new(0..20).unwrap();
            let mut bytes = written(name);
            let end = bytes.len() - TRAILER;
            let length = u32::from_le_bytes(*bytes[end..].first_chunk().unwrap()) as usize;
            let place = end - 1 - at % length;
            bytes[place] = with;
            let sum = crc32c::crc32c(&bytes[end - length..end]).to_le_bytes();
            bytes[end + 4..end + 8].copy_from_slice(&sum);
            probe_leaves(&bytes, 0, 20);
        }
    }
}
