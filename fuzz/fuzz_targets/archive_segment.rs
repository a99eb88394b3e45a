//! The Parquet file of a segment: arbitrary bytes, and a sound one with changes; asked everything.
#![no_main]

use std::sync::{Arc, LazyLock};

use archive::{Blocks, COLUMNS, Part, ReadAt, Segment, probe_copy};
use bytes::Bytes;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use lodge_fuzz::archive::sample;

#[derive(Arbitrary, Debug)]
enum Input {
    Bytes(Vec<u8>),
    Changed(Vec<(u32, u8)>),
    /// Counted from the end, where the metadata lie.
    Footer(Vec<(u16, u8)>),
}

static SAMPLE: LazyLock<(Bytes, Bytes)> = LazyLock::new(sample);

fuzz_target!(|input: Input| {
    let (data, index) = &*SAMPLE;
    let mut bytes = data.to_vec();
    match input {
        Input::Bytes(arbitrary) => bytes = arbitrary,
        Input::Changed(flips) => lodge_fuzz::seldom::flip(&mut bytes, &flips),
        Input::Footer(flips) => {
            let length = bytes.len() as u32;
            let flips: Vec<_> = flips.iter().map(|(at, mask)| (length - 1 - u32::from(*at) % length, *mask)).collect();
            lodge_fuzz::seldom::flip(&mut bytes, &flips);
        }
    }
    let data: Arc<dyn ReadAt> = Arc::new(Bytes::from(bytes));
    let _ = Segment::rebuild_index(&data, "fuzzed");
    let Ok(segment) = Segment::open(data, Some(Arc::new(index.clone())), "fuzzed") else { return };
    let _ = probe_copy(&[&segment], None);
    let positions = segment.positions();
    let all = Blocks::all(segment.block_count());
    for (column, ..) in COLUMNS {
        if let Ok(keys) = segment.keys(*column, &all) {
            let codes = keys.blocks.iter().flat_map(|(_, codes)| codes);
            assert!(codes.copied().all(|code| code == archive::Keys::ABSENT || (code as usize) < keys.values.len()));
        }
    }
    let _ = (segment.times(&all), segment.holding(&["get"]), segment.entries(&[0, 1, 255, 256, 299]));
    let _ = segment.first_at(segment.last_time());
    let mut next = positions.start;
    while let Ok(read) = segment.read(next..positions.end) {
        if read.is_empty() {
            break;
        }
        assert!(read.iter().zip(next..).all(|(entry, position)| entry.position == position));
        next += read.len() as u64;
    }
});
