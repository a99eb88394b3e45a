//! Merkle tree hashing and proof checking after RFC 6962 and RFC 9162, written for the verifier alone.
//!
//! Nothing here makes proofs or touches files. Every function takes hashes that may come from an enemy and
//! answers yes or no; none can panic on any input.

use sha2::{Digest, Sha256};

use crate::Hash;

/// Returns the hash of a leaf: SHA-256 of 0x00 and the leaf's bytes.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(leaf).finalize().into())
}

/// Returns the hash of an inner node: SHA-256 of 0x01, the left and the right hash.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut block = [1u8; 65];
    block[1..33].copy_from_slice(&left.0);
    block[33..].copy_from_slice(&right.0);
    Hash(Sha256::digest(block).into())
}

/// Returns the root of a tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

/// Tells whether `proof` shows that `leaf` is at `index` in the tree of `size` leaves with root `root`.
///
/// RFC 9162, section 2.1.3.2.
pub fn is_included(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Tells whether `proof` shows that the tree (`old_size`, `old_root`) is a prefix of (`new_size`, `new_root`).
///
/// RFC 9162, section 2.1.4.2. The empty tree is a prefix of every tree, by an empty proof.
pub fn is_consistent(old_size: u64, old_root: &Hash, new_size: u64, new_root: &Hash, proof: &[Hash]) -> bool {
    if old_size > new_size {
        return false;
    }
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    if old_size == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    // A complete old tree is its own first proof node, which the proof therefore leaves out.
    let (start, rest) = match (old_size.is_power_of_two(), proof.split_first()) {
        (true, _) => (*old_root, proof),
        (false, Some((first, rest))) => (*first, rest),
        (false, None) => return false,
    };
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old, mut new) = (start, start);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old == *old_root && new == *new_root
}

/// The maximal complete subtrees of a growing tree, widest first: enough to know its root, and no more.
#[derive(Clone, Debug, Default)]
pub struct Peaks {
    size: u64,
    peaks: Vec<(u32, Hash)>,
}

impl Peaks {
    /// Returns the number of leaves so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds one leaf, and tells `on_node` every node that it completes: height, index within that height, hash.
    pub fn push_leaf(&mut self, leaf: Hash, on_node: impl FnMut(u32, u64, Hash)) -> bool {
        self.push_subtree(0, leaf, on_node)
    }

    /// Adds a complete subtree of `2^height` leaves; false when it cannot stand at this place.
    pub fn push_subtree(&mut self, height: u32, hash: Hash, mut on_node: impl FnMut(u32, u64, Hash)) -> bool {
        let Some(leaves) = 1u64.checked_shl(height) else { return false };
        let Some(size) = self.size.checked_add(leaves) else { return false };
        if !self.size.is_multiple_of(leaves) {
            return false;
        }
        let (mut height, mut hash) = (height, hash);
        loop {
            on_node(height, self.size >> height, hash);
            match self.peaks.pop_if(|(peak, _)| *peak == height) {
                Some((_, left)) => hash = node_hash(&left, &hash),
                None => break,
            }
            height += 1;
        }
        self.peaks.push((height, hash));
        self.size = size;
        true
    }

    /// Returns the root of the tree so far.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => empty_root(),
            Some((_, lowest)) => peaks.fold(*lowest, |right, (_, left)| node_hash(left, &right)),
        }
    }
}

