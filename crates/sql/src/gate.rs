//! A statement's way to the server, and the only one out of its process: rows of scans come in by it, and the answer goes out.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::ipc::reader::StreamDecoder;
use datafusion::error::{DataFusionError, Result};
use tokio::sync::oneshot;

use crate::wire::{self, Lengths, Opening, PREFIX, Times, ToServer, ToWorker};

/// Bytes of a batch, at most; an event may have many megabytes, and show them in several columns.
const MOST_BATCH: usize = 512 << 20;

/// The server did not give the rows of a scan.
#[derive(Debug, thiserror::Error)]
#[error("the events could not be read")]
pub(crate) struct Unread;

/// The way to the server.
pub(crate) struct Gate {
    out: Mutex<UnixStream>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Reply>>>,
    next: AtomicU64,
}

enum Reply {
    Batch(Vec<u8>),
    NoMore,
    Unread,
}

/// A scan that is open; closed when dropped.
pub(crate) struct RemoteScan {
    gate: Arc<Gate>,
    number: u64,
}

impl Gate {
    pub(crate) fn new(out: UnixStream) -> Gate {
        Gate { out: Mutex::new(out), waiting: Mutex::default(), next: AtomicU64::new(0) }
    }

    /// Tells the server something. Whoever tells waits while the server does not listen: it has enough for now.
    pub(crate) fn tell(&self, head: &ToServer, body: &[u8]) -> io::Result<()> {
        let frame = wire::opened(head, body.len())?;
        let mut out = held(&self.out);
        out.write_all(&frame)?;
        out.write_all(body)
    }

    pub(crate) fn open(self: &Arc<Gate>, opening: Opening) -> io::Result<RemoteScan> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.tell(&ToServer::Open { scan: number, opening }, &[])?;
        Ok(RemoteScan { gate: self.clone(), number })
    }

    /// Hands on what the server says, until it says no more.
    pub(crate) fn listen(&self, mut from: UnixStream) -> io::Result<()> {
        loop {
            let (head, body) = read(&mut from)?;
            let (ask, reply) = match head {
                ToWorker::Batch { ask } => (ask, Reply::Batch(body)),
                ToWorker::NoMore { ask } => (ask, Reply::NoMore),
                ToWorker::Unread { ask } => (ask, Reply::Unread),
                ToWorker::Begin(_) => return Err(io::Error::other("a second statement")),
            };
            let asker = held(&self.waiting).remove(&ask);
            // Who does not wait any more has enough.
            asker.map(|asker| asker.send(reply));
        }
    }
}

/// Reads what the server says.
pub(crate) fn read(from: &mut UnixStream) -> io::Result<(ToWorker, Vec<u8>)> {
    let mut prefix = [0; PREFIX];
    from.read_exact(&mut prefix)?;
    let lengths = Lengths::read(prefix, MOST_BATCH)?;
    let mut head = vec![0; lengths.head];
    from.read_exact(&mut head)?;
    let mut body = vec![0; lengths.body];
    from.read_exact(&mut body)?;
    Ok((wire::head(&head)?, body))
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RemoteScan {
    /// Returns the next rows, by now only those of some times matter; `None` at the end.
    pub(crate) async fn next(&self, span: Times) -> Result<Option<RecordBatch>> {
        let ask = self.gate.next.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = oneshot::channel();
        held(&self.gate.waiting).insert(ask, tell);
        self.gate.tell(&ToServer::More { ask, scan: self.number, span }, &[])?;
        match told.await {
            Ok(Reply::Batch(bytes)) => unpacked(bytes).map(Some),
            Ok(Reply::NoMore) => Ok(None),
            Ok(Reply::Unread) | Err(_) => Err(DataFusionError::External(Box::new(Unread))),
        }
    }
}

impl Drop for RemoteScan {
    fn drop(&mut self) {
        // A server that is gone needs to be told nothing.
        let _ = self.gate.tell(&ToServer::Close { scan: self.number }, &[]);
    }
}

/// Reads a batch where it lies.
fn unpacked(bytes: Vec<u8>) -> Result<RecordBatch> {
    let mut bytes = Buffer::from_vec(bytes);
    let batch = StreamDecoder::new().decode(&mut bytes)?;
    batch.ok_or_else(|| DataFusionError::Internal("a batch came without rows".to_owned()))
}
