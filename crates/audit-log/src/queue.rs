//! The queue before the writer: bounded in bytes, and the one place where appends are refused.
//!
//! Its invariant: what was let in is answered exactly once, with a receipt or with a reason. Bytes count as waiting
//! until the sync that covers them has returned.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use bytes::Bytes;
use event::Timestamp;
use tokio::sync::oneshot;

use crate::error::{AppendError, Shortage};
use crate::hash::SALT_BYTES;
use crate::need::{Need, Ration};

/// An event that is hashed and waits for its position.
pub(crate) struct Waiting {
    /// Place in its source's sequence; the writer gives it to this node's own events.
    pub(crate) seq: u64,
    /// Salt beside the payload.
    pub(crate) salt: [u8; SALT_BYTES],
    /// Commitment to salt and payload.
    pub(crate) commitment: [u8; 32],
    /// The event's exact bytes.
    pub(crate) payload: Bytes,
}

/// Whose events they are.
#[derive(Clone)]
pub(crate) enum Source {
    /// This node's.
    Own,
    /// Another source's.
    Named(Arc<str>),
}

/// Where an append ended up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    /// Position of the first event.
    pub(crate) first: u64,
    /// Log time.
    pub(crate) time: Timestamp,
}

/// Who waits for the answer.
pub(crate) enum Answer {
    /// A task.
    Task(oneshot::Sender<Result<Placed, AppendError>>),
    /// A thread.
    Thread(mpsc::SyncSender<Result<Placed, AppendError>>),
}

impl Answer {
    fn give(self, result: Result<Placed, AppendError>) {
        // Whoever no longer waits does not need the answer.
        match self {
            Answer::Task(task) => drop(task.send(result)),
            Answer::Thread(thread) => drop(thread.send(result)),
        }
    }
}

/// One call of append.
pub(crate) struct Append {
    /// Whose events.
    pub(crate) from: Source,
    /// The events, at least one.
    pub(crate) events: Vec<Waiting>,
    /// How badly it is needed.
    pub(crate) need: Need,
    /// Bytes that count against the queue's limit.
    pub(crate) bytes: usize,
    /// Who waits.
    pub(crate) answer: Answer,
}

impl Append {
    /// Answers the caller.
    pub(crate) fn answer(self, result: Result<Placed, AppendError>) {
        self.answer.give(result);
    }
}

/// Whether appends are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Gate {
    Open,
    Full(Ration),
    Closed,
    Failed(String),
}

struct State {
    waiting: VecDeque<Append>,
    bytes: usize,
    gate: Gate,
    /// The writer sleeps until this many appends wait.
    wanted: usize,
}

/// The queue.
pub(crate) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    limit: usize,
    refused: AtomicU64,
}

/// What the writer gets.
pub(crate) enum Taken {
    /// Appends to write.
    Appends(Vec<Append>),
    /// Nothing for a while.
    Idle,
    /// Nothing more, ever.
    Closed,
}

