//! A TLS client certificate from arbitrary bytes, examined with nobody and with itself as the authority.
#![no_main]

use event::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let now = Timestamp::from_micros(1_764_000_000_000_000);
    assert!(identity::verify::examine_tls_certificate(bytes, &[], now).is_err(), "nobody is trusted");
    let _ = identity::verify::examine_tls_certificate(bytes, &[bytes.to_vec().into()], now);
});
