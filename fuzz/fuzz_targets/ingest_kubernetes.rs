//! Lines that claim to be of the source `kubernetes`: each that is not blank leaves an event or a rejection, which can be read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lodge_fuzz::ingested::hold;

fuzz_target!(|bytes: &[u8]| hold("kubernetes", bytes));
