//! Sessions, running and past, put together from the events that begin and end them.
//!
//! A page is a page of `session.start` events; what ended them is then looked for by their ids. An ending that the reader may
//! not see is not told, and its session then looks as if it still ran. Only what nodes of Lodge wrote counts: whoever may
//! ingest a file could otherwise make sessions up, and end them.

use std::collections::HashMap;
use std::time::Duration;

use event::{RecordView, SessionId, Timestamp};
use serde::Serialize;

use crate::ground::Survey;
use crate::question::exact;
use crate::search::search_own;
use crate::sweep::Watch;
use crate::{Coverage, Cursor, MAX_LIMIT, Order, Page, QueryError, Question, Row};

/// Sessions whose endings are looked for at once: as many as one filter names.
const AT_ONCE: usize = 100;
/// How far the clock may have gone back while a session ran.
const CLOCK_SLACK: Duration = Duration::from_secs(3600);
/// The kinds of event that tell of a session's end.
const ENDINGS: &str = "kind: (session.end or session.abandoned or recording.sealed or recording.truncated)";

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

impl SessionSummary {
    /// Returns the place of its beginning, by which one pages.
    pub fn cursor(&self) -> Cursor {
        Cursor { time: self.started, position: self.position }
    }
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
    /// Where the page after this one begins; absent when there is none.
    pub next: Option<Cursor>,
    /// Where the page before this one ends; absent when there is none.
    pub previous: Option<Cursor>,
    /// What was searched. Endings are looked for up to the end of the log, whatever the range.
    pub coverage: Coverage,
}

/// What is known of a session's end.
#[derive(Default)]
struct Ending {
    end: Option<SessionEnd>,
    recording_root: Option<String>,
}

pub(crate) fn sessions(
    survey: &Survey,
    question: &Question,
    watch: Watch<'_>,
) -> Result<SessionPage, QueryError> {
    let filter = exact("kind: session.start").and(question.filter.clone());
    let starts = Question { filter, order: Order::NewestFirst, ..question.clone() };
    let page = search_own(survey, &starts, watch)?;
    let begun: Vec<(SessionId, &Row)> =
        page.rows.iter().filter_map(|row| Some((session_of(row)?, row))).collect();
    let mut coverage = page.coverage;
    let mut endings = HashMap::new();
    for some in begun.chunks(AT_ONCE) {
        coverage.complete &= note_endings(survey, question, some, &mut endings, watch)?;
    }
    let mut summary = |(id, row): &(SessionId, &Row)| {
        row.view().map(|view| summary(*id, &view, row, endings.remove(id).unwrap_or_default()))
    };
    let sessions = begun.iter().filter_map(&mut summary).collect();
    Ok(SessionPage { sessions, next: page.next, previous: page.previous, coverage })
}

fn session_of(row: &Row) -> Option<SessionId> {
    row.view()?.text("session")?.parse().ok()
}

/// Looks for what ended some sessions; says whether all of the log was searched.
fn note_endings(
    survey: &Survey,
    question: &Question,
    begun: &[(SessionId, &Row)],
    endings: &mut HashMap<SessionId, Ending>,
    watch: Watch<'_>,
) -> Result<bool, QueryError> {
    let ids: Vec<String> = begun.iter().map(|(id, _)| id.to_string()).collect();
    let first = begun.iter().map(|(_, row)| row.time).min();
    let mut wanted = Question {
        filter: exact(&format!("{ENDINGS} and session: ({})", ids.join(" or "))),
        since: first.map(|first| first.minus(CLOCK_SLACK)),
        limit: MAX_LIMIT,
        ..Question::new(question.scope.clone())
    };
    let mut rows = Vec::new();
    let complete = loop {
        let answer = search_own(survey, &wanted, watch)?;
        rows.extend(answer.rows);
        match answer.next.filter(|_| answer.coverage.complete) {
            Some(next) => wanted.page = Page::After(next),
            None => break answer.coverage.complete,
        }
    };
    // The last that was logged counts.
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.position));
    for row in &rows {
        if let (Some(id), Some(view)) = (session_of(row), row.view()) {
            note_ending(endings.entry(id).or_default(), &view, row);
        }
    }
    Ok(complete)
}

/// Keeps what an event tells of its session's end; the first that is met counts.
fn note_ending(ending: &mut Ending, view: &RecordView<'_>, row: &Row) {
    let (ended_by, root) = match view.text("kind") {
        Some("session.end") => (view.text("detail.ended_by"), view.text("detail.recording_root")),
        Some("session.abandoned") => (Some("abandoned"), None),
        _ => (None, view.text("detail.root")),
    };
    if ending.recording_root.is_none() {
        ending.recording_root = root.map(str::to_owned);
    }
    if let (None, Some(ended_by)) = (&ending.end, ended_by) {
        ending.end = Some(SessionEnd {
            ended: row.time,
            ended_by: ended_by.to_owned(),
            position: row.position,
            bytes_in: view.number("detail.bytes_in"),
            bytes_out: view.number("detail.bytes_out"),
            duration_ms: view.number("detail.duration_ms"),
        });
    }
}

fn summary(id: SessionId, view: &RecordView<'_>, row: &Row, ending: Ending) -> SessionSummary {
    let text = |path| view.text(path).unwrap_or_default().to_owned();
    SessionSummary {
        id,
        user: text("actor.user"),
        protocol: text("detail.protocol"),
        target: text("target.name"),
        login: text("detail.login"),
        started: row.time,
        position: row.position,
        recording: text("detail.recording"),
        recording_root: ending.recording_root,
        end: ending.end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scope;
    use crate::testing::{Entries, Honesty, filter, out_of_time, unwatched};

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
        let survey = entries().survey(&[2, 5], Honesty::BEST);
        unwatched(|watch| sessions(&survey, question, watch)).unwrap()
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
    fn what_was_ingested_neither_begins_nor_ends_a_session() {
        for cuts in [&[][..], &[2, 5], &[9]] {
            // Session 2's start, and what says that session 1 ended.
            let survey = entries().ingested([1, 2, 3]).survey(cuts, Honesty::BEST);
            let everything = Question::new(Scope::everything());
            let page = unwatched(|watch| sessions(&survey, &everything, watch)).unwrap();
            assert_eq!(ids(&page), [id(4), id(3), id(1)], "parts end at {cuts:?}");
            assert_eq!((&page.sessions[2].end, &page.sessions[2].recording_root), (&None, &None));
        }
    }

    #[test]
    fn a_session_on_a_later_page_still_has_its_ending() {
        let mut question = Question { limit: 1, ..Question::new(Scope::everything()) };
        let mut seen = Vec::new();
        loop {
            let page = ask(&question);
            seen.extend(page.sessions);
            match page.next {
                Some(next) => question.page = Page::After(next),
                None => break,
            }
        }
        assert_eq!(seen, ask(&Question::new(Scope::everything())).sessions);
    }

    #[test]
    fn filter_times_and_scope_pick_sessions() {
        let question = Question::new(Scope::everything());
        assert_eq!(ids(&ask(&Question { filter: filter("actor.user: bob"), ..question.clone() })), [id(3)]);
        let until = Question { until: "2026-03-14T15:00:03Z".parse().ok(), ..question };
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
    fn a_list_that_ran_out_of_time_says_so() {
        let survey = entries().survey(&[9], Honesty::BEST);
        let page =
            out_of_time(|watch| sessions(&survey, &Question::new(Scope::everything()), watch)).unwrap();
        assert!(page.sessions.is_empty() && !page.coverage.complete);
        assert!(page.next.is_some(), "the list goes on where it was left");
    }
}
