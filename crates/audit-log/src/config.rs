//! How a log is kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::sealed::Sealed;

/// How a log is kept.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// Folder of the log; made (0700) where it is missing.
    pub folder: PathBuf,
    /// Origin line of the checkpoints (C2SP tlog-checkpoint): a schema-less URL such as `lodge.example.com/log`.
    pub origin: String,
    /// Source id of the events that this node itself writes, such as `lodge/gate-1`.
    pub source: String,
    /// Release that opens the log, for `log.opened`.
    pub version: String,
    /// Bytes that may wait for their sync before appends are refused with [`crate::AppendError::Overloaded`].
    pub queue_bytes: usize,
    /// Free bytes below which whatever begins something is refused with [`crate::AppendError::Full`].
    pub reserve_bytes: u64,
    /// Bytes of ballast that are freed once the disk is full: a quarter for logins, a quarter for reading and locking, the
    /// rest for what ends.
    pub ballast_bytes: u64,
    /// Size at which a write-ahead segment is closed.
    pub segment_bytes: u64,
    /// A signed checkpoint of this log that was kept elsewhere. A folder that holds less is refused, so that whoever can
    /// write the folder but not that other place cannot cut the log's end off unseen.
    pub remembered: Option<String>,
    /// What to do with a log that is older than what is remembered.
    pub rollback: Rollback,
    /// Where entries go that leave the write-ahead log. A log that released some does not open without it.
    pub sealed: Option<Arc<dyn Sealed>>,
    /// A move of the clock forward by more than this between two looks at it, a second apart, is a jump.
    pub clock_jump_ahead: Duration,
}

/// What to do with a log that is older than what is remembered of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rollback {
    /// Refuse to open it.
    #[default]
    Refuse,
    /// Open it, and write `log.rolled_back` before anything else: its keeper restored an older copy on purpose.
    Accept,
}

impl LogConfig {
    /// Bytes that must be free on a full disk before everything is taken again.
    pub(crate) fn room_to_open(&self) -> u64 {
        self.reserve_bytes.saturating_add(self.ballast_bytes)
    }

    /// Gives the defaults for a log in `folder`.
    pub fn new(folder: impl Into<PathBuf>, origin: &str) -> LogConfig {
        LogConfig {
            folder: folder.into(),
            origin: origin.to_owned(),
            source: "lodge".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            queue_bytes: 64 << 20,
            reserve_bytes: 64 << 20,
            ballast_bytes: 32 << 20,
            segment_bytes: 128 << 20,
            remembered: None,
            rollback: Rollback::Refuse,
            sealed: None,
            clock_jump_ahead: Duration::from_secs(3600),
        }
    }
}
