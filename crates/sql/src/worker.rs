//! What a statement's process does: reads the statement, answers it, and ends.
//!
//! It takes nothing that it was not given: its memory is limited by the system, it opens nothing, and when the server hangs up
//! it is gone, whatever it is at.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use event::Timestamp;
use event::filter::FilterContext;
use event::interval::parse_zone;
use futures::StreamExt as _;
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::engine::MOST_PIECE;
use crate::format::Writer;
use crate::gate::{Gate, read};
use crate::serving::THREADS;
use crate::session::session;
use crate::wire::{Begin, Fault, ToServer, ToWorker};
use crate::{Format, rules};

/// Bytes of a thread's stack.
const STACK: usize = 16 << 20;
/// Bytes that a process may have beside what the engine counts: itself, stacks, rows on their way, and what the engine does
/// not count.
const BESIDE: usize = 256 << 20;

/// Runs the one statement that comes by standard input, which is a socket; does not return while it runs.
///
/// Fails where the server is gone, or says what no server says.
pub fn work() -> io::Result<()> {
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    answer(&UnixStream::from(socket))
}

fn answer(socket: &UnixStream) -> io::Result<()> {
    give_way();
    let (head, _) = read(&mut socket.try_clone()?)?;
    let ToWorker::Begin(begin) = head else { return Err(io::Error::other("no statement came")) };
    limit(begin.memory)?;
    let gate = Arc::new(Gate::new(socket.try_clone()?));
    let (listening, from) = (gate.clone(), socket.try_clone()?);
    std::thread::Builder::new().spawn(move || {
        let _ = listening.listen(from);
        // Nobody wants an answer any more, and the engine's threads cannot be stopped in the middle of something.
        std::process::exit(0);
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_stack_size(STACK)
        .enable_time()
        .build()?;
    let telling = gate.clone();
    // A task: it has a stack of the size that is set, and the main thread has not.
    let ended = runtime.block_on(runtime.spawn(async move { run(&telling, &begin).await }));
    let fault = match ended {
        Ok(Ok(())) => return gate.tell(&ToServer::End, &[]),
        Ok(Err(fault)) => fault,
        Err(_) => Fault::Engine("a thread of it stopped".to_owned()),
    };
    gate.tell(&ToServer::Failed(fault), &[])
}

/// When the system has no memory left, this process goes before the server.
fn give_way() {
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

fn limit(memory: usize) -> io::Result<()> {
    let most = u64::try_from(memory.saturating_add(BESIDE)).ok();
    Ok(setrlimit(Resource::Data, Rlimit { current: most, maximum: most })?)
}

/// Answers the statement, all but the end.
async fn run(gate: &Arc<Gate>, begin: &Begin) -> Result<(), Fault> {
    let format: Format = begin.format.parse().map_err(|_| Fault::Engine("it has no such form".to_owned()))?;
    let zone = parse_zone(&begin.zone).map_err(|error| Fault::Engine(error.to_string()))?;
    let context = FilterContext { now: Timestamp::from_micros(begin.now), zone };
    let session = session(gate, &context, &begin.zone, begin.memory).map_err(Fault::of)?;
    let plan = session.state().create_logical_plan(&begin.text).await.map_err(Fault::of)?;
    rules::check_plan(&plan, begin.sees_all)?;
    let frame = session.execute_logical_plan(plan).await.map_err(Fault::of)?;
    let mut rows = frame.execute_stream().await.map_err(Fault::of)?;
    let unwritten = |error: io::Error| Fault::Engine(format!("rows cannot be written: {error}"));
    let mut writer = Writer::new(format, &rows.schema()).map_err(unwritten)?;
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(Fault::of)?;
        let bytes = writer.write(&batch).map_err(unwritten)?;
        show(gate, batch.num_rows() as u64, &bytes).map_err(unwritten)?;
    }
    show(gate, 0, &writer.finish().map_err(unwritten)?).map_err(unwritten)
}

/// Hands rows on, in pieces that the server takes.
fn show(gate: &Gate, mut rows: u64, bytes: &[u8]) -> io::Result<()> {
    let mut pieces = bytes.chunks(MOST_PIECE);
    // Rows that wait to be written are counted where they are read: they will be shown, or the answer breaks off.
    let first = pieces.next().unwrap_or_default();
    for piece in std::iter::once(first).chain(pieces) {
        gate.tell(&ToServer::Rows { rows: std::mem::take(&mut rows) }, piece)?;
    }
    Ok(())
}
