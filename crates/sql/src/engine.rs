//! Runs statements, few at a time, each in a process of its own; this is the server's side.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use event::filter::FilterContext;
use event::interval::zone_name;
use query::{Query, Scope};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{Mutex as Turn, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, timeout_at};

use crate::process::{Handle, Launch, Worker};
use crate::rows::{Piece, Rows};
use crate::serving::{Served, Serving, Unread};
use crate::wire::{self, Begin, Fault, Lengths, PREFIX, Times, ToServer, ToWorker};
use crate::{Format, SqlError, rules};

/// Bytes that a statement may use unless it is said otherwise.
pub const DEFAULT_MEMORY: usize = 128 << 20;
/// Statements that run at once; more wait.
const AT_ONCE: usize = 2;
/// Pieces of an answer that wait for whoever takes them.
const WAITING: usize = 2;
/// Bytes of a piece, at most.
pub(crate) const MOST_PIECE: usize = 1 << 20;

/// A statement, and whose it is.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The statement.
    pub text: String,
    /// What the reader may see.
    pub scope: Scope,
    /// In which dates are read, of filters and of times without a zone; and in whose zone times are shown.
    pub context: FilterContext,
    /// How long it may take until its last row is taken; waiting for its turn counts.
    pub budget: Duration,
    /// How its rows are written.
    pub format: Format,
}

/// What the server itself must know of a statement while it runs.
pub(crate) struct Asked {
    pub scope: Scope,
    pub context: FilterContext,
    /// The context's zone, as an engine knows it.
    pub zone: String,
}

/// Answers statements over one log.
pub struct Engine {
    query: Query,
    launch: Launch,
    room: Arc<Semaphore>,
    /// A process that has been started ahead.
    spare: Spare,
    memory: usize,
}

type Spare = Arc<Mutex<Option<Worker>>>;

impl Engine {
    /// Makes an engine. `memory` is what each statement may use, in bytes.
    pub fn new(query: Query, launch: Launch, memory: usize) -> Engine {
        Engine { query, launch, room: Arc::new(Semaphore::new(AT_ONCE)), spare: Spare::default(), memory }
    }

    /// Runs a statement; its rows come as they are taken. It ends early when they are dropped.
    pub async fn run(&self, statement: Statement) -> Result<Rows, SqlError> {
        rules::check_text(&statement.text)?;
        let zone = zone_name(&statement.context.zone).ok_or_else(|| {
            SqlError::Refused("times are shown in zones of whole minutes; name another zone".to_owned())
        })?;
        let (seconds, deadline) = (statement.budget.as_secs(), Instant::now() + statement.budget);
        let place = match timeout_at(deadline, self.room.clone().acquire_owned()).await {
            Ok(place) => place.map_err(|_| SqlError::Engine("it is shutting down".to_owned()))?,
            Err(_) => return Err(SqlError::Busy { seconds, running: AT_ONCE }),
        };
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        let worker = match spare {
            Some(worker) => worker,
            None => Worker::start(&self.launch)?,
        };
        let asked = Asked { scope: statement.scope, context: statement.context, zone };
        let begin = Begin {
            text: statement.text,
            now: asked.context.now.as_micros(),
            zone: asked.zone.clone(),
            memory: self.memory,
            format: statement.format.media_type().to_owned(),
            sees_all: asked.scope.is_everything(),
        };
        let (out, pieces) = mpsc::channel(WAITING);
        let running =
            Running { query: self.query.clone(), asked: Arc::new(asked), out, place: Arc::new(place) };
        let (launch, next) = (self.launch.clone(), self.spare.clone());
        tokio::spawn(async move {
            let out = running.out.clone();
            if let Err(error) = running.until(deadline, seconds, worker, begin).await {
                let _ = out.send(Err(error)).await;
            }
            // Started now, and not when it is needed: it takes longer than most statements.
            if let Ok(worker) = Worker::start(&launch) {
                next.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(worker);
            }
        });
        Ok(Rows::new(pieces))
    }
}

/// A statement at work.
struct Running {
    query: Query,
    asked: Arc<Asked>,
    out: mpsc::Sender<Result<Piece, SqlError>>,
    place: Arc<OwnedSemaphorePermit>,
}

/// The way to a process.
type Sending = Arc<Turn<OwnedWriteHalf>>;

