//! Arbitrary bytes as a chunk of a recording: its prefix, its frames, its header, its seal.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| recording::decode_any(bytes));
