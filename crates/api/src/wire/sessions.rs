//! Sessions and recordings.

use event::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Coverage;

/// A session, live or past.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Session id.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// Where it goes.
    pub target: String,
    /// Account there.
    pub login: String,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub started: Timestamp,
    /// When it ended; absent while it is live.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended: Option<Timestamp>,
    /// What ended it.
    pub ended_by: Option<String>,
    /// Bytes from client to target.
    pub bytes_in: u64,
    /// Bytes from target to client.
    pub bytes_out: u64,
    /// Root hash of the recording.
    pub recording_root: Option<String>,
    /// Where the client was.
    pub origin: Option<String>,
}

/// A page of sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sessions {
    /// The sessions, newest first.
    pub sessions: Vec<Session>,
    /// Where to go on; absent at the end.
    pub next: Option<String>,
    /// What was searched.
    pub coverage: Coverage,
}

/// What is known of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recording {
    /// Session id.
    pub session: String,
    /// Root hash as the recording itself gives it.
    pub root: Option<String>,
    /// Root hash as the audit log gives it.
    pub logged_root: Option<String>,
    /// Whether every chunk was rechecked and both roots are the same.
    pub verified: bool,
    /// What is wrong, when it is not.
    pub damage: Option<String>,
    /// From first to last frame, in milliseconds.
    pub duration_ms: u64,
    /// Bytes before compression.
    pub bytes: u64,
}

/// A line that a recording shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScreenLine {
    /// Session id.
    pub session: String,
    /// Whose session it is.
    pub user: String,
    /// Where it goes.
    pub target: String,
    /// Account there.
    pub login: String,
    /// When the session began.
    #[schema(value_type = String, format = DateTime)]
    pub started: Timestamp,
    /// When the line appeared, in milliseconds from then on.
    pub at_ms: u64,
    /// Number of the channel within the session.
    pub channel: u32,
    /// What it says.
    pub text: String,
}

/// Lines that recordings show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScreenLines {
    /// The lines, the newest session first, by time within a session; at most 100 of one session.
    pub lines: Vec<ScreenLine>,
    /// How many sessions were looked into.
    pub sessions_searched: u64,
    /// Sessions whose recordings could not be searched because they are damaged; checking one says what is wrong.
    pub damaged: Vec<String>,
    /// Sessions of which only the first 100 lines are shown, though there are more.
    pub more_in: Vec<String>,
    /// Where to go on; absent at the end.
    pub next: Option<String>,
    /// Where sessions were looked for.
    pub coverage: Coverage,
}

/// A folder on a target.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RemoteFolder {
    /// Its absolute path.
    pub path: String,
    /// What is in it, in the target's order; 10,000 entries at most.
    pub entries: Vec<RemoteEntry>,
    /// Whether that is all.
    pub is_whole: bool,
}

/// One entry of a folder on a target.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RemoteEntry {
    /// Its name; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// `file`, `folder`, `link` or `other`.
    pub kind: String,
    /// Its size, as the target says.
    pub bytes: u64,
    /// When it was last written, as the target says.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub modified: Option<Timestamp>,
}
