//! Walks a range of the log in either direction, block by block, until it is told to stop.
//!
//! Memory is bounded: blocks shrink as entries grow, and no block is larger than what the source gives in one read.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::source::{Logged, Source};
use crate::{Order, QueryError};

/// Bytes of payload that a block should have.
const BLOCK_BYTES: u64 = 4 << 20;
/// Entries of the first block, before their size is known.
const FIRST_BLOCK: u64 = 64;
const MAX_BLOCK: u64 = 2048;

/// Tells a walk to stop: its time is up, or nobody waits for it any more.
#[derive(Debug, Default)]
pub(crate) struct Stop(AtomicBool);

impl Stop {
    pub(crate) fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How a walk ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Walked {
    /// The part of the range that was visited.
    pub(crate) visited: Range<u64>,
    /// The part that was not.
    pub(crate) left: Range<u64>,
    /// Whether it was told to stop from outside.
    pub(crate) stopped: bool,
}

/// Visits the entries of a range in an order, until the visitor breaks or `stop` is asked.
pub(crate) fn walk(
    source: &dyn Source,
    range: Range<u64>,
    order: Order,
    stop: &Stop,
    mut visit: impl FnMut(Logged) -> ControlFlow<()>,
) -> Result<Walked, QueryError> {
    let mut left = range.clone();
    let mut stopped = false;
    let mut block_entries = FIRST_BLOCK;
    'blocks: while !left.is_empty() {
        let block = next_block(&left, order, block_entries);
        if stop.is_asked() {
            stopped = true;
            break;
        }
        let mut entries = read_block(source, &block)?;
        let read = entries.len() as u64;
        if order == Order::NewestFirst && read < block.end - block.start {
            // The source gave only the older part of what turned out to be large entries; the newest come first.
            block_entries = read;
            continue;
        }
        block_entries = fitting(&entries);
        if order == Order::NewestFirst {
            entries.reverse();
        }
        for logged in entries {
            if stop.is_asked() {
                stopped = true;
                break 'blocks;
            }
            match order {
                Order::NewestFirst => left.end = logged.position,
                Order::OldestFirst => left.start = logged.position + 1,
            }
            if visit(logged).is_break() {
                break 'blocks;
            }
        }
    }
    let visited = match order {
        Order::NewestFirst => left.end..range.end,
        Order::OldestFirst => range.start..left.start,
    };
    Ok(Walked { visited, left, stopped })
}

fn next_block(left: &Range<u64>, order: Order, entries: u64) -> Range<u64> {
    match order {
        Order::NewestFirst => left.end.saturating_sub(entries).max(left.start)..left.end,
        Order::OldestFirst => left.start..left.start.saturating_add(entries).min(left.end),
    }
}

/// Reads a block, or as much of its beginning as the source gives at once; at least one entry.
fn read_block(source: &dyn Source, block: &Range<u64>) -> Result<Vec<Logged>, QueryError> {
    let position = block.start;
    let entries = source.read(block.clone()).map_err(|cause| QueryError::Read { position, source: cause })?;
    if entries.is_empty() {
        return Err(QueryError::Missing { position });
    }
    Ok(entries)
}

/// Says how many entries such as these fill a block.
fn fitting(entries: &[Logged]) -> u64 {
    let bytes: u64 = entries.iter().map(|logged| logged.payload.len() as u64).sum();
    let average = (bytes / (entries.len() as u64).max(1)).max(1);
    (BLOCK_BYTES / average).clamp(1, MAX_BLOCK)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::Entries;

    proptest! {
        #[test]
        fn a_walk_visits_each_entry_once_and_says_what_is_left(
            size in 0_u64..400, start in 0_u64..400, length in 0_u64..400, most in 1_usize..400, newest in any::<bool>(), short in 1_u64..90,
        ) {
            let entries = Entries::numbered(size).reading_at_most(short);
            let range = start.min(size)..start.saturating_add(length).min(size).max(start.min(size));
            let order = if newest { Order::NewestFirst } else { Order::OldestFirst };
            let mut seen = Vec::new();
            let walked = walk(&entries, range.clone(), order, &Stop::default(), |logged| {
                seen.push(logged.position);
                if seen.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }).unwrap();
            let mut wanted: Vec<u64> = range.clone().collect();
            if newest { wanted.reverse(); }
            wanted.truncate(most);
            prop_assert_eq!(&seen, &wanted);
            prop_assert!(!walked.stopped);
            seen.sort_unstable();
            prop_assert_eq!(seen, walked.visited.clone().collect::<Vec<_>>());
            prop_assert_eq!(walked.visited.end - walked.visited.start + walked.left.end - walked.left.start, range.end - range.start);
        }
    }

    #[test]
    fn a_stopped_walk_says_what_it_did_not_visit() {
        let stop = Stop::default();
        let walked = walk(&Entries::numbered(10), 0..10, Order::NewestFirst, &stop, |logged| {
            if logged.position == 7 {
                stop.now();
            }
            ControlFlow::Continue(())
        });
        assert_eq!(walked.unwrap(), Walked { visited: 7..10, left: 0..7, stopped: true });
    }

    #[test]
    fn large_entries_are_read_few_at_a_time() {
        let mut entries = Entries::numbered(2).0;
        entries[0].payload = vec![b' '; 16 << 20];
        assert_eq!(fitting(&entries[..1]), 1);
        assert_eq!(fitting(&[]), MAX_BLOCK);
    }

    #[test]
    fn a_log_that_ends_early_is_an_error() {
        let result = walk(&Entries::numbered(3), 0..5, Order::OldestFirst, &Stop::default(), |_| {
            ControlFlow::Continue(())
        });
        assert!(matches!(result, Err(QueryError::Missing { position: 3 })));
    }
}
