//! What a question has beside its filter: no text of a cursor, a field, an interval or a zone breaks its reader.
//!
//! Input: one text, read as each of them.
#![no_main]

use event::filter::FieldPath;
use event::interval::parse_zone;
use event::{Interval, Timestamp};
use libfuzzer_sys::fuzz_target;
use query::Cursor;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(cursor) = text.parse::<Cursor>() {
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }
    if let Ok(interval) = text.parse::<Interval>() {
        assert_eq!(interval.to_string().parse(), Ok(interval));
    }
    if let Ok(field) = FieldPath::parse(text) {
        assert_eq!(field.name(), text);
    }
    if let Ok(zone) = parse_zone(text) {
        let at = Timestamp::from_micros(1_773_500_966_535_897);
        for interval in ["15m", "hour", "day", "month"].map(str::parse::<Interval>).into_iter().flatten() {
            let range = interval.around(at, &zone);
            assert!(range.contains(&at));
        }
    }
});
