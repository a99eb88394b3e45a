//! Leaves: what the tree holds of an entry. At most 512 bytes, and nothing in them that may have to be erased.
//!
//! Version 1: `0x01`, i64 BE log time (µs), u64 BE source sequence, u8 length and source id, commitment (32).
//! A later version may commit to single fields; decoding refuses versions that it does not know.

use event::Timestamp;

/// The largest leaf of any version, in bytes.
pub const MAX_LEAF_BYTES: usize = 512;
/// The longest source id, in bytes.
pub const MAX_SOURCE_BYTES: usize = 200;

const VERSION: u8 = 1;
const FIXED: usize = 1 + 8 + 8 + 1 + 32;

/// What the tree holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// When the log took the entry. Never goes backwards from one entry to the next.
    pub time: Timestamp,
    /// Who reported the entry.
    pub source: String,
    /// Its place in that source's own sequence.
    pub seq: u64,
    /// Commitment to salt and payload; see [`crate::hash::commitment`].
    pub commitment: [u8; 32],
}

/// Why bytes are not a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// A length that does not fit.
    #[error("a leaf of {0} bytes is cut short, too long, or has bytes left over")]
    Length(usize),
    /// A version from the future.
    #[error("leaf version {0} is not known to this release")]
    Version(u8),
    /// A source id that is not UTF-8 or too long.
    #[error("the source id of a leaf is not UTF-8 of at most {MAX_SOURCE_BYTES} bytes")]
    Source,
    /// A time outside the years 1 to 9999.
    #[error("log time {0} µs lies outside the years 1 to 9999")]
    Time(i64),
}

impl Leaf {
    /// Writes the leaf's bytes.
    ///
    /// # Panics
    /// When the source id is longer than [`MAX_SOURCE_BYTES`].
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FIXED + self.source.len());
        write(&mut out, self.time, &self.source, self.seq, &self.commitment);
        out
    }

    /// Reads a leaf; every byte must be accounted for.
    pub fn decode(bytes: &[u8]) -> Result<Leaf, LeafError> {
        let length = || LeafError::Length(bytes.len());
        if bytes.len() > MAX_LEAF_BYTES {
            return Err(length());
        }
        let (version, rest) = bytes.split_first().ok_or_else(length)?;
        if *version != VERSION {
            return Err(LeafError::Version(*version));
        }
        let (time, rest) = rest.split_first_chunk::<8>().ok_or_else(length)?;
        let (seq, rest) = rest.split_first_chunk::<8>().ok_or_else(length)?;
        let (source_length, rest) = rest.split_first().ok_or_else(length)?;
        let (source, rest) = rest.split_at_checked(usize::from(*source_length)).ok_or_else(length)?;
        let commitment: [u8; 32] = rest.try_into().map_err(|_| length())?;
        let source = std::str::from_utf8(source).ok().filter(|id| id.len() <= MAX_SOURCE_BYTES);
        let source = source.ok_or(LeafError::Source)?.to_owned();
        let micros = i64::from_be_bytes(*time);
        let time = Timestamp::from_micros(micros);
        if time.as_micros() != micros {
            return Err(LeafError::Time(micros));
        }
        Ok(Leaf { time, source, seq: u64::from_be_bytes(*seq), commitment })
    }
}

/// Number of bytes of a leaf with this source id.
pub(crate) fn encoded_len(source: &str) -> usize {
    FIXED + source.len()
}

/// Writes a leaf from its parts; `source` must be at most [`MAX_SOURCE_BYTES`] long.
pub(crate) fn write(out: &mut Vec<u8>, time: Timestamp, source: &str, seq: u64, commitment: &[u8; 32]) {
    assert!(source.len() <= MAX_SOURCE_BYTES, "source ids are checked where they enter");
    out.push(VERSION);
    out.extend_from_slice(&time.as_micros().to_be_bytes());
    out.extend_from_slice(&seq.to_be_bytes());
    out.push(u8::try_from(source.len()).expect("checked just now"));
    out.extend_from_slice(source.as_bytes());
    out.extend_from_slice(commitment);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn leaves_survive_the_journey(micros in 0i64..1 << 55, seq: u64, source in "\\PC{0,50}", commitment: [u8; 32]) {
            let leaf = Leaf { time: Timestamp::from_micros(micros), source, seq, commitment };
            let bytes = leaf.encode();
            prop_assert!(bytes.len() <= MAX_LEAF_BYTES);
            prop_assert_eq!(Leaf::decode(&bytes).unwrap(), leaf);
        }

        #[test]
        fn arbitrary_bytes_decode_to_themselves_or_not_at_all(mut bytes: Vec<u8>, version: bool) {
            if let (true, Some(first)) = (version, bytes.first_mut()) {
                *first = VERSION;
            }
            if let Ok(leaf) = Leaf::decode(&bytes) {
                prop_assert_eq!(leaf.encode(), bytes);
            }
        }
    }

    #[test]
    fn other_versions_and_lengths_are_refused() {
        let leaf = Leaf { time: Timestamp::EPOCH, source: "a".into(), seq: 1, commitment: [7; 32] };
        let bytes = leaf.encode();
        for cut in 0..bytes.len() {
            assert!(Leaf::decode(&bytes[..cut]).is_err(), "{cut}");
        }
        assert_eq!(Leaf::decode(&[bytes.as_slice(), &[0]].concat()), Err(LeafError::Length(52)));
        let mut newer = bytes.clone();
        newer[0] = 2;
        assert_eq!(Leaf::decode(&newer), Err(LeafError::Version(2)));
        let mut early = bytes;
        early[1] = 0x80;
        assert!(matches!(Leaf::decode(&early), Err(LeafError::Time(_))));
    }
}
