//! Records: one entry's leaf, salt and payload, with length and checksum.
//!
//! u32 LE length of body, u32 LE CRC32C of body; body = u16 LE leaf length, leaf, salt (16), payload (the rest).

use event::envelope::MAX_EVENT_BYTES;

use crate::hash::SALT_BYTES;
use crate::leaf::MAX_LEAF_BYTES;

/// Bytes before a record's body.
pub const RECORD_HEADER: usize = 8;
/// The largest body, in bytes.
pub const MAX_BODY: usize = 2 + MAX_LEAF_BYTES + SALT_BYTES + MAX_EVENT_BYTES;

/// A record's parts, borrowed from its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordView<'a> {
    /// The leaf's bytes, not yet decoded.
    pub leaf: &'a [u8],
    /// The salt beside the payload.
    pub salt: &'a [u8; SALT_BYTES],
    /// The event's exact bytes.
    pub payload: &'a [u8],
}

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The bytes end before the record does.
    #[error("the record is cut short")]
    Short,
    /// A length that no record has.
    #[error("the record's length {0} is impossible")]
    Length(usize),
    /// The checksum is wrong.
    #[error("the record's checksum is wrong")]
    Checksum,
}

/// Reads a record's header: body length and checksum.
pub(crate) fn header(bytes: &[u8; RECORD_HEADER]) -> Result<(usize, u32), RecordError> {
    let [l0, l1, l2, l3, c0, c1, c2, c3] = *bytes;
    let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
    if !(2 + SALT_BYTES..=MAX_BODY).contains(&length) {
        return Err(RecordError::Length(length));
    }
    Ok((length, u32::from_le_bytes([c0, c1, c2, c3])))
}

/// Takes a body apart after checking it.
pub(crate) fn body(body: &[u8], checksum: u32) -> Result<RecordView<'_>, RecordError> {
    if crc32c::crc32c(body) != checksum {
        return Err(RecordError::Checksum);
    }
    let wrong = RecordError::Length(body.len());
    let (leaf_length, rest) = body.split_first_chunk::<2>().ok_or(wrong)?;
    let leaf_length = usize::from(u16::from_le_bytes(*leaf_length));
    let (leaf, rest) =
        rest.split_at_checked(leaf_length).filter(|_| leaf_length <= MAX_LEAF_BYTES).ok_or(wrong)?;
    let (salt, payload) = rest.split_first_chunk().ok_or(wrong)?;
    if payload.len() > MAX_EVENT_BYTES {
        return Err(wrong);
    }
    Ok(RecordView { leaf, salt, payload })
}

/// Reads the record at the front of `bytes`; also says how many bytes it takes.
pub fn decode(bytes: &[u8]) -> Result<(RecordView<'_>, usize), RecordError> {
    let (head, rest) = bytes.split_first_chunk().ok_or(RecordError::Short)?;
    let (length, checksum) = header(head)?;
    let record = rest.get(..length).ok_or(RecordError::Short)?;
    Ok((body(record, checksum)?, RECORD_HEADER + length))
}

/// Writes a record.
///
/// # Panics
/// When a part is larger than its limit; those are checked where events enter.
pub fn encode(out: &mut Vec<u8>, leaf: &[u8], salt: &[u8; SALT_BYTES], payload: &[u8]) {
    assert!(
        leaf.len() <= MAX_LEAF_BYTES && payload.len() <= MAX_EVENT_BYTES,
        "limits are checked where events enter"
    );
    let start = out.len();
    out.extend_from_slice(&[0; RECORD_HEADER]);
    out.extend_from_slice(&u16::try_from(leaf.len()).expect("at most 512").to_le_bytes());
    out.extend_from_slice(leaf);
    out.extend_from_slice(salt);
    out.extend_from_slice(payload);
    let length = u32::try_from(out.len() - start - RECORD_HEADER).expect("at most 20 MiB and a little");
    let checksum = crc32c::crc32c(&out[start + RECORD_HEADER..]);
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    out[start + 4..start + 8].copy_from_slice(&checksum.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn records_survive_the_journey(leaf in proptest::collection::vec(any::<u8>(), 0..=512), salt: [u8; 16], payload: Vec<u8>, after: Vec<u8>) {
            let mut bytes = Vec::new();
            encode(&mut bytes, &leaf, &salt, &payload);
            let length = bytes.len();
            bytes.extend_from_slice(&after);
            let (record, used) = decode(&bytes).unwrap();
            prop_assert_eq!(used, length);
            prop_assert_eq!(record, RecordView { leaf: &leaf, salt: &salt, payload: &payload });
            for cut in 0..length {
                prop_assert!(decode(&bytes[..cut]).is_err());
            }
        }

        #[test]
        fn any_changed_byte_is_noticed(payload: [u8; 20], at in 0usize..8 + 2 + 3 + 16 + 20, change in 1u8..) {
            let mut bytes = Vec::new();
            encode(&mut bytes, b"abc", &[1; 16], &payload);
            bytes[at] ^= change;
            prop_assert!(decode(&bytes).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
            let _ = body(&bytes, crc32c::crc32c(&bytes));
        }
    }
}
