//! Sessions, running and past, put together from the events that begin and end them.
//!
//! The log is read backwards, so that a session's end is known before its beginning is met. An ending that the reader
//! may not see is not told, and its session then looks as if it still ran.

use std::collections::HashMap;
use std::ops::ControlFlow;

use event::{RecordView, SessionId, Timestamp};
use serde::Serialize;

use crate::scan::{self, Stop, Walked};
use crate::search::Sieve;
use crate::source::Source;
use crate::{Coverage, Cursor, Order, QueryError, Question, bounds};

/// One session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionSummary {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user: String,
    /// `ssh`, …
    pub protocol: String,
    /// Name of the target.
    pub target: String,
    /// Account on the target.
    pub login: String,
    /// When it began.
    pub started: Timestamp,
    /// Position of its `session.start` event.
    pub position: u64,
    /// Whether it is recorded: `required`, `best_effort` or `off`.
    pub recording: String,
    /// Root hash of the recording, in hexadecimal, once it is known.
    pub recording_root: Option<String>,
    /// Its end; absent while it runs.
    pub end: Option<SessionEnd>,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionEnd {
    /// When.
    pub ended: Timestamp,
    /// What ended it, as `session.end` says it; `abandoned` when a crash left it open.
    pub ended_by: String,
    /// Position of the event that says so.
    pub position: u64,
    /// Bytes from the client to the target; unknown when it was abandoned.
    pub bytes_in: Option<u64>,
    /// Bytes from the target to the client; unknown when it was abandoned.
    pub bytes_out: Option<u64>,
    /// How long it lasted, in milliseconds; unknown when it was abandoned.
    pub duration_ms: Option<u64>,
}

/// A page of sessions.
#[derive(Clone, Debug, Serialize)]
pub struct SessionPage {
    /// The sessions, the last to begin first.
    pub sessions: Vec<SessionSummary>,
    /// Where to go on; absent when the whole range was searched.
    pub next: Option<Cursor>,
    /// What was searched. Endings are looked for up to the end of the log, whatever the range.
    pub coverage: Coverage,
}

/// What is known of a session before its beginning is met.
#[derive(Default)]
struct Ending {
    end: Option<SessionEnd>,
    recording_root: Option<String>,
}

