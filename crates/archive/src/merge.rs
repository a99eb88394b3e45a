//! Merges segments that follow each other into one, by copying what is worth it, else by writing their entries again. Which
//! ones, [`crate::compact`] chooses.

use std::ops::Range;

use audit_log::{Entry, Leaf};
use store::objects::RemoveObjects;

use crate::error::ArchiveError;
use crate::held::Piece;
use crate::name::{ObjectKind, SegmentName};
use crate::part::PartError;
use crate::seal::{seal, store};
use crate::segment::{Copying, Segment};

/// Writes pieces as one segment, durable and compared when this returns; nothing may be published under its name yet.
pub(crate) fn merge(
    objects: &dyn RemoveObjects,
    origin: &str,
    name: SegmentName,
    pieces: &[Piece],
    go_on: &dyn Fn() -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let Some(copying) = worth_copying(origin, pieces)? else {
        let read = |range: Range<u64>| {
            go_on()?;
            from_pieces(pieces, range)
        };
        return seal(objects, origin, name, &read, None);
    };
    let compare = |merged: &Segment| match copying.difference(merged, go_on)? {
        None => Ok(()),
        Some(position) => {
            let why = "it is not what was copied".to_owned();
            Err(ArchiveError::Differs { name: name.path(ObjectKind::Data), position, why })
        }
    };
    store(objects, name, |draft| copying.write(draft, go_on), compare)
}

fn worth_copying<'p>(origin: &str, pieces: &'p [Piece]) -> Result<Option<Copying<'p>>, PartError> {
    let segments: Option<Vec<&Segment>> = pieces.iter().map(|piece| segment(piece, origin)).collect();
    let copying = segments.map_or(Ok(None), |segments| Copying::of(&segments))?;
    Ok(copying.filter(Copying::is_worth_it))
}

fn segment<'p>(piece: &'p Piece, origin: &str) -> Option<&'p Segment> {
    match piece {
        Piece::Kept(held) if held.segment.origin() == origin => Some(&held.segment),
        _ => None,
    }
}

/// Reads entries out of sealed pieces that follow each other.
fn from_pieces(pieces: &[Piece], range: Range<u64>) -> Result<Vec<Entry>, ArchiveError> {
    let at = pieces.partition_point(|piece| piece.name().end() <= range.start);
    let missing = || {
        let why = "what is to be merged there is not in the archive".to_owned();
        PartError::Damaged { name: format!("the archive at {}", range.start), why }
    };
    let piece = pieces.get(at).ok_or_else(missing)?;
    let lost = |why: String| PartError::Damaged { name: piece.name().path(ObjectKind::Data), why };
    let read = piece.read(range.start..range.end.min(piece.name().end()))?;
    let entries = read.into_iter().map(|sealed| {
        let leaf = Leaf::decode(&sealed.leaf).map_err(|error| lost(error.to_string()))?;
        let body = sealed.body.ok_or_else(|| lost("its entries were dropped".to_owned()))?;
        Ok(Entry { position: sealed.position, leaf, salt: body.salt, payload: body.payload })
    });
    entries.collect()
}
