//! What can go wrong with a log, and what its keeper can do about it.

use std::io;
use std::path::PathBuf;

use store::journal::JournalError;
use store::vault::VaultError;

use crate::checkpoint::CheckpointError;
use crate::sealed::SealedError;

/// Why a log could not be opened. In every case its files are as they were.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting makes no sense.
    #[error("cannot open the audit log: {0}")]
    Config(String),
    /// Another process has it.
    #[error("the audit log in {} is in use by another process; stop that one first", folder.display())]
    Locked {
        /// The log's folder.
        folder: PathBuf,
    },
    /// The disk refused.
    #[error("cannot {verb} {}", path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The disk refused, on a segment.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The signing key does not open.
    #[error("cannot open the log's signing key {}", path.display())]
    Key {
        /// File of the sealed key.
        path: PathBuf,
        /// Why it failed.
        source: VaultError,
    },
    /// There are entries but no signing key.
    #[error("the log's signing key {} is missing though the log has entries; restore it from a copy", path.display())]
    KeyMissing {
        /// File of the sealed key.
        path: PathBuf,
    },
    /// The published checkpoint is not one of this log.
    #[error("the checkpoint in {} is not one of this log; restore the folder from a copy", path.display())]
    Checkpoint {
        /// File of the checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        source: CheckpointError,
    },
    /// The write-ahead log is damaged.
    #[error(
        "the audit log is damaged at position {position} (byte {offset} of {}): {why}; nothing was changed: \
         keep this folder as evidence and restore a copy", segment.display()
    )]
    Damaged {
        /// Position of the first entry that cannot be read.
        position: u64,
        /// File that holds it.
        segment: PathBuf,
        /// Place in that file.
        offset: u64,
        /// What is wrong there.
        why: String,
    },
    /// The write-ahead log ends before the archive does.
    #[error(
        "the audit log ends at {size} and its archive holds {sealed} entries, so that later ones are missing here; nothing was \
         changed: restore the newest copy of the folder, or, where there is none, move its folder `wal` away to go on behind \
         the archive"
    )]
    BehindArchive {
        /// Entries found.
        size: u64,
        /// Entries in the archive.
        sealed: u64,
    },
    /// Sealed entries are needed and cannot be read.
    #[error("cannot open the audit log")]
    Sealed(#[from] SealedError),
    /// The log is older than what it had published.
    #[error(
        "the audit log holds {size} entries and its folder a checkpoint over {published}: entries from position {size} on are \
         missing; nothing was changed: restore the newest copy of the whole folder"
    )]
    RolledBack {
        /// Entries found.
        size: u64,
        /// Size of the published checkpoint.
        published: u64,
    },
    /// The log is older than what is remembered of it elsewhere.
    #[error(
        "the audit log holds {size} entries, and a checkpoint over {remembered} is remembered in state.db: entries from position \
         {size} on are missing; nothing was changed: restore the newest copy of the folder, or, if this older one was put \
         there on purpose, start once with `lodge serve --accept-rollback`, which records it"
    )]
    Older {
        /// Entries found.
        size: u64,
        /// Size of the remembered checkpoint.
        remembered: u64,
    },
    /// The log is long enough and not the one that is remembered.
    #[error(
        "the first {size} entries of the audit log in {} are not those of the checkpoint that is remembered in state.db: this is \
         another log, or one that was rewritten from an older copy; nothing was changed: restore the folder and state.db \
         from one backup", folder.display()
    )]
    Forked {
        /// Size of the remembered checkpoint.
        size: u64,
        /// The log's folder.
        folder: PathBuf,
    },
    /// The remembered checkpoint is none of this log's key.
    #[error(
        "the checkpoint that is remembered in state.db was not signed with the key of the audit log in {}: another log lies \
         there; restore the folder and state.db from one backup", folder.display()
    )]
    Remembered {
        /// The log's folder.
        folder: PathBuf,
        /// What is wrong with it.
        source: CheckpointError,
    },
    /// There are entries and a key, and no checkpoint, which is written before the first entry.
    #[error(
        "the audit log holds {size} entries and no checkpoint at {}: it was removed; nothing was changed: restore the newest \
         copy of the folder", path.display()
    )]
    CheckpointMissing {
        /// Entries found.
        size: u64,
        /// Where it should be.
        path: PathBuf,
    },
    /// The entries are not those that the checkpoint promised.
    #[error(
        "the first {size} entries do not lead to the root of the published checkpoint: an entry was changed; \
         nothing was changed now: run `lodge audit verify` to find it, and restore a copy"
    )]
    Root {
        /// Size of the published checkpoint.
        size: u64,
    },
    /// The opening could not be recorded.
    #[error("cannot record that the audit log was opened")]
    Append(#[from] AppendError),
}

