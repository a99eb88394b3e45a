//! The independent reader: re-hashes a log from payload to signed checkpoint and names what is wrong.
//!
//! It shares no code with the writer but a few plain types: framing, hashing, tiles, signed notes are all read
//! here once more, so that an error in the one is found by the other. It only reads, never repairs, and takes
//! every byte for one that an enemy may have written.
//!
//! What [`verify_log`] covers:
//!
//! - `wal/`: every byte. Headers, checksums and lengths; positions without a gap; every leaf is well formed; log
//!   time never goes back; the sequence of the log's own source (that of entry 0) rises; every payload and salt
//!   belong to their leaf; space set aside for later holds zeros only; no other file
//!   is there but segments' indexes.
//! - the archive, where one is given ([`Checks::sealed`]): every entry that it gives back, as those in `wal/`; of entries that
//!   retention has pruned the leaf alone, and how many those are; copies of entries that `wal/` still has.
//! - `tile/`: every byte of every file, against the leaves; a file that no entry accounts for is damage.
//! - `checkpoint`: origin, size, root and the signature of the key. Signature lines of other keys say nothing to
//!   this reader and are passed over, as C2SP signed-note asks.
//!
//! What it does not cover, since nothing there bears witness: `LOCK`, `ballast`, `tiles.synced` (a hint for
//! recovery), the indexes of segments in `wal/` (derived; they never overrule their segment), `log.vkey` (the key
//! must come from elsewhere, or whoever changed the log brought their own), `key.sealed`, and other files beside
//! these. Entries behind the checkpoint are checked for everything but a signed root; that they were cut off
//! cleanly cannot be seen until a checkpoint covers them.
//!
//! A checkpoint at hand is only as good as the key: whoever holds the signing key can write another history. That
//! is found with checkpoints that were kept elsewhere ([`Checks::earlier`]), or by witnesses.

mod ahead;
mod archive;
mod block;
mod border;
mod compare;
mod conclude;
mod damage;
pub mod key;
pub mod leaf;
mod log;
pub mod note;
mod pass;
mod report;
pub mod segment;
mod shadow;
mod tiles;
pub mod tree;

pub use damage::{Damage, DamageKind};
pub use key::{KeyError, VerifierKey};
pub use log::{Checks, Tail, VerifyError, verify_log, verify_log_with};
pub use note::{NoteError, SignedCheckpoint};
pub use report::{Level, Progress, Report};

pub(crate) use damage::DamageList;

use crate::Hash;

/// Why two checkpoints of a log do not continue each other.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InconsistentError {
    /// One of the notes is not signed by the key.
    #[error("cannot compare two checkpoints: {0}")]
    Note(#[from] NoteError),
    /// The later one is smaller.
    #[error("the log was rolled back: a checkpoint over {old} entries was signed before one over {new}")]
    Rollback {
        /// Size of the remembered checkpoint.
        old: u64,
        /// Size of the present one.
        new: u64,
    },
    /// No proof leads from the one to the other.
    #[error(
        "the log was forked: nothing shows that the first {old} of its {new} entries are the ones signed earlier"
    )]
    Fork {
        /// Size of the remembered checkpoint.
        old: u64,
        /// Size of the present one.
        new: u64,
    },
}

/// Checks that the log of `new` continues that of `old`, by a consistency proof (empty where the sizes are equal).
///
/// Two different roots that were signed for one size never pass.
pub fn consistent(
    old: &[u8],
    new: &[u8],
    proof: &[Hash],
    key: &VerifierKey,
) -> Result<SignedCheckpoint, InconsistentError> {
    let (old, new) = (note::open(old, key)?, note::open(new, key)?);
    let sizes = (old.size(), new.size());
    if sizes.0 > sizes.1 {
        return Err(InconsistentError::Rollback { old: sizes.0, new: sizes.1 });
    }
    if !tree::is_consistent(sizes.0, old.root(), sizes.1, new.root(), proof) {
        return Err(InconsistentError::Fork { old: sizes.0, new: sizes.1 });
    }
    Ok(new)
}
