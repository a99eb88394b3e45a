//! Recovery: what a log's folder holds, before anything in it is changed.
//!
//! The rules. Bytes after the last valid batch of the last segment, with no valid batch behind them, were never
//! acknowledged and are dropped. The first segment may begin where the archive reaches to, or before. Anything else
//! that is not as the writer left it is damage, which is named and refused. Fewer entries than the published
//! checkpoint promises is a rollback, refused too (what is remembered elsewhere is for `memory`). Nothing is written
//! until all of that is decided.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event::Timestamp;
use store::journal::Journal;

use crate::checkpoint::Checkpoint;
use crate::error::OpenError;
use crate::hash::Hash;
use crate::note::{MAX_NOTE_BYTES, NoteSigner, VerifierKey};
use crate::sealed::Sealed;
use crate::stored::Stored;
use crate::tree::edge::Edge;
use crate::tree::path::{TILE_WIDTH, TileKind, TilePath};
use crate::tree::tiles::Tiles;
use crate::wal::index::{Index, MAX_INDEX_BYTES};
use crate::wal::scan::{Scan, scan};
use crate::wal::segment::{SEGMENT_HEADER, file_name, parse_file_name};
use crate::wal::segments::{Segment, Segments};
use crate::writer::{Tail, begin_segment, write_index};

/// What the write-ahead log holds.
#[derive(Debug)]
pub(crate) struct Found {
    segments: Vec<Arc<Segment>>,
    /// Where entries are that left the write-ahead log.
    pub(crate) sealed: Option<Arc<dyn Sealed>>,
    /// A last segment whose header never reached the disk.
    unborn: Option<PathBuf>,
    /// Entries.
    pub(crate) size: u64,
    /// Bytes of unacknowledged tail.
    pub(crate) dropped_bytes: u64,
}

/// Reads the write-ahead log, which goes on where the archive ends or before; changes nothing.
pub(crate) fn find(folder: &Path, sealed: Option<Arc<dyn Sealed>>) -> Result<Found, OpenError> {
    let end = sealed.as_ref().map_or(0, |sealed| sealed.end());
    let mut found = Found { segments: Vec::new(), sealed, unborn: None, size: 0, dropped_bytes: 0 };
    let files = segment_files(folder)?;
    for (number, (first, path)) in files.iter().enumerate() {
        match number {
            0 if *first > end => return Err(damaged(end, path, 0, found.why_missing(*first))),
            1.. if *first != found.size => {
                let why =
                    format!("the next segment begins at {first}: the one between is missing or cut short");
                return Err(damaged(found.size, path, 0, why));
            }
            _ => {}
        }
        let last = number + 1 == files.len();
        match (last, load_index(path, *first)) {
            (false, Some(index)) => found.take(path, index),
            (_, _) => found.scan(path, *first, last)?,
        }
    }
    if found.segments.is_empty() {
        found.size = end;
    } else if found.size < end {
        return Err(OpenError::BehindArchive { size: found.size, sealed: end });
    }
    Ok(found)
}

fn segment_files(folder: &Path) -> Result<BTreeMap<u64, PathBuf>, OpenError> {
    let wal = folder.join("wal");
    let listed = fs::read_dir(&wal).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    let listed = listed.map_err(|source| OpenError::Io { verb: "list", path: wal, source })?;
    let segment = |entry: fs::DirEntry| Some((parse_file_name(entry.file_name().to_str()?)?, entry.path()));
    Ok(listed.into_iter().filter_map(segment).collect())
}

/// Takes a closed segment's index when it fits the segment.
fn load_index(path: &Path, first: u64) -> Option<Index> {
    let file = path.with_extension("idx");
    if fs::metadata(&file).ok()?.len() > MAX_INDEX_BYTES {
        return None;
    }
    let index = Index::decode(&fs::read(&file).ok()?)?;
    let fits = index.first == first && index.end > first && index.offset == fs::metadata(path).ok()?.len();
    fits.then_some(index)
}

impl Found {
    fn take(&mut self, path: &Path, index: Index) {
        self.size = index.end;
        self.segments.push(Arc::new(Segment::new(path.to_owned(), index)));
    }

