//! Looks at rows for one question: what columns tell, and the events themselves where they do not.
//!
//! Memory is bounded: columns are fetched for a run of blocks at a time, and events are shown where they lie.

use std::ops::{ControlFlow, Range};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use archive::{BLOCK_ROWS, Blocks, Column, Keys, LoggedRef, Part, Span};
use audit_log::ReadError;
use event::{RecordView, Timestamp};

use crate::ground::Survey;
use crate::plan::{Columns, Plan, Verdict, rows_of};
use crate::source::time_of;
use crate::sweep::{Piece, Stop};
use crate::{Coverage, QueryError, Question};

/// Entries of a piece that is read from the log.
const RUN: u64 = if cfg!(test) { 100 } else { 2048 };
/// Blocks of a part that tokens may leave, and what part of all they may be at most, for their events to be read at once
/// where columns do not decide everything anyway.
const FEW: usize = 4;
/// Entries that are read from the log at once.
const FROM_LOG: u64 = 64;

/// One question at work.
pub(crate) struct Look<'q> {
    pub(crate) survey: &'q Survey,
    pub(crate) question: &'q Question,
    pub(crate) plan: Plan<'q>,
    pub(crate) stop: &'q Stop,
    candidates: Vec<OnceLock<Blocks>>,
    unreadable: AtomicU64,
}

/// A run of rows to look at.
pub(crate) enum Place {
    /// Blocks of a part, near each other.
    Blocks {
        /// Which part.
        part: usize,
        /// Which blocks.
        blocks: Range<usize>,
        /// The event times in them.
        span: Span,
    },
    /// Entries that no part has.
    Behind(Range<u64>),
}

/// What is known of the rows of some blocks.
pub(crate) struct Seen {
    pub(crate) blocks: Vec<Block>,
    /// Keys of the plan's columns, by slot.
    pub(crate) keys: Vec<Keys>,
}

/// What is known of the rows of a block.
pub(crate) struct Block {
    pub(crate) number: usize,
    /// Its place among the blocks of the keys.
    pub(crate) at: usize,
    pub(crate) verdicts: Vec<Verdict>,
    /// Event times, where they were asked for or needed.
    pub(crate) times: Vec<Timestamp>,
}

/// Whether event times are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    Wanted,
    /// Only where the question's bounds run through a block.
    IfNeeded,
}

/// Who is shown events that take part.
pub(crate) type Visit<'v> = dyn FnMut(LoggedRef<'_>, &RecordView<'_>) -> Result<(), QueryError> + 'v;

impl Place {
    /// Says how much work it is, in blocks.
    pub(crate) fn weight(&self) -> u64 {
        match self {
            Place::Blocks { blocks, .. } => blocks.len() as u64,
            Place::Behind(range) => (range.end - range.start).div_ceil(BLOCK_ROWS as u64),
        }
    }
}

