//! How the archive stands, in figures: for metrics and `lodge archive status`.

use std::collections::BTreeSet;

use audit_log::{Sealed, chain_of_causes};
use event::Timestamp;

use crate::archive::{Apart, Archive, Failure, held};
use crate::catalog::Catalog;
use crate::held::Piece;
use crate::name::{ObjectKind, SegmentName};

/// How the archive stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Entries that are sealed, or sealed and dropped.
    pub sealed: u64,
    /// Entries that can be searched, or were dropped; the rest of the log has not been taken in yet.
    pub taken: u64,
    /// Segments whose entries are kept.
    pub segments: u64,
    /// Entries in them.
    pub entries: u64,
    /// Bytes of their data.
    pub data_bytes: u64,
    /// Bytes of their indexes.
    pub index_bytes: u64,
    /// Segments of which only the leaves are kept.
    pub pruned_segments: u64,
    /// Entries in those.
    pub pruned_entries: u64,
    /// Bytes of those leaves.
    pub leaves_bytes: u64,
    /// Segments whose index is missing or damaged.
    pub without_index: u64,
    /// Segments that cannot be read, and why.
    pub damaged: Vec<String>,
    /// Log time of the newest sealed entry.
    pub newest: Option<Timestamp>,
    /// What went wrong last, as long as it has not gone right since.
    pub failure: Option<Failure>,
}

impl Archive {
    /// Says how the archive stands.
    pub fn status(&self) -> Status {
        let mut status = Status { failure: self.failure(), ..self.catalog().status() };
        let apart = held(&self.apart);
        let told = |(segment, apart): (&SegmentName, &Apart)| {
            let damage = apart.damage.as_ref()?;
            Some(format!(
                "{}: it was found damaged when all of it was read: {damage}",
                segment.path(ObjectKind::Data)
            ))
        };
        status.damaged.extend(apart.iter().filter_map(told));
        status
    }
}

impl Archive {
    /// Says how the archive stands, and looks whether its objects are still where they should be: what is open is read on
    /// though it was removed, and is missed only at the next start.
    pub fn look_over(&self) -> Status {
        let before: BTreeSet<SegmentName> = self.catalog().pieces().iter().map(Piece::name).collect();
        let listed = self.storage.writing.list("");
        let mut status = self.status();
        let listed: BTreeSet<String> = match listed {
            Ok(listed) => listed.into_iter().collect(),
            Err(error) => {
                let why = format!("cannot list the archive's objects: {}", chain_of_causes(&error));
                status.failure.get_or_insert(Failure { why, since: self.ambient.now() });
                return status;
            }
        };
        // What was sealed, merged or dropped meanwhile is not missed.
        for piece in self.catalog().pieces().iter().filter(|piece| before.contains(&piece.name())) {
            let is_gone = |kind| !listed.contains(&piece.name().path(kind));
            let kind = match piece {
                Piece::Kept(kept) => {
                    let lost = kept.segment.index_is_sound() && is_gone(ObjectKind::Index);
                    status.without_index += u64::from(lost);
                    ObjectKind::Data
                }
                Piece::Pruned(..) => ObjectKind::Leaves,
                Piece::Broken(_) => continue,
            };
            if is_gone(kind) {
                let object = piece.name().path(kind);
                status.damaged.push(format!(
                    "{object}: it was removed, and is read on only until Lodge is started anew; restore it from a copy"
                ));
            }
        }
        status
    }
}

impl Catalog {
    /// Says how the archive stands, as far as its objects tell.
    pub fn status(&self) -> Status {
        let mut status =
            Status { sealed: self.end(), taken: self.taken(), newest: self.last_time(), ..Status::default() };
        for piece in self.pieces() {
            status.add(&piece);
        }
        status
    }
}

impl Status {
    fn add(&mut self, piece: &Piece) {
        let rows = piece.name().rows();
        match piece {
            Piece::Kept(kept) => {
                self.segments += 1;
                self.entries += rows;
                self.data_bytes += kept.segment.data_bytes();
                self.index_bytes += kept.index_bytes;
                self.without_index += u64::from(!kept.segment.index_is_sound());
            }
            Piece::Pruned(_, leaves) => {
                self.pruned_segments += 1;
                self.pruned_entries += rows;
                self.leaves_bytes += leaves.bytes();
            }
            Piece::Broken(broken) => self.damaged.push(broken.error().to_string()),
        }
    }
}
