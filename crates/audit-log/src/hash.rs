//! SHA-256 as the log uses it: RFC 6962 tree hashing and the commitment to a payload.

use std::fmt;

use sha2::{Digest, Sha256};

/// Number of random bytes beside each payload; they keep a commitment from being guessed once the payload is erased.
pub const SALT_BYTES: usize = 16;

/// A SHA-256 value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The root of the tree without leaves: the hash of nothing.
    pub fn empty_root() -> Hash {
        Hash(Sha256::digest(b"").into())
    }

    /// Hashes a leaf: SHA-256(0x00 ‖ leaf), RFC 6962 section 2.1.
    pub fn of_leaf(leaf: &[u8]) -> Hash {
        Hash(Sha256::new().chain_update([0]).chain_update(leaf).finalize().into())
    }

    /// Hashes a node: SHA-256(0x01 ‖ left ‖ right), RFC 6962 section 2.1.
    pub fn of_node(left: &Hash, right: &Hash) -> Hash {
        let mut input = [1; 65];
        input[1..33].copy_from_slice(&left.0);
        input[33..].copy_from_slice(&right.0);
        Hash(Sha256::digest(input).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Commits to a payload: SHA-256("lodge/payload/v1" ‖ 0x00 ‖ salt ‖ payload).
pub fn commitment(salt: &[u8; SALT_BYTES], payload: &[u8]) -> [u8; 32] {
    let hash = Sha256::new().chain_update(b"lodge/payload/v1\0").chain_update(salt).chain_update(payload);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_rfc_6962() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Hash::empty_root().to_string(), empty);
        let leaf = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(Hash::of_leaf(b"").to_string(), leaf);
        let theirs = tlog_tiles::node_hash(tlog_tiles::record_hash(b"a"), tlog_tiles::record_hash(b"b"));
        assert_eq!(Hash::of_node(&Hash::of_leaf(b"a"), &Hash::of_leaf(b"b")).0, theirs.0);
    }

    #[test]
    fn the_salt_changes_the_commitment() {
        assert_ne!(commitment(&[0; 16], b"{}"), commitment(&[1; 16], b"{}"));
    }
}
