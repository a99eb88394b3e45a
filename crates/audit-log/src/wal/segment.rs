//! Segment files: their names and their 32-byte header.
//!
//! Header: magic `LODGEWAL`, u32 LE version (1), u32 LE 0, u64 LE first position, u64 LE 0.

/// Bytes of a segment header.
pub const SEGMENT_HEADER: usize = 32;

const MAGIC: &[u8; 8] = b"LODGEWAL";
const VERSION: u32 = 1;

/// Writes the header of a segment that begins at `first`.
pub fn encode_header(first: u64) -> [u8; SEGMENT_HEADER] {
    let mut bytes = [0; SEGMENT_HEADER];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..24].copy_from_slice(&first.to_le_bytes());
    bytes
}

/// Reads a segment header: the first position. There is one spelling only; all else is `None`.
pub fn decode_header(bytes: &[u8]) -> Option<u64> {
    let first = u64::from_le_bytes(*bytes.get(16..24)?.first_chunk()?);
    (bytes == encode_header(first)).then_some(first)
}

/// Names the segment that begins at `first`.
pub fn file_name(first: u64) -> String {
    format!("{first:020}.wal")
}

/// Reads a segment's name; `None` for other files.
pub fn parse_file_name(name: &str) -> Option<u64> {
    let first = name.strip_suffix(".wal")?.parse().ok()?;
    (file_name(first) == name).then_some(first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn headers_and_names_survive_the_journey(first: u64, at in 0usize..SEGMENT_HEADER, change in 1u8..) {
            let mut header = encode_header(first);
            prop_assert_eq!(decode_header(&header), Some(first));
            prop_assert_eq!(parse_file_name(&file_name(first)), Some(first));
            header[at] ^= change;
            prop_assert_ne!(decode_header(&header), Some(first));
        }

        #[test]
        fn arbitrary_names_and_headers_never_panic(name in "\\PC{0,30}", bytes: Vec<u8>) {
            let _ = parse_file_name(&name);
            let _ = decode_header(&bytes);
        }
    }
}
