//! What can be wrong with a log, said in one sentence each, and a list of it that stays short.

use std::collections::HashMap;
use std::fmt;
use std::mem::{Discriminant, discriminant};

/// Most damage that is kept; the first of every kind is always kept.
const MAX_KEPT: usize = 100;
/// Most damage of one kind that is kept.
const MAX_OF_KIND: usize = 20;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// First entry that it concerns.
    pub position: u64,
    /// How many entries from there on it concerns; at least 1.
    pub count: u64,
    /// File, relative to the log's folder; for an evidence bundle `line N`.
    pub file: String,
    /// What is wrong.
    pub kind: DamageKind,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// Payload or salt no longer belong to the leaf that the tree holds.
    ChangedPayload,
    /// The leaf is not the one that the tree holds.
    ChangedLeaf,
    /// The bytes of an entry cannot be read as one.
    MalformedEntry,
    /// Only a checksum is wrong; the entry itself is the one that was signed.
    Checksum,
    /// Entries are not there.
    Missing,
    /// Entries stand in another order.
    Reordered,
    /// An entry stands where there was none, or twice.
    Inserted,
    /// Entries that a checkpoint covers are not there at the end.
    CutOff,
    /// The header of a segment is wrong.
    SegmentHeader,
    /// Bytes between batches are no batch.
    ForeignBytes {
        /// Their number.
        bytes: u64,
    },
    /// Bytes after the last entry are neither an entry nor zeros.
    GarbageAfterEnd {
        /// Their number.
        bytes: u64,
    },
    /// A file cannot be read.
    Unreadable {
        /// What the system said.
        error: String,
    },
    /// A file that does not belong there.
    StrayFile,
    /// A tile or entry bundle that the checkpoint needs is not there, or is too short.
    TileMissing,
    /// A tile or entry bundle holds something else than the entries give.
    TileDiffers,
    /// The entries do not hash to a signed root, and nothing tells which of them is wrong.
    RootDiffers {
        /// Size of the signed tree.
        size: u64,
    },
    /// Log time goes backwards.
    TimeBackwards,
    /// The sequence of the log's own source does not rise.
    SequenceNotRising,
    /// There is no checkpoint.
    CheckpointMissing,
    /// The checkpoint is not one that the key signed.
    CheckpointSignature {
        /// What is wrong with it.
        reason: String,
    },
    /// The log is older than a checkpoint that was signed earlier.
    Rollback {
        /// Size that was signed.
        signed: u64,
    },
    /// Two roots were signed for logs that do not continue each other.
    Fork {
        /// Size of the remembered checkpoint.
        size: u64,
    },
    /// The header of an evidence bundle contradicts itself.
    BundleHeader {
        /// In what.
        reason: String,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damage { position, file, .. } = self;
        let last = position.saturating_add(self.count.saturating_sub(1));
        let entries = if last == *position {
            format!("entry {position}")
        } else {
            format!("entries {position} to {last}")
        };
        match &self.kind {
            DamageKind::ChangedPayload => {
                write!(
                    f,
                    "{entries}: payload or salt was changed, it is not what the leaf commits to ({file})"
                )
            }
            DamageKind::ChangedLeaf => {
                write!(f, "{entries}: the leaf was changed, it is not the one in the signed tree ({file})")
            }
            DamageKind::MalformedEntry => write!(f, "{entries}: cannot be read as entries ({file})"),
            DamageKind::Checksum => {
                write!(
                    f,
                    "{entries}: only the checksum is wrong, the content is what was committed to ({file})"
                )
            }
            DamageKind::Missing if *position == 0 => write!(
                f,
                "{entries}: missing ({file}); where they were sealed into an archive, verify the log together with it"
            ),
            DamageKind::Missing => write!(f, "{entries}: missing ({file})"),
            DamageKind::Reordered => write!(f, "{entries}: not in the order that was signed ({file})"),
            DamageKind::Inserted => {
                write!(f, "{entries}: inserted or repeated, the signed log has no such entry here ({file})")
            }
            DamageKind::CutOff => write!(f, "{entries}: cut off, a signed checkpoint covers them ({file})"),
            DamageKind::SegmentHeader => {
                write!(f, "entry {position}: the header of the segment that begins here is wrong ({file})")
            }
            DamageKind::ForeignBytes { bytes } => {
                write!(f, "entry {position}: {bytes} bytes that are no batch stand before it ({file})")
            }
            DamageKind::GarbageAfterEnd { bytes } => write!(
                f,
                "entry {position}: the {bytes} bytes where it would follow are neither an entry nor empty: an unfinished write or foreign bytes ({file})"
            ),
            DamageKind::Unreadable { error } if last == *position => {
                write!(
                    f,
                    "entry {position}: the file from which it would be read cannot be read: {error} ({file})"
                )
            }
            DamageKind::Unreadable { error } => {
                write!(f, "{entries}: what they would be read from cannot be read: {error} ({file})")
            }
            DamageKind::StrayFile => {
                write!(f, "entry {position}: a file that no entry of the log accounts for ({file})")
            }
            DamageKind::TileMissing => {
                write!(f, "{entries}: the tile or entry bundle over them is missing or too short ({file})")
            }
            DamageKind::TileDiffers => {
                write!(f, "{entries}: the tile or entry bundle does not agree with the entries ({file})")
            }
            DamageKind::RootDiffers { size } => write!(
                f,
                "{entries}: do not hash to the root that was signed for {size} entries; at least one of them was changed ({file})"
            ),
            DamageKind::TimeBackwards => {
                write!(f, "{entries}: its log time is before that of the entry in front of it ({file})")
            }
            DamageKind::SequenceNotRising => {
                write!(
                    f,
                    "{entries}: its sequence number does not follow that of the log's own source ({file})"
                )
            }
            DamageKind::CheckpointMissing => {
                write!(
                    f,
                    "entry {position}: no checkpoint covers it or any other, the file is missing ({file})"
                )
            }
            DamageKind::CheckpointSignature { reason } => {
                write!(f, "entry {position}: no valid checkpoint covers it or any other: {reason} ({file})")
            }
            DamageKind::Rollback { signed } => write!(
                f,
                "entry {position}: the log was rolled back to here, a checkpoint over {signed} entries was signed earlier ({file})"
            ),
            DamageKind::Fork { size } => write!(
                f,
                "{entries}: are not the ones that were signed earlier as the first {size}; the log was forked or rewritten ({file})"
            ),
            DamageKind::BundleHeader { reason } => {
                write!(
                    f,
                    "entry {position}: the bundle that begins here contradicts itself: {reason} ({file})"
                )
            }
        }
    }
}