/// Lists the maximal complete subtrees that cover `from..to`, in order, each as height and index in that height.
pub fn subtrees(from: u64, to: u64) -> Vec<(u32, u64)> {
    let mut found = Vec::new();
    let mut at = from;
    while at < to {
        let aligned = if at == 0 { 63 } else { at.trailing_zeros() };
        let height = aligned.min((to - at).ilog2());
        found.push((height, at >> height));
        at += 1 << height;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use proptest::prelude::*;

    struct AllHashes(Vec<tlog_tiles::Hash>);

    impl tlog_tiles::HashReader for AllHashes {
        fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
            Ok(indexes.iter().map(|i| self.0[*i as usize]).collect())
        }
    }

    fn tlog(leaves: &[Vec<u8>]) -> AllHashes {
        let mut all = AllHashes(Vec::new());
        for (position, leaf) in leaves.iter().enumerate() {
            let more = tlog_tiles::stored_hashes(position as u64, leaf, &all).unwrap();
            all.0.extend(more);
        }
        all
    }

    fn ours(leaves: &[Vec<u8>]) -> Peaks {
        let mut peaks = Peaks::default();
        for leaf in leaves {
            assert!(peaks.push_leaf(leaf_hash(leaf), |_, _, _| ()));
        }
        peaks
    }

    fn ct(leaves: &[Vec<u8>]) -> MemoryBackedTree<Sha256, Vec<u8>> {
        let mut tree = MemoryBackedTree::new();
        for leaf in leaves {
            tree.push(leaf.clone());
        }
        tree
    }

    fn hashes_of(proof: &[u8]) -> Vec<Hash> {
        proof.as_chunks::<32>().0.iter().map(|chunk| Hash(*chunk)).collect()
    }

    fn leaves() -> impl Strategy<Value = Vec<Vec<u8>>> {
        proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9), 1..90)
    }

    proptest! {
        #[test]
        fn roots_agree_with_two_other_implementations(leaves in leaves()) {
            let root = ours(&leaves).root();
            let other = ct(&leaves).root();
            prop_assert_eq!(root.0.as_slice(), other.as_bytes().as_slice());
            let third = tlog_tiles::tree_hash(leaves.len() as u64, &tlog(&leaves)).unwrap();
            prop_assert_eq!(root.0, third.0);
        }

        #[test]
        fn inclusion_proofs_of_others_hold_and_no_altered_one_does(
            leaves in leaves(), pick in any::<prop::sample::Index>(), flip in any::<prop::sample::Index>()
        ) {
            let (index, size) = (pick.index(leaves.len()), leaves.len() as u64);
            let root = ours(&leaves).root();
            let leaf = leaf_hash(&leaves[index]);
            let proof = hashes_of(ct(&leaves).prove_inclusion(index).as_bytes());
            let third = tlog_tiles::prove_record(size, index as u64, &tlog(&leaves)).unwrap();
            prop_assert_eq!(&proof, &third.iter().map(|hash| Hash(hash.0)).collect::<Vec<_>>());
            prop_assert!(is_included(&leaf, index as u64, size, &proof, &root));

            prop_assert!(!is_included(&leaf, index as u64 + size, size, &proof, &root));
            let mut longer = proof.clone();
            longer.push(leaf);
            prop_assert!(!is_included(&leaf, index as u64, size, &longer, &root));
            if !proof.is_empty() {
                prop_assert!(!is_included(&leaf, index as u64, size, &proof[1..], &root));
                let mut altered = proof.clone();
                altered[flip.index(proof.len())].0[flip.index(32)] ^= 1;
                prop_assert!(!is_included(&leaf, index as u64, size, &altered, &root));
            }
        }

        #[test]
        fn consistency_proofs_of_others_hold_and_no_altered_one_does(
            leaves in leaves(), cut in any::<prop::sample::Index>(), flip in any::<prop::sample::Index>()
        ) {
            let (new, old) = (leaves.len() as u64, cut.index(leaves.len()) as u64 + 1);
            let (old_root, new_root) = (ours(&leaves[..old as usize]).root(), ours(&leaves).root());
            let proof: Vec<Hash> = if old == new {
                Vec::new()
            } else {
                let proof = hashes_of(ct(&leaves).prove_consistency((new - old) as usize).as_bytes());
                let third = tlog_tiles::prove_tree(new, old, &tlog(&leaves)).unwrap();
                prop_assert_eq!(&proof, &third.iter().map(|hash| Hash(hash.0)).collect::<Vec<_>>());
                proof
            };
            prop_assert!(is_consistent(old, &old_root, new, &new_root, &proof));
            prop_assert!(is_consistent(0, &empty_root(), new, &new_root, &[]));
            prop_assert!(!is_consistent(new + 1, &old_root, new, &new_root, &proof));
            let other = leaf_hash(b"another root");
            prop_assert!(!is_consistent(old, &other, new, &new_root, &proof));
            prop_assert!(!is_consistent(old, &old_root, new, &other, &proof));
            if !proof.is_empty() {
                let mut altered = proof.clone();
                altered[flip.index(proof.len())].0[flip.index(32)] ^= 1;
                prop_assert!(!is_consistent(old, &old_root, new, &new_root, &altered));
                prop_assert!(!is_consistent(old, &old_root, new, &new_root, &proof[1..]));
            }
        }

        #[test]
        fn subtrees_of_a_range_rebuild_the_root(leaves in leaves(), a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
            let size = leaves.len();
            let (from, to) = (a.index(size).min(b.index(size)), a.index(size).max(b.index(size)));
            let mut peaks = Peaks::default();
            let hash_of = |(height, index): (u32, u64)| {
                let first = (index << height) as usize;
                ours(&leaves[first..first + (1 << height)]).root()
            };
            for subtree in subtrees(0, from as u64) {
                prop_assert!(peaks.push_subtree(subtree.0, hash_of(subtree), |_, _, _| ()));
            }
            for leaf in &leaves[from..to] {
                prop_assert!(peaks.push_leaf(leaf_hash(leaf), |_, _, _| ()));
            }
            for subtree in subtrees(to as u64, size as u64) {
                prop_assert!(peaks.push_subtree(subtree.0, hash_of(subtree), |_, _, _| ()));
            }
            prop_assert_eq!(peaks.root(), ours(&leaves).root());
        }

        #[test]
        fn arbitrary_proofs_never_panic(
            index in any::<u64>(), size in any::<u64>(), proof in proptest::collection::vec(any::<[u8; 32]>(), 0..70)
        ) {
            let proof: Vec<Hash> = proof.into_iter().map(Hash).collect();
            let root = leaf_hash(b"root");
            prop_assert!(!is_included(&root, index, size, &proof, &leaf_hash(b"other")));
            prop_assert!(!is_consistent(index, &root, size, &leaf_hash(b"other"), &proof) || index == 0);
            let mut peaks = Peaks::default();
            peaks.push_subtree((index % 80) as u32, root, |_, _, _| ());
            peaks.push_subtree((size % 80) as u32, root, |_, _, _| ());
        }
    }

    #[test]
    fn subtrees_reach_the_largest_sizes() {
        assert!(subtrees(1, u64::MAX).len() < 128);
        assert_eq!(subtrees(0, u64::MAX).len(), 64);
        assert_eq!(subtrees(u64::MAX - 1, u64::MAX), [(0, u64::MAX - 1)]);
    }
}
