//! What can go wrong with a recording: failures while writing it, and damage found while reading it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use event::SessionId;

/// Says why a recording could not be written or read. Cheap to clone, because a failed recorder repeats it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file system refused.
    #[error("cannot {verb} {}: {source}; check the disk's space and the folder's permissions", path.display())]
    Io {
        /// What was tried: `write`, `sync`, `open`, …
        verb: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// The session has a recording already; recordings are never overwritten.
    #[error("session {0} is already recorded; a recording is never overwritten")]
    Exists(SessionId),
    /// The session has no recording.
    #[error("no recording of session {0}; list sessions to see which were recorded")]
    Missing(SessionId),
    /// The recording is sealed, so it takes no more frames.
    #[error("the recording is sealed and takes no more frames")]
    Sealed,
    /// A header does not fit into a chunk.
    #[error("a {what} of {bytes} bytes is longer than a recording takes ({limit} bytes)")]
    TooLong {
        /// What was too long.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// The greatest length.
        limit: usize,
    },
    /// Nothing was recorded of the channel.
    #[error("the recording has no channel {channel}; {}", listed(channels))]
    NoChannel {
        /// The channel that was asked for.
        channel: u32,
        /// Those that there are, in order.
        channels: Vec<u32>,
    },
    /// What was read is not what was written.
    #[error(transparent)]
    Damaged(#[from] Damage),
}

/// Most channels that a message lists.
const MOST_LISTED: usize = 20;

fn listed(channels: &[u32]) -> String {
    let (shown, rest) = channels.split_at(channels.len().min(MOST_LISTED));
    let shown: Vec<String> = shown.iter().map(u32::to_string).collect();
    match (shown.len(), rest.len()) {
        (0, _) => "nothing was recorded".to_owned(),
        (1, _) => format!("it has channel {}", shown[0]),
        (_, 0) => format!("it has channels {}", shown.join(", ")),
        (_, more) => format!("it has channels {} and {more} more", shown.join(", ")),
    }
}

impl RecordingError {
    pub(crate) fn io(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RecordingError {
        let path = path.to_owned();
        move |source| RecordingError::Io { verb, path, source: Arc::new(source) }
    }
}

/// Names the first place where a recording is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("recording damaged in chunk {chunk}, byte {position} of the file, {:.3} s into the session: {flaw}", at.as_secs_f64())]
pub struct Damage {
    /// Number of the bad chunk; the header chunk is 0.
    pub chunk: u64,
    /// Where the bad chunk begins in the file, in bytes.
    pub position: u64,
    /// The time of the last frame that is still good.
    pub at: Duration,
    /// What is wrong with it.
    pub flaw: Flaw,
}

/// What is wrong with a chunk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The file does not begin as a recording does.
    #[error("this is not a recording, or one of an unknown version")]
    Magic,
    /// The file ends inside the chunk, or before the seal.
    #[error("the file ends too early")]
    CutOff,
    /// A chunk's fields contradict each other or the limits.
    #[error("impossible {0}")]
    Field(&'static str),
    /// The checksum does not match.
    #[error("the checksum does not match")]
    Checksum,
    /// The chunk does not continue the chain.
    #[error("the hash does not continue the chain")]
    Chain,
    /// The chunk does not decompress to what its fields say.
    #[error("the chunk does not decompress")]
    Compression,
    /// A frame inside the chunk does not parse.
    #[error("a frame does not parse: {0}")]
    Frame(&'static str),
    /// The seal's totals are not those of the chunks before it.
    #[error("the seal's totals are not those of the chunks")]
    Totals,
    /// Bytes follow the seal.
    #[error("bytes follow the seal")]
    Trailing,
    /// The recording is whole, but it is not the one that the log names.
    #[error("the root is not the one that the log names")]
    Root,
    /// The recording belongs to another session.
    #[error("the recording is of another session")]
    Session,
    /// The recording still runs.
    #[error("the recording is not sealed")]
    Unsealed,
    /// The file could not be read.
    #[error("cannot read: {0}")]
    Unreadable(io::ErrorKind),
}
