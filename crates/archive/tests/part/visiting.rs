//! Events are shown where they lie, and no further than somebody looks.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use archive::{Part, ReadAt, Segment};
use bytes::Bytes;

use crate::fixture::{entries, seal};

/// Counts the bytes that are read.
struct Counted(Bytes, AtomicU64);

impl ReadAt for Counted {
    fn len(&self) -> u64 {
        ReadAt::len(&self.0)
    }

    fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        self.1.fetch_add(length as u64, Ordering::Relaxed);
        self.0.read_at(offset, length)
    }
}

/// An event of a mebibyte that packs badly.
fn large(number: u64) -> Vec<u8> {
    let mut state = number + 1;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + 2 + (state >> 58) as u8 % 50)
    };
    let pad: String = (0..1 << 20).map(|_| letter()).collect();
    format!(r#"{{"kind":"large","raw":"{}"}}"#, pad.replace('\\', "/")).into_bytes()
}

#[test]
fn of_large_events_those_are_read_that_are_looked_at() {
    let payloads: Vec<Vec<u8>> = (0..12).map(large).collect();
    let (data, index) = seal(&entries(&payloads));
    let counted = Arc::new(Counted(data, AtomicU64::new(0)));
    let segment = Segment::open(counted.clone(), Some(Arc::new(index) as Arc<dyn ReadAt>), "test").unwrap();
    let before = counted.1.load(Ordering::Relaxed);
    let rows: Vec<u32> = (0..12).collect();
    let mut shown = 0;
    let mut visit = |_: archive::LoggedRef<'_>| {
        shown += 1;
        if shown < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    segment.visit(&rows, &mut visit).unwrap();
    let read = counted.1.load(Ordering::Relaxed) - before;
    assert!(read < 4 << 20, "{read} bytes were read for two events");
    let all = segment.entries(&rows).unwrap();
    assert!(all.iter().zip(&payloads).all(|(logged, payload)| logged.payload == *payload));
}
