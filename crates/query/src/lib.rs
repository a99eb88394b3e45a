//! Search over the audit log: questions, answers, the live tail, and sessions.
//!
//! Every question carries the [`Scope`] of whoever asks; events outside it do not exist for the answer: no row, count,
//! cursor or figure tells of them. Answers say what they cover, so that silence is never mistaken for absence. Nothing
//! here writes, and nothing here ever makes a writer wait. That a question was asked is recorded by who asks it.
//!
//! Questions are answered by reading the log on threads of their own; a question whose future is dropped stops.
#![forbid(unsafe_code)]

mod answer;
mod bounds;
mod error;
mod find;
mod question;
mod scan;
mod scans;
mod scope;
mod search;
mod sessions;
mod source;
mod tail;

#[cfg(test)]
mod testing;

use std::sync::Arc;

use audit_log::AuditLog;
use event::{EventId, Filter, SessionId};

pub use answer::{Answer, Count, Coverage, Row};
pub use error::QueryError;
pub use question::{Cursor, CursorError, DEFAULT_BUDGET, DEFAULT_LIMIT, MAX_LIMIT, Order, Question};
pub use scope::Scope;
pub use search::MAX_ANSWER_BYTES;
pub use sessions::{SessionEnd, SessionPage, SessionSummary};
pub use tail::Tail;

use crate::scans::Scans;

/// Asks questions of one log. Cheap to clone; all clones share the limit on scans under way.
#[derive(Clone)]
pub struct Query {
    log: AuditLog,
    scans: Scans,
}

impl Query {
    /// Asks of `log`.
    pub fn new(log: AuditLog) -> Query {
        Query { scans: Scans::new(Arc::new(log.clone())), log }
    }

    /// Answers a question with a page of rows.
    pub async fn search(&self, question: &Question) -> Result<Answer, QueryError> {
        let question = question.clone();
        self.scans.run(question.budget, move |source, stop| search::search(source, &question, stop)).await
    }

    /// Counts the events that a question takes; its order, limit and cursor do not matter.
    pub async fn count(&self, question: &Question) -> Result<Count, QueryError> {
        let question = question.clone();
        self.scans.run(question.budget, move |source, stop| search::count(source, &question, stop)).await
    }

    /// Finds an event by its id. Fails with [`QueryError::OutOfTime`] rather than call an event absent unsearched.
    pub async fn find(&self, id: EventId, scope: &Scope) -> Result<Option<Row>, QueryError> {
        let scope = scope.clone();
        self.scans.run(DEFAULT_BUDGET, move |source, stop| find::find(source, id, &scope, stop)).await
    }

    /// Answers with everything that happened inside a session, oldest first; the first page of
    /// [`Question::about_session`].
    pub async fn session_events(&self, session: SessionId, scope: &Scope) -> Result<Answer, QueryError> {
        self.search(&Question::about_session(session, scope.clone())).await
    }

    /// Lists sessions, running and past, newest first. The question's filter and times pick their `session.start`
    /// events; its order does not matter.
    pub async fn sessions(&self, question: &Question) -> Result<SessionPage, QueryError> {
        let question = question.clone();
        self.scans.run(question.budget, move |source, stop| sessions::sessions(source, &question, stop)).await
    }

    /// Follows the log from a position on; [`Query::end`] for what comes from now on.
    pub fn tail(&self, filter: Filter, scope: Scope, from: u64) -> Tail {
        Tail::new(self.log.follow(from), filter, scope)
    }

    /// Returns the position that the next event will have.
    pub fn end(&self) -> u64 {
        self.log.size()
    }
}
