//! The part of the pass that reads the archive: what was released, and copies of what was not yet.

use event::envelope::MAX_EVENT_BYTES;

use super::super::archive::{ARCHIVE, ArchiveReader, Gap};
use super::super::leaf::{LeafView, MAX_LEAF_BYTES};
use super::super::tree::leaf_hash;
use super::{PROGRESS_EVERY, Pass, Suspicion};
use crate::verify::{DamageKind, Progress};
use crate::{Sealed, SealedEntry};

/// The archive's copies of entries that the write-ahead log holds as well.
pub(super) struct Copies<'a> {
    archive: ArchiveReader<'a>,
    /// Position behind the last copy.
    end: u64,
    /// Before this everything was said.
    from: u64,
}

impl<'a> Pass<'a> {
    /// Reads the archive's entries up to `end`.
    pub fn sealed(&mut self, sealed: &dyn Sealed, end: u64, progress: &mut dyn FnMut(Progress)) {
        let mut archive = ArchiveReader::new(sealed);
        while self.next < end {
            match archive.entry(self.next..end) {
                Ok(entry) => self.sealed_entry(&entry, progress),
                Err(Gap { count, error }) => {
                    self.lose(self.next + count, ARCHIVE, DamageKind::Unreadable { error });
                }
            }
        }
    }

    /// Says that the archive holds copies of entries up to `end`, which must be those of the segments.
    pub fn expect_copies(&mut self, sealed: &'a dyn Sealed, end: u64) {
        self.copies = Some(Copies { archive: ArchiveReader::new(sealed), end, from: self.next });
    }

    fn sealed_entry(&mut self, entry: &SealedEntry, progress: &mut dyn FnMut(Progress)) {
        let position = self.next;
        self.next += 1;
        match (is_within_limits(entry), &entry.body) {
            (false, _) => {
                self.damage.add(position, 1, ARCHIVE, DamageKind::MalformedEntry);
                self.comparison.absent(&mut self.damage);
            }
            (true, Some(body)) => {
                self.entry(position, &entry.leaf, Some((&body.salt, &body.payload)), true, ARCHIVE);
            }
            (true, None) => {
                self.pruned += 1;
                self.entry(position, &entry.leaf, None, true, ARCHIVE);
            }
        }
        if (self.entries + self.pruned).is_multiple_of(PROGRESS_EVERY) {
            progress(Progress { entries: self.entries + self.pruned, expected: self.signed });
        }
    }

    /// Compares the archive's copy of an entry, where it has one, with what the segment holds.
    pub(super) fn check_copy(&mut self, position: u64, leaf: &[u8]) {
        let Some(copies) =
            self.copies.as_mut().filter(|copies| (copies.from..copies.end).contains(&position))
        else {
            return;
        };
        let copy = match copies.archive.entry(position..copies.end) {
            Ok(copy) => copy,
            Err(Gap { count, error }) => {
                copies.from = position + count;
                return self.damage.add(position, count, ARCHIVE, DamageKind::Unreadable { error });
            }
        };
        let view = LeafView::parse(&copy.leaf).filter(|_| is_within_limits(&copy));
        let Some(view) = view else {
            return self.damage.add(position, 1, ARCHIVE, DamageKind::MalformedEntry);
        };
        if copy.leaf != leaf {
            self.suspect(position, ARCHIVE, Suspicion::Copy(leaf_hash(&copy.leaf)));
        } else if copy.body.as_ref().is_some_and(|body| !view.commits_to(&body.salt, &body.payload)) {
            self.damage.add(position, 1, ARCHIVE, DamageKind::ChangedPayload);
        }
    }
}

fn is_within_limits(entry: &SealedEntry) -> bool {
    let payload = entry.body.as_ref().map_or(0, |body| body.payload.len());
    entry.leaf.len() <= MAX_LEAF_BYTES && payload <= MAX_EVENT_BYTES
}
