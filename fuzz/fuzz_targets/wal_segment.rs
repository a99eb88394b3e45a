//! Segments of the write-ahead log: any bytes are scanned without a panic, and what is shown lies within them.
#![no_main]

use audit_log::wal::scan::scan;
use audit_log::wal::segment::encode_header;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let whole = [&encode_header(3), data].concat();
    for bytes in [data, &whole] {
        let mut next = 3;
        let scanned = scan(bytes, 3, |spot, record| {
            assert_eq!(spot.position, next);
            assert!(spot.offset as usize + record.payload.len() <= bytes.len());
            next += 1;
        });
        let scanned = scanned.expect("memory can be read");
        assert_eq!(scanned.end, next);
        assert!(scanned.offset as usize <= bytes.len());
    }
    let _ = audit_log::wal::record::decode(data);
});
