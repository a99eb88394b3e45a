//! Scanning a segment from its first byte: which entries it holds, and what ends them.
//!
//! Decides nothing: whether an invalid end is a torn tail or damage depends on whether a valid batch lies behind it,
//! which the scan reports, and on whether the segment is the last one, which only recovery knows.

use std::io::{self, Read};

use crate::wal::batch::{BATCH_HEADER, BatchHeader};
use crate::wal::record::{self, RecordView};
use crate::wal::segment::{SEGMENT_HEADER, decode_header};

/// Where a record was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Position of the entry in the log.
    pub position: u64,
    /// Byte at which the record begins.
    pub offset: u64,
    /// Records of the same batch from here on, this one included.
    pub left: u32,
}

/// What ended a scan before the end of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// What is wrong with the bytes after the last valid batch.
    pub why: String,
    /// Bytes from there to the last byte that is not zero.
    pub bytes: u64,
    /// Whether a valid batch header of this or a later position lies behind: then the segment is damaged, not torn.
    pub followed: bool,
}

/// What a segment holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Position after the last valid entry.
    pub end: u64,
    /// Byte after the last valid batch.
    pub offset: u64,
    /// What follows that is neither a batch nor zeros to the end of the file.
    pub invalid: Option<Invalid>,
}

/// Scans a segment that must begin at `first`; visits each entry of each valid batch in order.
pub fn scan(input: impl Read, first: u64, mut visit: impl FnMut(Spot, RecordView<'_>)) -> io::Result<Scan> {
    let mut input = Source { input, kept: Vec::new(), passed: 0 };
    let mut end = first;
    if decode_header(input.peek(SEGMENT_HEADER)?) != Some(first) {
        let why = "the segment's header is not valid".to_owned();
        return input.conclude(why, end, 0);
    }
    input.skip(SEGMENT_HEADER);
    let mut offset = SEGMENT_HEADER as u64;
    loop {
        match batch(&mut input, end)? {
            Next::End => return input.conclude("data after the end of the batches".to_owned(), end, offset),
            Next::Invalid(why) => return input.conclude(why, end, offset),
            Next::Batch(header) => {
                let length = BATCH_HEADER + header.length as usize;
                visit_records(header, offset, &input.visible(length)[BATCH_HEADER..], &mut visit);
                input.skip(length);
                offset += length as u64;
                end += u64::from(header.count);
            }
        }
    }
}

enum Next {
    Batch(BatchHeader),
    Invalid(String),
    End,
}

/// Reads the next batch whole and checks every byte of it, before anything of it is shown.
fn batch(input: &mut Source<impl Read>, expected: u64) -> io::Result<Next> {
    let head = input.peek(BATCH_HEADER)?;
    if is_zero(head) {
        return Ok(Next::End);
    }
    let header = head.first_chunk().and_then(BatchHeader::decode);
    let Some(header) = header else { return Ok(Next::Invalid("a batch header is not valid".to_owned())) };
    if header.first != expected {
        return Ok(Next::Invalid(format!("a batch begins at position {}, not {expected}", header.first)));
    }
    let length = BATCH_HEADER + header.length as usize;
    let Some(body) = input.peek(length)?.get(BATCH_HEADER..length) else {
        return Ok(Next::Invalid("a batch is cut short".to_owned()));
    };
    Ok(match check_records(header, body) {
        Ok(()) => Next::Batch(header),
        Err(why) => Next::Invalid(why),
    })
}

fn check_records(header: BatchHeader, body: &[u8]) -> Result<(), String> {
    let mut rest = body;
    for number in 0..u64::from(header.count) {
        let (_, used) =
            record::decode(rest).map_err(|why| format!("entry {}: {why}", header.first + number))?;
        rest = &rest[used..];
    }
    if rest.is_empty() { Ok(()) } else { Err("a batch is longer than its records".to_owned()) }
}

fn visit_records(header: BatchHeader, batch: u64, body: &[u8], visit: &mut impl FnMut(Spot, RecordView<'_>)) {
    let mut at = 0;
    for number in 0..header.count {
        let (record, used) = record::decode(&body[at..]).expect("the batch was checked");
        let offset = batch + (BATCH_HEADER + at) as u64;
        visit(
            Spot { position: header.first + u64::from(number), offset, left: header.count - number },
            record,
        );
        at += used;
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    const ZEROS: [u8; 4096] = [0; 4096];
    bytes.chunks(ZEROS.len()).all(|chunk| chunk == &ZEROS[..chunk.len()])
}

/// Bytes read ahead of where the scan stands.
struct Source<R> {
    input: R,
    kept: Vec<u8>,
    /// Bytes of `kept` that were passed.
    passed: usize,
}

/// Bytes that are read at once.
const AHEAD: usize = 1 << 20;

impl<R: Read> Source<R> {
    /// Shows the next `length` bytes, or fewer at the end of the file.
    fn peek(&mut self, length: usize) -> io::Result<&[u8]> {
        if self.kept.len() - self.passed < length {
            self.kept.drain(..std::mem::take(&mut self.passed));
            // Reading only what is there: a header that lies about its length costs no memory.
            let missing = (length - self.kept.len()).max(AHEAD) as u64;
            self.input.by_ref().take(missing).read_to_end(&mut self.kept)?;
        }
        Ok(self.visible(length))
    }

    /// The next `length` bytes of those that were shown.
    fn visible(&self, length: usize) -> &[u8] {
        let rest = &self.kept[self.passed..];
        &rest[..length.min(rest.len())]
    }

    fn skip(&mut self, length: usize) {
        self.passed += length;
    }

    /// Looks through the rest of the file for what should not be there.
    fn conclude(mut self, why: String, end: u64, offset: u64) -> io::Result<Scan> {
        self.kept.drain(..std::mem::take(&mut self.passed));
        let (mut bytes, mut passed, mut followed) = (0, 0u64, false);
        let mut from = 1;
        loop {
            let read = self.input.by_ref().take(1 << 20).read_to_end(&mut self.kept)?;
            // Zeroed space is the rule here and worth a quick look.
            let blank = is_zero(&self.kept);
            if let (false, Some(last)) = (blank, self.kept.iter().rposition(|byte| *byte != 0)) {
                bytes = passed + last as u64 + 1;
            }
            if blank {
                from = self.kept.len();
            }
            while let (false, Some((at, header))) = (followed, BatchHeader::find(&self.kept, from)) {
                followed = header.first >= end;
                from = at + 1;
            }
            if read == 0 {
                break;
            }
            // A header may straddle two reads.
            let done = self.kept.len().saturating_sub(BATCH_HEADER - 1);
            self.kept.drain(..done);
            passed += done as u64;
            from = from.saturating_sub(done);
        }
        let invalid = (bytes > 0).then_some(Invalid { why, bytes, followed });
        Ok(Scan { end, offset, invalid })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wal::segment::encode_header;

    fn push_batch(out: &mut Vec<u8>, first: u64, payloads: &[&[u8]]) {
        let mut body = Vec::new();
        payloads.iter().for_each(|payload| record::encode(&mut body, b"leaf", &[3; 16], payload));
        let header = BatchHeader { count: payloads.len() as u32, first, length: body.len() as u32 };
        out.extend_from_slice(&header.encode());
        out.extend_from_slice(&body);
    }

    fn segment() -> (Vec<u8>, usize) {
        let mut bytes = encode_header(10).to_vec();
        push_batch(&mut bytes, 10, &[b"ten", b"eleven"]);
        let last = bytes.len();
        push_batch(&mut bytes, 12, &[b"twelve"]);
        (bytes, last)
    }

    fn run(bytes: &[u8]) -> (Scan, Vec<(Spot, Vec<u8>)>) {
        let mut seen = Vec::new();
        let scan = scan(bytes, 10, |spot, record| seen.push((spot, record.payload.to_vec()))).unwrap();
        (scan, seen)
    }

    #[test]
    fn a_whole_segment_is_read_in_order_and_zeros_end_it() {
        let (mut bytes, _) = segment();
        let length = bytes.len();
        bytes.extend_from_slice(&[0; 100_000]);
        let (scan, seen) = run(&bytes);
        assert_eq!(scan, Scan { end: 13, offset: length as u64, invalid: None });
        assert_eq!(
            seen.iter().map(|(spot, _)| (spot.position, spot.left)).collect::<Vec<_>>(),
            [(10, 2), (11, 1), (12, 1)]
        );
        let (record, _) = record::decode(&bytes[seen[1].0.offset as usize..]).unwrap();
        assert_eq!(record.payload, b"eleven");
    }

    #[test]
    fn a_batch_torn_at_any_byte_is_dropped_whole() {
        let (bytes, last) = segment();
        for cut in last + 1..bytes.len() {
            for zeros in [0, 50_000] {
                let torn = [&bytes[..cut], &vec![0; zeros]].concat();
                let (scan, seen) = run(&torn);
                assert_eq!((scan.end, scan.offset, seen.len()), (12, last as u64, 2), "cut at {cut}");
                let invalid = scan.invalid.unwrap();
                assert!(!invalid.followed);
                assert!(invalid.bytes <= (cut - last) as u64);
            }
        }
    }

    #[test]
    fn a_flipped_byte_with_a_valid_batch_behind_it_is_damage() {
        let (bytes, last) = segment();
        for at in 0..last {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            let (scan, seen) = run(&flipped);
            assert!(scan.invalid.unwrap().followed, "byte {at}");
            assert_eq!((scan.end, seen.len()), (10, 0));
        }
    }

    #[test]
    fn zeros_with_a_valid_batch_behind_them_are_damage_even_far_away() {
        for gap in [1, 70_000, (1 << 20) - 12, 3 << 20] {
            let (mut bytes, _) = segment();
            bytes.extend(vec![0; gap]);
            push_batch(&mut bytes, 13, &[b"behind"]);
            let (scan, _) = run(&bytes);
            assert!(scan.invalid.unwrap().followed, "gap of {gap}");
        }
    }

    #[test]
    fn a_batch_of_an_earlier_position_behind_the_tail_is_no_damage() {
        let (mut bytes, _) = segment();
        bytes.extend_from_slice(b"torn");
        push_batch(&mut bytes, 4, &[b"old"]);
        assert!(!run(&bytes).0.invalid.unwrap().followed);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(tail: Vec<u8>, keep in 0usize..200) {
            let (mut bytes, _) = segment();
            bytes.truncate(keep);
            bytes.extend_from_slice(&tail);
            let (scan, _) = run(&bytes);
            prop_assert!(scan.offset <= bytes.len() as u64);
        }
    }
}