impl<'q> Look<'q> {
    pub(crate) fn new(
        survey: &'q Survey,
        question: &'q Question,
        also: Option<Column>,
        stop: &'q Stop,
    ) -> Look<'q> {
        let candidates = survey.parts.iter().map(|_| OnceLock::new()).collect();
        let plan = Plan::new(question, also);
        Look { survey, question, plan, stop, candidates, unreadable: AtomicU64::new(0) }
    }

    /// Lists what may hold events of the times that `wanted` takes, in the order of positions.
    pub(crate) fn places(&self, wanted: impl Fn(usize, Span) -> bool) -> Vec<Place> {
        let mut places = Vec::new();
        for (number, part) in self.survey.parts.iter().enumerate() {
            if part.span().is_none_or(|span| !wanted(number, span)) {
                continue;
            }
            for run in part.runs().iter().filter(|run| wanted(number, run.span)) {
                places.push(Place::Blocks { part: number, blocks: run.blocks.clone(), span: run.span });
            }
        }
        let behind = &self.survey.behind;
        let runs = behind.clone().step_by(RUN as usize);
        places.extend(runs.map(|start| Place::Behind(start..behind.end.min(start + RUN))));
        places
    }

    /// Says whether the question's bounds take a time.
    pub(crate) fn within(&self, time: Timestamp) -> bool {
        self.question.since.is_none_or(|since| time >= since)
            && self.question.until.is_none_or(|until| time < until)
    }

    /// Says whether the question's bounds take some of the times of a span.
    pub(crate) fn touches(&self, span: Span) -> bool {
        self.question.since.is_none_or(|since| span.last >= since)
            && self.question.until.is_none_or(|until| span.first < until)
    }

    /// Says whether the question's bounds take all of the times of a span.
    pub(crate) fn encloses(&self, span: Span) -> bool {
        self.within(span.first) && self.within(span.last)
    }

    /// Lists those of some blocks that may hold events of the question, as far as tokens and bounds tell.
    pub(crate) fn open(&self, part: usize, blocks: &Range<usize>) -> Result<Vec<usize>, QueryError> {
        let candidates = self.candidates(part)?;
        let part: &dyn Part = &*self.survey.parts[part];
        let touched = |block: &usize| part.block_span(*block).is_some_and(|span| self.touches(span));
        Ok(candidates.within(blocks).filter(touched).collect())
    }

    /// Judges the rows of open blocks, as far as columns tell.
    pub(crate) fn see(&self, part: usize, blocks: &[usize], times: Times) -> Result<Seen, QueryError> {
        let nothing = Seen { blocks: Vec::new(), keys: Vec::new() };
        let number = part;
        let part: &dyn Part = &*self.survey.parts[part];
        let odd_times = if self.plan.asks_times() { Some(part.odd_times()?) } else { None };
        let mut asked = Blocks::none(part.block_count());
        let mut cut = times == Times::Wanted;
        for block in blocks.iter().copied() {
            let Some(span) = part.block_span(block) else { continue };
            let odd = odd_times.as_ref().is_none_or(|odd| odd.contains(block));
            if self.plan.judge_span(span, odd) != Verdict::No {
                asked.insert(block);
                cut |= !self.encloses(span);
            }
        }
        if asked.is_empty() {
            return Ok(nothing);
        }
        let candidates = self.candidates(number)?;
        let few =
            !self.plan.is_typed() && candidates.len() <= FEW && candidates.len() * FEW < part.block_count();
        let columns = if few { Columns::Spared } else { Columns::Wanted };
        let mut sheet = self.plan.sheet(part, &asked, cut, columns)?;
        let mut seen = Vec::new();
        for (at, block) in asked.iter().enumerate() {
            let mut verdicts = self.plan.judge(&mut sheet, at, block, rows_of(part, block));
            let times = sheet.times.as_ref().and_then(|times| times.get(at));
            let times = times.filter(|(number, _)| *number == block).map(|(_, times)| times.clone());
            let times = times.unwrap_or_default();
            for (verdict, time) in verdicts.iter_mut().zip(&times) {
                if !self.within(*time) {
                    *verdict = Verdict::No;
                }
            }
            if verdicts.iter().any(|verdict| *verdict != Verdict::No) {
                seen.push(Block { number: block, at, verdicts, times });
            }
        }
        Ok(Seen { blocks: seen, keys: sheet.keys })
    }

    fn candidates(&self, part: usize) -> Result<&Blocks, QueryError> {
        let place = &self.candidates[part];
        if let Some(blocks) = place.get() {
            return Ok(blocks);
        }
        let found = self.plan.candidates(&*self.survey.parts[part])?;
        Ok(place.get_or_init(|| found))
    }

    /// Reads events of a part by rising row numbers, and shows those that take part within the bounds.
    pub(crate) fn read(&self, part: usize, rows: &[u32], visit: &mut Visit<'_>) -> Result<Piece, QueryError> {
        let mut ended = Ok(Piece::Done);
        self.survey.parts[part].visit(rows, &mut |logged| {
            if self.stop.is_asked() {
                ended = Ok(Piece::Stopped);
                return ControlFlow::Break(());
            }
            let taken = self.takes(logged.payload).filter(|_| self.within(logged.time));
            match taken.map_or(Ok(()), |view| visit(logged, &view)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    ended = Err(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        ended
    }

    /// Shows events of a part by rising row numbers, of which columns have said that they take part.
    pub(crate) fn show(
        &self,
        part: usize,
        rows: &[u32],
        visit: &mut dyn FnMut(LoggedRef<'_>),
    ) -> Result<Piece, QueryError> {
        let mut ended = Piece::Done;
        self.survey.parts[part].visit(rows, &mut |logged| {
            if self.stop.is_asked() {
                ended = Piece::Stopped;
                return ControlFlow::Break(());
            }
            visit(logged);
            ControlFlow::Continue(())
        })?;
        Ok(ended)
    }

    /// Reads entries that no part has.
    pub(crate) fn read_behind(&self, range: &Range<u64>, visit: &mut Visit<'_>) -> Result<Piece, QueryError> {
        let mut position = range.start;
        while position < range.end {
            if self.stop.is_asked() {
                return Ok(Piece::Stopped);
            }
            let entries = match self.survey.log.read(position..range.end.min(position + FROM_LOG)) {
                Ok(entries) => entries,
                // What was dropped for good is not there to be searched; the log says so in an event of its own.
                Err(ReadError::Pruned { to, .. }) => {
                    position = to.max(position + 1);
                    continue;
                }
                Err(source) => return Err(QueryError::Read { position, source }),
            };
            position = entries.last().ok_or(QueryError::Missing { position })?.position + 1;
            for logged in entries {
                let Some(view) = self.readable(&logged.payload) else { continue };
                let time = time_of(&view, logged.log_time);
                if self.within(time) && self.plan.takes(&view) {
                    visit(LoggedRef { time, ..logged.by_ref() }, &view)?;
                }
            }
        }
        Ok(Piece::Done)
    }

    fn takes<'a>(&self, payload: &'a [u8]) -> Option<RecordView<'a>> {
        if !self.plan.may_take(payload) {
            return None;
        }
        self.readable(payload).filter(|view| self.plan.takes(view))
    }

    fn readable<'a>(&self, payload: &'a [u8]) -> Option<RecordView<'a>> {
        let view = RecordView::parse(payload).ok();
        if view.is_none() {
            self.unreadable.fetch_add(1, Ordering::Relaxed);
        }
        view
    }

    /// Says that everything was searched.
    pub(crate) fn covered(&self) -> Coverage {
        self.survey.covered(self.unreadable())
    }

    /// Says that the search was cut short. How far it came depends on where candidates lie, in the scope or not.
    pub(crate) fn cut_short(&self, to: Option<u64>) -> Coverage {
        self.survey.cut_short(to.filter(|_| self.question.scope.is_everything()), self.unreadable())
    }

    /// What cannot be read lies outside every scope but the widest, so others are not told.
    fn unreadable(&self) -> u64 {
        if self.question.scope.is_everything() { self.unreadable.load(Ordering::Relaxed) } else { 0 }
    }
}
