//! The index of a segment: arbitrary bytes, and a sound one with changes whose checksums are put right again.
#![no_main]

use std::sync::{Arc, LazyLock};

use archive::{Blocks, Column, Part, ReadAt, RollupKey, Segment, probe_copy};
use bytes::Bytes;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use lodge_fuzz::archive::{mend, sample};

#[derive(Arbitrary, Debug)]
enum Input {
    Bytes(Vec<u8>),
    Changed(Vec<(u32, u8)>),
}

static SAMPLE: LazyLock<(Bytes, Bytes)> = LazyLock::new(sample);

fuzz_target!(|input: Input| {
    let (data, index) = &*SAMPLE;
    let index = match input {
        Input::Bytes(bytes) => bytes,
        Input::Changed(flips) => {
            let mut bytes = index.to_vec();
            lodge_fuzz::seldom::flip(&mut bytes, &flips);
            mend(&mut bytes);
            bytes
        }
    };
    let data: Arc<dyn ReadAt> = Arc::new(data.clone());
    let segment = Segment::open(data, Some(Arc::new(index)), "fuzzed").expect("the data are sound");
    let blocks = segment.block_count();
    for tokens in [&["get"][..], &["kind", "3"], &["nowhere"], &[]] {
        let found = segment.holding(tokens).expect("an index that is damaged is passed over");
        assert!(found.count() == blocks && found.len() <= blocks);
    }
    // Damage makes an index anew; whatever is merged is one.
    probe_copy(&[&segment], None).expect("the data are sound");
    for column in [Column::User, Column::Target, Column::Address] {
        for key in [RollupKey::Hour, RollupKey::Day(column), RollupKey::Total(column)] {
            if let Some(rollup) = segment.rollup(key).expect("as before") {
                let texts = rollup.texts.len() as u32;
                let codes = |cell: archive::RollupCell| [cell.kind, cell.outcome, cell.value];
                assert!(rollup.cells().flat_map(codes).flatten().all(|code| code < texts));
            }
        }
    }
    let keys = segment.keys(Column::Kind, &Blocks::all(blocks)).expect("the data are sound");
    assert_eq!(keys.odd.count(), blocks);
});
