//! Entries wherever they are kept: the archive below the first segment, the write-ahead log from there on.
//!
//! Whoever reads by position reads here. The border moves up while they do: a segment that was released between two steps
//! is read from the archive, which held its entries before. Its invariant: positions come in order and without a gap.

use std::ops::{ControlFlow, Range};

use crate::Entry;
use crate::error::ReadError;
use crate::hash::SALT_BYTES;
use crate::leaf::{Leaf, LeafError};
use crate::log::{MAX_READ, MAX_READ_BYTES};
use crate::sealed::{self, Sealed, SealedEntry, SealedError};
use crate::wal::reader;
use crate::wal::record::RecordView;
use crate::wal::segments::Segments;

/// The entries of a log.
#[derive(Clone, Copy)]
pub(crate) struct Stored<'a> {
    segments: &'a Segments,
    sealed: Option<&'a dyn Sealed>,
}

/// An entry where it lies.
#[derive(Clone, Copy)]
pub(crate) struct StoredView<'a> {
    /// The leaf's bytes, not yet decoded.
    pub(crate) leaf: &'a [u8],
    /// Salt and payload; `None` when retention has dropped them.
    pub(crate) body: Option<(&'a [u8; SALT_BYTES], &'a [u8])>,
}

impl<'a> From<RecordView<'a>> for StoredView<'a> {
    fn from(record: RecordView<'a>) -> StoredView<'a> {
        StoredView { leaf: record.leaf, body: Some((record.salt, record.payload)) }
    }
}

impl<'a> From<&'a SealedEntry> for StoredView<'a> {
    fn from(entry: &'a SealedEntry) -> StoredView<'a> {
        let body = entry.body.as_ref().map(|body| (&body.salt, body.payload.as_slice()));
        StoredView { leaf: &entry.leaf, body }
    }
}

impl<'a> Stored<'a> {
    /// Joins the segments and the archive, which reaches up to the first of them at least.
    pub(crate) fn new(segments: &'a Segments, sealed: Option<&'a dyn Sealed>) -> Stored<'a> {
        Stored { segments, sealed }
    }

    /// Visits the entries of `range` in order until `visit` breaks; the range must lie below the durable end.
    pub(crate) fn visit(
        &self,
        range: Range<u64>,
        mut visit: impl FnMut(u64, StoredView<'_>) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let mut next = range.start;
        while next < range.end {
            let border = self.segments.begin();
            if next < border {
                for entry in self.sealed_at(next, range.end.min(border))? {
                    next = entry.position + 1;
                    if visit(entry.position, StoredView::from(&entry)).is_break() {
                        return Ok(());
                    }
                }
                continue;
            }
            let read = reader::visit(self.segments, next..range.end, |position, record| {
                next = position + 1;
                visit(position, StoredView::from(record))
            });
            match read {
                // Its segment was released a moment ago.
                Err(_) if next < self.segments.begin() => {}
                read => return read,
            }
        }
        Ok(())
    }

    fn sealed_at(&self, position: u64, end: u64) -> Result<Vec<SealedEntry>, ReadError> {
        let missing = || SealedError { position, why: "the log was opened without its archive".to_owned() };
        let sealed = self.sealed.ok_or_else(missing)?;
        Ok(sealed::read(sealed, position..end)?)
    }

    /// Reads the entries of a range within the limits of one read; stops before one that was pruned, save where that is the
    /// first.
    pub(crate) fn entries(&self, range: Range<u64>) -> Result<Vec<Entry>, ReadError> {
        let end = range.end.min(range.start.saturating_add(MAX_READ));
        let (mut entries, mut bytes, mut stopped) = (Vec::new(), 0, None);
        self.visit(range.start..end, |position, view| {
            let (Ok(leaf), Some((salt, payload))) = (Leaf::decode(view.leaf), view.body) else {
                stopped = Some((position, Leaf::decode(view.leaf).err()));
                return ControlFlow::Break(());
            };
            bytes += payload.len();
            entries.push(Entry { position, leaf, salt: *salt, payload: payload.to_vec() });
            if bytes >= MAX_READ_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        match stopped {
            Some((position, why)) if entries.is_empty() => Err(self.why_stopped(position, why)),
            _ => Ok(entries),
        }
    }

    fn why_stopped(&self, position: u64, leaf: Option<LeafError>) -> ReadError {
        match (leaf, self.sealed) {
            (None, Some(sealed)) => match sealed.first_kept(position) {
                Ok(to) => ReadError::Pruned { from: position, to: to.max(position + 1) },
                Err(error) => error.into(),
            },
            (leaf, _) => {
                let why = leaf.map_or_else(|| "its payload is missing".to_owned(), |leaf| leaf.to_string());
                ReadError::Leaf { position, why }
            }
        }
    }

    /// Lays out the leaves of a range as an entry bundle.
    pub(crate) fn bundle(&self, range: Range<u64>) -> Result<Vec<u8>, ReadError> {
        let mut bundle = Vec::new();
        self.visit(range, |_, view| {
            let length = u16::try_from(view.leaf.len()).expect("records and archives give at most 512 bytes");
            bundle.extend_from_slice(&length.to_be_bytes());
            bundle.extend_from_slice(view.leaf);
            ControlFlow::Continue(())
        })?;
        Ok(bundle)
    }
}
