//! What is remembered of the log outside its folder, held against what the folder holds.
//!
//! Whoever can write the folder, but not the place where a checkpoint is remembered, can neither cut the log's end off
//! nor put another log there. A keeper who restored an older copy on purpose says so, and then it is an event. What was
//! cut off cannot be compared with the remembered root any more, so that order is never implied: it is given at each
//! opening. A log that is long enough and has another root is a fork, and no order opens that; save where the log
//! itself holds the event of this very rollback, because the process ended before the new checkpoint was remembered.

use std::ops::ControlFlow;

use event::kinds::log::RolledBack;
use event::{Detail, Record};

use crate::checkpoint::Checkpoint;
use crate::config::{LogConfig, Rollback};
use crate::error::OpenError;
use crate::hash::Hash;
use crate::note::VerifierKey;
use crate::recovery::{Found, has_root};
use crate::stored::Stored;
use crate::tree::tiles::Tiles;

/// Checks a log against the remembered checkpoint. Gives that checkpoint where its loss was accepted.
pub(crate) fn check(
    config: &LogConfig,
    key: &VerifierKey,
    found: &Found,
    tiles: &Tiles,
) -> Result<Option<Checkpoint>, OpenError> {
    let Some(note) = &config.remembered else { return Ok(None) };
    let remembered = Checkpoint::open(note, key)
        .map_err(|source| OpenError::Remembered { folder: config.folder.clone(), source })?;
    if found.size < remembered.size {
        return match config.rollback {
            Rollback::Accept => Ok(Some(remembered)),
            Rollback::Refuse => Err(OpenError::Older { size: found.size, remembered: remembered.size }),
        };
    }
    if has_root(found, tiles, remembered.size, remembered.root)? {
        return Ok(None);
    }
    match config.rollback {
        Rollback::Accept if tells_of(found, &remembered) => Ok(Some(remembered)),
        _ => Err(OpenError::Forked { size: remembered.size, folder: config.folder.clone() }),
    }
}

/// What the event of an accepted rollback says.
pub(crate) fn rolled_back(remembered: &Checkpoint, size: u64, root: Hash) -> RolledBack {
    RolledBack {
        size,
        root: root.to_string(),
        published: remembered.size,
        published_root: remembered.root.to_string(),
        lost: remembered.size.saturating_sub(size),
    }
}

/// Tells whether the entries below the remembered size hold the event of this rollback.
fn tells_of(found: &Found, remembered: &Checkpoint) -> bool {
    const MARK: &[u8] = b"\"log.rolled_back\"";
    let mut told = false;
    let segments = found.segments();
    let stored = Stored::new(&segments, found.sealed.as_deref());
    let read = stored.visit(0..remembered.size, |_, entry| {
        let payload = entry.body.map_or(&[][..], |(_, payload)| payload);
        told = payload.windows(MARK.len()).any(|window| window == MARK) && is_of(payload, remembered);
        if told { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    read.is_ok() && told
}

fn is_of(payload: &[u8], remembered: &Checkpoint) -> bool {
    let Ok(record) = Record::parse(payload) else { return false };
    let kind = Detail::LogRolledBack(rolled_back(remembered, 0, Hash::empty_root())).kind();
    let Ok(told) = serde_json::from_value::<RolledBack>(record.body.detail) else { return false };
    record.body.kind == kind
        && told.published == remembered.size
        && told.published_root == remembered.root.to_string()
}