impl Queue {
    /// Makes a queue for `limit` bytes.
    pub(crate) fn new(limit: usize) -> Queue {
        let state = State { waiting: VecDeque::new(), bytes: 0, gate: Gate::Open, wanted: 1 };
        Queue { state: Mutex::new(state), arrived: Condvar::new(), limit, refused: AtomicU64::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets an append in, or says why not. One that is alone is let in whatever its size.
    pub(crate) fn submit(&self, append: Append) -> Result<(), AppendError> {
        let mut state = self.state();
        let overloaded = state.bytes > 0 && state.bytes + append.bytes > self.limit;
        match &mut state.gate {
            Gate::Failed(why) => return Err(AppendError::Failed(why.clone())),
            Gate::Closed => return Err(AppendError::Closed),
            Gate::Open | Gate::Full(_) if overloaded => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                return Err(AppendError::Overloaded);
            }
            Gate::Full(ration) => {
                if !ration.grant(append.need, append.bytes as u64) {
                    return Err(AppendError::Full(ration.shortage().clone()));
                }
            }
            Gate::Open => {}
        }
        state.bytes += append.bytes;
        state.waiting.push_back(append);
        if state.waiting.len() >= state.wanted {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Takes waiting appends of at most `most` bytes (one at least).
    ///
    /// Waits `idle` for the first, then up to `gather` for `wanted` of them: callers that were just answered come back
    /// together, and a sync for the first of them alone would make all others wait for two.
    pub(crate) fn take(&self, most: usize, wanted: usize, idle: Duration, gather: Duration) -> Taken {
        let waits = |state: &State| matches!(state.gate, Gate::Open | Gate::Full(_));
        let mut state = self.state();
        state.wanted = 1;
        state = self.wait(state, idle, |state| state.waiting.is_empty() && waits(state));
        if state.waiting.is_empty() {
            return if waits(&state) { Taken::Idle } else { Taken::Closed };
        }
        if state.waiting.len() < wanted && !gather.is_zero() {
            state.wanted = wanted;
            state = self.wait(state, gather, |state| state.waiting.len() < wanted && waits(state));
        }
        let mut bytes = 0;
        let fits = |append: &&Append| {
            bytes += append.bytes;
            bytes <= most
        };
        let count = state.waiting.iter().take_while(fits).count().max(1);
        Taken::Appends(state.waiting.drain(..count).collect())
    }

    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        limit: Duration,
        wait: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        let waited = self.arrived.wait_timeout_while(state, limit, |state| wait(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Frees the room of appends that were answered.
    pub(crate) fn release(&self, bytes: usize) {
        let mut state = self.state();
        state.bytes = state.bytes.saturating_sub(bytes);
    }

    /// Bytes that wait for their sync.
    pub(crate) fn bytes(&self) -> usize {
        self.state().bytes
    }

    /// Number of appends refused for overload since the last call.
    pub(crate) fn take_refused(&self) -> u64 {
        self.refused.swap(0, Ordering::Relaxed)
    }

    /// Lets in only what a ration grants from now on.
    pub(crate) fn set_full(&self, ration: Ration) {
        let mut state = self.state();
        if state.gate == Gate::Open {
            state.gate = Gate::Full(ration);
        }
    }

    /// Takes note of how much is free on a full disk.
    pub(crate) fn look(&self, free: u64) {
        if let Gate::Full(ration) = &mut self.state().gate {
            ration.look(free);
        }
    }

    /// Lets everything in again.
    pub(crate) fn set_open(&self) {
        let mut state = self.state();
        if let Gate::Full(_) = state.gate {
            state.gate = Gate::Open;
        }
    }

    /// Tells what is short while the disk is full.
    pub(crate) fn shortage(&self) -> Option<Shortage> {
        match &self.state().gate {
            Gate::Full(ration) => Some(ration.shortage().clone()),
            _ => None,
        }
    }

    /// Tells whether what begins something is refused for want of space.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self.state().gate, Gate::Full(_))
    }

    /// Lets nothing in any more; what waits is still written.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        if !matches!(state.gate, Gate::Failed(_)) {
            state.gate = Gate::Closed;
        }
        self.arrived.notify_one();
    }

    /// Refuses everything for good, also what waits.
    pub(crate) fn fail(&self, why: &str) {
        let mut state = self.state();
        if !matches!(state.gate, Gate::Failed(_)) {
            state.gate = Gate::Failed(why.to_owned());
        }
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.arrived.notify_one();
        for append in waiting {
            append.answer(Err(AppendError::Failed(why.to_owned())));
        }
    }

    /// Tells why the log failed, if it did.
    pub(crate) fn failure(&self) -> Option<String> {
        match &self.state().gate {
            Gate::Failed(why) => Some(why.clone()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(bytes: usize, need: Need) -> (Append, mpsc::Receiver<Result<Placed, AppendError>>) {
        let (sender, receiver) = mpsc::sync_channel(1);
        (
            Append { from: Source::Own, events: Vec::new(), need, bytes, answer: Answer::Thread(sender) },
            receiver,
        )
    }

    fn submit(queue: &Queue, bytes: usize, need: Need) -> Result<(), AppendError> {
        queue.submit(append(bytes, need).0)
    }

    fn take(queue: &Queue, most: usize) -> usize {
        match queue.take(most, 1, Duration::ZERO, Duration::ZERO) {
            Taken::Appends(appends) => appends.len(),
            Taken::Idle => 0,
            Taken::Closed => usize::MAX,
        }
    }

    #[test]
    fn bytes_count_until_their_sync_returned() {
        let queue = Queue::new(100);
        submit(&queue, 60, Need::Normal).unwrap();
        assert_eq!(submit(&queue, 60, Need::Normal), Err(AppendError::Overloaded));
        assert_eq!(take(&queue, 1000), 1);
        assert_eq!(submit(&queue, 60, Need::Normal), Err(AppendError::Overloaded));
        assert_eq!(queue.take_refused(), 2);
        queue.release(60);
        submit(&queue, 101, Need::Normal).expect("a large append that is alone is let in");
    }

    #[test]
    fn a_batch_takes_what_fits_and_one_at_least() {
        let queue = Queue::new(1000);
        for bytes in [90, 50, 40, 30] {
            submit(&queue, bytes, Need::Normal).unwrap();
        }
        assert_eq!([take(&queue, 80), take(&queue, 100), take(&queue, 100), take(&queue, 100)], [1, 2, 1, 0]);
    }

    #[test]
    fn a_full_log_lets_in_what_its_ration_grants() {
        let queue = Queue::new(100);
        let shortage = Shortage { folder: "/log".into(), free: 100, needed: 140 };
        queue.set_full(Ration::new(shortage.clone(), 40));
        let full = Err(AppendError::Full(shortage));
        assert_eq!(submit(&queue, 1, Need::Normal), full);
        submit(&queue, 10, Need::Watching).unwrap();
        assert_eq!(submit(&queue, 1, Need::Watching), full);
        submit(&queue, 1, Need::Closing).unwrap();
        queue.look(20);
        assert_eq!(
            submit(&queue, 1, Need::Entering).unwrap_err().to_string().matches("120 bytes").count(),
            1
        );
        queue.set_open();
        submit(&queue, 1, Need::Normal).unwrap();
    }

    #[test]
    fn a_closed_queue_hands_out_what_waits_and_a_failed_one_answers_it() {
        let queue = Queue::new(100);
        submit(&queue, 1, Need::Normal).unwrap();
        queue.close();
        assert_eq!(submit(&queue, 1, Need::Closing), Err(AppendError::Closed));
        assert_eq!([take(&queue, 10), take(&queue, 10)], [1, usize::MAX]);

        let queue = Queue::new(100);
        let (waiting, answer) = append(1, Need::Normal);
        queue.submit(waiting).unwrap();
        queue.fail("no disk");
        queue.close();
        assert_eq!(answer.recv().unwrap().unwrap_err(), AppendError::Failed("no disk".into()));
        assert_eq!(submit(&queue, 1, Need::Closing), Err(AppendError::Failed("no disk".into())));
        assert_eq!(take(&queue, 10), usize::MAX);
    }
}
