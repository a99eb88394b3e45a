//! The writer: the one thread that adds to the write-ahead log.
//!
//! It takes what waits, writes it as one batch, syncs, and only then answers. While a sync runs the next batch
//! gathers. Its invariant: a batch is written only after the sync of the one before has returned, and after a write
//! or sync that went wrong in any other way than for want of space nothing is ever written again.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use event::kinds::log::{ClockJump, Full, Overload};
use event::{Detail, Timestamp};
use store::journal::{Journal, JournalError};
use tokio::time::Instant;

use crate::clock::LogClock;
use crate::draft::{Draft, Start, notice};
use crate::error::{AppendError, Shortage};
use crate::feed::Leaves;
use crate::need::{Need, Ration};
use crate::queue::{Append, Placed, Source, Taken, Waiting};
use crate::shared::{Shared, chain_of_causes};
use crate::wal::index::Index;
use crate::wal::segment::{SEGMENT_HEADER, encode_header, file_name};
use crate::wal::segments::Segment;

/// Bytes that one batch takes from the queue, unless a single append is larger.
const BATCH_BYTES: usize = 16 << 20;
/// Batches up to this size are worth zeroed space; larger ones are bound by bandwidth, which zeros would halve.
const SMALL_BATCH: usize = 1 << 20;
/// Bytes that are zeroed ahead at once.
const ZERO_CHUNK: u64 = 4 << 20;
/// Newest bytes of a segment that stay in the page cache for readers that keep up.
const CACHED_BYTES: u64 = 16 << 20;
/// How often an idle writer looks at the clock and the disk.
const TICK: Duration = Duration::from_secs(1);
/// The least time between two `log.overload` events.
const OVERLOAD_PAUSE: Duration = Duration::from_secs(1);

/// The open end of the write-ahead log.
pub(crate) struct Tail {
    /// The segment's file.
    pub(crate) journal: Journal,
    /// The segment.
    pub(crate) segment: Arc<Segment>,
    /// Position of the next entry.
    pub(crate) next: u64,
    /// Last sequence number of this node's events.
    pub(crate) seq: u64,
    /// Log time of the last entry.
    pub(crate) last_time: Timestamp,
}

/// The writer.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    tail: Tail,
    clock: LogClock,
    draft: Draft,
    /// Events of the log about itself that wait for the next batch.
    owed: Vec<Waiting>,
    told_overload: Option<Instant>,
    refused: u64,
    /// How many appends the last batch had, and how long its sync took.
    last_batch: (usize, Duration),
}

/// How a write ended, other than fatally.
enum Outcome {
    Durable(Placed),
    NoSpace,
}

impl Writer {
    /// Makes the writer of a log whose tail recovery has found.
    pub(crate) fn new(shared: Arc<Shared>, tail: Tail) -> Writer {
        let clock = LogClock::new(tail.last_time, shared.config.clock_jump_ahead);
        let (draft, owed) = (Draft::default(), Vec::new());
        Writer {
            shared,
            tail,
            clock,
            draft,
            owed,
            told_overload: None,
            refused: 0,
            last_batch: (1, Duration::ZERO),
        }
    }

    /// Writes until the queue is closed; leaves the log failed when that is how it ended.
    pub(crate) fn run(mut self) {
        let _ending = Ending(self.shared.clone());
        if let Err(error) = self.serve() {
            self.shared.fail(&chain_of_causes(&error));
        }
    }

    fn serve(&mut self) -> Result<(), JournalError> {
        loop {
            let (wanted, sync) = self.last_batch;
            let gather = (sync / 4).min(Duration::from_millis(1));
            match self.shared.queue.take(BATCH_BYTES, wanted, TICK, gather) {
                Taken::Appends(appends) => self.commit(appends)?,
                Taken::Idle => self.commit(Vec::new())?,
                Taken::Closed if self.shared.queue.failure().is_some() => return Ok(()),
                Taken::Closed => {
                    self.told_overload = None;
                    self.commit(Vec::new())?;
                    return self.tail.journal.finish();
                }
            }
        }
    }

    /// Writes appends and whatever the log has to say about itself, and answers.
    fn commit(&mut self, appends: Vec<Append>) -> Result<(), JournalError> {
        self.watch_space();
        let time = self.watch_clock();
        self.watch_overload();
        if appends.is_empty() && self.owed.is_empty() {
            return Ok(());
        }
        let bytes = appends.iter().map(|append| append.bytes).sum();
        let result = self.settle(appends, time);
        self.shared.queue.release(bytes);
        result
    }