    fn scan(&mut self, path: &Path, first: u64, last: bool) -> Result<(), OpenError> {
        let mut index = Index::new(first, SEGMENT_HEADER as u64);
        let scanned = File::open(path)
            .and_then(|file| scan(file, first, |spot, record| index.add_record(spot, record)));
        let Scan { end, offset, invalid } =
            scanned.map_err(|source| OpenError::Io { verb: "read", path: path.to_owned(), source })?;
        if let Some(invalid) = invalid.as_ref().filter(|invalid| !last || invalid.followed) {
            return Err(damaged(end, path, offset, invalid.why.clone()));
        }
        self.dropped_bytes += invalid.map_or(0, |invalid| invalid.bytes);
        if offset == 0 {
            self.unborn = Some(path.to_owned());
            return Ok(());
        }
        index.offset = offset;
        self.take(path, index);
        Ok(())
    }

    fn why_missing(&self, first: u64) -> String {
        match &self.sealed {
            None => format!(
                "the first segment begins at {first}: those before are missing, or they were released to an archive, which the \
                 log then needs"
            ),
            Some(sealed) => format!(
                "the first segment begins at {first} and the archive ends at {}: what lies between is missing",
                sealed.end()
            ),
        }
    }

    /// Lets readers in.
    pub(crate) fn segments(&self) -> Segments {
        Segments::new(self.segments.clone())
    }

    /// Log time of the last entry, and the last sequence number of `source`.
    fn last(&self, source: &str) -> (Timestamp, u64) {
        let newest = self.segments.iter().rev();
        let time = newest
            .clone()
            .find_map(|segment| segment.look(|index| (index.end > index.first).then_some(index.last_time)));
        let seq = newest.clone().find_map(|segment| segment.look(|index| index.sources.get(source).copied()));
        let sealed = self.sealed.as_ref();
        let time = time.or_else(|| sealed?.last_time()).unwrap_or(Timestamp::EPOCH);
        (time, seq.or_else(|| sealed?.last_seq(source)).unwrap_or(0))
    }

    /// Cuts off the torn tail and opens the end for writing.
    pub(crate) fn resume(self, folder: &Path, source: &str) -> Result<(Segments, Tail), OpenError> {
        let (last_time, seq) = self.last(source);
        if let Some(unborn) = &self.unborn {
            fs::remove_file(unborn).map_err(|error| OpenError::Io {
                verb: "remove",
                path: unborn.clone(),
                source: error,
            })?;
        }
        let mut list = self.segments;
        for closed in list.iter().rev().skip(1) {
            // One that was scanned has none, or one that does not fit.
            if load_index(&closed.path, closed.look(|index| index.first)).is_none() {
                write_index(closed);
            }
        }
        let (journal, segment) = match list.last() {
            Some(segment) => {
                (Journal::resume(&segment.path, segment.look(|index| index.offset))?, segment.clone())
            }
            None => {
                let begun = begin_segment(folder.join("wal").join(file_name(self.size)), self.size)?;
                list.push(begun.1.clone());
                begun
            }
        };
        Ok((Segments::new(list), Tail { journal, segment, next: self.size, seq, last_time }))
    }
}

fn damaged(position: u64, segment: &Path, offset: u64, why: String) -> OpenError {
    OpenError::Damaged { position, segment: segment.to_owned(), offset, why }
}

/// Reads the published checkpoint, which must be signed by `key`, and there where the log has entries.
pub(crate) fn published(
    folder: &Path,
    key: &VerifierKey,
    size: u64,
) -> Result<Option<Checkpoint>, OpenError> {
    let path = folder.join("checkpoint");
    let text = File::open(&path).and_then(|file| {
        let mut text = String::new();
        io::Read::read_to_string(&mut io::Read::take(file, MAX_NOTE_BYTES as u64 + 1), &mut text)?;
        Ok(text)
    });
    match text {
        Err(source) if source.kind() == io::ErrorKind::NotFound && size == 0 => Ok(None),
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            Err(OpenError::CheckpointMissing { size, path })
        }
        Err(source) => Err(OpenError::Io { verb: "read", path, source }),
        Ok(text) => match Checkpoint::open(&text, key) {
            Ok(checkpoint) => Ok(Some(checkpoint)),
            Err(source) => Err(OpenError::Checkpoint { path, source }),
        },
    }
}

/// Writes the checkpoint of no entries, before there is any: from then on a log without a checkpoint has lost it.
pub(crate) fn first_checkpoint(folder: &Path, signer: &NoteSigner) -> Result<Checkpoint, OpenError> {
    let checkpoint = Checkpoint::sign(signer, 0, Hash::empty_root());
    let path = folder.join("checkpoint");
    let written = store::durable::replace(&path, checkpoint.note.as_bytes());
    written.map_err(|source| OpenError::Io { verb: "write", path, source })?;
    Ok(checkpoint)
}

