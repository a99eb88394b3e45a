//! What the archive holds of one range of positions: a segment, the leaves of one that was pruned, or one that is damaged.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use audit_log::SealedEntry;
use bytes::Bytes;
use event::Timestamp;
use store::objects::{Object, Objects};

use crate::blocks::Blocks;
use crate::cells::Rollups;
use crate::column::Column;
use crate::error::ArchiveError;
use crate::leaves::Leaves;
use crate::name::{ObjectKind, SegmentName};
use crate::part::{Keys, Part, PartError, RollupKey, Run, Span, Visit};
use crate::read_at::ReadAt;
use crate::segment::Segment;

/// An object as segments read it.
pub(crate) struct FromObject(pub Arc<dyn Object>);

impl ReadAt for FromObject {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        self.0.read_at(offset, length)
    }
}

/// A sealed segment and its name.
pub(crate) struct Held {
    pub name: SegmentName,
    pub segment: Arc<Segment>,
    /// Bytes of the index.
    pub index_bytes: u64,
}

impl Held {
    /// Says whether the one who asks has the only handle, and nobody reads the segment.
    pub(crate) fn is_alone(self: &Arc<Held>) -> bool {
        Arc::strong_count(self) == 1 && Arc::strong_count(&self.segment) == 1
    }
}

/// One range of the archive.
#[derive(Clone)]
pub(crate) enum Piece {
    /// Entries that can be read.
    Kept(Arc<Held>),
    /// Entries that were dropped; their leaves can be read.
    Pruned(SegmentName, Arc<Leaves>),
    /// Entries that should be there and cannot be read.
    Broken(Arc<Broken>),
}

/// A segment whose objects are damaged.
pub(crate) struct Broken {
    pub name: SegmentName,
    pub why: String,
}

impl Piece {
    pub(crate) fn name(&self) -> SegmentName {
        match self {
            Piece::Kept(held) => held.name,
            Piece::Pruned(name, _) => *name,
            Piece::Broken(broken) => broken.name,
        }
    }

    pub(crate) fn read(&self, range: Range<u64>) -> Result<Vec<SealedEntry>, PartError> {
        match self {
            Piece::Kept(held) => held.segment.read(range),
            Piece::Pruned(_, leaves) => leaves.read(range),
            Piece::Broken(broken) => Err(broken.error()),
        }
    }

    pub(crate) fn last_time(&self) -> Option<Timestamp> {
        match self {
            Piece::Kept(held) => Some(held.segment.last_time()),
            Piece::Pruned(_, leaves) => Some(leaves.last_time()),
            Piece::Broken(_) => None,
        }
    }

    pub(crate) fn sources(&self) -> Option<&BTreeMap<String, u64>> {
        match self {
            Piece::Kept(held) => Some(held.segment.sources()),
            Piece::Pruned(_, leaves) => Some(leaves.sources()),
            Piece::Broken(_) => None,
        }
    }

    pub(crate) fn first_at(&self, time: Timestamp) -> Result<u64, PartError> {
        match self {
            Piece::Kept(held) => held.segment.first_at(time),
            Piece::Pruned(_, leaves) => leaves.first_at(time),
            // Whoever looks from there on misses nothing.
            Piece::Broken(broken) => Ok(broken.name.first()),
        }
    }

    /// The part that questions are asked of; none where the entries were dropped.
    pub(crate) fn part(&self) -> Option<Arc<dyn Part>> {
        match self {
            Piece::Kept(held) => Some(held.segment.clone()),
            Piece::Pruned(..) => None,
            Piece::Broken(broken) => Some(broken.clone()),
        }
    }
}

/// Opens a segment with its index where there is one.
pub(crate) fn open_segment(objects: &dyn Objects, name: SegmentName) -> Result<Held, ArchiveError> {
    let data = open_object(objects, name, ObjectKind::Data)?;
    let index = objects.open(&name.path(ObjectKind::Index))?;
    let index_bytes = index.as_ref().map_or(0, |index| index.len());
    let index = index.map(|index| Arc::new(FromObject(index)) as Arc<dyn ReadAt>);
    Ok(Held {
        name,
        segment: Arc::new(checked(Segment::open(data, index, &name.path(ObjectKind::Data))?, name)?),
        index_bytes,
    })
}

/// Opens one of a segment's objects, which must be there.
pub(crate) fn open_object(
    objects: &dyn Objects,
    name: SegmentName,
    kind: ObjectKind,
) -> Result<Arc<dyn ReadAt>, ArchiveError> {
    let path = name.path(kind);
    let object = objects.open(&path)?.ok_or_else(|| PartError::Read {
        name: path,
        source: io::Error::from(io::ErrorKind::NotFound).into(),
    })?;
    Ok(Arc::new(FromObject(object)))
}

/// Refuses a segment that holds other positions than its name says.
pub(crate) fn checked(segment: Segment, name: SegmentName) -> Result<Segment, PartError> {
    let found = segment.positions();
    if found == name.positions() {
        return Ok(segment);
    }
    let why = format!("it holds positions {} to {}, not those of its name", found.start, found.end);
    Err(PartError::Damaged { name: name.path(ObjectKind::Data), why })
}

impl Broken {
    pub(crate) fn error(&self) -> PartError {
        PartError::Damaged { name: self.name.path(ObjectKind::Data), why: self.why.clone() }
    }
}

/// A damaged part may hold an answer to any question, so it is never left out: whoever asks it is told.
impl Part for Broken {
    fn positions(&self) -> Range<u64> {
        self.name.positions()
    }

    fn span(&self) -> Option<Span> {
        Some(Span { first: Timestamp::MIN, last: Timestamp::MAX })
    }

    fn runs(&self) -> Arc<[Run]> {
        let spans: Vec<Span> = self.span().into_iter().cycle().take(self.block_count()).collect();
        Run::cut(&spans, [])
    }

    fn block_span(&self, _: usize) -> Option<Span> {
        self.span()
    }

    fn holding(&self, _: &[&str]) -> Result<Blocks, PartError> {
        Err(self.error())
    }

    fn keys(&self, _: Column, _: &Blocks) -> Result<Keys, PartError> {
        Err(self.error())
    }

    fn times(&self, _: &Blocks) -> Result<Vec<(usize, Vec<Timestamp>)>, PartError> {
        Err(self.error())
    }

    fn odd_times(&self) -> Result<Blocks, PartError> {
        Err(self.error())
    }

    fn visit(&self, _: &[u32], _: &mut Visit<'_>) -> Result<(), PartError> {
        Err(self.error())
    }

    fn ingested(&self, _: &[u32]) -> Result<Vec<bool>, PartError> {
        Err(self.error())
    }

    fn rollup(&self, _: RollupKey) -> Result<Option<Arc<Rollups>>, PartError> {
        Err(self.error())
    }
}
