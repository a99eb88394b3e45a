//! Retention: whole segments whose newest entry is too old are dropped; their leaves stay, so every proof still holds.
//!
//! Order: the event that says so is durable, then the leaves are stored, read back and compared, then the segment leaves the
//! catalog, and its objects go once nobody reads them.

use std::io::{BufWriter, Write};
use std::sync::Arc;

use audit_log::AuditLog;
use event::kinds::log::Pruned;
use event::{Actor, Detail, Event};

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
        let (Some(first), Some(last)) = (due.first(), due.last()) else { return Ok(0) };
        let days = self.config.retention.unwrap_or_default().as_secs() / (24 * 3600);
        let bytes = |kept: &Arc<Held>| kept.segment.data_bytes() + kept.index_bytes;
        let pruned = Pruned {
            from: first.name.first(),
            to: last.name.end(),
            segments: due.len() as u64,
            bytes: due.iter().map(bytes).sum(),
            reason: format!("retention of {days} days"),
        };
        let event = Event::new(&self.ambient, Actor::system("archive"), Detail::LogPruned(pruned));
        log.append_blocking(&event)?;
        for kept in &due {
            self.go_on()?;
            if let Err(error) = self.drop_segment(kept) {
                self.set_apart(&error, &[Piece::Kept(kept.clone())]);
                return Err(error);
            }
        }
        Ok(due.len())
    }

    /// The oldest segments that are kept, as far as they are too old.
    fn due(&self) -> Vec<Arc<Held>> {
        let Some(retention) = self.config.retention else { return Vec::new() };
        let oldest = self.ambient.now().minus(retention);
        let apart = held(&self.unreadable);
        let mut due = Vec::new();
        for piece in self.catalog().pieces() {
            match piece {
                Piece::Pruned(..) => {}
                Piece::Kept(kept) if kept.segment.last_time() < oldest && !apart.contains(&kept.name) => {
                    due.push(kept);
                }
                // Log times never fall, and what is damaged is evidence.
                Piece::Kept(_) | Piece::Broken(_) => break,
            }
        }
        due
    }

    fn drop_segment(&self, kept: &Arc<Held>) -> Result<(), ArchiveError> {
        let name = kept.name;
        let path = name.path(ObjectKind::Leaves);
        let objects = self.storage.writing.as_ref();
        let unwritten =
            |source: std::io::Error| PartError::Write { name: path.clone(), source: source.into() };
        let mut writer = LeavesWriter::new(BufWriter::new(objects.draft()?), name);
        let mut at = name.first();
        while at < name.end() {
            let entries = kept.segment.read(at..name.end())?;
            for entry in &entries {
                writer.push(&entry.leaf).map_err(unwritten)?;
            }
            at += missing_as_damage(entries.len(), &path, at)?;
        }
        let draft = writer.finish().map_err(unwritten)?;
        let mut draft = draft.into_inner().map_err(|error| unwritten(error.into_error()))?;
        draft.flush().map_err(unwritten)?;
        objects.keep(draft, &path)?;
        let stored = Leaves::open(open_object(objects, name, ObjectKind::Leaves)?, name, &path)?;
        compare(&stored, kept)?;
        let piece = self.catalog().piece(name, Link::Pruned)?;
        if let Piece::Broken(broken) = &piece {
            return Err(broken.error().into());
        }
        self.catalog().replace(piece);
        tracing::info!(segment = %name, "dropped the entries of a segment; their leaves stay");
        self.retire(&Piece::Kept(kept.clone()));
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