    fn settle(&mut self, appends: Vec<Append>, time: Timestamp) -> Result<(), JournalError> {
        let Some(appends) = self.write_and_answer(appends, time)? else { return Ok(()) };
        self.enter_full(self.shared.space.look());
        let (closing, normal): (Vec<_>, Vec<_>) =
            appends.into_iter().partition(|append| append.need == Need::Closing);
        // Whoever would only have looked asks again, and has a share from now on.
        refuse(normal, &self.full());
        if let Some(closing) = self.write_and_answer(closing, time)? {
            refuse(closing, &self.full());
        }
        Ok(())
    }

    /// Gives the appends back when there was no space for them.
    fn write_and_answer(
        &mut self,
        appends: Vec<Append>,
        time: Timestamp,
    ) -> Result<Option<Vec<Append>>, JournalError> {
        match self.write(&appends, time) {
            Ok(Outcome::NoSpace) => return Ok(Some(appends)),
            Ok(Outcome::Durable(placed)) => answer_placed(appends, placed),
            Err(error) => {
                refuse(appends, &AppendError::Failed(chain_of_causes(&error)));
                return Err(error);
            }
        }
        self.roll()?;
        Ok(None)
    }

    /// Writes one batch and syncs it; on success all later steps have seen it.
    fn write(&mut self, appends: &[Append], time: Timestamp) -> Result<Outcome, JournalError> {
        if appends.is_empty() && self.owed.is_empty() {
            return Ok(Outcome::NoSpace);
        }
        let tail = &mut self.tail;
        let source = &self.shared.config.source;
        let start = Start { position: tail.next, offset: tail.journal.end(), time, source, seq: tail.seq };
        self.draft.lay_out(&start, &self.owed, appends);
        let began = Instant::now();
        let room = self.shared.config.segment_bytes.saturating_sub(tail.journal.end());
        let zeros = if self.shared.queue.is_full() { 0 } else { room.min(ZERO_CHUNK) };
        if let Err(error) = store(&mut tail.journal, &self.draft.bytes, zeros) {
            if error.is_disk_full() && tail.journal.end() == tail.journal.synced() {
                return Ok(Outcome::NoSpace);
            }
            return Err(error);
        }
        self.last_batch = (appends.len(), began.elapsed());
        let placed = Placed { first: tail.next + self.owed.len() as u64, time };
        self.owed.clear();
        tail.journal.uncache_all_but(CACHED_BYTES);
        self.accept(time);
        Ok(Outcome::Durable(placed))
    }

    /// Lets readers and the tiler see the batch that was just synced.
    fn accept(&mut self, time: Timestamp) {
        let (draft, tail) = (&mut self.draft, &mut self.tail);
        let count = draft.spots.len() as u64;
        let own = &self.shared.config.source;
        tail.segment.note(|index| {
            draft.spots.iter().for_each(|spot| index.add(*spot));
            for (source, seq) in &draft.sources {
                match source {
                    Source::Own => index.add_leaf(time, own, *seq),
                    Source::Named(source) => index.add_leaf(time, source, *seq),
                }
            }
            index.offset = tail.journal.end();
        });
        let leaves = Leaves { first: tail.next, count, bundle: std::mem::take(&mut draft.bundle) };
        tail.next += count;
        tail.seq = draft.seq;
        self.shared.durable.store(tail.next, Ordering::Release);
        self.shared.feed.push(leaves);
    }

    /// Begins a new segment once this one is large enough. Want of space only puts it off.
    fn roll(&mut self) -> Result<(), JournalError> {
        if self.tail.journal.end() < self.shared.config.segment_bytes {
            return Ok(());
        }
        let path = self.shared.config.folder.join("wal").join(file_name(self.tail.next));
        let (journal, segment) = match begin_segment(path.clone(), self.tail.next) {
            Err(error) if error.is_disk_full() => {
                // A file of that name would be taken for the log's end at the next opening.
                return match fs::remove_file(&path) {
                    Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(error),
                    _ => Ok(()),
                };
            }
            begun => begun?,
        };
        self.tail.journal.finish()?;
        self.tail.journal.uncache_all_but(0);
        write_index(&self.tail.segment);
        self.shared.segments.push(segment.clone());
        self.tail.journal = journal;
        self.tail.segment = segment;
        Ok(())
    }

