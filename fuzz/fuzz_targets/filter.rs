//! The filter language: no text breaks the reader, and what is read reads back from its canonical form.
//!
//! Input: a filter, then optionally a zero byte and the event to ask.
#![no_main]

use event::filter::{Filter, FilterContext};
use event::{RecordView, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let Ok(text) = std::str::from_utf8(&input[..end]) else { return };
    let context = FilterContext::utc(Timestamp::from_micros(1_773_500_966_535_897));
    let filter = match Filter::parse(text, &context) {
        Ok(filter) => filter,
        Err(error) => {
            assert_eq!(error.render().lines().count(), 3);
            return;
        }
    };
    assert_eq!(Filter::parse(&filter.to_string(), &context).as_ref(), Ok(&filter));
    if let Ok(view) = RecordView::parse(input.get(end + 1..).unwrap_or_default()) {
        filter.matches(&view);
    }
});
