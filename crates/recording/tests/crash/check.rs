//! What must hold of a folder of recordings after a crash.

use std::fs;
use std::path::Path;

use event::SessionId;
use recording::{Frame, Recordings};

use crate::promises::{Promises, Session};
use crate::victim;

/// Milliseconds that a crash may cost; half a second more than promised, as the machine may be busy with other tests.
const LOSS_MS: u64 = 1500;

/// What a check has seen.
#[derive(Default)]
pub struct Checked {
    /// Durable frames that were found as they were written.
    pub frames: u64,
    /// The most that a session lost at its end.
    pub lost_ms: u64,
}

/// Recovers the folder and compares it with the promises.
pub fn recovered(folder: &Path, promises: &Promises) -> Checked {
    let recordings = Recordings::open(folder, victim::ambient().0).unwrap();
    recordings.recover().unwrap();
    assert_eq!(recordings.recover().unwrap(), [], "what is recovered stays so");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        assert!(["rec", "torn", "keys", "words"].contains(&extension), "{} is left over", path.display());
    }
    let mut checked = Checked::default();
    for (id, session) in &promises.sessions {
        let lost = one(&recordings, *id, session);
        checked.lost_ms = checked.lost_ms.max(lost);
        checked.frames += session.durable;
    }
    checked
}

/// Checks one recording; returns how many milliseconds of it are lost.
fn one(recordings: &Recordings, id: SessionId, session: &Session) -> u64 {
    let seal = recordings.read(id).unwrap().verify().unwrap_or_else(|damage| panic!("{id}: {damage:?}"));
    assert_eq!(recordings.sealed(id).unwrap().as_ref(), Some(&seal));
    assert!(seal.frames >= session.durable, "{id}: {} frames, {} were durable", seal.frames, session.durable);
    if let Some((root, frames)) = &session.sealed {
        assert_eq!(
            (victim::hex(&seal.root), seal.frames, seal.truncated),
            (root.clone(), *frames, false),
            "{id}"
        );
    }
    let mut number = 0u64;
    for timed in recordings.read(id).unwrap() {
        let Frame::Output { bytes, .. } = timed.unwrap().frame else { panic!("only output was written") };
        assert!(bytes.starts_with(format!("{number} ").as_bytes()), "{id}: frame {number} is another");
        number += 1;
    }
    assert_eq!(number, seal.frames, "{id}");
    let lost_ms = session.taken_ms.get(seal.frames as usize).map_or(0, |taken| session.alive_ms - taken);
    assert!(lost_ms <= LOSS_MS, "{id}: the last {lost_ms} ms are lost");
    lost_ms
}
