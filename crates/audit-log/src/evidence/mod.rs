//! Evidence bundles: a contiguous range of the log in one file that proves itself with the log's public key alone.
//!
//! A bundle is lines of JSON: a header with the signed checkpoint and the hashes left and right of the range, then
//! one line per entry. `docs/formats/evidence.md` describes it for other implementations. A bundle shows that its
//! entries are genuine and that none within the range was left out; what lies outside the range it leaves unsaid.

mod read;
mod write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

pub use read::{EvidenceError, MAX_LINE_BYTES, verify};
pub use write::{EvidenceSource, WriteError, write};

/// What the header's `format` says.
pub const FORMAT: &str = "lodge-evidence/v1";

/// First line of a bundle.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    origin: String,
    from: u64,
    to: u64,
    checkpoint: String,
    left: Vec<Base64>,
    right: Vec<Base64>,
}

/// Line of one entry. Exactly one of the payload's two forms is there.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    position: u64,
    leaf: Base64,
    salt: Base64,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    payload: Option<std::borrow::Cow<'a, str>>,
    /// For the rare event that is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload_b64: Option<Base64>,
}

/// Bytes that JSON shows as base64 (RFC 4648, section 4).
#[derive(Debug, PartialEq, Eq)]
struct Base64(Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Base64, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        STANDARD.decode(text.as_bytes()).map(Base64).map_err(serde::de::Error::custom)
    }
}
