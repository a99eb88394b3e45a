//! What the log's threads and its callers share.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event::{Actor, Ambient, Detail, Event, Timestamp};
use tokio::sync::watch;

use crate::checkpoint::Checkpoint;
use crate::config::LogConfig;
use crate::feed::Feed;
use crate::hash::Hash;
use crate::queue::Queue;
use crate::release::Releasing;
use crate::space::Space;
use crate::stored::Stored;
use crate::tree::tiles::Tiles;
use crate::wal::segments::Segments;

/// A published checkpoint, and what is needed to prove things under it.
#[derive(Debug)]
pub(crate) struct Published {
    /// The checkpoint.
    pub(crate) checkpoint: Checkpoint,
    /// When it was made.
    pub(crate) time: Timestamp,
    /// Hashes of the tiles that are not full at its size.
    pub(crate) edge: Vec<Vec<Hash>>,
}

/// What followers watch.
#[derive(Clone, Debug)]
pub(crate) struct Horizon {
    /// The newest published checkpoint.
    pub(crate) published: Arc<Published>,
    /// No newer one will come from this opening.
    pub(crate) ended: bool,
}

/// What the log's threads and its callers share.
pub(crate) struct Shared {
    pub(crate) config: LogConfig,
    pub(crate) ambient: Ambient,
    pub(crate) segments: Segments,
    pub(crate) queue: Queue,
    pub(crate) feed: Feed,
    pub(crate) horizon: watch::Sender<Horizon>,
    pub(crate) space: Space,
    pub(crate) durable: AtomicU64,
    /// Size below which the tiles are on disk.
    pub(crate) synced: Mutex<u64>,
    /// Held while segments are released.
    pub(crate) releasing: Mutex<Releasing>,
}

impl Shared {
    /// Number of durable entries.
    pub(crate) fn size(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// The newest published checkpoint.
    pub(crate) fn published(&self) -> Arc<Published> {
        self.horizon.borrow().published.clone()
    }

    /// The entries, wherever they are kept.
    pub(crate) fn stored(&self) -> Stored<'_> {
        Stored::new(&self.segments, self.config.sealed.as_deref())
    }

    /// Size below which the tiles are on disk.
    pub(crate) fn synced(&self) -> MutexGuard<'_, u64> {
        self.synced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the tiles below `size`, all of them written, durable. One thread at a time, for there is one hint.
    pub(crate) fn sync_tiles(&self, size: u64) -> io::Result<()> {
        let mut synced = self.synced();
        if *synced < size {
            Tiles::new(&self.config.folder).sync(size)?;
            *synced = size;
        }
        Ok(())
    }

    /// Makes an event of the log about itself.
    pub(crate) fn event(&self, detail: Detail) -> Event {
        Event::new(&self.ambient, Actor::system("log"), detail)
    }

    /// Fails the log for good; keeps the first reason.
    pub(crate) fn fail(&self, why: &str) {
        self.queue.fail(why);
        self.feed.close();
    }
}

/// Writes an error with its causes in one line.
pub fn chain_of_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
