//! Search over the audit log: questions, answers, counts, the live tail, and sessions.
//!
//! Every question carries the [`Scope`] of whoever asks; events outside it do not exist for the answer: no row, count,
//! group, cursor or figure tells of them. Answers say what they cover, so that silence is never mistaken for absence. Nothing
//! here writes, and nothing here ever makes a writer wait. That a question was asked is recorded by who asks it.
//!
//! A question is compiled to what the archive's columns, token blocks and roll-ups can decide of it; whatever they leave
//! open is read and judged by the filter itself, so that an index can cost time and never an answer. What the archive has not
//! taken in yet is read from the log. Questions are worked on by threads of their own; one whose future is dropped stops.
#![forbid(unsafe_code)]

mod answer;
mod best;
mod counts;
mod error;
mod find;
mod ground;
mod literals;
mod look;
mod odd;
mod places;
mod plan;
mod question;
mod rollup;
mod scan;
mod scans;
mod scope;
mod search;
mod sessions;
mod snapshot;
mod source;
mod stripe;
mod sums;
mod sweep;
mod tail;
mod tally;
mod tallying;
mod which;

#[cfg(test)]
mod archived;
#[cfg(test)]
mod judged;
#[cfg(test)]
mod scanned;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use archive::Parts;
use audit_log::AuditLog;
use event::{Filter, SessionId};
use tokio::sync::watch;

pub use answer::{Answer, Count, Coverage, Row};
pub use best::MAX_ANSWER_BYTES;
pub use counts::{Bar, Cut, Histogram, Histogramming, MAX_VALUES, Ranking, Top, TopValue};
pub use error::QueryError;
pub use find::Around;
pub use places::{Place, Places};
pub use question::{Cursor, CursorError, DEFAULT_BUDGET, DEFAULT_LIMIT, MAX_LIMIT, Order, Page, Question};
pub use scan::{Scan, Shown, Skip};
pub use scope::Scope;
pub use sessions::{SessionEnd, SessionPage, SessionSummary};
pub use snapshot::Snapshot;
pub use stripe::Stripe;
pub use sweep::Progress;
pub use tail::Tail;
pub use which::{Which, WhichError};

use crate::ground::{Ground, NoParts, Survey};
use crate::scans::{Reach, Scans};
use crate::sweep::Watch;

/// Asks questions of one log. Cheap to clone; all clones share the limit on searches under way.
#[derive(Clone)]
pub struct Query {
    log: AuditLog,
    ground: Arc<Ground>,
    scans: Scans,
    reader: Option<Arc<str>>,
    progress: Option<Arc<watch::Sender<Progress>>>,
}

impl Query {
    /// Asks of `log` alone, which is then read from its beginning for every question.
    pub fn new(log: AuditLog) -> Query {
        Query::over(log, Arc::new(NoParts))
    }

    /// Asks of the parts of an archive, and of `log` for what they have not taken in yet.
    pub fn over(log: AuditLog, parts: Arc<dyn Parts>) -> Query {
        let ground = Arc::new(Ground { log: Arc::new(log.clone()), parts });
        Query { scans: Scans::new(), ground, log, reader: None, progress: None }
    }

    /// Tells how far its questions are; only those of readers from whom nothing is hidden.
    #[must_use]
    pub fn reporting(&self, progress: watch::Sender<Progress>) -> Query {
        Query { progress: Some(Arc::new(progress)), ..self.clone() }
    }

    /// Asks for a reader, who is left no more than half of the places in which searches run.
    #[must_use]
    pub fn asked_by(&self, reader: &str) -> Query {
        Query { reader: Some(reader.into()), ..self.clone() }
    }

    /// Answers a question with a page of rows.
    pub async fn search(&self, question: &Question) -> Result<Answer, QueryError> {
        self.ask(question, search::search).await
    }

    /// Counts the events that a question takes; its order, limit and page do not matter, here and below.
    pub async fn count(&self, question: &Question) -> Result<Count, QueryError> {
        self.ask(question, counts::count).await
    }

