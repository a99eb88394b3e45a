//! The archive as the one process that writes it holds it: opening after whatever happened, sealing, merging, dropping.
//!
//! Every step leaves objects from which the next opening makes the same catalog or a later one: data before index, index
//! before publishing, publishing before the log releases its copy, what replaces before what it replaces goes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use audit_log::tree::path::{TILE_WIDTH, TileKind, TilePath};
use audit_log::{AuditLog, Entry, Hash, Sealed, chain_of_causes};
use event::{Ambient, Timestamp};

use crate::blocks::BLOCK_ROWS;
use crate::catalog::Catalog;
use crate::chain::{Chain, Link};
use crate::compact::{self, Bounds, Candidate};
use crate::digest::Digests;
use crate::error::ArchiveError;
use crate::held::{Held, Piece};
use crate::merge;
use crate::name::{ObjectKind, SegmentName};
use crate::part::PartError;
use crate::seal;
use crate::storage::Storage;

/// How an archive is kept.
#[derive(Clone, Debug)]
pub struct ArchiveConfig {
    /// Origin of the log whose entries it holds.
    pub origin: String,
    /// Entries at which the growing part is sealed; a multiple of [`crate::BLOCK_ROWS`] lets segments be merged by copying.
    pub segment_rows: u64,
    /// Bytes of payload at which it is sealed, with the end of the block.
    pub segment_bytes: u64,
    /// Age of its first entry at which it is sealed.
    pub segment_age: Duration,
    /// Entries of a merged segment, at most.
    pub merged_rows: u64,
    /// Bytes of a merged segment's data, at most.
    pub merged_bytes: u64,
    /// Age of its newest entry at which a segment is dropped; none keeps all.
    pub retention: Option<Duration>,
    /// How long objects that were replaced stay, for readers in other processes.
    pub linger: Duration,
}

impl ArchiveConfig {
    /// Gives the defaults for the log of this origin.
    pub fn new(origin: &str) -> ArchiveConfig {
        ArchiveConfig {
            origin: origin.to_owned(),
            segment_rows: 131_072,
            segment_bytes: 96 << 20,
            segment_age: Duration::from_secs(24 * 3600),
            merged_rows: 1 << 20,
            merged_bytes: 1 << 30,
            retention: None,
            linger: Duration::from_secs(600),
        }
    }
}

impl ArchiveConfig {
    /// Says whether so many entries and bytes are enough for a segment. It ends with a block, so that it can be merged by
    /// copying, unless its events are so large that waiting for one would be too long.
    pub(crate) fn is_enough(&self, rows: u64, bytes: u64) -> bool {
        let ends_block = rows.is_multiple_of(BLOCK_ROWS as u64);
        rows >= self.segment_rows
            || bytes >= self.segment_bytes && (ends_block || bytes >= 2 * self.segment_bytes)
    }
}

/// The archive, open for writing. One process at a time may have it so.
pub struct Archive {
    pub(crate) storage: Storage,
    pub(crate) config: ArchiveConfig,
    pub(crate) ambient: Ambient,
    pub(crate) stopping: AtomicBool,
    /// Held by whoever changes objects.
    pub(crate) work: Mutex<()>,
    catalog: Arc<Catalog>,
    /// Segments that were adopted without proof that they had been compared.
    unproven: Mutex<Vec<SegmentName>>,
    /// Unfinished segments that the log still has.
    refused: Mutex<BTreeSet<SegmentName>>,
    /// Objects that others replaced, going by their names.
    leftovers: Mutex<Vec<String>>,
    retired: Mutex<Vec<Retired>>,
    /// Segments that could not be read as a whole.
    pub(crate) apart: Mutex<BTreeMap<SegmentName, Apart>>,
    /// Segments that an event already says are dropped, though that has not worked yet.
    pub(crate) announced: Mutex<BTreeSet<SegmentName>>,
    failure: Mutex<Option<Failure>>,
}

/// A segment that is neither merged nor dropped for a while, because reading all of it failed.
pub(crate) struct Apart {
    /// When it is tried again.
    until: Timestamp,
    /// What is wrong with it; none where it was only not reached, or another of those that were read with it may be the one.
    pub damage: Option<String>,
}

/// How long a segment that could not be read is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(3600);

/// Objects that nothing refers to any more, once their last reader is done.
struct Retired {
    held: Arc<Held>,
    since: Timestamp,
}

/// What went wrong last, until it goes right again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What and why.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
}

