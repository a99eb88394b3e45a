//! The log as its users hold it: opening, appending, reading, proving.

use std::fs::{DirBuilder, File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use event::envelope::MAX_EVENT_BYTES;
use event::kinds::log::Opened;
use event::{Ambient, Detail, EncodedEvent, Event};
use store::vault::Vault;
use tokio::sync::{oneshot, watch};

use crate::checkpoint::Checkpoint;
use crate::config::LogConfig;
use crate::draft::prepare;
use crate::error::{AppendError, OpenError, ReadError, ReleaseError};
use crate::evidence::EvidenceSource;
use crate::feed::Feed;
use crate::follow::Follower;
use crate::hash::{Hash, SALT_BYTES};
use crate::leaf::{MAX_LEAF_BYTES, MAX_SOURCE_BYTES};
use crate::need::Need;
use crate::note::VerifierKey;
use crate::queue::{Answer, Append, Placed, Queue, Source, Waiting};
use crate::release::{Released, Releasing, release};
use crate::sealed::Sealed;
use crate::shared::{Horizon, Published, Shared};
use crate::space::{Probe, Space, statvfs_probe};
use crate::stored::Stored;
use crate::tiler::Tiler;
use crate::tree::edge::Edge;
use crate::tree::path::{TILE_WIDTH, TileKind, TilePath};
use crate::tree::tiles::Tiles;
use crate::tree::view::TreeView;
use crate::wal::record::RECORD_HEADER;
use crate::writer::Writer;
use crate::{BatchReceipt, Entry, Health, InclusionProof, Receipt, key, memory, recovery};

/// The most entries that one [`AuditLog::read`] returns.
pub const MAX_READ: u64 = 4096;
/// Bytes of payload after which [`AuditLog::read`] returns no further entry.
pub const MAX_READ_BYTES: usize = 32 << 20;
/// The most bytes that one [`AuditLog::append_batch`] takes, overhead of at most 600 bytes an event included.
pub const MAX_APPEND_BYTES: usize = 64 << 20;

/// How long [`AuditLog::checkpoint_covering`] waits.
const CHECKPOINT_LIMIT: Duration = Duration::from_secs(30);
/// What an event costs beside its payload, at most.
const OVERHEAD: usize = RECORD_HEADER + 2 + MAX_LEAF_BYTES + SALT_BYTES;

/// The log. Cheap to clone; all clones are one log. One process at a time may have it open (a lock file holds that).
#[derive(Clone)]
pub struct AuditLog {
    shared: Arc<Shared>,
    running: Arc<Running>,
}

/// What ends when the last clone goes.
struct Running {
    shared: Arc<Shared>,
    verifier: VerifierKey,
    threads: Mutex<Option<(Vec<JoinHandle<()>>, File)>>,
}

impl AuditLog {
    /// Opens or makes the log, recovers it, and appends `log.opened`. The Ed25519 signing key is sealed in `vault`.
    ///
    /// Blocks while it reads the newest segment; when this returns, a checkpoint that covers the opening is published.
    pub fn open(config: LogConfig, vault: &Vault, ambient: Ambient) -> Result<AuditLog, OpenError> {
        AuditLog::open_on(config, vault, ambient, statvfs_probe())
    }

    /// Gives back the ballast of a log that nobody has open, where its disk is full: whatever else must be opened before the
    /// log needs room too. Opening the log makes the ballast again, or finds the disk full and says so.
    pub fn make_room(config: &LogConfig) {
        let space = Space::new(&config.folder, config.ballast_bytes, statvfs_probe());
        if space.look() < config.reserve_bytes.min(config.ballast_bytes) {
            space.drop_ballast();
        }
    }

    pub(crate) fn open_on(
        config: LogConfig,
        vault: &Vault,
        ambient: Ambient,
        probe: Probe,
    ) -> Result<AuditLog, OpenError> {
        check_source(&config.source).map_err(|error| OpenError::Config(error.to_string()))?;
        let lock = prepare_folder(&config.folder)?;
        let found = recovery::find(&config.folder, config.sealed.clone())?;
        let is_new = found.size == 0 && !config.folder.join("checkpoint").exists();
        let signer = key::load(&config.folder, &config.origin, vault, &ambient, is_new)?;
        let verifier = signer.verifier().clone();
        let tiles = Tiles::new(&config.folder);
        let checkpoint = recovery::published(&config.folder, &verifier, found.size)?;
        let rebuilt = recovery::check(&found, checkpoint.as_ref(), &tiles)?;
        let forgotten = memory::check(&config, &verifier, &found, &tiles)?;
        key::show(&config.folder, &verifier)?;

        let (size, dropped_bytes) = (found.size, found.dropped_bytes);
        let checkpoint = match checkpoint {
            Some(checkpoint) => checkpoint,
            None => recovery::first_checkpoint(&config.folder, &signer)?,
        };
        let opened = Opened {
            size,
            clean: dropped_bytes == 0 && checkpoint.size == size && (is_new || tiles.synced() == Some(size)),
            dropped_bytes,
            beyond_checkpoint: size - checkpoint.size,
            version: config.version.clone(),
        };
        let horizon = first_horizon(checkpoint, &rebuilt.at_checkpoint, &ambient);
        let (segments, tail) = found.resume(&config.folder, &config.source)?;
        let edge = rebuilt.write(
            Stored::new(&segments, config.sealed.as_deref()),
            segments.begin(),
            size,
            &tiles,
        )?;
        let rolled_back = forgotten.map(|remembered| memory::rolled_back(&remembered, size, edge.root()));

        let shared = Arc::new(Shared {
            queue: Queue::new(config.queue_bytes),
            feed: Feed::default(),
            horizon,
            space: Space::new(&config.folder, config.ballast_bytes, probe),
            durable: AtomicU64::new(size),
            synced: Mutex::new(tiles.synced().unwrap_or(0)),
            releasing: Mutex::new(Releasing::Allowed),
            segments,
            ambient,
            config,
        });
        let mut writer = Writer::new(shared.clone(), tail);
        if shared.space.load_ballast().is_err() {
            // Without ballast nothing may begin, however little is asked to stay free.
            writer.enter_full(shared.space.look());
        }
        let threads = (vec![spawn("log-writer", move || writer.run())?], lock);
        let running =
            Arc::new(Running { shared: shared.clone(), verifier, threads: Mutex::new(Some(threads)) });
        let log = AuditLog { shared: shared.clone(), running };
        let told = rolled_back.map(Detail::LogRolledBack).into_iter().chain([Detail::LogOpened(opened)]);
        for detail in told {
            log.append_blocking(&shared.event(detail))?;
        }

        let mut tiler = Tiler::new(shared, signer, edge);
        tiler.publish_opening()?;
        log.running.add(spawn("log-tiler", move || tiler.run())?);
        Ok(log)
    }

    /// Appends an event of this node; returns once it is durable.
    ///
    /// An event whose caller stops waiting may still be appended. On a full disk the event's kind decides: what begins
    /// something is refused; logins, reads and locks have a share of the ballast each; what ends something may use it all.
    pub async fn append(&self, event: &Event) -> Result<Receipt, AppendError> {
        let (task, answer) = oneshot::channel();
        self.submit(Source::Own, vec![self.hashed(event)], Need::of(&event.body), Answer::Task(task))?;
        Ok(Receipt::of(answer.await.map_err(|_| self.gone())??))
    }

    /// Appends events of another source in one batch, each with its place in that source's sequence.
    ///
    /// They take consecutive positions, in order. At most [`MAX_APPEND_BYTES`]; a batch of none is durable at once.
    pub async fn append_batch(
        &self,
        source: &str,
        batch: Vec<(u64, EncodedEvent)>,
    ) -> Result<BatchReceipt, AppendError> {
        check_source(source)?;
        let count = batch.len() as u64;
        if count == 0 {
            return Ok(BatchReceipt { first: self.size(), count });
        }
        let mut salts = vec![0; SALT_BYTES * batch.len()];
        self.shared.ambient.fill(&mut salts);
        let salts = salts.as_chunks::<SALT_BYTES>().0;
        let events =
            batch.into_iter().zip(salts).map(|((seq, event), salt)| prepare(event.into_bytes(), *salt, seq));
        let (task, answer) = oneshot::channel();
        self.submit(Source::Named(source.into()), events.collect(), Need::Normal, Answer::Task(task))?;
        let placed = answer.await.map_err(|_| self.gone())??;
        Ok(BatchReceipt { first: placed.first, count })
    }

    /// As [`AuditLog::append`], but blocks the calling thread; not for use inside an async runtime.
    pub fn append_blocking(&self, event: &Event) -> Result<Receipt, AppendError> {
        let (thread, answer) = mpsc::sync_channel(1);
        self.submit(Source::Own, vec![self.hashed(event)], Need::of(&event.body), Answer::Thread(thread))?;
        Ok(Receipt::of(answer.recv().map_err(|_| self.gone())??))
    }

    /// Why an append was never answered: its writer is gone.
    fn gone(&self) -> AppendError {
        self.shared.queue.failure().map_or(AppendError::Closed, AppendError::Failed)
    }

    /// Encodes and hashes in the caller's thread: the writer has enough to do.
    fn hashed(&self, event: &Event) -> Waiting {
        prepare(event.encode().into_bytes(), self.shared.ambient.random(), 0)
    }

    fn submit(
        &self,
        from: Source,
        events: Vec<Waiting>,
        need: Need,
        answer: Answer,
    ) -> Result<(), AppendError> {
        let largest = events.iter().map(|event| event.payload.len()).max().unwrap_or(0);
        let bytes = events.iter().map(|event| event.payload.len() + OVERHEAD).sum();
        for (bytes, most) in [(largest, MAX_EVENT_BYTES), (bytes, MAX_APPEND_BYTES)] {
            if bytes > most {
                return Err(AppendError::TooLarge { bytes, most });
            }
        }
        self.shared.queue.submit(Append { from, events, need, bytes, answer })
    }

    /// Durable entries so far.
    pub fn size(&self) -> u64 {
        self.shared.size()
    }

    /// The newest published checkpoint.
    pub fn checkpoint(&self) -> Checkpoint {
        self.shared.published().checkpoint.clone()
    }

    /// Waits until a checkpoint that covers `size` entries is published, asking for one now.
    ///
    /// Sizes beyond the durable end are [`ReadError::Beyond`].
    pub async fn checkpoint_covering(&self, size: u64) -> Result<Checkpoint, ReadError> {
        if size > self.size() {
            return Err(ReadError::Beyond {
                asked: size,
                published: self.shared.published().checkpoint.size,
            });
        }
        self.shared.feed.demand(size);
        let mut horizon = self.shared.horizon.subscribe();
        let covered = horizon.wait_for(|horizon| horizon.ended || horizon.published.checkpoint.size >= size);
        let horizon = tokio::time::timeout(CHECKPOINT_LIMIT, covered).await.map_err(|_| ReadError::Late)?;
        let checkpoint = horizon.map_err(|_| ReadError::Closed)?.published.checkpoint.clone();
        if checkpoint.size >= size { Ok(checkpoint) } else { Err(ReadError::Closed) }
    }

    /// Reads the entries of a range; stops early at the durable end, after [`MAX_READ`] entries, and after
    /// [`MAX_READ_BYTES`] of payload, but never before the first entry, and before one that was pruned, which is
    /// [`ReadError::Pruned`] where it is the first.
    pub fn read(&self, range: Range<u64>) -> Result<Vec<Entry>, ReadError> {
        self.shared.stored().entries(range.start..range.end.min(self.size()))
    }

    /// Follows the log from a position, entry by entry.
    pub fn follow(&self, from: u64) -> Follower {
        Follower::new(self.shared.clone(), from)
    }

    /// Inclusion proof of `position` in the tree of `size` entries (RFC 6962 section 2.1.1).
    pub fn prove(&self, position: u64, size: u64) -> Result<InclusionProof, ReadError> {
        if position >= size {
            return Err(ReadError::Order { from: position, to: size });
        }
        let hashes = self.with_tree(size, |tree| tree.inclusion(position, size))?;
        Ok(InclusionProof { position, size, hashes })
    }

    /// Consistency proof between two sizes (RFC 6962 section 2.1.2); empty when one of them is none or both are equal.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, ReadError> {
        if from > to {
            return Err(ReadError::Order { from, to });
        }
        self.with_tree(to, |tree| tree.consistency(from, to))
    }

    fn with_tree(
        &self,
        size: u64,
        ask: impl FnOnce(
            &mut TreeView<'_, &mut dyn FnMut(TilePath) -> Result<Vec<u8>, ReadError>>,
        ) -> Result<Vec<Hash>, ReadError>,
    ) -> Result<Vec<Hash>, ReadError> {
        let published = self.shared.published();
        if size > published.checkpoint.size {
            return Err(ReadError::Beyond { asked: size, published: published.checkpoint.size });
        }
        let tiles = Tiles::new(&self.shared.config.folder);
        let mut read = |path: TilePath| {
            let missing = || ReadError::Tile { path: path.to_string() };
            tiles.read(path).map_err(|_| missing())?.ok_or_else(missing)
        };
        ask(&mut TreeView::new(published.checkpoint.size, &published.edge, &mut read))
    }

    /// A tile, entry bundle or checkpoint by its tlog-tiles path (`tile/0/x001/234`, `checkpoint`).
    ///
    /// `None` for every other path, and for what no published checkpoint covers yet.
    pub fn resource(&self, path: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let published = self.shared.published();
        if path == "checkpoint" {
            return Ok(Some(published.checkpoint.note.clone().into_bytes()));
        }
        let covered = |tile: &TilePath| tile.is_within(published.checkpoint.size);
        let Some(tile) = path.parse().ok().filter(covered) else { return Ok(None) };
        let folder = &self.shared.config.folder;
        let read = Tiles::new(folder).read(tile);
        let found = read.map_err(|source| ReadError::Io { path: folder.join(path), source })?;
        if found.is_none() && tile == TilePath::full(TileKind::Entries, tile.index) {
            let first = tile.index * TILE_WIDTH;
            return self.shared.stored().bundle(first..first + TILE_WIDTH).map(Some);
        }
        Ok(found)
    }

    /// The last sequence number of a source in the whole log, pruned entries included: where a source goes on.
    pub fn last_seq(&self, source: &str) -> Option<u64> {
        let held = self.shared.segments.last_seq(source);
        // Asked later, for what was released meanwhile is there.
        held.or_else(|| self.shared.config.sealed.as_ref()?.last_seq(source))
    }

    /// The archive that the log was opened with.
    pub fn sealed(&self) -> Option<Arc<dyn Sealed>> {
        self.shared.config.sealed.clone()
    }

    /// Gives up entries below `up_to` that the archive holds: removes whole closed segments, oldest first, and their entry
    /// bundles. The newest segment stays.
    ///
    /// Blocks: every segment costs a sync. Whoever calls this has read the archive's copy back and compared it.
    pub fn release(&self, up_to: u64) -> Result<Released, ReleaseError> {
        self.release_watched(up_to, &mut || ())
    }

    /// As [`AuditLog::release`]; calls `changed` after each change of a file.
    pub(crate) fn release_watched(
        &self,
        up_to: u64,
        changed: &mut dyn FnMut(),
    ) -> Result<Released, ReleaseError> {
        release(&self.shared, up_to, changed)
    }

    /// Verifier key in signed-note form: `origin+hash+base64`.
    pub fn verifier_key(&self) -> String {
        self.running.verifier.to_string()
    }

    /// Figures for metrics and `status`.
    pub fn health(&self) -> Health {
        let published = self.shared.published();
        let (segments, stored_bytes) = self.shared.segments.totals();
        let shortage = self.shared.queue.shortage();
        Health {
            size: self.size(),
            checkpoint_size: published.checkpoint.size,
            checkpoint_time: (published.checkpoint.size > 0).then_some(published.time),
            queued_bytes: self.shared.queue.bytes() as u64,
            released: self.shared.segments.begin(),
            segments,
            stored_bytes,
            free_bytes: self.shared.space.look(),
            full: shortage.is_some(),
            shortage,
            failed: self.shared.queue.failure().is_some(),
        }
    }

    /// Writes what waits, publishes a last checkpoint and closes the files. Later appends fail with
    /// [`AppendError::Closed`]; reading goes on.
    pub fn shutdown(&self) {
        self.running.end();
    }
}

