//! Making certificates. Whoever calls these has recorded, or records before handing out, a `cert.issue` event.

pub(crate) mod gate;
pub(crate) mod server;
pub(crate) mod ssh;
pub(crate) mod tls;

use std::time::Duration;

use event::{Ambient, Timestamp};
use rcgen::{CertificateParams, SerialNumber};

/// Sets when an X.509 certificate holds; instants before 1970 become 1970.
pub(crate) fn set_validity(params: &mut CertificateParams, after: Timestamp, before: Timestamp) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(unix_seconds(after));
    params.not_after = epoch + Duration::from_secs(unix_seconds(before));
}

/// Seconds since the Unix epoch, as certificates count; instants before 1970 become 1970.
pub(crate) fn unix_seconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_micros() / 1_000_000).unwrap_or(0)
}

/// The instant that a number of seconds since the Unix epoch names; the last one of all where it is too large.
pub(crate) fn from_unix_seconds(seconds: u64) -> Timestamp {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| seconds.checked_mul(1_000_000))
        .map_or(Timestamp::MAX, Timestamp::from_micros)
}

/// A serial number of 127 random bits (RFC 5280 asks for a positive number, CAs for 64 random bits at least).
pub(crate) fn random_serial(ambient: &Ambient) -> SerialNumber {
    let mut bytes: [u8; 16] = ambient.random();
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    SerialNumber::from_slice(&bytes)
}