/// Collects damage within bounds, and counts all of it.
#[derive(Debug, Default)]
pub(crate) struct DamageList {
    kept: Vec<Damage>,
    of_kind: HashMap<Discriminant<DamageKind>, usize>,
    total: u64,
}

impl DamageList {
    /// Adds damage; neighbours of one kind in one file become one.
    pub fn add(&mut self, position: u64, count: u64, file: &str, kind: DamageKind) {
        let next = self.kept.last_mut().filter(|last| {
            last.file == file && last.kind == kind && last.position.checked_add(last.count) == Some(position)
        });
        if let Some(last) = next {
            last.count = last.count.saturating_add(count.max(1));
            return;
        }
        self.total += 1;
        let of_kind = self.of_kind.entry(discriminant(&kind)).or_default();
        *of_kind += 1;
        if *of_kind == 1 || (*of_kind <= MAX_OF_KIND && self.kept.len() < MAX_KEPT) {
            self.kept.push(Damage { position, count: count.max(1), file: file.to_owned(), kind });
        }
    }

    /// Drops damage that turned out to be the consequence of other damage.
    pub fn remove(&mut self, consequence: impl Fn(&Damage) -> bool) {
        let before = self.kept.len();
        self.kept.retain(|damage| !consequence(damage));
        self.total -= (before - self.kept.len()) as u64;
    }

    /// Goes through the damage that was added and kept.
    pub fn iter(&self) -> impl Iterator<Item = &Damage> {
        self.kept.iter()
    }

    /// Tells whether damage like this was added and kept.
    pub fn any(&self, like: impl Fn(&Damage) -> bool) -> bool {
        self.kept.iter().any(like)
    }

    /// Returns the damage in order of position, and how much there was in all.
    pub fn finish(mut self) -> (Vec<Damage>, u64) {
        self.kept.sort_by_key(|damage| damage.position);
        (self.kept, self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_stays_short_and_keeps_the_first_of_every_kind() {
        let mut list = DamageList::default();
        for position in 0..10_000 {
            list.add(position * 2, 1, "a", DamageKind::ChangedPayload);
            list.add(position * 2, 1, "a", DamageKind::TileDiffers);
        }
        list.add(7, 1, "a", DamageKind::Missing);
        list.add(8, 2, "a", DamageKind::Missing);
        let (kept, total) = list.finish();
        assert_eq!((kept.len(), total), (2 * MAX_OF_KIND + 1, 20_001));
        assert!(kept.iter().any(|damage| damage.kind == DamageKind::Missing && damage.count == 3));
        assert!(kept.is_sorted_by_key(|damage| damage.position));
    }
}
