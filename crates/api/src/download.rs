//! Downloads: answers that a blocking writer makes while the client takes them.
//!
//! Each holds a thread until it is over, and the same threads carry every read and commit of the server. So the invariant:
//! only so many downloads run at once, and none waits for its client longer than a while.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use access::ApiPermit;
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::future::ready;
use futures::stream::{self, Stream, StreamExt as _};
use query::Places;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::{Semaphore, oneshot};
use tokio_stream::wrappers::ReceiverStream;

use crate::Problem;

/// Downloads at once, far fewer than the runtime has threads for what blocks (512).
const MOST: usize = 32;
/// How long a client may take for [`CHUNK`] bytes.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes that are handed to the client at once.
const CHUNK: usize = 64 << 10;

/// How long a download waits for a place.
const SOON: Duration = Duration::from_secs(5);

static ROOM: LazyLock<Arc<Places>> = LazyLock::new(|| Places::new(MOST));

/// A download's place.
pub struct Place(#[expect(dead_code, reason = "it is given back when dropped")] query::Place);

impl Place {
    /// Takes a place for a reader, who has half of them at most, or says that there is none. Taken before the event that says
    /// what was downloaded.
    pub async fn take(permit: &ApiPermit) -> Result<Place, Problem> {
        Place::of(&ROOM, &permit.actor().user, SOON).await
    }

    async fn of(room: &Places, reader: &str, soon: Duration) -> Result<Place, Problem> {
        let full = |_| {
            let half = MOST / 2;
            let detail = format!(
                "{half} downloads of yours or {MOST} of all are running, which is the most; try again later"
            );
            Problem::unavailable("too_many_downloads", detail)
        };
        tokio::time::timeout(soon, room.take(Some(reader))).await.map(Place).map_err(full)
    }
}

/// Runs what blocks away from the runtime's own threads.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))?
}

/// The one verification or rebuilding that runs at a time: each reads everything.
static WHOLE: Semaphore = Semaphore::const_new(1);

/// Runs what reads all of the log or archive, one at a time, and to its end even when the client hangs up: it must be recorded.
pub async fn reading_everything<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    let turn = WHOLE.try_acquire().map_err(|_| {
        let detail =
            "a verification or rebuilding is running, and only one runs at a time; ask again when it is done";
        Problem::unavailable("busy", detail)
    })?;
    to_its_end(async move {
        let _turn = turn;
        work.await
    })
    .await
}

/// Runs what must be recorded to its end, even when the client hangs up.
pub async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work).await.map_err(|error| Problem::internal(&error))?
}

/// Makes an answer of what a blocking writer writes, chunk by chunk, as fast as the client takes it.
pub fn octets(
    place: Place,
    kind: &'static str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> Response {
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(written(place, PATIENCE, write))).into_response()
}

/// A client that takes an answer piece by piece, and is not waited for longer than [`PATIENCE`].
pub struct Patient(Sender<io::Result<Vec<u8>>>);

impl Patient {
    /// Hands pieces to whoever has the other end.
    pub fn new(client: Sender<io::Result<Vec<u8>>>) -> Patient {
        Patient(client)
    }

    /// Waits until the client has hung up.
    pub fn gone(&self) -> impl Future<Output = ()> + Send + use<> {
        let client = self.0.clone();
        async move { client.closed().await }
    }

    /// Hands a piece on if the client took the one before.
    pub fn offer(&self, piece: Vec<u8>) {
        // A client that is slow or gone goes without.
        let _ = self.0.try_send(Ok(piece));
    }

    /// Hands bytes on, chunk by chunk. A client that stops taking them finds an error at the end of what it took.
    pub async fn hand_on(&self, bytes: Vec<u8>) {
        for chunk in bytes.chunks(CHUNK) {
            match self.0.send_timeout(Ok(chunk.to_vec()), PATIENCE).await {
                Ok(()) => {}
                Err(SendTimeoutError::Closed(_)) => return,
                Err(SendTimeoutError::Timeout(_)) => {
                    let late = io::Error::new(io::ErrorKind::TimedOut, "the client does not take its answer");
                    tracing::warn!(error = %late, "an answer broke off");
                    // Without it, what was taken could pass for the whole.
                    let _ = self.0.send_timeout(Err(late), PATIENCE).await;
                    return;
                }
            }
        }
    }
}

/// Runs the writer. The stream ends with an error unless the writer came to its end, so that no client takes half of an
/// answer for the whole.
fn written(
    place: Place,
    patience: Duration,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static {
    let (client, chunks) = channel(4);
    let (tell, outcome) = oneshot::channel();
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let mut out = io::BufWriter::with_capacity(CHUNK, Chunks { client, runtime, patience });
        let ended = write(&mut out).and_then(|()| out.flush());
        // Taken apart, since dropping it would wait for the client once more.
        let _ = out.into_parts();
        if let Err(error) = &ended {
            tracing::warn!(%error, "an answer broke off");
        }
        // Whoever is gone needs no outcome.
        let _ = tell.send(ended);
    });
    let end = stream::once(outcome).filter_map(|outcome| {
        ready(match outcome {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Err(error)),
            Err(_) => Some(Err(io::Error::other("the answer's writer is gone"))),
        })
    });
    ReceiverStream::new(chunks).map(Ok).chain(end)
}

/// Hands chunks to the client.
struct Chunks {
    client: Sender<Vec<u8>>,
    runtime: Handle,
    patience: Duration,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let chunk = bytes[..bytes.len().min(CHUNK)].to_vec();
        let count = chunk.len();
        match self.runtime.block_on(self.client.send_timeout(chunk, self.patience)) {
            Ok(()) => Ok(count),
            Err(SendTimeoutError::Closed(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(SendTimeoutError::Timeout(_)) => {
                Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not take its download"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_that_takes_nothing_gives_its_place_back_and_finds_no_end() {
        let room = Places::new(2);
        let place = Place::of(&room, "alice", SOON).await.unwrap();
        let none = Place::of(&room, "alice", Duration::from_millis(1)).await.err().unwrap();
        assert_eq!(none.code, "too_many_downloads");
        let _bobs = Place::of(&room, "bob", SOON).await.unwrap();
        let endless = |out: &mut dyn Write| loop {
            out.write_all(&[0; 1000])?;
        };
        let answer = written(place, Duration::from_millis(1), endless);
        let _place = room.take(Some("alice")).await;
        let chunks: Vec<_> = answer.collect().await;
        assert_eq!(chunks.last().unwrap().as_ref().unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn what_was_written_arrives_whole() {
        let place = Place::of(&Places::new(1), "alice", SOON).await.unwrap();
        let answer = written(place, PATIENCE, |out| out.write_all(&[7; 300_000]));
        let chunks: Vec<_> = answer.map(Result::unwrap).collect().await;
        assert!(chunks.concat() == [7; 300_000]);
    }
}
