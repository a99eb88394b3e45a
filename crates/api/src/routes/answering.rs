//! Questions under way. Each leaves an event however it ends, also when its reader hangs up while it is worked on.
//!
//! The invariant: no byte of an answer is released before its event is durable. An answer comes whole as JSON, or as
//! server-sent events: any number of `progress`, then one `answer` or `problem`, with which the stream ends.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use access::ApiPermit;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use event::Detail;
use event::kinds::audit::Searched;
use futures::FutureExt as _;
use query::{Progress, Query, Question};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use crate::download::{Patient, Place};
use crate::wire::Coverage;
use crate::{Problem, Services};

/// How often a stream tells how far its search is.
const EVERY: Duration = Duration::from_millis(250);
/// How long a stream is silent at most, so that nothing between takes it for dead.
const SILENCE: Duration = Duration::from_secs(15);
/// A larger answer needs a download's place while its reader takes it.
const LARGE: usize = 256 << 10;

/// A question, and who asks it.
pub(super) struct Asking {
    pub(super) services: Arc<Services>,
    pub(super) permit: Arc<ApiPermit>,
    pub(super) question: Question,
    /// What the event says of it; what came of it is filled in at its end.
    pub(super) searched: Searched,
}

/// What is answered.
pub(super) struct Found<T> {
    pub(super) answer: T,
    /// Rows, bars or values that it shows.
    pub(super) rows: usize,
    /// How far it came, as its event says it; see [`ended`].
    pub(super) ended: &'static str,
}

/// Says how far an answer came whose question was, or was not, asked of all of its range.
pub(super) fn ended(complete: bool) -> &'static str {
    if complete { "whole" } else { "out_of_time" }
}

/// An answer that may be released.
struct Released {
    json: Vec<u8>,
    place: Option<Place>,
}

/// Begins what an event says of a question.
pub(super) fn searched(mode: &str, filter: String, question: &Question) -> Searched {
    Searched {
        filter,
        since: question.since,
        until: question.until,
        rows: None,
        mode: mode.to_owned(),
        field: None,
        zone: None,
        order: None,
        limit: None,
        page: None,
        interval: None,
        prefix: None,
        ended: String::new(),
    }
}

/// Shows what an answer covers.
pub(super) fn covered(coverage: query::Coverage) -> Coverage {
    let query::Coverage { from, to, size, complete, unreadable } = coverage;
    Coverage { from, to, size, complete, unreadable }
}

impl Asking {
    /// Answers with what `work` finds, in the form that the request asks for.
    pub(super) async fn answer<T, F>(
        self,
        headers: &HeaderMap,
        work: impl FnOnce(Query, Question) -> F,
    ) -> Result<Response, Problem>
    where
        T: Serialize + Send + 'static,
        F: Future<Output = Result<Found<T>, Problem>> + Send + 'static,
    {
        if !wants_stream(headers) {
            return self.answer_whole(work).await;
        }
        let (progress, receiver) = watch::channel(Progress::default());
        let work = work(self.services.asking(&self.permit).reporting(progress), self.question.clone());
        let (client, pieces) = mpsc::channel(1);
        tokio::spawn(self.stream(work, receiver, Patient::new(client)));
        let kind = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
        Ok((kind, Body::from_stream(ReceiverStream::new(pieces))).into_response())
    }

    /// Answers with what `work` finds, as JSON.
    pub(super) async fn answer_whole<T, F>(
        self,
        work: impl FnOnce(Query, Question) -> F,
    ) -> Result<Response, Problem>
    where
        T: Serialize + Send + 'static,
        F: Future<Output = Result<Found<T>, Problem>> + Send + 'static,
    {
        let work = work(self.services.asking(&self.permit), self.question.clone());
        // A task of its own: when the client hangs up this future is dropped, and `here` with it.
        let (here, gone) = oneshot::channel::<()>();
        let released = tokio::spawn(async move { self.see_through(work, gone).await }).await;
        drop(here);
        let Released { json, place } = released.map_err(|error| Problem::internal(&error))??;
        let body = match place {
            None => Body::from(json),
            Some(place) => {
                let (client, pieces) = mpsc::channel(1);
                tokio::spawn(async move {
                    let _place = place;
                    Patient::new(client).hand_on(json).await
                });
                Body::from_stream(ReceiverStream::new(pieces))
            }
        };
        Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
    }

