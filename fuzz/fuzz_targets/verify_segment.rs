//! A segment of the write-ahead log as an enemy may have written it: walked whole, every record taken apart.
#![no_main]

use audit_log::verify::leaf::LeafView;
use audit_log::verify::segment::{Piece, SegmentReader, record_parts, segment_header};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use lodge_fuzz::segment::Segment;

#[derive(Arbitrary, Debug)]
enum Input {
    Framed(Segment),
    Bytes(Vec<u8>),
}

fuzz_target!(|input: (Input, Option<u64>)| {
    let (input, floor) = input;
    let bytes = match input {
        Input::Framed(segment) => segment.encode(3),
        Input::Bytes(bytes) => bytes,
    };
    let (mut reader, header) = SegmentReader::open(bytes.as_slice()).expect("a slice can always be read");
    let _ = segment_header(&header);
    reader.expect(floor.unwrap_or(3));
    let mut last = reader.offset();
    while let Some(piece) = reader.next_piece().expect("a slice can always be read") {
        if let Piece::Record { body, .. } = piece {
            if let Some((leaf, salt, payload)) = record_parts(body) {
                if let Some(view) = LeafView::parse(leaf) {
                    view.commits_to(salt, payload);
                }
            }
        }
        assert!(reader.offset() >= last && reader.offset() <= bytes.len() as u64);
        last = reader.offset();
    }
});