/// What is short on a disk that is nearly full.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the audit log's disk is nearly full: {free} bytes are free on the disk of {} and {needed} must be; free {} bytes there",
    folder.display(), needed.saturating_sub(*free)
)]
pub struct Shortage {
    /// The log's folder.
    pub folder: PathBuf,
    /// Bytes that are free on its disk.
    pub free: u64,
    /// Bytes that must be free before everything is taken again: the reserve and the ballast.
    pub needed: u64,
}

/// Why an event was not appended. None of these leaves the event in the log, save [`AppendError::Failed`], which
/// leaves open whether it is there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// More waits than the queue holds.
    #[error("the audit log is overloaded; try again shortly")]
    Overloaded,
    /// The disk is nearly full.
    #[error(transparent)]
    Full(Shortage),
    /// A write or sync failed; the process must be restarted.
    #[error("the audit log failed: {0}")]
    Failed(String),
    /// The log was shut down.
    #[error("the audit log is closed")]
    Closed,
    /// An event or a batch is larger than the log takes.
    #[error("{bytes} bytes are more than the {most} that the audit log takes at once")]
    TooLarge {
        /// Size of what was refused.
        bytes: usize,
        /// The largest that is taken.
        most: usize,
    },
    /// The source id is empty or too long.
    #[error("a source id must have 1 to 200 bytes, not {0}")]
    Source(usize),
}

/// Why entries or proofs cannot be given.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The question reaches beyond what is published.
    #[error("the log has {published} published entries; {asked} was asked for")]
    Beyond {
        /// Position or size that was asked for.
        asked: u64,
        /// Entries that a published checkpoint covers.
        published: u64,
    },
    /// A range or pair of sizes is the wrong way round.
    #[error("{from} lies after {to}")]
    Order {
        /// The first of the two.
        from: u64,
        /// The second.
        to: u64,
    },
    /// An entry cannot be read back.
    #[error("entry {position} cannot be read from {}: {why}; run `lodge audit verify`", segment.display())]
    Entry {
        /// Position of the entry.
        position: u64,
        /// File that should hold it.
        segment: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// An entry's leaf cannot be read.
    #[error("entry {position} has a leaf that cannot be read: {why}; run `lodge audit verify`")]
    Leaf {
        /// Position of the entry.
        position: u64,
        /// What is wrong.
        why: String,
    },
    /// Retention has dropped the payloads; what the tree holds of them is still there.
    #[error("the entries from {from} to {} were pruned by retention; read on from {to}", to.saturating_sub(1))]
    Pruned {
        /// The first entry that was asked for.
        from: u64,
        /// The next that is still there, or the end of the archive.
        to: u64,
    },
    /// The archive failed.
    #[error(transparent)]
    Sealed(#[from] SealedError),
    /// A tile is missing or damaged.
    #[error("tile {path} is missing or damaged; restart to rebuild it from the entries")]
    Tile {
        /// Path of the tile.
        path: String,
    },
    /// The disk refused.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// No checkpoint came in time.
    #[error("no checkpoint was published in time; is the disk full?")]
    Late,
    /// The log was shut down, or failed.
    #[error("the audit log is closed")]
    Closed,
}

/// Why the write-ahead log did not give up all that it could. What it did give up stays so.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// Nothing holds the entries but the write-ahead log.
    #[error("the audit log was opened without an archive; nothing was released")]
    NoArchive,
    /// The log was shut down, or failed.
    #[error("the audit log is closed; nothing was released")]
    Closed,
    /// The disk refused.
    #[error("cannot {verb} {}", path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}
