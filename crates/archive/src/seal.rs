//! Writes one segment and makes sure of it: what the store gives back is compared with where the entries came from, and
//! only then is the index written, which says that this was done.

use std::io::{BufWriter, Write};
use std::ops::Range;

use audit_log::{Entry, Leaf};
use store::objects::{Draft, ObjectError, RemoveObjects};

use crate::digest::Digests;
use crate::error::ArchiveError;
use crate::held::{checked, open_object};
use crate::name::{ObjectKind, SegmentName};
use crate::part::PartError;
use crate::segment::{Segment, SegmentWriter, Whole};

/// Where the entries of a segment come from: gives some from the start of the range, at least one.
pub(crate) type Source<'a> = dyn Fn(Range<u64>) -> Result<Vec<Entry>, ArchiveError> + 'a;

/// Writes the entries of a range as one segment, durable and compared when this returns; nothing may be published under
/// its name yet. `digests` are those of the entries, where they were made.
pub(crate) fn seal(
    objects: &dyn RemoveObjects,
    origin: &str,
    name: SegmentName,
    source: &Source<'_>,
    digests: Option<Digests>,
) -> Result<(), ArchiveError> {
    let write = |draft| {
        let mut writer = match digests {
            Some(digests) => SegmentWriter::with_digests(draft, origin, name.first(), digests)?,
            None => SegmentWriter::new(draft, origin, name.first())?,
        };
        each(name.positions(), source, &mut |entry| Ok(writer.push(entry)?))?;
        let (draft, index) = writer.finish()?;
        Ok((draft, Some(index)))
    };
    store(objects, name, write, |segment| compare(segment, name, source))
}

/// A segment's data while they are written.
type Writing = BufWriter<Draft>;

/// Stores a segment: its data, then, once what is read back was compared, its index, which is made anew where `write` gave
/// none.
pub(crate) fn store(
    objects: &dyn RemoveObjects,
    name: SegmentName,
    write: impl FnOnce(Writing) -> Result<(Writing, Option<Vec<u8>>), ArchiveError>,
    compare: impl FnOnce(&Segment) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    // What is there under this name was left by a run that was killed.
    remove(objects, name, &[ObjectKind::Data, ObjectKind::Index])?;
    let path = name.path(ObjectKind::Data);
    let (draft, index) = write(BufWriter::with_capacity(1 << 18, objects.draft()?))?;
    let unwritten = |source: std::io::Error| PartError::Write { name: path.clone(), source: source.into() };
    let mut draft = draft.into_inner().map_err(|error| unwritten(error.into_error()))?;
    draft.flush().map_err(unwritten)?;
    objects.keep(draft, &path)?;
    let data = open_object(objects, name, ObjectKind::Data)?;
    compare(&checked(Segment::open(data.clone(), None, &path)?, name)?)?;
    let index = index.map_or_else(|| Segment::rebuild_index(&data, &path), Ok)?;
    Ok(objects.put(&name.path(ObjectKind::Index), &index)?)
}

/// Gives every entry of a range to `take`, in order.
fn each(
    range: Range<u64>,
    source: &Source<'_>,
    take: &mut dyn FnMut(&Entry) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let mut at = range.start;
    while at < range.end {
        let entries = source(at..range.end)?;
        for entry in entries.iter().filter(|entry| entry.position < range.end) {
            if entry.position != at {
                let why = format!("the entry at {at} is missing");
                return Err(PartError::Damaged { name: format!("what is sealed from {at}"), why }.into());
            }
            take(entry)?;
            at += 1;
        }
        if entries.is_empty() {
            let why = format!("the entry at {at} is missing");
            return Err(PartError::Damaged { name: format!("what is sealed from {at}"), why }.into());
        }
    }
    Ok(())
}

/// Compares every entry of a segment with where it came from.
pub(crate) fn compare(segment: &Segment, name: SegmentName, source: &Source<'_>) -> Result<(), ArchiveError> {
    let mut cursor = segment.cursor(name.positions());
    each(name.positions(), source, &mut |entry| {
        let Some(why) = difference(cursor.next()?, entry) else { return Ok(()) };
        let name = name.path(ObjectKind::Data);
        Err(ArchiveError::Differs { name, position: entry.position, why: why.to_owned() })
    })
}

/// Says in what an entry differs from where it came from.
fn difference(found: Option<Whole<'_>>, entry: &Entry) -> Option<&'static str> {
    let Some(found) = found else { return Some("it is not there") };
    let Leaf { time, source, seq, commitment } = &entry.leaf;
    if found.position != entry.position {
        Some("it has another position")
    } else if (found.log_time, found.source, found.seq, found.commitment())
        != (*time, source, *seq, *commitment)
    {
        Some("its leaf differs")
    } else if (found.salt, found.payload) != (&entry.salt, &entry.payload) {
        Some("its payload differs")
    } else {
        None
    }
}

/// Removes objects of a segment, as far as they are there.
pub(crate) fn remove(
    objects: &dyn RemoveObjects,
    name: SegmentName,
    kinds: &[ObjectKind],
) -> Result<(), ObjectError> {
    for kind in kinds {
        let path = name.path(*kind);
        // Asked first: where versions are kept, removing what is not there leaves a mark.
        if objects.open(&path)?.is_some() {
            objects.remove(&path)?;
        }
    }
    Ok(())
}

/// Looks through a segment whose index is missing or does not fit, and writes the index anew.
pub(crate) fn reindex(objects: &dyn RemoveObjects, name: SegmentName) -> Result<(), ArchiveError> {
    let data = open_object(objects, name, ObjectKind::Data)?;
    let path = name.path(ObjectKind::Data);
    let segment = checked(Segment::open(data.clone(), None, &path)?, name)?;
    look_through(&segment, name)?;
    let index = Segment::rebuild_index(&data, &path)?;
    remove(objects, name, &[ObjectKind::Index])?;
    Ok(objects.put(&name.path(ObjectKind::Index), &index)?)
}

/// Reads every entry of a segment, whose positions must be those of its name.
fn look_through(segment: &Segment, name: SegmentName) -> Result<(), PartError> {
    let mut at = name.first();
    while at < name.end() {
        let entries = segment.read(at..name.end())?;
        if entries.is_empty() || (at..).zip(&entries).any(|(position, entry)| entry.position != position) {
            let why = format!("the entry at {at} is missing");
            return Err(PartError::Damaged { name: name.path(ObjectKind::Data), why });
        }
        at += entries.len() as u64;
    }
    Ok(())
}
