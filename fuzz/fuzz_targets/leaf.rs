//! Leaves: any bytes are refused or are exactly what the decoded leaf encodes to.
#![no_main]

use audit_log::Leaf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(leaf) = Leaf::decode(data) {
        assert_eq!(leaf.encode(), data);
    }
});
