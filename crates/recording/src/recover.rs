//! Recovery: what a crash left open is cut back to its last whole chunk and sealed as truncated.
//!
//! Nothing that is whole is discarded, and nothing that is sealed is touched.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use event::SessionId;

use crate::chunk::Hash;
use crate::error::{Flaw, RecordingError};
use crate::folder::{self, Shared};
use crate::frame::Header;
use crate::seal::{Seal, Totals};
use crate::verify::{self, Walk};
use crate::writer::{self, Writer};
use crate::{keyframes, words};

/// A recording that a crash cut short, or that it left sealed but without its final name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The recorded session.
    pub session: SessionId,
    /// What the recording says about itself; absent where the crash came before that was durable.
    pub header: Option<Header>,
    /// What was saved; its `truncated` is false where the crash came between the seal and the renaming.
    pub seal: Option<Seal>,
    /// Bytes at the end that hold no whole chunk.
    pub discarded_bytes: u64,
}

pub(crate) fn recover(shared: &Shared) -> Result<Vec<Recovered>, RecordingError> {
    for extension in [keyframes::MAKING, words::MAKING] {
        for session in folder::sessions_with(shared.folder(), extension)? {
            let unfinished = shared.folder().join(format!("{session}.{extension}"));
            fs::remove_file(&unfinished).map_err(RecordingError::io("remove", &unfinished))?;
        }
    }
    let mut recovered = Vec::new();
    for session in folder::sessions_with(shared.folder(), "part")? {
        if !shared.is_live(session) {
            recovered.push(recover_one(shared, session)?);
        }
    }
    Ok(recovered)
}

fn recover_one(shared: &Shared, session: SessionId) -> Result<Recovered, RecordingError> {
    let (part, sealed) = (shared.part(session), shared.sealed(session));
    let length = fs::metadata(&part).map_err(RecordingError::io("read", &part))?.len();
    let mut walk = Walk::open(&part)?;
    let found = verify::walk_all(&mut walk, session);
    if let Err(damage) = &found
        && let Flaw::Unreadable(kind) = damage.flaw
    {
        // A disk that does not answer is no reason to cut anything off.
        return Err(RecordingError::io("read", &part)(kind.into()));
    }
    if found.is_err_and(|damage| damage.flaw != Flaw::CutOff) {
        keep_tail(shared, session, &part, walk.good_until())?;
    }
    let discarded_bytes = length.saturating_sub(walk.good_until());
    let Some(header) = walk.header().cloned() else {
        set_aside(shared, session, &part)?;
        return Ok(Recovered { session, header: None, seal: None, discarded_bytes: length });
    };
    let seal = match walk.sealed() {
        Some(seal) => finish_sealed(&part, &sealed, walk.good_until(), seal)?,
        None => cut_and_seal(&part, &sealed, walk.good_until(), walk.last_hash(), walk.totals())?,
    };
    Ok(Recovered { session, header: Some(header), seal: Some(seal), discarded_bytes })
}

fn finish_sealed(part: &Path, sealed: &Path, good_until: u64, seal: Seal) -> Result<Seal, RecordingError> {
    let file = OpenOptions::new().write(true).open(part).map_err(RecordingError::io("open", part))?;
    file.set_len(good_until).and_then(|()| file.sync_all()).map_err(RecordingError::io("sync", part))?;
    writer::publish(part, sealed)?;
    Ok(seal)
}

fn cut_and_seal(
    part: &Path,
    sealed: &Path,
    good_until: u64,
    last: Hash,
    totals: Totals,
) -> Result<Seal, RecordingError> {
    let file = OpenOptions::new().append(true).open(part).map_err(RecordingError::io("open", part))?;
    file.set_len(good_until).map_err(RecordingError::io("cut", part))?;
    Writer::resume(file, part.to_owned(), sealed.to_owned(), last, totals).seal(true)
}

/// Copies what follows the last good chunk aside, where it is damaged rather than unfinished: it may be evidence.
fn keep_tail(shared: &Shared, session: SessionId, part: &Path, from: u64) -> Result<(), RecordingError> {
    let aside = shared.torn(session);
    let copy = || {
        let mut tail = File::open(part)?;
        tail.seek(SeekFrom::Start(from))?;
        let mut kept = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
        io::copy(&mut tail, &mut kept)?;
        kept.sync_all()
    };
    copy().map_err(RecordingError::io("set aside", &aside))
}

/// Keeps a file that holds not even a header, out of the way.
fn set_aside(shared: &Shared, session: SessionId, part: &Path) -> Result<(), RecordingError> {
    let aside = shared.torn(session);
    fs::rename(part, &aside).map_err(RecordingError::io("rename", part))?;
    writer::sync_parent(&aside)
}
