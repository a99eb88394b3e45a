//! The catalog: every part there is, in order, as questions and the log see them.
//!
//! Sealed pieces follow each other without a gap from position 0; behind them come the parts that still grow. Who
//! changes the list does so in one step under one lock, so a reader never sees an entry twice or misses one. The same
//! objects can be opened by a second process, which only reads and looks again from time to time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use audit_log::{MAX_READ, Sealed, SealedEntry, SealedError, chain_of_causes};
use event::Timestamp;
use store::objects::Objects;

use crate::chain::{Chain, Link};
use crate::error::ArchiveError;
use crate::growing::Growing;
use crate::held::{Broken, Held, Piece, open_object, open_segment};
use crate::leaves::Leaves;
use crate::name::{ObjectKind, SegmentName};
use crate::part::{Part, PartError, Parts};

/// Every part there is.
pub struct Catalog {
    objects: Arc<dyn Objects>,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    pieces: Vec<Piece>,
    /// The last sequence number of each source in the pieces.
    sources: BTreeMap<String, u64>,
    /// Parts that wait to be sealed, and last the one that grows.
    growing: Vec<Arc<Mutex<Growing>>>,
}

impl Catalog {
    /// Opens the objects to read them beside the process that writes them. See [`Catalog::refresh`].
    pub fn open_reader(objects: Arc<dyn Objects>) -> Result<Catalog, ArchiveError> {
        let catalog = Catalog::empty(objects);
        catalog.refresh()?;
        Ok(catalog)
    }

    pub(crate) fn empty(objects: Arc<dyn Objects>) -> Catalog {
        Catalog { objects, state: RwLock::default() }
    }

    /// Looks for new, merged and pruned segments. Only for a catalog that was opened to read; segments that are already
    /// open stay open. A segment that goes away while it is opened is looked for once more under its new name.
    pub fn refresh(&self) -> Result<(), ArchiveError> {
        let mut tries = 0;
        loop {
            match self.look() {
                Err(ArchiveError::Part(PartError::Read { .. })) if tries < 3 => tries += 1,
                looked => return looked,
            }
        }
    }

    fn look(&self) -> Result<(), ArchiveError> {
        let chain = Chain::of(&self.objects.list("")?, &BTreeSet::new());
        let known: BTreeMap<SegmentName, Piece> =
            self.state().pieces.iter().map(|piece| (piece.name(), piece.clone())).collect();
        let mut pieces = Vec::with_capacity(chain.links.len());
        for (name, link) in &chain.links {
            let piece = match (known.get(name), link) {
                (Some(piece @ Piece::Pruned(..)), Link::Pruned) => piece.clone(),
                (Some(piece @ Piece::Kept(_)), Link::Bare) => piece.clone(),
                (Some(piece @ Piece::Kept(kept)), Link::Indexed) if kept.segment.index_is_sound() => {
                    piece.clone()
                }
                _ => self.piece(*name, *link)?,
            };
            pieces.push(piece);
        }
        self.set(pieces);
        Ok(())
    }

    /// Opens one link of the chain; damage is a piece of its own, what cannot be reached is an error.
    pub(crate) fn piece(&self, name: SegmentName, link: Link) -> Result<Piece, ArchiveError> {
        let opened = match link {
            Link::Pruned => self.leaves(name).map(|leaves| Piece::Pruned(name, Arc::new(leaves))),
            Link::Indexed | Link::Bare => {
                open_segment(self.objects.as_ref(), name).map(|held| Piece::Kept(Arc::new(held)))
            }
        };
        match opened {
            Err(ArchiveError::Part(PartError::Damaged { why, .. })) => {
                Ok(Piece::Broken(Arc::new(Broken { name, why })))
            }
            opened => opened,
        }
    }

    fn leaves(&self, name: SegmentName) -> Result<Leaves, ArchiveError> {
        let data = open_object(self.objects.as_ref(), name, ObjectKind::Leaves)?;
        Ok(Leaves::open(data, name, &name.path(ObjectKind::Leaves))?)
    }

    /// Replaces all pieces.
    pub(crate) fn set(&self, pieces: Vec<Piece>) {
        let sources = merged(&pieces);
        let mut state = self.state_mut();
        state.pieces = pieces;
        state.sources = sources;
    }

    /// Adds the segment that holds what the oldest growing part held, which goes.
    pub(crate) fn publish(&self, held: Arc<Held>) {
        let mut state = self.state_mut();
        take_sources(&mut state.sources, held.segment.sources());
        let end = held.name.end();
        state.pieces.push(Piece::Kept(held));
        state.growing.retain(|growing| locked(growing).end() > end || locked(growing).first() >= end);
    }

