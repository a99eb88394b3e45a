//! After a crash: closes in the log what the crash left open.
//!
//! Recordings say for themselves what was saved. Sessions are found by reading the log backwards from its
//! end, as far as the longest possible session reaches; each open one gets its `session.abandoned`.

use std::collections::HashMap;
use std::collections::HashSet;
use std::time::Duration;

use audit_log::{AppendError, Entry, ReadError};
use base16ct::lower::encode_string;
use event::ingested::is_file_source;
use event::kinds::{recording as recording_kinds, session as kinds};
use event::{Actor, Detail, Event, Record, SessionId};
use recording::{RecordingError, Recovered};

use crate::Gateway;

/// No session outlives its certificate, which lives for at most half of this.
const LONGEST_SESSION: Duration = Duration::from_secs(24 * 3600);
/// Entries read at a time.
const STRIDE: u64 = 1024;

/// Why what a crash left open could not be closed.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The recordings could not be recovered.
    #[error("cannot recover the recordings that a crash left open: {0}")]
    Recordings(#[from] RecordingError),
    /// The log could not be read.
    #[error("cannot look for sessions that a crash left open: {0}")]
    Read(#[from] ReadError),
    /// The log could not be written.
    #[error("cannot write the end of a session that a crash left open: {0}")]
    Append(#[from] AppendError),
}

impl Gateway {
    /// Closes what a crash left open; to be called once, before any session is started. Returns how many
    /// sessions were found abandoned.
    pub async fn recover(&self) -> Result<usize, RecoverError> {
        let recordings = self.shared.recordings.clone();
        let recovered = tokio::task::spawn_blocking(move || recordings.recover())
            .await
            .expect("recovery does not panic and is not cancelled")?;
        for found in &recovered {
            self.event(&self.truncated(found)).await?;
        }
        let open = self.open_sessions()?;
        for start in open.values() {
            let Some(session) = start.session else { continue };
            self.event(&self.abandoned(start, session, self.shared.recordings.exists(session))).await?;
        }
        Ok(open.len())
    }

    fn truncated(&self, found: &Recovered) -> Event {
        let detail = Detail::RecordingTruncated(recording_kinds::Truncated {
            root: found.seal.as_ref().map(|seal| encode_string(&seal.root)),
            chunks: found.seal.as_ref().map_or(0, |seal| seal.chunks),
            discarded_bytes: found.discarded_bytes,
        });
        Event::new(self.ambient(), Actor::system("gateway"), detail)
            .failed("the gate stopped while the session was being recorded")
            .in_session(found.session)
    }

    fn abandoned(&self, start: &Record, session: SessionId, recording_saved: bool) -> Event {
        let detail = Detail::SessionAbandoned(kinds::Abandoned { started_at: start.time, recording_saved });
        Event::new(self.ambient(), start.actor.clone(), detail)
            .failed("the gate stopped while the session was open")
            .from_origin(start.origin.clone())
            .at_target(start.target.clone())
            .in_session(session)
    }

    /// Finds the sessions that began and never ended, by their `session.start`.
    fn open_sessions(&self) -> Result<HashMap<SessionId, Record>, ReadError> {
        let log = &self.shared.log;
        let (mut open, mut closed) = (HashMap::new(), HashSet::new());
        let mut end = log.size();
        let mut horizon = None;
        while end > 0 {
            let start = end.saturating_sub(STRIDE);
            let entries = log.read(start..end)?;
            for entry in entries.iter().rev() {
                // The very last entry is this opening of the log; the run before it is what counts.
                if entry.position + 1 < log.size() {
                    horizon.get_or_insert(entry.leaf.time.minus(LONGEST_SESSION));
                }
                note(entry, &mut open, &mut closed);
            }
            if entries.first().zip(horizon).is_some_and(|(first, horizon)| first.leaf.time < horizon) {
                break;
            }
            end = start;
        }
        Ok(open)
    }
}

/// Reads one entry, going backwards: an end is met before its start.
fn note(entry: &Entry, open: &mut HashMap<SessionId, Record>, closed: &mut HashSet<SessionId>) {
    const MARK: &[u8] = b"\"session.";
    // What another system reported is not what happened here, whatever it calls itself.
    if is_file_source(&entry.leaf.source) {
        return;
    }
    if !entry.payload.windows(MARK.len()).any(|window| window == MARK) {
        return;
    }
    // What cannot be read as an event is for `verify` to report.
    let Ok(record) = Record::parse(&entry.payload) else { return };
    let Some(session) = record.session else { return };
    match record.kind() {
        "session.end" | "session.abandoned" => {
            closed.insert(session);
        }
        "session.start" if !closed.contains(&session) => {
            open.insert(session, record);
        }
        _ => {}
    }
}