impl Running {
    fn end(&self) {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((threads, lock)) = threads else { return };
        self.shared.queue.close();
        *self.shared.releasing.lock().unwrap_or_else(PoisonError::into_inner) = Releasing::Over;
        // A thread that panicked has failed the log, which is all that can be done about it.
        threads.into_iter().for_each(|thread| drop(thread.join()));
        drop(lock);
    }

    fn add(&self, thread: JoinHandle<()>) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((threads, _)) = threads.as_mut() {
            threads.push(thread);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

impl EvidenceSource for AuditLog {
    type Error = ReadError;

    fn entries(&mut self, range: Range<u64>) -> Result<Vec<Entry>, ReadError> {
        self.read(range)
    }

    fn subtree(&mut self, height: u32, index: u64) -> Result<Hash, ReadError> {
        let size = self.checkpoint().size;
        let hashes = self.with_tree(size, |tree| Ok(vec![tree.node(height, index)?]))?;
        Ok(hashes[0])
    }
}

fn first_horizon(checkpoint: Checkpoint, edge: &Edge, ambient: &Ambient) -> watch::Sender<Horizon> {
    let published = Published { checkpoint, time: ambient.now(), edge: edge.levels().to_vec() };
    watch::Sender::new(Horizon { published: Arc::new(published), ended: false })
}

fn check_source(source: &str) -> Result<(), AppendError> {
    let fits = (1..=MAX_SOURCE_BYTES).contains(&source.len());
    if fits { Ok(()) } else { Err(AppendError::Source(source.len())) }
}

/// Makes the folders and takes the lock.
fn prepare_folder(folder: &Path) -> Result<File, OpenError> {
    let fault = |verb, path: &Path, source| OpenError::Io { verb, path: path.to_owned(), source };
    let wal = folder.join("wal");
    store::durable::create_folder(&wal).map_err(|error| fault("make", &wal, error))?;
    let tile = folder.join("tile");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&tile)
        .map_err(|error| fault("make", &tile, error))?;
    let path = folder.join("LOCK");
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let lock = lock.map_err(|error| fault("open", &path, error))?;
    match rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(lock),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::Locked { folder: folder.to_owned() }),
        Err(error) => Err(fault("lock", &path, error.into())),
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    spawned.map_err(|error| OpenError::Config(format!("the thread {name} does not start: {error}")))
}

impl Receipt {
    fn of(placed: Placed) -> Receipt {
        Receipt { position: placed.first, time: placed.time }
    }
}