    /// Puts one piece in the place of all that lie within its positions.
    pub(crate) fn replace(&self, piece: Piece) {
        let mut state = self.state_mut();
        let name = piece.name();
        let first = state.pieces.iter().position(|old| name.covers(old.name()));
        let Some(first) = first else { return };
        let count = state.pieces[first..].iter().take_while(|old| name.covers(old.name())).count();
        state.pieces.splice(first..first + count, [piece]);
    }

    /// Adds a part that grows, behind all others.
    pub(crate) fn grow(&self, growing: Arc<Mutex<Growing>>) {
        self.state_mut().growing.push(growing);
    }

    /// Forgets the parts that grow.
    pub(crate) fn stop_growing(&self) {
        self.state_mut().growing.clear();
    }

    pub(crate) fn pieces(&self) -> Vec<Piece> {
        self.state().pieces.clone()
    }

    /// Position behind the last entry that can be searched.
    pub fn taken(&self) -> u64 {
        let state = self.state();
        let growing = state.growing.iter().rev().map(|growing| locked(growing).end()).next();
        growing.unwrap_or_else(|| end_of(&state.pieces))
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds the piece that holds a position.
    fn at(&self, position: u64) -> Option<Piece> {
        let state = self.state();
        let at = state.pieces.partition_point(|piece| piece.name().end() <= position);
        state.pieces.get(at).cloned()
    }
}

pub(crate) fn locked(growing: &Mutex<Growing>) -> MutexGuard<'_, Growing> {
    growing.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Finds the first entry of a range that cannot be read: those before it can, and are not to blame.
fn first_fault(piece: &Piece, range: Range<u64>, mut error: PartError) -> SealedError {
    let Range { start: mut good, end: mut bad } = range;
    while bad - good > 1 {
        let middle = good.midpoint(bad);
        match piece.read(good..middle) {
            Ok(entries) => good = entries.last().map_or(middle, |last| last.position + 1),
            Err(earlier) => (bad, error) = (middle, earlier),
        }
    }
    SealedError { position: good, why: chain_of_causes(&error) }
}

fn end_of(pieces: &[Piece]) -> u64 {
    pieces.last().map_or(0, |piece| piece.name().end())
}

fn merged(pieces: &[Piece]) -> BTreeMap<String, u64> {
    let mut sources = BTreeMap::new();
    pieces.iter().filter_map(Piece::sources).for_each(|more| take_sources(&mut sources, more));
    sources
}

fn take_sources(sources: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) {
    for (source, seq) in more {
        match sources.get_mut(source) {
            Some(known) => *known = (*known).max(*seq),
            None => drop(sources.insert(source.clone(), *seq)),
        }
    }
}

impl Parts for Catalog {
    fn parts(&self) -> Vec<Arc<dyn Part>> {
        let state = self.state();
        let mut parts: Vec<Arc<dyn Part>> = state.pieces.iter().filter_map(Piece::part).collect();
        let growing =
            state.growing.iter().map(|growing| locked(growing)).filter(|growing| growing.rows() > 0);
        parts.extend(growing.map(|growing| growing.snapshot()));
        parts
    }
}

impl Sealed for Catalog {
    fn end(&self) -> u64 {
        end_of(&self.state().pieces)
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<SealedEntry>, SealedError> {
        let fault = |why: String| SealedError { position: range.start, why };
        let piece = self.at(range.start).ok_or_else(|| fault("the archive does not reach it".to_owned()))?;
        let end = range.end.min(piece.name().end()).min(range.start.saturating_add(MAX_READ));
        if end <= range.start {
            return Ok(Vec::new());
        }
        piece.read(range.start..end).map_err(|error| first_fault(&piece, range.start..end, error))
    }

    fn first_kept(&self, position: u64) -> Result<u64, SealedError> {
        let state = self.state();
        let from = state.pieces.partition_point(|piece| piece.name().end() <= position);
        let kept = state.pieces[from..].iter().find(|piece| !matches!(piece, Piece::Pruned(..)));
        Ok(kept.map_or_else(|| end_of(&state.pieces), |piece| piece.name().first().max(position)))
    }

    fn last_seq(&self, source: &str) -> Option<u64> {
        self.state().sources.get(source).copied()
    }

    fn last_time(&self) -> Option<Timestamp> {
        self.state().pieces.iter().rev().find_map(Piece::last_time)
    }

    fn first_at(&self, time: Timestamp) -> Result<u64, SealedError> {
        let pieces = self.pieces();
        // Log times never fall from one entry to the next, so the first piece that ends late enough holds it.
        for piece in &pieces {
            if piece.last_time().is_none_or(|last| last >= time) {
                let position = piece.name().first();
                return piece
                    .first_at(time)
                    .map_err(|error| SealedError { position, why: chain_of_causes(&error) });
            }
        }
        Ok(end_of(&pieces))
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        write!(f, "Catalog({} segments up to {})", state.pieces.len(), end_of(&state.pieces))
    }
}
