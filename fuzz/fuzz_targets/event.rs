//! Events from elsewhere: whatever is taken can be read back as a record and viewed by filters.
#![no_main]

use event::{EncodedEvent, Record, RecordView};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _ = RecordView::parse(input);
    if let Ok(encoded) = EncodedEvent::from_json(input.to_vec()) {
        Record::parse(encoded.as_bytes()).expect("a taken event can be read");
        RecordView::parse(encoded.as_bytes()).expect("a taken event can be viewed");
    }
});