impl Running {
    /// Runs until the answer is whole, its time is over, or nobody wants it any more; its process is gone afterwards.
    async fn until(
        self,
        deadline: Instant,
        seconds: u64,
        worker: Worker,
        begin: Begin,
    ) -> Result<(), SqlError> {
        let out = self.out.clone();
        tokio::select! {
            ended = timeout_at(deadline, self.converse(worker, begin)) => {
                ended.unwrap_or(Err(SqlError::OutOfTime { seconds }))
            }
            () = out.closed() => Ok(()),
        }
    }

    async fn converse(self, worker: Worker, begin: Begin) -> Result<(), SqlError> {
        let limit = begin.memory;
        let query = self.query.clone();
        let snapshot = spawn_blocking(move || query.snapshot()).await;
        let snapshot =
            snapshot.map_err(|error| SqlError::Engine(error.to_string()))?.map_err(SqlError::Query)?;
        let serving = Serving::new(snapshot, self.asked.clone(), self.place.clone());
        let fault = serving.fault.clone();
        let (socket, handle) = worker.split();
        match self.answer(socket, serving, begin).await {
            Ok(Some(fault_of)) => {
                let unread = fault.lock().unwrap_or_else(PoisonError::into_inner).take();
                Err(told(fault_of, limit, unread.map(SqlError::Query)))
            }
            Ok(None) => Ok(()),
            Err(error) if is_gone(&error) => Err(handle.ended(limit).await),
            Err(error) => Err(gone_wrong(error, handle)),
        }
    }

    /// Serves the process until it has ended the answer; returns why there is none.
    async fn answer(
        &self,
        socket: UnixStream,
        mut serving: Serving,
        begin: Begin,
    ) -> io::Result<Option<Fault>> {
        let (mut from, to) = socket.into_split();
        let to: Sending = Arc::new(Turn::new(to));
        send(&to, &ToWorker::Begin(begin), &[]).await?;
        // Ends with the statement, whatever waits.
        let mut replies = JoinSet::new();
        loop {
            let mut prefix = [0; PREFIX];
            from.read_exact(&mut prefix).await?;
            let lengths = Lengths::read(prefix, MOST_PIECE)?;
            let mut head = vec![0; lengths.head];
            from.read_exact(&mut head).await?;
            let mut body = vec![0; lengths.body];
            from.read_exact(&mut body).await?;
            match wire::head(&head)? {
                ToServer::Open { scan, opening } => serving.open(scan, opening)?,
                ToServer::More { ask, scan, span } => {
                    while replies.try_join_next().is_some() {}
                    replies.spawn(reply(to.clone(), ask, serving.scan(scan)?, span));
                }
                ToServer::Close { scan } => serving.close(scan),
                ToServer::Rows { rows } => {
                    if self.out.send(Ok(Piece { rows, bytes: body, is_last: false })).await.is_err() {
                        return Ok(None);
                    }
                }
                ToServer::End => {
                    // Whoever takes the rows knows by this that they were all.
                    let last = Piece { rows: 0, bytes: body, is_last: true };
                    let _ = self.out.send(Ok(last)).await;
                    return Ok(None);
                }
                ToServer::Failed(fault) => return Ok(Some(fault)),
            }
        }
    }
}

async fn reply(to: Sending, ask: u64, scan: Arc<Served>, span: Times) {
    let given = scan.next(span).await;
    // A process that is gone is found out by who reads from it.
    let _ = match given {
        Some(Ok(batch)) => send(&to, &ToWorker::Batch { ask }, &batch).await,
        Some(Err(Unread)) => send(&to, &ToWorker::Unread { ask }, &[]).await,
        None => send(&to, &ToWorker::NoMore { ask }, &[]).await,
    };
}

async fn send(to: &Sending, head: &ToWorker, body: &[u8]) -> io::Result<()> {
    let frame = wire::opened(head, body.len())?;
    let mut to = to.lock().await;
    to.write_all(&frame).await?;
    to.write_all(body).await
}

fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | BrokenPipe | ConnectionReset)
}

/// What a process says that does not keep to the protocol is not asked what it meant.
fn gone_wrong(error: io::Error, handle: Handle) -> SqlError {
    drop(handle);
    SqlError::Engine(error.to_string())
}

fn told(fault: Fault, limit: usize, unread: Option<SqlError>) -> SqlError {
    match fault {
        Fault::Refused(why) => SqlError::Refused(why),
        Fault::Failed(why) => SqlError::Failed(why),
        Fault::OutOfMemory => SqlError::OutOfMemory { limit: limit >> 20 },
        Fault::Unread => unread.unwrap_or_else(|| SqlError::Engine("events could not be read".to_owned())),
        Fault::Engine(why) => SqlError::Engine(why),
    }
}