impl Archive {
    /// Opens the archive, before the log is opened with [`Archive::catalog`] as what is sealed. What a crash left half done
    /// is finished or undone.
    pub fn open(
        storage: Storage,
        config: ArchiveConfig,
        ambient: Ambient,
    ) -> Result<Arc<Archive>, ArchiveError> {
        let catalog = Arc::new(Catalog::empty(storage.reading.clone()));
        let archive = Archive {
            storage,
            config,
            ambient,
            stopping: AtomicBool::new(false),
            work: Mutex::default(),
            catalog,
            unproven: Mutex::default(),
            refused: Mutex::default(),
            leftovers: Mutex::default(),
            retired: Mutex::default(),
            apart: Mutex::default(),
            announced: Mutex::default(),
            failure: Mutex::default(),
        };
        archive.recover()?;
        Ok(Arc::new(archive))
    }

    /// The parts, as questions and the log see them.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.clone()
    }

    /// What went wrong last, as long as it has not gone right since.
    pub fn failure(&self) -> Option<Failure> {
        held(&self.failure).clone()
    }

    fn recover(&self) -> Result<(), ArchiveError> {
        let paths = self.storage.writing.list("")?;
        let mut refused = BTreeSet::new();
        let chain = loop {
            let chain = Chain::of(&paths, &refused);
            match self.open_chain(&chain)? {
                Ok(pieces) => {
                    self.catalog.set(pieces);
                    break chain;
                }
                Err(unfinished) => drop(refused.insert(unfinished)),
            }
        };
        let is_refused =
            |path: &&String| SegmentName::parse(path).is_some_and(|(name, _)| refused.contains(&name));
        if let Some(first) = chain.stranded.iter().find(|path| !is_refused(path)) {
            return Err(ArchiveError::Stranded { end: chain.end(), first: first.clone() });
        }
        *held(&self.leftovers) = chain.leftovers;
        *held(&self.refused) = refused;
        Ok(())
    }

    /// Opens every link; `Ok(Err(_))` names a last one that is not whole, so that it was never finished.
    fn open_chain(&self, chain: &Chain) -> Result<Result<Vec<Piece>, SegmentName>, ArchiveError> {
        let mut pieces = Vec::with_capacity(chain.links.len());
        for (name, link) in &chain.links {
            let mut piece = self.catalog.piece(*name, *link)?;
            if let Piece::Kept(kept) = &piece
                && !kept.segment.index_is_sound()
            {
                piece = self.adopt(*name)?;
            }
            let is_last = name.end() == chain.end();
            if let (Piece::Broken(broken), Link::Bare, true) = (&piece, link, is_last) {
                tracing::warn!(segment = %name, why = broken.why, "a segment was left unfinished; it is sealed again");
                return Ok(Err(*name));
            }
            if let Piece::Broken(broken) = &piece {
                tracing::error!(segment = %name, why = broken.why, "a segment of the archive is damaged");
            }
            pieces.push(piece);
        }
        Ok(Ok(pieces))
    }

    /// Looks through a segment without a fitting index, and gives it one.
    fn adopt(&self, name: SegmentName) -> Result<Piece, ArchiveError> {
        tracing::info!(segment = %name, "making the index of a segment anew");
        match seal::reindex(self.storage.writing.as_ref(), name) {
            Ok(()) => {
                held(&self.unproven).push(name);
                self.catalog.piece(name, Link::Indexed)
            }
            Err(ArchiveError::Part(PartError::Damaged { why, .. })) => {
                Ok(Piece::Broken(Arc::new(crate::held::Broken { name, why })))
            }
            Err(error) => Err(error),
        }
    }

    /// Makes sure, once the log is open, of what the objects alone could not tell: segments that may never have been compared
    /// are, with the tree, and what is unfinished or replaced goes. Only after this may the log release anything.
    pub(crate) fn settle(&self, log: &AuditLog) -> Result<(), ArchiveError> {
        let unproven = held(&self.unproven).clone();
        for piece in self.catalog.pieces().iter().filter(|piece| unproven.contains(&piece.name())) {
            agrees_with_tree(piece, &|path| Ok(log.resource(path)?))?;
        }
        held(&self.unproven).clear();
        // The log was opened with a catalog that ends before these, so it has what they were to hold.
        for name in std::mem::take(&mut *held(&self.refused)) {
            seal::remove(self.storage.writing.as_ref(), name, &[ObjectKind::Data, ObjectKind::Index])?;
        }
        self.remove_replaced(log)
    }

    /// Removes objects that others replaced, once these are seen to have what the tree says. A name proves nothing: whoever may
    /// only add objects could otherwise have all others removed.
    fn remove_replaced(&self, log: &AuditLog) -> Result<(), ArchiveError> {
        let leftovers = std::mem::take(&mut *held(&self.leftovers));
        let pieces = self.catalog.pieces();
        let mut known: BTreeMap<SegmentName, bool> = BTreeMap::new();
        for path in leftovers {
            let Some((name, _)) = SegmentName::parse(&path) else { continue };
            let mut is_replaced = true;
            for piece in pieces.iter().filter(|piece| piece.name().overlaps(name)) {
                let agrees = match known.get(&piece.name()) {
                    Some(agrees) => *agrees,
                    None => is_proven(piece, log)?,
                };
                known.insert(piece.name(), agrees);
                is_replaced &= agrees;
            }
            if is_replaced {
                tracing::info!(object = path, "removing what a later object of the archive replaced");
                self.storage.writing.remove(&path)?;
            } else {
                tracing::error!(
                    object = path,
                    "an object that should replace this one is damaged or another; both stay: remove the wrong one and start again"
                );
            }
        }
        Ok(())
    }

    /// Seals the entries of a range, which begins where the archive ends, and lets the log release them.
    pub(crate) fn seal(
        &self,
        log: &AuditLog,
        name: SegmentName,
        digests: Option<Digests>,
    ) -> Result<(), ArchiveError> {
        let working = held(&self.work);
        let read = |range: Range<u64>| -> Result<Vec<Entry>, ArchiveError> {
            self.go_on()?;
            Ok(log.read(range)?)
        };
        seal::seal(self.storage.writing.as_ref(), &self.config.origin, name, &read, digests)?;
        let piece = self.catalog.piece(name, Link::Indexed)?;
        let Piece::Kept(kept) = piece else {
            let why = "it was read back and is damaged".to_owned();
            return Err(PartError::Damaged { name: name.path(ObjectKind::Data), why }.into());
        };
        let rows = name.rows();
        tracing::info!(segment = %name, rows, bytes = kept.segment.data_bytes(), "sealed a segment");
        self.catalog.publish(kept);
        drop(working);
        self.release(log)
    }

    /// Lets the log release what is sealed.
    pub(crate) fn release(&self, log: &AuditLog) -> Result<(), ArchiveError> {
        log.release(self.catalog.end())?;
        Ok(())
    }

    /// Merges small neighbours once; says whether there were any.
    pub(crate) fn merge(&self) -> Result<bool, ArchiveError> {
        let _working = held(&self.work);
        let pieces = self.catalog.pieces();
        let candidates: Vec<Candidate> = pieces.iter().map(|piece| self.candidate(piece)).collect();
        let Some(chosen) = compact::choose(&candidates, &self.bounds()) else { return Ok(false) };
        let old = &pieces[chosen];
        let (Some(first), Some(last)) = (old.first(), old.last()) else { return Ok(false) };
        let Some(name) = SegmentName::new(first.name().first()..last.name().end()) else { return Ok(false) };
        let go_on = || self.go_on();
        let merged = merge::merge(self.storage.writing.as_ref(), &self.config.origin, name, old, &go_on);
        if let Err(error) = merged {
            self.set_apart(&error, old);
            return Err(error);
        }
        let piece = self.catalog.piece(name, Link::Indexed)?;
        if !matches!(piece, Piece::Kept(_)) {
            let why = "it was read back and is damaged".to_owned();
            return Err(PartError::Damaged { name: name.path(ObjectKind::Data), why }.into());
        }
        tracing::info!(segment = %name, of = old.len(), "merged segments");
        self.catalog.replace(piece);
        old.iter().for_each(|piece| self.retire(piece));
        Ok(true)
    }

    fn candidate(&self, piece: &Piece) -> Candidate {
        let last_time = piece.last_time().unwrap_or(Timestamp::MIN);
        match piece {
            Piece::Kept(kept) if !self.is_apart(kept.name) && !held(&self.announced).contains(&kept.name) => {
                Candidate { name: Some(kept.name), bytes: kept.segment.data_bytes(), last_time }
            }
            _ => Candidate { name: None, bytes: 0, last_time },
        }
    }

    /// Leaves segments alone for a while when an error says that one of them cannot be read: the one that it names, else all,
    /// so that the next round is for others.
    pub(crate) fn set_apart(&self, error: &ArchiveError, among: &[Piece]) {
        let (name, damage) = match error {
            ArchiveError::Part(PartError::Damaged { name, why }) => (name, Some(why.clone())),
            ArchiveError::Differs { name, position, why } => {
                (name, Some(format!("at position {position}: {why}")))
            }
            ArchiveError::Part(PartError::Read { name, .. }) => (name, None),
            _ => return,
        };
        let named = SegmentName::parse(name).map(|(name, _)| name);
        let is_one = among.iter().any(|piece| Some(piece.name()) == named);
        let until = self.ambient.now().plus(LEFT_ALONE);
        for piece in among.iter().filter(|piece| !is_one || Some(piece.name()) == named) {
            let segment = piece.name();
            tracing::error!(%segment, error = chain_of_causes(error), "a segment is neither merged nor dropped for an hour");
            held(&self.apart).insert(segment, Apart { until, damage: damage.clone().filter(|_| is_one) });
        }
    }

    /// Says whether a segment is to be left alone now.
    pub(crate) fn is_apart(&self, name: SegmentName) -> bool {
        held(&self.apart).get(&name).is_some_and(|apart| self.ambient.now() < apart.until)
    }

    fn bounds(&self) -> Bounds {
        let ArchiveConfig { merged_rows, merged_bytes, retention, .. } = self.config;
        Bounds { rows: merged_rows, bytes: merged_bytes, span: retention.map(|retention| retention / 10) }
    }

    /// Marks a piece's objects to be removed once nobody reads them.
    pub(crate) fn retire(&self, piece: &Piece) {
        if let Piece::Kept(kept) = piece {
            let since = self.ambient.now();
            held(&self.apart).remove(&kept.name);
            held(&self.retired).push(Retired { held: kept.clone(), since });
        }
    }

    /// Removes retired objects that have had their time and that no question here still reads.
    pub(crate) fn sweep(&self) -> Result<(), ArchiveError> {
        let _working = held(&self.work);
        let now = self.ambient.now();
        let mut retired = held(&self.retired);
        let mut kept = Vec::new();
        let mut result = Ok(());
        for one in std::mem::take(&mut *retired) {
            let is_free = one.held.is_alone() && now.since(one.since) >= self.config.linger;
            if !is_free || result.is_err() {
                kept.push(one);
                continue;
            }
            let kinds = [ObjectKind::Data, ObjectKind::Index];
            if let Err(error) = seal::remove(self.storage.writing.as_ref(), one.held.name, &kinds) {
                kept.push(one);
                result = Err(error.into());
            }
        }
        *retired = kept;
        result
    }

    /// Fails once the archive is being stopped.
    pub(crate) fn go_on(&self) -> Result<(), ArchiveError> {
        if self.stopping.load(Ordering::Relaxed) { Err(ArchiveError::Stopped) } else { Ok(()) }
    }

    /// Notes how a step went, for whoever watches.
    pub(crate) fn note<T>(&self, step: &str, result: Result<T, ArchiveError>) -> Option<T> {
        match result {
            Ok(value) => {
                *held(&self.failure) = None;
                Some(value)
            }
            Err(ArchiveError::Stopped) => None,
            Err(error) => {
                let why = chain_of_causes(&error);
                tracing::error!(
                    step,
                    why,
                    "a step of the archive failed and will be tried again; the log keeps its entries"
                );
                let mut failure = held(&self.failure);
                let since = failure.as_ref().map_or_else(|| self.ambient.now(), |failure| failure.since);
                *failure = Some(Failure { why, since });
                None
            }
        }
    }
}

