//! Rows for an engine that works on tables: runs of columns, and the events themselves only where they are asked for.
//!
//! A scan is a question like any other: it shows what its scope and filter take and nothing else, whatever the engine above
//! does with it. Who scans limits how many scans run, and for how long.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use archive::{BLOCK_ROWS, Blocks, Column, Keys, Logged, LoggedRef, Part, RollupKey, Span, TimesApart};
use event::Timestamp;
use event::filter::ast::Expr;

use crate::ground::Survey;
use crate::look::{Look, Place, Times};
use crate::odd::completed;
use crate::plan::Verdict;
use crate::snapshot::Snapshot;
use crate::stripe::{Counter, Stripe};
use crate::sweep::{Piece, Stop};
use crate::{QueryError, Question};

/// The most rows of a stripe with events, so that little waits for whoever takes them.
pub(crate) const MOST_EVENTS: usize = if cfg!(test) { 40 } else { 1024 };
/// The most bytes of these events, but for one that is larger alone.
pub(crate) const MOST_EVENT_BYTES: usize = if cfg!(test) { 8 << 10 } else { 4 << 20 };

/// What a scan shall show of each row, beside its position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Typed columns.
    pub columns: Vec<Column>,
    /// Event times.
    pub times: bool,
    /// The events themselves, and when the log took them.
    pub events: bool,
}

/// Rows of a snapshot. Several threads may work at one scan: each row comes to one of them, once.
pub struct Scan {
    survey: Arc<Survey>,
    question: Question,
    shown: Shown,
    /// Whether rows are counted by what is shown of them, rather than shown each.
    counts: bool,
    tasks: Vec<Task>,
    next: AtomicUsize,
    stop: Stop,
}

/// A piece of a scan.
enum Task {
    /// Blocks of a part.
    Blocks { part: usize, blocks: Range<usize> },
    /// A whole part, by a roll-up.
    Rollup { part: usize, key: RollupKey },
}

/// Says whether rows of these times can be passed over.
pub type Skip<'a> = dyn Fn(Span) -> bool + 'a;

impl Snapshot {
    /// Begins a scan, the latest rows first; the question's order, limit, page and budget do not matter.
    pub fn scan(&self, question: Question, shown: Shown) -> Scan {
        self.begin(question, shown, false)
    }

    /// Begins a scan that counts rows by what is shown of them; times are cut to hours, and events are not shown.
    pub fn counts(&self, question: Question, shown: Shown) -> Scan {
        self.begin(question, Shown { events: false, ..shown }, true)
    }

    fn begin(&self, question: Question, shown: Shown, counts: bool) -> Scan {
        let (survey, next, stop) = (self.0.clone(), AtomicUsize::new(0), Stop::default());
        let mut scan = Scan { survey, question, shown, counts, tasks: Vec::new(), next, stop };
        scan.tasks = scan.plan();
        scan
    }
}

