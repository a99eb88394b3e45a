//! Answers that take a while: whole as JSON, or as server-sent events that tell how far the search is.
//!
//! Such a stream has any number of `progress` events and one `answer` or `problem`, with which it ends. Whoever closes it ends
//! the search.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use query::{Progress, Query};
use serde::Serialize;
use tokio::sync::watch;
use tokio_stream::Stream;

use crate::Problem;

/// How often a stream tells how far its search is.
const EVERY: Duration = Duration::from_millis(250);

/// Answers a request by `work`, in the form that it asks for.
pub async fn answer<T, F>(
    headers: &HeaderMap,
    query: Query,
    work: impl FnOnce(Query) -> F,
) -> Result<Response, Problem>
where
    T: Serialize + 'static,
    F: Future<Output = Result<T, Problem>> + Send + 'static,
{
    if !wants_stream(headers) {
        return Ok(Json(work(query).await?).into_response());
    }
    let (sender, receiver) = watch::channel(Progress::default());
    let working = Working { work: Some(Box::pin(work(query.reporting(sender)))), receiver };
    Ok(Sse::new(working.into_stream()).keep_alive(KeepAlive::default()).into_response())
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.split(',').any(|kind| kind.trim().starts_with("text/event-stream")))
}

type Work<T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send>>;

/// A search under way; none once it is answered.
struct Working<T> {
    work: Option<Work<T>>,
    receiver: watch::Receiver<Progress>,
}

impl<T: Serialize + 'static> Working<T> {
    fn into_stream(self) -> impl Stream<Item = Result<Message, Infallible>> {
        futures::stream::unfold(self, |mut working| async move {
            let message = working.next().await?;
            Some((Ok(message), working))
        })
    }

    async fn next(&mut self) -> Option<Message> {
        let work = self.work.as_mut()?;
        loop {
            let pause = tokio::time::sleep(EVERY);
            tokio::select! {
                biased;
                result = &mut *work => {
                    self.work = None;
                    return match result {
                        Ok(answer) => message("answer", &answer),
                        Err(problem) => message("problem", &problem),
                    };
                }
                () = pause => {}
            }
            if self.receiver.has_changed().is_ok_and(|changed| changed) {
                let progress = *self.receiver.borrow_and_update();
                return message("progress", &progress);
            }
        }
    }
}

fn message(name: &str, content: &impl Serialize) -> Option<Message> {
    Message::default().event(name).json_data(content).ok()
}