pub(crate) fn sessions(
    source: &dyn Source,
    question: &Question,
    stop: &Stop,
) -> Result<SessionPage, QueryError> {
    let size = source.size();
    let asked = bounds::positions(source, size, question.since, question.until)?;
    let range = question.narrow(asked, Order::NewestFirst)?;
    let mut sieve = Sieve::new(question);
    let mut endings: HashMap<SessionId, Ending> = HashMap::new();
    let mut sessions = Vec::new();
    // Nothing left to list needs no endings either.
    let end = if range.is_empty() { range.end } else { size };
    let walked = scan::walk(source, range.start..end, Order::NewestFirst, stop, |logged| {
        let Some(view) = sieve.admit(&logged.payload) else { return ControlFlow::Continue(()) };
        let Some(id) = view.text("session").and_then(|id| id.parse().ok()) else {
            return ControlFlow::Continue(());
        };
        if view.text("kind") != Some("session.start") {
            note_ending(&mut endings, id, &view, logged.position, logged.time);
            return ControlFlow::Continue(());
        }
        let ending = endings.remove(&id).unwrap_or_default();
        if range.contains(&logged.position) && question.filter.matches(&view) {
            sessions.push(summary(id, &view, logged.position, logged.time, ending));
        }
        if sessions.len() >= question.rows() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let Walked { visited, left, stopped } = walked;
    // Entries after the range were read for endings only; the page goes on, and covers, within the range.
    let left = left.start..left.end.min(range.end);
    let visited = visited.start.min(range.end)..range.end;
    let coverage = sieve.coverage(&visited, size, stopped);
    Ok(SessionPage { sessions, next: Cursor::to(&left, Order::NewestFirst), coverage })
}

/// Keeps what an event tells of its session's end; the first that is met, which is the last that was logged, counts.
fn note_ending(
    endings: &mut HashMap<SessionId, Ending>,
    id: SessionId,
    view: &RecordView<'_>,
    position: u64,
    logged: Timestamp,
) {
    let (ended_by, root) = match view.text("kind") {
        Some("session.end") => (view.text("detail.ended_by"), view.text("detail.recording_root")),
        Some("session.abandoned") => (Some("abandoned"), None),
        Some("recording.sealed" | "recording.truncated") => (None, view.text("detail.root")),
        _ => return,
    };
    let ending = endings.entry(id).or_default();
    if ending.recording_root.is_none() {
        ending.recording_root = root.map(str::to_owned);
    }
    if let (None, Some(ended_by)) = (&ending.end, ended_by) {
        ending.end = Some(SessionEnd {
            ended: time(view, logged),
            ended_by: ended_by.to_owned(),
            position,
            bytes_in: view.number("detail.bytes_in"),
            bytes_out: view.number("detail.bytes_out"),
            duration_ms: view.number("detail.duration_ms"),
        });
    }
}

fn summary(
    id: SessionId,
    view: &RecordView<'_>,
    position: u64,
    logged: Timestamp,
    ending: Ending,
) -> SessionSummary {
    let text = |path| view.text(path).unwrap_or_default().to_owned();
    SessionSummary {
        id,
        user: text("actor.user"),
        protocol: text("detail.protocol"),
        target: text("target.name"),
        login: text("detail.login"),
        started: time(view, logged),
        position,
        recording: text("detail.recording"),
        recording_root: ending.recording_root,
        end: ending.end,
    }
}

/// Reads when an event happened; when the log took it, where the event does not say.
fn time(view: &RecordView<'_>, logged: Timestamp) -> Timestamp {
    view.text("time").and_then(|time| time.parse().ok()).unwrap_or(logged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scope;
    use crate::testing::{Entries, filter};

    fn id(number: u8) -> SessionId {
        SessionId::new(Timestamp::from_micros(1_773_500_000_000_000), [number; 10])
    }

    fn start(number: u8, user: &str) -> String {
        format!(
            r#"{{"kind":"session.start","time":"2026-03-14T15:00:0{number}Z","session":"{}","actor":{{"user":"{user}"}},
                "target":{{"name":"db-1"}},"detail":{{"protocol":"ssh","login":"root","recording":"required"}}}}"#,
            id(number)
        )
    }

    fn end(number: u8, kind: &str, user: &str, detail: &str) -> String {
        let time = "2026-03-14T16:00:00Z";
        format!(
            r#"{{"kind":"{kind}","time":"{time}","session":"{}","actor":{{"user":"{user}"}},"detail":{{{detail}}}}}"#,
            id(number)
        )
    }

    /// Session 1 ended, 2 was abandoned, 3 is bob's and ended, 4 runs.
    fn entries() -> Entries {
        let ended =
            r#""ended_by":"client","bytes_in":5,"bytes_out":7,"duration_ms":9,"recording_root":"abc""#;
        Entries::of(&[
            start(1, "alice"),
            start(2, "alice"),
            end(1, "recording.sealed", "alice", r#""root":"abc""#),
            end(1, "session.end", "alice", ended),
            start(3, "bob"),
            end(2, "recording.truncated", "recording", r#""root":"def""#),
            end(2, "session.abandoned", "gate", ""),
            start(4, "alice"),
            end(3, "session.end", "bob", ended),
        ])
    }

    fn ask(question: &Question) -> SessionPage {
        sessions(&entries(), question, &Stop::default()).unwrap()
    }

    fn ids(page: &SessionPage) -> Vec<SessionId> {
        page.sessions.iter().map(|session| session.id).collect()
    }

    #[test]
    fn sessions_are_listed_with_their_endings_newest_first() {
        let page = ask(&Question::new(Scope::everything()));
        assert_eq!(ids(&page), [id(4), id(3), id(2), id(1)]);
        assert_eq!(page.next, None);
        let [running, _, abandoned, ended] = &page.sessions[..] else { panic!("four sessions") };
        assert_eq!(running.end, None);
        let end = abandoned.end.as_ref().unwrap();
        assert_eq!(
            (end.ended_by.as_str(), end.bytes_in, abandoned.recording_root.as_deref()),
            ("abandoned", None, Some("def"))
        );
        let end = ended.end.as_ref().unwrap();
        assert_eq!((end.ended_by.as_str(), end.bytes_out, end.position), ("client", Some(7), 3));
        assert_eq!(end.ended.to_string(), "2026-03-14T16:00:00.000000Z");
        assert_eq!(ended.started.to_string(), "2026-03-14T15:00:01.000000Z");
        assert_eq!(
            (ended.user.as_str(), ended.target.as_str(), ended.login.as_str()),
            ("alice", "db-1", "root")
        );
    }

    #[test]
    fn a_session_on_a_later_page_still_has_its_ending() {
        let mut question = Question { limit: 1, ..Question::new(Scope::everything()) };
        let mut seen = Vec::new();
        loop {
            let page = ask(&question);
            seen.extend(page.sessions);
            question.cursor = page.next;
            if page.next.is_none() {
                break;
            }
        }
        assert_eq!(seen, ask(&Question::new(Scope::everything())).sessions);
    }

    #[test]
    fn filter_times_and_scope_pick_sessions() {
        let question = Question::new(Scope::everything());
        assert_eq!(ids(&ask(&Question { filter: filter("actor.user: bob"), ..question.clone() })), [id(3)]);
        let until = Question { until: Some(Timestamp::from_micros(2)), ..question };
        assert!(
            ask(&until).sessions.iter().all(|session| session.end.is_some()),
            "endings lie beyond the range"
        );
        assert_eq!(ids(&ask(&until)), [id(2), id(1)]);
        let scoped = ask(&Question::new(Scope::only(filter("actor.user: alice"))));
        assert_eq!(ids(&scoped), [id(4), id(2), id(1)]);
        assert_eq!(scoped.sessions[1].end, None, "its ending is not this reader's to see");
    }

    #[test]
    fn a_list_that_ran_out_of_time_goes_on_from_there() {
        let stop = Stop::default();
        stop.now();
        let page = sessions(&entries(), &Question::new(Scope::everything()), &stop).unwrap();
        assert!(!page.coverage.complete);
        assert_eq!(page.next, Some(Cursor::Before(9)));
    }
}
