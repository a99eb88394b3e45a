//! Retention: whole segments whose newest entry is too old are dropped; their leaves stay, so every proof still holds.
//!
//! Order: all of a segment is read, then the event that says so is durable, then the leaves are stored, read back and compared,
//! then the segment leaves the catalog, and its objects go once nobody reads them. What cannot be read stays, being evidence,
//! and keeps nothing behind it from being dropped.

use std::io::{BufWriter, Write};
use std::sync::Arc;

use audit_log::AuditLog;
use event::kinds::log::Pruned;
use event::{Actor, Detail, Event};
use store::objects::Draft;

use crate::archive::{Archive, held};
use crate::chain::Link;
use crate::error::ArchiveError;
use crate::held::{Held, Piece, open_object};
use crate::leaves::{Leaves, LeavesWriter};
use crate::name::ObjectKind;
use crate::part::PartError;

impl Archive {
    /// Drops what retention says is too old now; returns how many segments that were.
    pub(crate) fn prune(&self, log: &AuditLog) -> Result<usize, ArchiveError> {
        let _working = held(&self.work);
        let due = self.due();
        for kept in &due {
            self.go_on()?;
            if let Err(error) = self.drop_segment(log, kept) {
                self.set_apart(&error, &[Piece::Kept(kept.clone())]);
                return Err(error);
            }
        }
        Ok(due.len())
    }

    /// The segments that are too old, oldest first.
    fn due(&self) -> Vec<Arc<Held>> {
        let Some(retention) = self.config.retention else { return Vec::new() };
        let oldest = self.ambient.now().minus(retention);
        let kept = self.catalog().pieces().into_iter().filter_map(|piece| match piece {
            Piece::Kept(kept) => Some(kept),
            Piece::Pruned(..) | Piece::Broken(_) => None,
        });
        // Log times never fall.
        let old = kept.take_while(|kept| kept.segment.last_time() < oldest);
        old.filter(|kept| !self.is_apart(kept.name)).collect()
    }

    fn drop_segment(&self, log: &AuditLog, kept: &Arc<Held>) -> Result<(), ArchiveError> {
        let name = kept.name;
        let path = name.path(ObjectKind::Leaves);
        let objects = self.storage.writing.as_ref();
        let leaves = self.draft_leaves(kept, &path)?;
        self.announce(log, kept)?;
        objects.keep(leaves, &path)?;
        let stored = Leaves::open(open_object(objects, name, ObjectKind::Leaves)?, name, &path)?;
        compare(&stored, kept)?;
        let piece = self.catalog().piece(name, Link::Pruned)?;
        if let Piece::Broken(broken) = &piece {
            return Err(broken.error().into());
        }
        self.catalog().replace(piece);
        held(&self.announced).remove(&name);
        tracing::info!(segment = %name, "dropped the entries of a segment; their leaves stay");
        self.retire(&Piece::Kept(kept.clone()));
        Ok(())
    }

    /// Writes a segment's leaves, reading all of it.
    fn draft_leaves(&self, kept: &Held, path: &str) -> Result<Draft, ArchiveError> {
        let name = kept.name;
        let unwritten =
            |source: std::io::Error| PartError::Write { name: path.to_owned(), source: source.into() };
        let mut writer = LeavesWriter::new(BufWriter::new(self.storage.writing.draft()?), name);
        let mut at = name.first();
        while at < name.end() {
            self.go_on()?;
            let entries = kept.segment.read(at..name.end())?;
            for entry in &entries {
                writer.push(&entry.leaf).map_err(unwritten)?;
            }
            at += missing_as_damage(entries.len(), &name.path(ObjectKind::Data), at)?;
        }
        let draft = writer.finish().map_err(unwritten)?;
        let mut draft = draft.into_inner().map_err(|error| unwritten(error.into_error()))?;
        draft.flush().map_err(unwritten)?;
        Ok(draft)
    }

    /// Says in the log, once, that a segment is dropped.
    fn announce(&self, log: &AuditLog, kept: &Held) -> Result<(), ArchiveError> {
        if held(&self.announced).contains(&kept.name) {
            return Ok(());
        }
        let days = self.config.retention.unwrap_or_default().as_secs() / (24 * 3600);
        let pruned = Pruned {
            from: kept.name.first(),
            to: kept.name.end(),
            segments: 1,
            bytes: kept.segment.data_bytes() + kept.index_bytes,
            reason: format!("retention of {days} days"),
        };
        log.append_blocking(&Event::new(&self.ambient, Actor::system("archive"), Detail::LogPruned(pruned)))?;
        held(&self.announced).insert(kept.name);
        Ok(())
    }
}

fn missing_as_damage(count: usize, path: &str, at: u64) -> Result<u64, PartError> {
    if count == 0 {
        let why = format!("the entry at {at} is missing");
        return Err(PartError::Damaged { name: path.to_owned(), why });
    }
    Ok(count as u64)
}

/// Compares leaves that were read back with those of the segment that is about to go.
fn compare(stored: &Leaves, kept: &Held) -> Result<(), ArchiveError> {
    let name = kept.name;
    let mut at = name.first();
    while at < name.end() {
        let read = stored.read(at..name.end())?;
        let behind = at + missing_as_damage(read.len(), &name.path(ObjectKind::Leaves), at)?;
        let mut rows = read.iter();
        while at < behind {
            let entries = kept.segment.read(at..behind)?;
            missing_as_damage(entries.len(), &name.path(ObjectKind::Data), at)?;
            for entry in &entries {
                if rows.next().is_none_or(|leaf| leaf.leaf != entry.leaf) {
                    let name = name.path(ObjectKind::Leaves);
                    let why = "its leaf differs".to_owned();
                    return Err(ArchiveError::Differs { name, position: entry.position, why });
                }
            }
            at += entries.len() as u64;
        }
    }
    Ok(())
}
