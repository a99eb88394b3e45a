//! The leaf: the at most 512 bytes that the tree holds for an event, and the commitment in it.
//!
//! Reading is strict: exactly one byte string stands for each leaf, so what was read can be written again
//! without change.

use event::Timestamp;
use sha2::{Digest, Sha256};

use crate::Leaf;

/// Longest leaf in bytes.
pub const MAX_LEAF_BYTES: usize = 512;
/// Longest source id in bytes.
pub const MAX_SOURCE_BYTES: usize = 200;
/// Bytes of a leaf beside its source id.
pub const FIXED_LEAF_BYTES: usize = 1 + 8 + 8 + 1 + 32;
/// Bytes of the salt beside a payload.
pub const SALT_BYTES: usize = 16;

const VERSION: u8 = 1;

/// A leaf where it lies, without copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafView<'a> {
    /// Log time.
    pub time: Timestamp,
    /// Place in the source's own sequence.
    pub seq: u64,
    /// Who reported the event.
    pub source: &'a str,
    /// What binds the leaf to salt and payload.
    pub commitment: &'a [u8; 32],
}

impl<'a> LeafView<'a> {
    /// Reads a leaf; nothing where the bytes are not one.
    pub fn parse(bytes: &'a [u8]) -> Option<LeafView<'a>> {
        let (&version, rest) = bytes.split_first()?;
        let (time, rest) = rest.split_first_chunk::<8>()?;
        let (seq, rest) = rest.split_first_chunk::<8>()?;
        let (&length, rest) = rest.split_first()?;
        let (source, commitment) = rest.split_at_checked(usize::from(length))?;
        if version != VERSION || source.len() > MAX_SOURCE_BYTES {
            return None;
        }
        let micros = i64::from_be_bytes(*time);
        let time = Timestamp::from_micros(micros);
        // An instant that RFC 3339 cannot write would be read as another one.
        if time.as_micros() != micros {
            return None;
        }
        let source = std::str::from_utf8(source).ok()?;
        Some(LeafView {
            time,
            seq: u64::from_be_bytes(*seq),
            source,
            commitment: commitment.try_into().ok()?,
        })
    }

    /// Tells whether the leaf commits to this salt and payload.
    pub fn commits_to(&self, salt: &[u8; SALT_BYTES], payload: &[u8]) -> bool {
        *self.commitment == commitment(salt, payload)
    }

    /// Copies the leaf.
    pub fn to_leaf(self) -> Leaf {
        Leaf { time: self.time, source: self.source.to_owned(), seq: self.seq, commitment: *self.commitment }
    }
}

/// Returns what a leaf holds in place of its payload.
pub fn commitment(salt: &[u8; SALT_BYTES], payload: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"lodge/payload/v1\0")
        .chain_update(salt)
        .chain_update(payload)
        .finalize()
        .into()
}

/// Writes a leaf's bytes; nothing where its source id is too long.
pub fn encode(leaf: &Leaf) -> Option<Vec<u8>> {
    let length = u8::try_from(leaf.source.len()).ok().filter(|n| usize::from(*n) <= MAX_SOURCE_BYTES)?;
    let mut bytes = Vec::with_capacity(FIXED_LEAF_BYTES + leaf.source.len());
    bytes.push(VERSION);
    bytes.extend(leaf.time.as_micros().to_be_bytes());
    bytes.extend(leaf.seq.to_be_bytes());
    bytes.push(length);
    bytes.extend(leaf.source.as_bytes());
    bytes.extend(leaf.commitment);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_read_is_written_again_without_change(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Some(leaf) = LeafView::parse(&bytes) {
                prop_assert_eq!(encode(&leaf.to_leaf()).unwrap(), bytes);
            }
        }

        #[test]
        fn leaves_round_trip(micros in 0i64..4_000_000_000_000_000, seq in any::<u64>(), source in "\\PC{0,40}", commitment in any::<[u8; 32]>()) {
            let leaf = Leaf { time: Timestamp::from_micros(micros), source, seq, commitment };
            let bytes = encode(&leaf).unwrap();
            prop_assert!(bytes.len() <= MAX_LEAF_BYTES);
            let view = LeafView::parse(&bytes).unwrap();
            prop_assert_eq!((view.time, view.seq, view.source), (leaf.time, seq, leaf.source.as_str()));
            prop_assert!(LeafView::parse(&bytes[..bytes.len() - 1]).is_none());
        }
    }

    #[test]
    fn the_commitment_is_the_published_one() {
        let salt = [3; 16];
        let mut plain = b"lodge/payload/v1\0".to_vec();
        plain.extend(salt);
        plain.extend(b"{}");
        assert_eq!(commitment(&salt, b"{}"), <[u8; 32]>::from(Sha256::digest(plain)));
    }
}
