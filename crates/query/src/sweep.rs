//! Works through the pieces of a search in their order, with a second thread where there are many.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::QueryError;

/// Pieces that one thread works through before another joins: most questions are answered by then.
const ALONE: usize = if cfg!(test) { 1 } else { 8 };
/// Pieces in which nothing was to be looked at that count as one of these: where one looks for a needle nearly all are such,
/// and a thread takes longer to begin than they do.
const PASSED_AS_ONE: usize = if cfg!(test) { 2 } else { 512 };

/// How far a search has come, in blocks of events. Only readers from whom nothing is hidden are told, since it shows where
/// what they look for may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Progress {
    /// Blocks that are done.
    pub done: u64,
    /// Blocks that there are to do, at most.
    pub total: u64,
}

/// Tells a search to stop: its time is up, or nobody waits for it any more.
#[derive(Debug, Default)]
pub(crate) struct Stop(AtomicBool);

impl Stop {
    pub(crate) fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What watches over a search.
#[derive(Clone, Copy)]
pub(crate) struct Watch<'a> {
    pub(crate) stop: &'a Stop,
    /// Whom to tell how far it is.
    pub(crate) progress: Option<&'a watch::Sender<Progress>>,
}

/// How work on a piece ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// It is done.
    Done,
    /// It is done, and there was nothing in it to be looked at.
    Passed,
    /// Neither it nor any later one is needed any more.
    Enough,
    /// It was told to stop within it.
    Stopped,
}

/// How a sweep ended.
pub(crate) struct Swept<A> {
    /// What each thread found.
    pub(crate) found: Vec<A>,
    /// The first piece that was needed and is not done.
    pub(crate) unfinished: Option<usize>,
    /// Whether pieces were left because no more were needed.
    pub(crate) enough: bool,
}

struct State<'a> {
    weights: &'a [u64],
    total: u64,
    next: AtomicUsize,
    done: Vec<AtomicBool>,
    blocks: AtomicU64,
    /// The first piece that was not needed.
    enough: AtomicUsize,
    failed: Mutex<Option<QueryError>>,
    watch: Watch<'a>,
}

/// Works through pieces of such weights (in blocks). Every thread collects into what `begin` makes.
pub(crate) fn sweep<A: Send>(
    weights: &[u64],
    watch: Watch<'_>,
    begin: impl Fn() -> A + Sync,
    work: impl Fn(&mut A, usize) -> Result<Piece, QueryError> + Sync,
) -> Result<Swept<A>, QueryError> {
    let state = State {
        weights,
        total: weights.iter().sum(),
        next: AtomicUsize::new(0),
        done: weights.iter().map(|_| AtomicBool::new(false)).collect(),
        blocks: AtomicU64::new(0),
        enough: AtomicUsize::new(weights.len()),
        failed: Mutex::new(None),
        watch,
    };
    state.report();
    let mut first = begin();
    state.run(&mut first, ALONE, &work);
    let mut found = vec![first];
    if !state.is_over() {
        let mut second = begin();
        std::thread::scope(|scope| {
            scope.spawn(|| state.run(&mut second, usize::MAX, &work));
            state.run(&mut found[0], usize::MAX, &work);
        });
        found.push(second);
    }
    if let Some(error) = state.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(error);
    }
    let needed = state.enough.load(Ordering::Relaxed);
    let unfinished = state.done[..needed].iter().position(|done| !done.load(Ordering::Relaxed));
    Ok(Swept { found, unfinished, enough: needed < weights.len() })
}

impl State<'_> {
    fn run<A>(&self, found: &mut A, most: usize, work: &impl Fn(&mut A, usize) -> Result<Piece, QueryError>) {
        let most = most.saturating_mul(PASSED_AS_ONE);
        let mut spent = 0;
        while spent < most && !self.is_over() {
            let piece = self.next.fetch_add(1, Ordering::Relaxed);
            if piece >= self.weights.len() {
                return;
            }
            match work(found, piece) {
                Ok(Piece::Done) => {
                    self.end(piece);
                    spent += PASSED_AS_ONE;
                }
                Ok(Piece::Passed) => {
                    self.end(piece);
                    spent += 1;
                }
                Ok(Piece::Enough) => drop(self.enough.fetch_min(piece, Ordering::Relaxed)),
                Ok(Piece::Stopped) => return,
                Err(error) => {
                    *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    return;
                }
            }
        }
    }

    fn is_over(&self) -> bool {
        self.watch.stop.is_asked()
            || self.next.load(Ordering::Relaxed) >= self.enough.load(Ordering::Relaxed)
            || self.failed.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn end(&self, piece: usize) {
        self.done[piece].store(true, Ordering::Relaxed);
        self.blocks.fetch_add(self.weights[piece], Ordering::Relaxed);
        self.report();
    }

    fn report(&self) {
        if let Some(progress) = self.watch.progress {
            let done = self.blocks.load(Ordering::Relaxed);
            progress.send_replace(Progress { done, total: self.total });
        }
    }
}
