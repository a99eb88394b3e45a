//! What a verification says at its end, and while it runs.

use std::fmt;

use super::damage::Damage;
use crate::Checkpoint;

/// How far the proof reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Only the log's own checkpoint was there: changes are found, unless whoever made them holds the log's key.
    Detecting,
    /// Checkpoints that were kept elsewhere were there too: a log rewritten with its own key is found as well.
    Evident,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Detecting => "detecting",
            Level::Evident => "evident",
        })
    }
}

/// What a verification found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Name of the log.
    pub origin: String,
    /// Position of the first entry that was read; 0 for a whole log.
    pub first: u64,
    /// Entries that were read, payload and all.
    pub entries: u64,
    /// Entries of which retention left only the leaf: it is the one in the tree, and nothing can be said of the payload.
    pub pruned: u64,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
    /// The checkpoint, where a valid one was there.
    pub checkpoint: Option<Checkpoint>,
    /// Entries at the end that no checkpoint covers yet.
    pub beyond_checkpoint: u64,
    /// Bytes at the end that a running writer had not finished.
    pub unfinished_bytes: u64,
    /// How far the proof reaches.
    pub level: Level,
    /// What is wrong, by position: the first of every kind, at most about 100.
    pub damage: Vec<Damage>,
    /// How much is wrong in all, also what `damage` has no room for.
    pub damage_total: u64,
}

impl Report {
    /// Tells whether nothing is wrong.
    pub fn is_intact(&self) -> bool {
        self.damage_total == 0
    }

    /// Returns the size of the signed tree, 0 where there is none.
    pub fn tree_size(&self) -> u64 {
        self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size)
    }
}

/// How far a running verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Entries that were read so far.
    pub entries: u64,
    /// Entries that the checkpoint promises.
    pub expected: u64,
}
