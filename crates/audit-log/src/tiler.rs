//! The tiler: the thread that grows the tree over durable leaves, writes tiles, and publishes checkpoints.
//!
//! A checkpoint is on disk before anyone sees it, and the tiles under it are readable before that. Its trouble never
//! slows the writer: a full disk makes it try again later, any other fault fails the log.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::checkpoint::Checkpoint;
use crate::error::{AppendError, ReadError};
use crate::feed::Leaves;
use crate::note::NoteSigner;
use crate::shared::{Horizon, Published, Shared, chain_of_causes};
use crate::tree::edge::{Edge, Tile};
use crate::tree::tiles::Tiles;
use crate::wal::reader;

/// While entries arrive, the time between two checkpoints.
const CHECKPOINT_PAUSE: Duration = Duration::from_millis(250);
/// How long the tiler sleeps when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

/// Why the tiler could not go on.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("cannot {0}")]
    Io(&'static str, #[source] io::Error),
    #[error("cannot read leaves back")]
    Read(#[from] ReadError),
}

impl Trouble {
    fn is_disk_full(&self) -> bool {
        let full = |error: &io::Error| {
            matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        };
        matches!(self, Trouble::Io(_, error) if full(error))
    }
}

/// The tiler.
pub(crate) struct Tiler {
    shared: Arc<Shared>,
    signer: NoteSigner,
    tiles: Tiles,
    edge: Edge,
    unwritten: Vec<Tile>,
    published: u64,
    published_at: Option<Instant>,
}

impl Tiler {
    /// Makes the tiler of a log whose tree has been rebuilt up to its durable end, its full tiles written.
    pub(crate) fn new(shared: Arc<Shared>, signer: NoteSigner, edge: Edge) -> Tiler {
        let tiles = Tiles::new(&shared.config.folder);
        let published = shared.published().checkpoint.size;
        Tiler { shared, signer, tiles, edge, unwritten: Vec::new(), published, published_at: None }
    }

    /// Publishes what is durable now, so that an opened log has a checkpoint. A full disk only puts it off.
    pub(crate) fn publish_opening(&mut self) -> Result<(), AppendError> {
        let published = self.catch_up(self.shared.size()).and_then(|()| self.work(true, false));
        match published {
            Err(trouble) if !trouble.is_disk_full() => Err(AppendError::Failed(chain_of_causes(&trouble))),
            _ => Ok(()),
        }
    }

    /// Works until the feed is closed.
    pub(crate) fn run(mut self) {
        let _ending = Ending(self.shared.clone());
        loop {
            let fed = self.shared.feed.take(self.published, self.patience());
            let incomplete = fed.left_out || fed.closed || fed.demanded > self.edge.size();
            if let Err(trouble) = fed.leaves.iter().try_for_each(|leaves| self.grow(leaves)) {
                return self.shared.fail(&chain_of_causes(&trouble));
            }
            if let (true, Err(trouble)) = (incomplete, self.catch_up(self.shared.size())) {
                return self.shared.fail(&chain_of_causes(&trouble));
            }
            let wanted = fed.closed || fed.demanded > self.published || self.patience().is_zero();
            match self.work(wanted, fed.closed) {
                Err(trouble) if trouble.is_disk_full() && !fed.closed => std::thread::sleep(CHECKPOINT_PAUSE),
                Err(trouble) => return self.shared.fail(&chain_of_causes(&trouble)),
                Ok(()) if fed.closed => return,
                Ok(()) => {}
            }
        }
    }

    /// How long until a checkpoint is due.
    fn patience(&self) -> Duration {
        if self.edge.size() == self.published && self.unwritten.is_empty() {
            return IDLE;
        }
        self.published_at.map_or(Duration::ZERO, |at| CHECKPOINT_PAUSE.saturating_sub(at.elapsed()))
    }

    fn work(&mut self, publish: bool, last: bool) -> Result<(), Trouble> {
        self.write_full()?;
        if publish && self.edge.size() > self.published {
            self.publish()?;
        }
        self.sync(last)
    }

    /// Adds a batch's leaves, after those that the feed left out.
    fn grow(&mut self, leaves: &Leaves) -> Result<(), Trouble> {
        self.catch_up(leaves.first)?;
        let mut rest = leaves.bundle.as_slice();
        let skip = self.edge.size().saturating_sub(leaves.first);
        for number in 0..leaves.count {
            let (length, after) = rest.split_first_chunk().expect("the writer made the bundle");
            let (leaf, after) = after.split_at(usize::from(u16::from_be_bytes(*length)));
            if number >= skip {
                self.edge.push(leaf);
            }
            rest = after;
        }
        self.unwritten.append(&mut self.edge.take_full());
        Ok(())
    }

    /// Adds the leaves below `end` that the feed left out, from the write-ahead log.
    fn catch_up(&mut self, end: u64) -> Result<(), Trouble> {
        let (edge, unwritten) = (&mut self.edge, &mut self.unwritten);
        reader::visit(&self.shared.segments, edge.size()..end, |_, record| {
            edge.push(record.leaf);
            ControlFlow::Continue(())
        })?;
        unwritten.append(&mut edge.take_full());
        Ok(())
    }

    fn write_full(&mut self) -> Result<(), Trouble> {
        let mut written = 0;
        let result = self.unwritten.iter().try_for_each(|(path, bytes)| {
            self.tiles.write(*path, bytes)?;
            written += 1;
            Ok(())
        });
        self.unwritten.drain(..written);
        result.map_err(|error| Trouble::Io("write a tile", error))
    }

    fn publish(&mut self) -> Result<(), Trouble> {
        for (path, bytes) in self.edge.partial() {
            self.tiles.write(path, &bytes).map_err(|error| Trouble::Io("write a tile", error))?;
        }
        let checkpoint = Checkpoint::sign(&self.signer, self.edge.size(), self.edge.root());
        let path = self.shared.config.folder.join("checkpoint");
        let stored = store::durable::replace(&path, checkpoint.note.as_bytes());
        stored.map_err(|error| Trouble::Io("store the checkpoint", error))?;
        self.published = checkpoint.size;
        self.published_at = Some(Instant::now());
        let time = self.shared.ambient.now();
        let published = Arc::new(Published { checkpoint, time, edge: self.edge.levels().to_vec() });
        self.shared.horizon.send_replace(Horizon { published, ended: false });
        Ok(())
    }

    /// Makes tiles durable each time that a segment was closed, and at the end.
    fn sync(&mut self, last: bool) -> Result<(), Trouble> {
        let closed = self.shared.segments.closed_before(self.published);
        let synced = *self.shared.synced();
        let due = if last { synced < self.published } else { closed > synced };
        if !due {
            return Ok(());
        }
        self.shared.sync_tiles(self.published).map_err(|error| Trouble::Io("sync the tiles", error))
    }
}

/// Tells followers that nothing more comes, and fails the log when the thread ends in a panic.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail("the tiler stopped unexpectedly");
        }
        self.0.horizon.send_modify(|horizon| horizon.ended = true);
    }
}
