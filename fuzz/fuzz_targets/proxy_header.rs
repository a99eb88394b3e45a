//! A connection begins with anything; a header that is read can be written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocols::proxy_header::{Decoded, decode, encode};

fuzz_target!(|bytes: &[u8]| {
    if let Decoded::Header { authority, consumed } = decode(bytes) {
        assert!(consumed <= bytes.len());
        let written = encode(&authority).expect("a name that was read can be written");
        assert_eq!(decode(&written), Decoded::Header { authority, consumed: written.len() });
    }
});