    /// Counts the events that a question takes by interval, and by the values of a field.
    pub async fn histogram(
        &self,
        question: &Question,
        wanted: &Histogramming,
    ) -> Result<Histogram, QueryError> {
        let wanted = wanted.clone();
        let work = move |survey: &Survey, question: &Question, watch: Watch<'_>| {
            counts::histogram(survey, question, &wanted, watch)
        };
        self.ask(question, work).await
    }

    /// Ranks the values of a field by the events that have them.
    pub async fn top(&self, question: &Question, ranking: &Ranking) -> Result<Top, QueryError> {
        let ranking = ranking.clone();
        let work = move |survey: &Survey, question: &Question, watch: Watch<'_>| {
            counts::top(survey, question, &ranking, watch)
        };
        self.ask(question, work).await
    }

    /// Finds an event. Fails with [`QueryError::OutOfTime`] rather than call an event absent unsearched.
    pub async fn find(&self, which: impl Into<Which>, scope: &Scope) -> Result<Option<Row>, QueryError> {
        let which = which.into();
        let work = move |survey: &Survey, question: &Question, watch: Watch<'_>| {
            find::find(survey, which, &question.scope, watch)
        };
        self.run(Reach::Narrow, Question::new(scope.clone()), work).await
    }

    /// Finds an event and those just before and after it that a question takes: its limit is for each side; its order and
    /// page do not matter.
    pub async fn around(
        &self,
        which: impl Into<Which>,
        question: &Question,
    ) -> Result<Option<Around>, QueryError> {
        let which = which.into();
        let work = move |survey: &Survey, question: &Question, watch: Watch<'_>| {
            find::around(survey, which, question, watch)
        };
        self.ask(question, work).await
    }

    /// Lists sessions, running and past, newest first. The question's filter and times pick their `session.start`
    /// events; its order does not matter.
    pub async fn sessions(&self, question: &Question) -> Result<SessionPage, QueryError> {
        self.run(Reach::Narrow, question.clone(), sessions::sessions).await
    }

    /// Finds a session. Fails with [`QueryError::OutOfTime`] rather than call a session absent, or running, unsearched.
    pub async fn session(&self, id: SessionId, scope: &Scope) -> Result<Option<SessionSummary>, QueryError> {
        let question = Question { limit: 1, ..Question::about_session(id, scope.clone()) };
        let page = self.run(Reach::Narrow, question, sessions::sessions).await?;
        // A session that was found without its end would be told as one that runs.
        if !page.coverage.complete {
            return Err(QueryError::OutOfTime);
        }
        Ok(page.sessions.into_iter().next())
    }

    /// Follows the log from a position on; [`Query::end`] for what comes from now on.
    pub fn tail(&self, filter: Filter, scope: Scope, from: u64) -> Tail {
        Tail::new(self.log.follow(from), filter, scope)
    }

    /// Returns the position that the next event will have.
    pub fn end(&self) -> u64 {
        self.log.size()
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: &Question,
        work: impl Fn(&Survey, &Question, Watch<'_>) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, QueryError> {
        self.run(Reach::Wide, question.clone(), work).await
    }

    async fn run<T: Send + 'static>(
        &self,
        reach: Reach,
        question: Question,
        work: impl Fn(&Survey, &Question, Watch<'_>) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, QueryError> {
        let (ground, budget) = (self.ground.clone(), question.budget);
        let progress = self.progress.clone().filter(|_| question.scope.is_everything());
        let work = move |watch: Watch<'_>| match work(&ground.survey(), &question, watch) {
            // A part may have been merged into another while it was read; a second look finds that one.
            Err(QueryError::Archive(archive::PartError::Read { .. })) => {
                work(&ground.survey(), &question, watch)
            }
            result => result,
        };
        self.scans.run(reach, self.reader.as_deref(), budget, progress, work).await
    }
}