/// Says whether a piece has what the tree says.
fn is_proven(piece: &Piece, log: &AuditLog) -> Result<bool, ArchiveError> {
    match agrees_with_tree(piece, &|path| Ok(log.resource(path)?)) {
        Ok(()) => Ok(true),
        Err(error @ (ArchiveError::Differs { .. } | ArchiveError::Part(PartError::Damaged { .. }))) => {
            tracing::error!(%error, "an object of the archive does not hold what the log held");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Reads a tile of the log by its path; `None` where there is none.
pub(crate) type Tile<'a> = dyn Fn(&str) -> Result<Option<Vec<u8>>, ArchiveError> + 'a;

/// Compares a piece's leaves with the hashes of the full tiles that cover it. What lies in no full tile is passed over.
pub(crate) fn agrees_with_tree(piece: &Piece, tile: &Tile<'_>) -> Result<(), ArchiveError> {
    let name = piece.name();
    let mut hashes: Option<(u64, Option<Vec<u8>>)> = None;
    let mut at = name.first();
    while at < name.end() {
        let entries = piece.read(at..name.end())?;
        if entries.is_empty() {
            let why = format!("the entry at {at} is missing");
            return Err(PartError::Damaged { name: name.to_string(), why }.into());
        }
        for entry in &entries {
            let number = entry.position / TILE_WIDTH;
            if hashes.as_ref().is_none_or(|(have, _)| *have != number) {
                let path = TilePath::full(TileKind::Hashes(0), number).to_string();
                hashes = Some((number, tile(&path)?));
            }
            let row = (entry.position % TILE_WIDTH) as usize;
            let Some((_, Some(bytes))) = &hashes else { continue };
            if bytes.get(row * 32..row * 32 + 32) != Some(&Hash::of_leaf(&entry.leaf).0[..]) {
                let why = "its leaf is not the one whose hash the tree holds".to_owned();
                return Err(ArchiveError::Differs { name: name.to_string(), position: entry.position, why });
            }
        }
        at += entries.len() as u64;
    }
    Ok(())
}

pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