    async fn stream<T: Serialize>(
        self,
        work: impl Future<Output = Result<Found<T>, Problem>>,
        mut progress: watch::Receiver<Progress>,
        client: Patient,
    ) {
        let mut working = std::pin::pin!(self.see_through(work, client.gone()));
        let mut spoke = Instant::now();
        let released = loop {
            tokio::select! {
                biased;
                released = &mut working => break released,
                () = tokio::time::sleep(EVERY) => {}
            }
            let message = match progress.has_changed() {
                Ok(true) => message("progress", &json(&*progress.borrow_and_update())),
                _ if spoke.elapsed() >= SILENCE => b": \n\n".to_vec(),
                _ => continue,
            };
            spoke = Instant::now();
            // Who does not take it now is told the next time.
            client.offer(message);
        };
        let (name, answer, _place) = match released {
            Ok(released) => ("answer", released.json, released.place),
            Err(problem) => ("problem", json(&problem), None),
        };
        client.hand_on(message(name, &answer)).await;
    }

    /// Works until there is an answer or nobody waits for one, and records which.
    async fn see_through<T: Serialize>(
        &self,
        work: impl Future<Output = Result<Found<T>, Problem>>,
        gone: impl Future,
    ) -> Result<Released, Problem> {
        // A question whose work panics is one that failed.
        let work = AssertUnwindSafe(work).catch_unwind();
        let found = tokio::select! {
            found = work => found.unwrap_or_else(|_| Err(Problem::inside("the work on a question panicked"))),
            _ = gone => {
                self.record(None, "reader_gone").await?;
                return Err(Problem::unavailable("reader_gone", "nobody waits for this answer any more"));
            }
        };
        match self.ready(found).await {
            Ok((released, rows, ended)) => {
                self.record(Some(rows), ended).await?;
                Ok(released)
            }
            // That there is nothing is an answer.
            Err(problem) if problem.code == "not_found" => {
                self.record(Some(0), ended(true)).await?;
                Err(problem)
            }
            Err(problem) => {
                self.record(None, &problem.code).await?;
                Err(problem)
            }
        }
    }

    /// Makes what is found ready to be released, with its rows and how far it came.
    async fn ready<T: Serialize>(
        &self,
        found: Result<Found<T>, Problem>,
    ) -> Result<(Released, usize, &'static str), Problem> {
        let found = found?;
        let json = json(&found.answer);
        let place = if json.len() > LARGE { Some(Place::take(&self.permit).await?) } else { None };
        Ok((Released { json, place }, found.rows, found.ended))
    }

    async fn record(&self, rows: Option<usize>, ended: &str) -> Result<(), Problem> {
        let searched =
            Searched { rows: rows.map(|rows| rows as u64), ended: ended.to_owned(), ..self.searched.clone() };
        let detail = Detail::AuditSearched(searched);
        let recorded = match rows {
            Some(_) => self.services.record(&self.permit, detail).await,
            None => self.services.record_failed(&self.permit, detail, ended).await,
        };
        // Where the reader is gone nobody else hears of it.
        recorded.inspect_err(|problem| tracing::error!(%problem, ended, "a question could not be recorded"))
    }
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.split(',').any(|kind| kind.trim().starts_with("text/event-stream")))
}

fn json(answer: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).expect("answers have keys of text")
}

/// Writes a server-sent event. JSON may stand on several lines, since events are shown to the byte.
fn message(name: &str, json: &[u8]) -> Vec<u8> {
    let mut message = format!("event: {name}\n").into_bytes();
    for line in json.split(|byte| matches!(byte, b'\n' | b'\r')) {
        message.extend_from_slice(b"data: ");
        message.extend_from_slice(line);
        message.push(b'\n');
    }
    message.push(b'\n');
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_several_lines_is_one_event() {
        assert_eq!(message("answer", b"{\"a\":\r1}"), b"event: answer\ndata: {\"a\":\ndata: 1}\n\n");
    }
}
