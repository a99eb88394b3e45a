//! What the writer hands to the tiler: leaves that are durable, in order.
//!
//! Bounded in bytes and never waits: when the tiler is far behind, leaves are left out here, and the tiler reads them
//! from the write-ahead log, where all of them are.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes of leaves that may wait for the tiler.
const LIMIT: usize = 32 << 20;

/// Leaves of one batch, in the form of entry bundles: each after its length (u16 BE).
#[derive(Debug)]
pub(crate) struct Leaves {
    /// Position of the first.
    pub(crate) first: u64,
    /// How many.
    pub(crate) count: u64,
    /// Their bytes.
    pub(crate) bundle: Vec<u8>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Leaves>,
    bytes: usize,
    left_out: bool,
    demanded: u64,
    closed: bool,
}

/// The feed.
#[derive(Default)]
pub(crate) struct Feed {
    state: Mutex<State>,
    arrived: Condvar,
}

/// What the tiler gets.
pub(crate) struct Fed {
    /// Leaves in order, perhaps with gaps.
    pub(crate) leaves: VecDeque<Leaves>,
    /// Some are missing, perhaps at the end.
    pub(crate) left_out: bool,
    /// A checkpoint of this size is wanted at once.
    pub(crate) demanded: u64,
    /// No more will come.
    pub(crate) closed: bool,
}

impl Feed {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over the leaves of a batch, or leaves them out when too much waits.
    pub(crate) fn push(&self, leaves: Leaves) {
        let mut state = self.state();
        if state.bytes < LIMIT {
            state.bytes += leaves.bundle.len();
            state.waiting.push_back(leaves);
        } else {
            state.left_out = true;
        }
        self.arrived.notify_one();
    }

    /// Asks for a checkpoint of at least `size`.
    pub(crate) fn demand(&self, size: u64) {
        let mut state = self.state();
        state.demanded = state.demanded.max(size);
        self.arrived.notify_one();
    }

    /// Says that no more will come.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_one();
    }

    /// Waits up to `limit` for leaves, for a demand above `published`, or for the end.
    pub(crate) fn take(&self, published: u64, limit: Duration) -> Fed {
        let idle =
            |state: &mut State| state.waiting.is_empty() && state.demanded <= published && !state.closed;
        let waited = self.arrived.wait_timeout_while(self.state(), limit, idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.bytes = 0;
        Fed {
            leaves: std::mem::take(&mut state.waiting),
            left_out: std::mem::take(&mut state.left_out),
            demanded: state.demanded,
            closed: state.closed,
        }
    }
}
