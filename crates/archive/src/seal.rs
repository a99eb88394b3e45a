//! Writes one segment and makes sure of it: what the store gives back is compared with where the entries came from, and
//! only then is the index written, which says that this was done.
//!
//! Compared are the leaves: those of the entries that went in, and those that are made anew from what is read back, with
//! the commitment to each salt and payload. So the entries need not be read a second time, unless to say which one differs.

use std::cell::RefCell;
use std::io::{BufWriter, Write};
use std::ops::Range;

use audit_log::{Entry, Leaf};
use store::objects::{Draft, ObjectError, RemoveObjects};

use crate::digest::Digests;
use crate::error::ArchiveError;
use crate::fingerprint::Fingerprints;
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
    let written = RefCell::new(Fingerprints::default());
    let write = |draft| {
        let mut written = written.borrow_mut();
        let mut writer = match digests {
            Some(digests) => SegmentWriter::with_digests(draft, origin, name.first(), digests)?,
            None => SegmentWriter::new(draft, origin, name.first())?,
        };
        each(name.positions(), source, &mut |entry| {
            let Leaf { time, source, seq, commitment } = &entry.leaf;
            written.add(*time, source, *seq, commitment);
            Ok(writer.push(entry)?)
        })?;
        let (draft, index) = writer.finish()?;
        Ok((draft, Some(index)))
    };
    store(objects, name, write, |segment| match read_back(segment, name)?.difference(&written.borrow()) {
        None => Ok(()),
        Some(row) => Err(differs(segment, name, source, name.first() + row as u64)),
    })
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

/// Makes the fingerprints of what a segment holds, all of it made anew from its salts and payloads.
fn read_back(segment: &Segment, name: SegmentName) -> Result<Fingerprints, PartError> {
    let mut found = Fingerprints::default();
    let mut cursor = segment.cursor(name.positions());
    while let Some(entry) = cursor.next()? {
        found.add(entry.log_time, entry.source, entry.seq, &entry.commitment());
    }
    Ok(found)
}

/// Says which entry of a segment differs from where it came from; one of a block is known to.
fn differs(segment: &Segment, name: SegmentName, source: &Source<'_>, block: u64) -> ArchiveError {
    let differs = |position: u64, why: &str| {
        let name = name.path(ObjectKind::Data);
        ArchiveError::Differs { name, position, why: why.to_owned() }
    };
    let mut cursor = segment.cursor(block..name.end());
    let found = each(block..name.end(), source, &mut |entry| match difference(cursor.next()?, entry) {
        Some(why) => Err(differs(entry.position, why)),
        None => Ok(()),
    });
    found.err().unwrap_or_else(|| differs(block, "its leaves are not those that were written"))
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