/// The tree at the published size, proved to have the published root, and a place from where to write tiles again.
pub(crate) struct Rebuilt {
    /// The edge at the checkpoint's size.
    pub(crate) at_checkpoint: Edge,
    /// An edge below which all tiles are on disk.
    from: Edge,
}

/// Checks the entries against the checkpoint; writes nothing.
pub(crate) fn check(
    found: &Found,
    checkpoint: Option<&Checkpoint>,
    tiles: &Tiles,
) -> Result<Rebuilt, OpenError> {
    let (size, root) =
        checkpoint.map_or((0, Hash::empty_root()), |checkpoint| (checkpoint.size, checkpoint.root));
    if found.size < size {
        return Err(OpenError::RolledBack { size: found.size, published: size });
    }
    let segments = found.segments();
    let stored = Stored::new(&segments, found.sealed.as_deref());
    // Tiles were synced before entries were released. Below that only the archive could tell, and is not asked in vain;
    // where all that is left is the archive, the checkpoint must show that it is this log's.
    let known =
        if segments.begin() == u64::MAX { [None; 2] } else { [tiles.synced(), Some(segments.begin())] };
    let hint = known.into_iter().flatten().filter(|synced| *synced <= size).max().unwrap_or(0);
    // The hint may be stale and the tiles damaged; the entries have the last word.
    for start in [hint - hint % TILE_WIDTH, 0] {
        let Some(from) = Edge::load(start, |path| tiles.read(path).ok().flatten()) else { continue };
        let mut edge = from.clone();
        grow(&mut edge, stored, size, |edge| {
            drop(edge.take_full());
            Ok(())
        })?;
        if edge.root() == root {
            return Ok(Rebuilt { at_checkpoint: edge, from });
        }
    }
    Err(OpenError::Root { size })
}

impl Rebuilt {
    /// Mends the tiles that a crash may have left missing or torn, and returns the edge at the log's end.
    ///
    /// Entry bundles over entries before `begin`, where the write-ahead log begins, go away instead.
    pub(crate) fn write(
        self,
        stored: Stored<'_>,
        begin: u64,
        size: u64,
        tiles: &Tiles,
    ) -> Result<Edge, OpenError> {
        let mend = |(path, bytes): (TilePath, Vec<u8>)| {
            if path.kind == TileKind::Entries && path.index < begin / TILE_WIDTH {
                return Ok(());
            }
            tiles.mend(path, &bytes).map_err(|fault| torn(path, fault))
        };
        self.at_checkpoint.partial().into_iter().try_for_each(mend)?;
        let mut edge = self.from;
        grow(&mut edge, stored, size, |edge| edge.take_full().into_iter().try_for_each(mend))?;
        for (path, bytes) in edge.partial() {
            tiles.prune_partials(path, &bytes).map_err(|fault| torn(path, fault))?;
        }
        let bundles = TilePath::full(TileKind::Entries, begin / TILE_WIDTH);
        tiles.drop_bundles(begin, &mut || ()).map_err(|fault| torn(bundles, fault))?;
        Ok(edge)
    }
}

fn torn(path: TilePath, source: io::Error) -> OpenError {
    OpenError::Io { verb: "mend", path: PathBuf::from(path.to_string()), source }
}

/// Tells whether the first `size` entries, all of them there, lead to this root.
pub(crate) fn has_root(found: &Found, tiles: &Tiles, size: u64, root: Hash) -> Result<bool, OpenError> {
    let segments = found.segments();
    // As above: tiles save time and decide nothing.
    for start in [size - size % TILE_WIDTH, 0] {
        let Some(mut edge) = Edge::load(start, |path| tiles.read(path).ok().flatten()) else { continue };
        grow(&mut edge, Stored::new(&segments, found.sealed.as_deref()), size, |edge| {
            drop(edge.take_full());
            Ok(())
        })?;
        if edge.root() == root {
            return Ok(true);
        }
    }
    Ok(false)
}

fn grow(
    edge: &mut Edge,
    stored: Stored<'_>,
    size: u64,
    mut store: impl FnMut(&mut Edge) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let mut result = Ok(());
    let read = stored.visit(edge.size()..size, |position, entry| {
        edge.push(entry.leaf);
        if (position + 1).is_multiple_of(TILE_WIDTH) {
            result = store(edge);
        }
        if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    read.map_err(|error| match error {
        crate::error::ReadError::Entry { position, segment, why } => damaged(position, &segment, 0, why),
        crate::error::ReadError::Sealed(error) => OpenError::Sealed(error),
        crate::error::ReadError::Io { path, source } => OpenError::Io { verb: "read", path, source },
        other => OpenError::Config(other.to_string()),
    })?;
    result
}
