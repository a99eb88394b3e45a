//! Checks of the objects themselves: does each hold what its name says, do the columns follow from the payloads and the
//! indexes from the data, and do the entries hash to what the tree holds? And the repair that is always possible: making an index anew.
//!
//! Whether the tree is the signed one is not asked here but by the log's own verification, which reads sealed entries too.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use audit_log::{Sealed as _, chain_of_causes};
use store::objects::{Objects, RemoveObjects};

use crate::archive::{Archive, agrees_with_tree, held};
use crate::catalog::Catalog;
use crate::chain::{Chain, Link};
use crate::columns;
use crate::error::ArchiveError;
use crate::held::{Piece, open_object};
use crate::name::{ObjectKind, SegmentName};
use crate::part::PartError;
use crate::seal;
use crate::segment::Segment;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which object.
    pub object: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Most reasons name the object already.
        if self.why.contains(&self.object) {
            f.write_str(&self.why)
        } else {
            write!(f, "{}: {}", self.object, self.why)
        }
    }
}

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Entries whose payload was read.
    pub entries: u64,
    /// Entries of which only the leaves are kept, and were read.
    pub pruned: u64,
    /// Segments, pruned ones too.
    pub segments: u64,
    /// Whether leaves were compared with the tree.
    pub against_tree: bool,
    /// What is wrong; empty when nothing.
    pub problems: Vec<Problem>,
}

/// How far a verification or a rebuilding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Segments that are done.
    pub done: u64,
    /// Segments in all.
    pub segments: u64,
}

/// Which indexes are made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebuild {
    /// Those that are missing or do not fit.
    Unsound,
    /// All of them.
    All,
}

/// What a rebuilding did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Segments that were looked at.
    pub segments: u64,
    /// Indexes that were made anew.
    pub rebuilt: u64,
    /// Segments whose data are damaged, so that no index can be made.
    pub problems: Vec<Problem>,
}

/// Is told how far the work is, and ends it with an error.
pub type Watch<'a> = dyn FnMut(Progress) -> Result<(), ArchiveError> + 'a;

/// Reads tiles of the log by their paths (`tile/0/x001/234`), so that entries can be compared with the tree.
pub type Tiles<'a> = dyn Fn(&str) -> std::io::Result<Option<Vec<u8>>> + 'a;

/// Verifies every object: reads all of it, and compares its entries with the tree where tiles are given.
pub fn verify(
    objects: &Arc<dyn Objects>,
    tiles: Option<&Tiles<'_>>,
    progress: &mut Watch<'_>,
) -> Result<Checked, ArchiveError> {
    verify_below(u64::MAX, objects, tiles, progress)
}

/// Verifies the objects that begin below a position.
fn verify_below(
    end: u64,
    objects: &Arc<dyn Objects>,
    tiles: Option<&Tiles<'_>>,
    progress: &mut Watch<'_>,
) -> Result<Checked, ArchiveError> {
    let catalog = Catalog::empty(objects.clone());
    let mut checked = Checked { against_tree: tiles.is_some(), ..Checked::default() };
    let mut walk = Walk::begin(objects, end)?;
    while let Some((name, link)) = walk.next() {
        progress(walk.progress(checked.segments))?;
        let found = catalog.piece(name, link).and_then(|piece| check_piece(objects, &piece, tiles));
        if let Err(error) = &found {
            if walk.is_outdated(name, link)? {
                continue;
            }
            checked.problems.push(problem(name, link, error));
        } else if link == Link::Pruned {
            checked.pruned += walk.rows(name);
        } else {
            checked.entries += walk.rows(name);
        }
        checked.segments += 1;
        walk.pass(name);
    }
    progress(walk.progress(checked.segments))?;
    let behind = walk.chain.end();
    if let Some(missing) = walk.missing() {
        checked.problems.push(missing);
    }
    let beyond = |path: &String| Problem {
        object: path.clone(),
        why: format!("it lies behind a gap that begins at position {behind}"),
    };
    checked.problems.extend(walk.chain.stranded.iter().map(beyond));
    Ok(checked)
}