impl Scan {
    fn look(&self) -> Look<'_> {
        Look::new(&self.survey, &self.question, None, &self.stop)
    }

    fn plan(&self) -> Vec<Task> {
        let look = self.look();
        let key = self.rollup_key();
        let parts = self
            .survey
            .parts
            .iter()
            .map(|part| key.filter(|_| part.span().is_some_and(|span| look.encloses(span))));
        let keys: Vec<Option<RollupKey>> = parts.collect();
        let places = look.places(|part, span| keys[part].is_none() && look.touches(span));
        let blocks = places.into_iter().filter_map(|place| match place {
            Place::Blocks { part, blocks, .. } => Some(Task::Blocks { part, blocks }),
            // A snapshot has taken in what no part had.
            Place::Behind(_) => None,
        });
        let rolled =
            keys.iter().enumerate().filter_map(|(part, key)| Some(Task::Rollup { part, key: (*key)? }));
        rolled.chain(blocks).rev().collect()
    }

    /// The roll-up that has every column that is shown, where nothing but time limits the question.
    fn rollup_key(&self) -> Option<RollupKey> {
        let is_free = self.question.scope.is_everything() && *self.question.filter.expr() == Expr::All;
        if !self.counts || !is_free {
            return None;
        }
        let apart = if self.shown.times { TimesApart::ByHour } else { TimesApart::Never };
        RollupKey::holding(&self.shown.columns, apart)
    }

    /// Works at the scan until there is nothing left, or whoever takes the rows has enough. Blocks whose times `skip` takes
    /// are passed over, but for those of parts that are counted by a roll-up.
    pub fn work(
        &self,
        skip: &Skip<'_>,
        take: &mut dyn FnMut(Stripe) -> ControlFlow<()>,
    ) -> Result<(), QueryError> {
        let look = self.look();
        let mut counter = Counter::default();
        let mut take = |stripe| take(if self.counts { counter.count(stripe) } else { stripe });
        while !self.stop.is_asked() {
            let Some(task) = self.tasks.get(self.next.fetch_add(1, Ordering::Relaxed)) else { break };
            match self.perform(task, &look, skip, &mut take) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => self.stop(),
                // Somebody else who works at it has enough.
                Err(_) if self.stop.is_asked() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn perform(
        &self,
        task: &Task,
        look: &Look<'_>,
        skip: &Skip<'_>,
        take: &mut dyn FnMut(Stripe) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, QueryError> {
        let (part, runs) = match task {
            Task::Blocks { part, blocks } => (*part, vec![blocks.clone()]),
            Task::Rollup { part, key } => match self.survey.parts[*part].rollup(*key)? {
                Some(rollups) => return Ok(take(Stripe::of_rollup(&rollups, *key, &self.shown))),
                None => {
                    let runs = self.survey.parts[*part].runs();
                    (*part, runs.iter().map(|run| run.blocks.clone()).collect())
                }
            },
        };
        let working = Working { scan: self, look, part };
        for blocks in runs {
            if self.stop.is_asked() {
                return Ok(ControlFlow::Break(()));
            }
            let mut blocks = look.open(part, &blocks)?;
            blocks.retain(|block| working.part().block_span(*block).is_none_or(|span| !skip(span)));
            if !blocks.is_empty() && working.show(&blocks, take)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Tells everybody who works at it to stop.
    pub fn stop(&self) {
        self.stop.now();
    }
}

/// One place at work.
struct Working<'a> {
    scan: &'a Scan,
    look: &'a Look<'a>,
    part: usize,
}

/// Rows of a part that are shown, and their times where those are.
#[derive(Default)]
struct Found {
    rows: Vec<u32>,
    times: Vec<Timestamp>,
}

/// Events that wait to be shown.
#[derive(Default)]
struct Waiting {
    found: Found,
    events: Vec<Logged>,
    bytes: usize,
}

impl Waiting {
    /// Says whether another event would be too much for one stripe.
    fn is_full_for(&self, logged: LoggedRef<'_>) -> bool {
        let bytes = self.bytes + logged.payload.len();
        self.events.len() >= MOST_EVENTS || !self.events.is_empty() && bytes > MOST_EVENT_BYTES
    }
}

impl Working<'_> {
    fn part(&self) -> &dyn Part {
        &*self.scan.survey.parts[self.part]
    }

    fn show(
        &self,
        blocks: &[usize],
        take: &mut dyn FnMut(Stripe) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, QueryError> {
        let shown = &self.scan.shown;
        let times = if shown.times { Times::Wanted } else { Times::IfNeeded };
        let seen = self.look.see(self.part, blocks, times)?;
        let mut certain = Found::default();
        let mut open = Vec::new();
        for block in &seen.blocks {
            for (row, verdict) in block.verdicts.iter().enumerate() {
                let number = (block.number * BLOCK_ROWS + row) as u32;
                match verdict {
                    Verdict::No => {}
                    Verdict::Yes if !shown.events => {
                        certain.rows.push(number);
                        certain.times.extend(block.times.get(row).filter(|_| shown.times));
                    }
                    _ => open.push(number),
                }
            }
        }
        if shown.events {
            return self.show_events(&open, take);
        }
        if !open.is_empty() {
            let mut resolved = Found::default();
            self.read(&open, &mut |logged| {
                resolved.rows.push(self.row_of(logged.position));
                resolved.times.extend(Some(logged.time).filter(|_| shown.times));
                Ok(())
            })?;
            certain = merge(certain, resolved);
        }
        if certain.rows.is_empty() { Ok(ControlFlow::Continue(())) } else { Ok(take(self.stripe(certain)?)) }
    }

    /// Shows events in stripes of few rows and bytes.
    fn show_events(
        &self,
        rows: &[u32],
        take: &mut dyn FnMut(Stripe) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, QueryError> {
        let mut waiting = Waiting::default();
        let mut has_enough = false;
        let read = self.read(rows, &mut |logged| {
            if waiting.is_full_for(logged) {
                has_enough = take(self.stripe_of(std::mem::take(&mut waiting))?).is_break();
            }
            if has_enough {
                return Err(QueryError::Interrupted);
            }
            waiting.bytes += logged.payload.len();
            waiting.found.rows.push(self.row_of(logged.position));
            waiting.found.times.extend(Some(logged.time).filter(|_| self.scan.shown.times));
            waiting.events.push(logged.to_owned());
            Ok(())
        });
        if has_enough {
            return Ok(ControlFlow::Break(()));
        }
        read?;
        if waiting.events.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        Ok(take(self.stripe_of(waiting)?))
    }

    /// Reads events, and visits those that the question takes.
    fn read(
        &self,
        rows: &[u32],
        visit: &mut dyn FnMut(LoggedRef<'_>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let ended = self.look.read(self.part, rows, &mut |logged, _| visit(logged))?;
        // A scan that is told to stop shows nothing more, so what it did not read is not missed.
        if ended == Piece::Stopped { Err(QueryError::Interrupted) } else { Ok(()) }
    }

    fn row_of(&self, position: u64) -> u32 {
        (position - self.part().positions().start) as u32
    }

    fn stripe_of(&self, waiting: Waiting) -> Result<Stripe, QueryError> {
        Ok(Stripe { events: waiting.events, ..self.stripe(waiting.found)? })
    }

    fn stripe(&self, found: Found) -> Result<Stripe, QueryError> {
        let part = self.part();
        let first = part.positions().start;
        let mut blocks = Blocks::none(part.block_count());
        found.rows.iter().for_each(|row| blocks.insert(*row as usize / BLOCK_ROWS));
        let columns = self.scan.shown.columns.iter().map(|column| {
            let keys = part.keys(*column, &blocks)?;
            let codes = codes_of(&keys, &found.rows);
            completed(part, *column, &keys, &found.rows, codes)
        });
        Ok(Stripe {
            columns: columns.collect::<Result<_, QueryError>>()?,
            positions: found.rows.iter().map(|row| first + u64::from(*row)).collect(),
            times: found.times,
            ..Stripe::default()
        })
    }
}

/// The codes of rising rows.
fn codes_of(keys: &Keys, rows: &[u32]) -> Vec<u32> {
    let mut codes = Vec::with_capacity(rows.len());
    let mut blocks = keys.blocks.iter();
    let mut block = blocks.next();
    for row in rows {
        let number = *row as usize / BLOCK_ROWS;
        while block.is_some_and(|(at, _)| *at < number) {
            block = blocks.next();
        }
        let code = block.and_then(|(_, codes)| codes.get(*row as usize % BLOCK_ROWS));
        codes.push(code.copied().unwrap_or(Keys::ABSENT));
    }
    codes
}

/// Joins rows of the same part, in their order.
fn merge(left: Found, right: Found) -> Found {
    let has_times = !left.times.is_empty() || !right.times.is_empty();
    let pairs = |found: Found| {
        let times = found.times.into_iter().map(Some).chain(std::iter::repeat(None));
        found.rows.into_iter().zip(times).collect::<Vec<_>>()
    };
    let mut all = pairs(left);
    all.extend(pairs(right));
    all.sort_unstable_by_key(|(row, _)| *row);
    let times = all.iter().filter_map(|(_, time)| *time).filter(|_| has_times).collect();
    Found { rows: all.into_iter().map(|(row, _)| row).collect(), times }
}
