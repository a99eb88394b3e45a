//! Sparse indexes: where in a segment every 256th entry lies.
//!
//! An index is derived from its segment and lies beside a closed one (`.idx`) to spare the scan at the next opening.
//! One that is missing, damaged, or of a file of another length is rebuilt; it never overrules its segment.

use std::collections::BTreeMap;

use event::Timestamp;

use crate::leaf::Leaf;
use crate::wal::record::RecordView;
use crate::wal::scan::Spot;

const STEP: u64 = 256;
const MAGIC: &[u8; 8] = b"LODGEIDX";
const VERSION: u32 = 1;
/// The largest index file that is read.
pub(crate) const MAX_INDEX_BYTES: u64 = 1 << 28;

/// What is known of a segment without reading it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    /// Position of the first entry.
    pub(crate) first: u64,
    /// Position after the last entry.
    pub(crate) end: u64,
    /// Byte after the last batch.
    pub(crate) offset: u64,
    /// Log time of the last entry.
    pub(crate) last_time: Timestamp,
    /// The last sequence number of each source.
    pub(crate) sources: BTreeMap<String, u64>,
    marks: Vec<(u64, u32)>,
}

impl Index {
    /// The index of a segment without entries.
    pub(crate) fn new(first: u64, offset: u64) -> Index {
        Index {
            first,
            end: first,
            offset,
            last_time: Timestamp::EPOCH,
            sources: BTreeMap::new(),
            marks: Vec::new(),
        }
    }

    /// Takes note of an entry; entries come in order.
    pub(crate) fn add(&mut self, spot: Spot) {
        debug_assert_eq!(spot.position, self.end, "entries come in order");
        if self.marks.is_empty() || spot.position.is_multiple_of(STEP) {
            self.marks.push((spot.offset, spot.left));
        }
        self.end = spot.position + 1;
    }

    /// Takes note of what an entry's leaf says.
    pub(crate) fn add_leaf(&mut self, time: Timestamp, source: &str, seq: u64) {
        self.last_time = time;
        match self.sources.get_mut(source) {
            Some(last) => *last = seq,
            None => drop(self.sources.insert(source.to_owned(), seq)),
        }
    }

    /// Takes note of a record that a scan found.
    pub(crate) fn add_record(&mut self, spot: Spot, record: RecordView<'_>) {
        self.add(spot);
        // A leaf of a later version tells nothing here; the tree still holds its bytes.
        if let Ok(leaf) = Leaf::decode(record.leaf) {
            self.add_leaf(leaf.time, &leaf.source, leaf.seq);
        }
    }

    /// The nearest known spot at or before `position`, which the segment holds.
    pub(crate) fn nearest(&self, position: u64) -> Option<Spot> {
        let number = (position / STEP).checked_sub(self.first / STEP)?;
        let (offset, left) = *self.marks.get(usize::try_from(number).ok()?)?;
        let marked = if number == 0 { self.first } else { (self.first / STEP + number) * STEP };
        (position < self.end).then_some(Spot { position: marked, offset, left })
    }

    /// Writes the index file.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&VERSION.to_le_bytes());
        for number in [self.first, self.end, self.offset, self.last_time.as_micros().cast_unsigned()] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&(self.marks.len() as u64).to_le_bytes());
        for (offset, left) in &self.marks {
            out.extend_from_slice(&offset.to_le_bytes());
            out.extend_from_slice(&left.to_le_bytes());
        }
        for (source, seq) in &self.sources {
            out.push(u8::try_from(source.len()).expect("source ids have at most 200 bytes"));
            out.extend_from_slice(source.as_bytes());
            out.extend_from_slice(&seq.to_le_bytes());
        }
        let checksum = crc32c::crc32c(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    /// Reads an index file; `None` for whatever cannot be one.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Index> {
        let (content, checksum) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(content) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let mut rest = content.strip_prefix(MAGIC)?.strip_prefix(&VERSION.to_le_bytes())?;
        let [first, end, offset, time, count] = [
            number(&mut rest)?,
            number(&mut rest)?,
            number(&mut rest)?,
            number(&mut rest)?,
            number(&mut rest)?,
        ];
        let mut index = Index::new(first, offset);
        index.end = end;
        index.last_time = Timestamp::from_micros(time.cast_signed());
        let length = usize::try_from(count).ok()?.checked_mul(12)?;
        let (marks, mut rest) = rest.split_at_checked(length)?;
        for mark in marks.as_chunks::<12>().0 {
            let (offset, left) = mark.split_first_chunk()?;
            index.marks.push((u64::from_le_bytes(*offset), u32::from_le_bytes(*left.first_chunk()?)));
        }
        while let Some((length, after)) = rest.split_first() {
            let (source, after) = after.split_at_checked(usize::from(*length))?;
            rest = after;
            index.sources.insert(std::str::from_utf8(source).ok()?.to_owned(), number(&mut rest)?);
        }
        // Every position must have its mark, or lookups would fail later.
        let marks = if end > first { (end - 1) / STEP - first / STEP + 1 } else { 0 };
        (end >= first && marks == count).then_some(index)
    }
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn index(first: u64, count: u64) -> Index {
        let mut index = Index::new(first, 32);
        for position in first..first + count {
            index.add(Spot { position, offset: position * 100, left: 1 });
            index.add_leaf(Timestamp::from_micros(position as i64), "gate", position);
        }
        index
    }

    proptest! {
        #[test]
        fn every_entry_has_a_mark_at_most_255_before_it(first in 0u64..2000, count in 1u64..1500, at: proptest::sample::Index) {
            let index = index(first, count);
            let position = first + at.index(count as usize) as u64;
            let spot = index.nearest(position).unwrap();
            prop_assert!(spot.position <= position && position - spot.position < STEP);
            prop_assert_eq!(spot.offset, spot.position * 100);
            prop_assert_eq!(Index::decode(&index.encode()), Some(index));
        }

        #[test]
        fn a_changed_index_is_not_read(at: proptest::sample::Index, change in 1u8..) {
            let mut bytes = index(300, 700).encode();
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            prop_assert_eq!(Index::decode(&bytes), None);
        }

        #[test]
        fn arbitrary_bytes_never_panic(mut bytes: Vec<u8>) {
            let mut start = MAGIC.to_vec();
            start.extend_from_slice(&VERSION.to_le_bytes());
            start.append(&mut bytes);
            let checksum = crc32c::crc32c(&start);
            start.extend_from_slice(&checksum.to_le_bytes());
            if let Some(index) = Index::decode(&start) {
                let _ = index.nearest(index.first);
            }
        }
    }

    #[test]
    fn positions_outside_have_no_spot() {
        let index = index(300, 10);
        assert_eq!(index.nearest(310), None);
        assert_eq!(index.nearest(10), None);
    }
}