/// A walk along the chain while others merge, drop and seal: what is not there any more is looked for anew.
struct Walk<'o> {
    objects: &'o Arc<dyn Objects>,
    chain: Chain,
    /// Up to where it came.
    at: u64,
    end: u64,
}

impl<'o> Walk<'o> {
    fn begin(objects: &'o Arc<dyn Objects>, end: u64) -> Result<Walk<'o>, ArchiveError> {
        let chain = Chain::of(&objects.list("")?, &BTreeSet::new());
        Ok(Walk { objects, chain, at: 0, end })
    }

    /// The link that holds the position up to which the walk came.
    fn next(&self) -> Option<(SegmentName, Link)> {
        let at = self.chain.links.partition_point(|(name, _)| name.end() <= self.at);
        self.chain.links.get(at).filter(|(name, _)| name.first() < self.end).copied()
    }

    /// Looks whether a link that could not be used is one no longer.
    fn is_outdated(&mut self, name: SegmentName, link: Link) -> Result<bool, ArchiveError> {
        let chain = Chain::of(&self.objects.list("")?, &BTreeSet::new());
        if chain.links.contains(&(name, link)) {
            return Ok(false);
        }
        self.chain = chain;
        Ok(true)
    }

    /// Says how many of a segment's entries the walk has not passed yet.
    fn rows(&self, name: SegmentName) -> u64 {
        name.end() - self.at.max(name.first())
    }

    /// What there was to be when the walk began, and is not there now.
    fn missing(&self) -> Option<Problem> {
        let object = format!("the entries from {} to {}", self.at, self.end.saturating_sub(1));
        let why = "the archive held them when this began; no object holds them now".to_owned();
        (self.end != u64::MAX && self.at < self.end).then_some(Problem { object, why })
    }

    fn pass(&mut self, name: SegmentName) {
        self.at = name.end();
    }

    fn progress(&self, done: u64) -> Progress {
        let left =
            self.chain.links.iter().filter(|(name, _)| name.end() > self.at && name.first() < self.end);
        Progress { done, segments: done + left.count() as u64 }
    }
}

fn check_piece(
    objects: &Arc<dyn Objects>,
    piece: &Piece,
    tiles: Option<&Tiles<'_>>,
) -> Result<(), ArchiveError> {
    let name = piece.name();
    let tile = |path: &str| match tiles {
        None => Ok(None),
        Some(tiles) => tiles(path).map_err(|source| {
            ArchiveError::Part(PartError::Read { name: path.to_owned(), source: source.into() })
        }),
    };
    agrees_with_tree(piece, &tile)?;
    let Piece::Kept(kept) = piece else { return Ok(()) };
    columns::follow_from_payloads(kept)?;
    let index = ObjectKind::Index;
    let wrong = |why: &str| PartError::Damaged { name: name.path(index), why: why.to_owned() };
    if !kept.segment.index_is_sound() {
        return Err(
            wrong("it is missing or does not fit its data; `lodge archive rebuild` makes it anew").into()
        );
    }
    let data = open_object(objects.as_ref(), name, ObjectKind::Data)?;
    let anew = Segment::rebuild_index(&data, &name.path(ObjectKind::Data))?;
    if objects.get(&name.path(index))?.as_deref() != Some(&anew[..]) {
        return Err(
            wrong("it does not follow from its data; `lodge archive rebuild --all` makes it anew").into()
        );
    }
    Ok(())
}

fn problem(name: SegmentName, link: Link, error: &ArchiveError) -> Problem {
    let kind = if link == Link::Pruned { ObjectKind::Leaves } else { ObjectKind::Data };
    let (object, why) = match error {
        // Its own words advise to verify, which is what found it.
        ArchiveError::Part(PartError::Damaged { name, why }) => (name.clone(), why.clone()),
        ArchiveError::Part(PartError::Read { name, .. }) => (name.clone(), chain_of_causes(error)),
        _ => (name.path(kind), chain_of_causes(error)),
    };
    Problem { object, why }
}

/// Makes indexes anew from the data; loses nothing, whatever happens meanwhile. Only for whoever may write the objects.
pub fn rebuild(
    objects: &Arc<dyn RemoveObjects>,
    which: Rebuild,
    progress: &mut Watch<'_>,
) -> Result<Rebuilt, ArchiveError> {
    rebuild_below(u64::MAX, objects, which, progress, &Mutex::default())
}

/// Makes indexes of objects that begin below a position anew, holding `work` for each.
fn rebuild_below(
    end: u64,
    objects: &Arc<dyn RemoveObjects>,
    which: Rebuild,
    progress: &mut Watch<'_>,
    work: &Mutex<()>,
) -> Result<Rebuilt, ArchiveError> {
    let reading: Arc<dyn Objects> = objects.clone();
    let catalog = Catalog::empty(reading.clone());
    let mut rebuilt = Rebuilt::default();
    let mut walk = Walk::begin(&reading, end)?;
    while let Some((name, link)) = walk.next() {
        progress(walk.progress(rebuilt.segments))?;
        let working = held(work);
        let found = rebuild_one(objects, &catalog, name, link, which);
        drop(working);
        if found.is_err() && walk.is_outdated(name, link)? {
            continue;
        }
        match found {
            Ok(done) => rebuilt.rebuilt += u64::from(done),
            Err(error @ ArchiveError::Part(PartError::Damaged { .. })) => {
                rebuilt.problems.push(problem(name, link, &error));
            }
            Err(error) => return Err(error),
        }
        rebuilt.segments += u64::from(link != Link::Pruned);
        walk.pass(name);
    }
    progress(walk.progress(rebuilt.segments))?;
    Ok(rebuilt)
}

fn rebuild_one(
    objects: &Arc<dyn RemoveObjects>,
    catalog: &Catalog,
    name: SegmentName,
    link: Link,
    which: Rebuild,
) -> Result<bool, ArchiveError> {
    let is_needed = match catalog.piece(name, link)? {
        Piece::Kept(kept) => which == Rebuild::All || !kept.segment.index_is_sound(),
        Piece::Broken(broken) => return Err(broken.error().into()),
        Piece::Pruned(..) => false,
    };
    if is_needed {
        seal::reindex(objects.as_ref(), name)?;
    }
    Ok(is_needed)
}

impl Archive {
    /// Verifies every object that is sealed when this begins, as [`verify`] does, where it really lies. Sealing and merging go on.
    pub fn verify(&self, tiles: Option<&Tiles<'_>>) -> Result<Checked, ArchiveError> {
        let objects: Arc<dyn Objects> = self.storage.writing.clone();
        let checked = verify_below(self.catalog().end(), &objects, tiles, &mut |_| self.go_on())?;
        if checked.problems.is_empty() {
            held(&self.apart).clear();
        }
        Ok(checked)
    }

    /// Makes indexes anew, as [`rebuild`] does, and uses them from now on. Sealing and merging go on between segments.
    pub fn rebuild(&self, which: Rebuild) -> Result<Rebuilt, ArchiveError> {
        let (end, objects) = (self.catalog().end(), &self.storage.writing);
        let rebuilt = rebuild_below(end, objects, which, &mut |_| self.go_on(), &self.work)?;
        let _working = held(&self.work);
        for piece in self.catalog().pieces() {
            let name = piece.name();
            if matches!(piece, Piece::Kept(_) | Piece::Broken(_)) {
                let fresh = self.catalog().piece(name, Link::Indexed)?;
                self.catalog().replace(fresh);
            }
        }
        Ok(rebuilt)
    }
}