    fn watch_clock(&mut self) -> Timestamp {
        let (time, jump) = self.clock.read(self.shared.ambient.now());
        if let Some(jump) = jump {
            self.owe(Detail::LogClockJump(ClockJump { before: jump.before, after: jump.after }));
        }
        time
    }

    fn watch_overload(&mut self) {
        self.refused += self.shared.queue.take_refused();
        let soon = self.told_overload.is_some_and(|told| told.elapsed() < OVERLOAD_PAUSE);
        if self.refused == 0 || soon {
            return;
        }
        let refused = std::mem::take(&mut self.refused);
        let queued_bytes = self.shared.queue.bytes() as u64;
        self.owe(Detail::LogOverload(Overload { refused, queued_bytes }));
        self.told_overload = Some(Instant::now());
    }

    fn watch_space(&mut self) {
        let free = self.shared.space.look();
        let config = &self.shared.config;
        if !self.shared.queue.is_full() {
            if free < config.reserve_bytes {
                self.enter_full(free);
            }
        } else if free >= config.room_to_open() && self.shared.space.load_ballast().is_ok() {
            self.shared.queue.set_open();
        } else {
            self.shared.queue.look(free);
        }
    }

    /// Refuses what begins something from now on, and owes the event that says so.
    pub(crate) fn enter_full(&mut self, free_bytes: u64) {
        if self.shared.queue.is_full() {
            return;
        }
        let ballast_bytes = self.shared.space.drop_ballast();
        let config = &self.shared.config;
        let needed_bytes = config.room_to_open();
        let free = free_bytes.saturating_add(ballast_bytes);
        let shortage = Shortage { folder: config.folder.clone(), free, needed: needed_bytes };
        self.shared.queue.set_full(Ration::new(shortage, config.ballast_bytes));
        self.owe(Detail::LogFull(Full { free_bytes, ballast_bytes, needed_bytes }));
    }

    /// The refusal for want of space.
    fn full(&self) -> AppendError {
        let config = &self.shared.config;
        let found = || Shortage {
            folder: config.folder.clone(),
            free: self.shared.space.look(),
            needed: config.room_to_open(),
        };
        AppendError::Full(self.shared.queue.shortage().unwrap_or_else(found))
    }

    fn owe(&mut self, detail: Detail) {
        let event = self.shared.event(detail);
        self.owed.push(notice(&event, self.shared.ambient.random()));
    }
}

/// Fails the log when the writer's thread ends in a panic, and ends the tiler in any case.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail("the writer stopped unexpectedly");
        }
        self.0.feed.close();
    }
}

/// Appends and syncs, and zeroes space for the next batch; for want of space everything is taken back first.
fn store(journal: &mut Journal, bytes: &[u8], zeros: u64) -> Result<(), JournalError> {
    if let Err(error) = journal.append(bytes) {
        if error.is_disk_full() {
            journal.undo()?;
        }
        return Err(error);
    }
    if bytes.len() <= SMALL_BATCH {
        match journal.zero_ahead(zeros.min(bytes.len() as u64), zeros) {
            Err(error) if !error.is_disk_full() => return Err(error),
            _ => {}
        }
    }
    journal.sync()
}

fn answer_placed(appends: Vec<Append>, placed: Placed) {
    let mut first = placed.first;
    for append in appends {
        let count = append.events.len() as u64;
        append.answer(Ok(Placed { first, ..placed }));
        first += count;
    }
}

fn refuse(appends: Vec<Append>, why: &AppendError) {
    appends.into_iter().for_each(|append| append.answer(Err(why.clone())));
}

/// Makes a segment file that begins at `first`, durable with its header.
pub(crate) fn begin_segment(path: PathBuf, first: u64) -> Result<(Journal, Arc<Segment>), JournalError> {
    let mut journal = Journal::create(&path)?;
    journal.append(&encode_header(first))?;
    journal.sync()?;
    let index = Index::new(first, SEGMENT_HEADER as u64);
    Ok((journal, Arc::new(Segment::new(path, index))))
}

/// Writes a closed segment's index beside it. Without it the next opening takes longer, no more.
pub(crate) fn write_index(segment: &Segment) {
    drop(fs::write(segment.path.with_extension("idx"), segment.look(Index::encode)));
}
