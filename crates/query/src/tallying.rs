//! Goes over everything that a question takes and counts it: by roll-ups, by columns, and by the events where they must be
//! read.

use std::collections::BTreeSet;
use std::ops::Range;

use archive::{BLOCK_ROWS, Column, Keys, Span};
use event::filter::{FieldPath, tokens};
use event::interval::TimeZone;
use event::{Interval, RecordView, Timestamp};

use crate::ground::Survey;
use crate::look::{Block, Look, Place, Seen, Times};
use crate::plan::Verdict;
use crate::rollup::{self, Windows};
use crate::sums::Sums;
use crate::sweep::{self, Piece, Watch};
use crate::tally::{Of, Tally};
use crate::{Coverage, QueryError, Question};

/// By what is counted.
#[derive(Clone, Copy, Default)]
pub(crate) struct Grouping<'q> {
    pub(crate) interval: Option<(Interval, &'q TimeZone)>,
    pub(crate) field: Option<&'q FieldPath>,
    /// The column that holds the field.
    pub(crate) column: Option<Column>,
    /// What values begin with, folded; others are passed over.
    pub(crate) prefix: &'q str,
}

/// What was counted, and what it covers.
pub(crate) struct Counted {
    pub(crate) tally: Tally,
    pub(crate) coverage: Coverage,
}

impl<'q> Grouping<'q> {
    pub(crate) fn by(field: Option<&'q FieldPath>) -> Grouping<'q> {
        Grouping {
            field,
            column: field.and_then(|field| Column::of_field(field.name())),
            ..Grouping::default()
        }
    }

    fn interval_of(&self, time: Timestamp) -> i64 {
        self.interval.map_or(0, |(interval, zone)| interval.around(time, zone).start.as_micros())
    }

    /// Returns the interval into which all times of a span fall; `None` when there are several.
    pub(crate) fn interval_of_all(&self, span: Span) -> Option<i64> {
        let first = self.interval_of(span.first);
        (first == self.interval_of(span.last)).then_some(first)
    }

    /// Says what the tally calls a value; `None` for one that is passed over.
    pub(crate) fn number(&self, tally: &mut Tally, value: &str) -> Result<Option<u32>, QueryError> {
        if !self.prefix.is_empty() && !tokens::fold(value).starts_with(self.prefix) {
            return Ok(None);
        }
        tally.number(value).map(Some)
    }

    /// Counts one event by its bytes. A value that it has several times counts once.
    fn add_event(&self, tally: &mut Tally, time: Timestamp, view: &RecordView<'_>) -> Result<(), QueryError> {
        let interval = tally.interval(self.interval_of(time));
        tally.add(interval, Of::All, 1)?;
        let Some(field) = self.field else { return Ok(()) };
        let mut values: BTreeSet<String> = BTreeSet::new();
        field.each_value(view, &mut |value| {
            if !values.contains(value) {
                values.insert(value.to_owned());
            }
        });
        if values.is_empty() {
            return tally.add(interval, Of::Without, 1);
        }
        for value in &values {
            if let Some(value) = self.number(tally, value)? {
                tally.add(interval, Of::Value(value), 1)?;
            }
        }
        Ok(())
    }
}

/// Counts what a question takes; its order, limit and page do not matter.
pub(crate) fn count(
    survey: &Survey,
    question: &Question,
    grouping: Grouping<'_>,
    watch: Watch<'_>,
) -> Result<Counted, QueryError> {
    let look = Look::new(survey, question, grouping.column, watch.stop);
    let mut tally = Tally::default();
    let mut windows: Vec<Option<Windows>> = Vec::new();
    for part in &survey.parts {
        let touched = part.span().is_some_and(|span| look.touches(span));
        // A part that time ran out before is left to the pieces, of which none is begun any more.
        let ask = touched && !watch.stop.is_asked();
        windows.push(if ask { rollup::count(&look, &grouping, &**part, &mut tally)? } else { None });
    }
    let places = look.places(|part, span| {
        look.touches(span) && windows[part].as_ref().is_none_or(|windows| windows.touch(span))
    });
    let counting = Counting { look: &look, grouping, windows: &windows };
    let weights: Vec<u64> = places.iter().map(Place::weight).collect();
    let work = |tally: &mut Tally, piece: usize| counting.count(&places[piece], tally);
    let swept = sweep::sweep(&weights, watch, Tally::default, work)?;
    let tally = swept.found.into_iter().try_fold(tally, Tally::merge)?;
    // When time runs out depends on what is hidden too; then the answer is not called whole, whatever was left to do.
    let late = watch.stop.is_asked() && !question.scope.is_everything();
    let coverage = match swept.unfinished {
        None if late => look.cut_short(None),
        None => look.covered(),
        Some(piece) => look.cut_short(Some(counting.start(&places[piece]))),
    };
    Ok(Counted { tally, coverage })
}

struct Counting<'a, 'q> {
    look: &'a Look<'q>,
    grouping: Grouping<'a>,
    windows: &'a [Option<Windows>],
}

impl Counting<'_, '_> {
    fn start(&self, place: &Place) -> u64 {
        match place {
            Place::Behind(range) => range.start,
            Place::Blocks { part, blocks, .. } => {
                let first = self.look.survey.parts[*part].positions().start;
                first + (blocks.start * BLOCK_ROWS) as u64
            }
        }
    }

    fn count(&self, place: &Place, tally: &mut Tally) -> Result<Piece, QueryError> {
        match place {
            Place::Behind(range) => self
                .look
                .read_behind(range, &mut |logged, view| self.grouping.add_event(tally, logged.time, view)),
            Place::Blocks { part, blocks, .. } => self.count_blocks(*part, blocks, tally),
        }
    }

    fn count_blocks(
        &self,
        part: usize,
        blocks: &Range<usize>,
        tally: &mut Tally,
    ) -> Result<Piece, QueryError> {
        let windows = self.windows[part].as_ref();
        let times = if windows.is_some() || self.grouping.interval.is_some() {
            Times::Wanted
        } else {
            Times::IfNeeded
        };
        let mut blocks = self.look.open(part, blocks)?;
        if let Some(windows) = windows {
            let span = |block| self.look.survey.parts[part].block_span(block);
            blocks.retain(|block| span(*block).is_some_and(|span| windows.touch(span)));
        }
        if blocks.is_empty() {
            return Ok(Piece::Passed);
        }
        let mut seen = self.look.see(part, &blocks, times)?;
        if let Some(windows) = windows {
            for block in &mut seen.blocks {
                for (verdict, time) in block.verdicts.iter_mut().zip(&block.times) {
                    if !windows.hold(*time) {
                        *verdict = Verdict::No;
                    }
                }
            }
        }
        let rows = self.count_by_columns(&seen, tally)?;
        self.look.read(part, &rows, &mut |logged, view| self.grouping.add_event(tally, logged.time, view))
    }

    /// Counts what is certain; returns the rows whose events must be read.
    fn count_by_columns(&self, seen: &Seen, tally: &mut Tally) -> Result<Vec<u32>, QueryError> {
        let slot = self.grouping.column.and_then(|column| self.look.plan.slot_of(column));
        let keys = slot.and_then(|slot| seen.keys.get(slot));
        let mut to_read = Vec::new();
        let mut stretch = Stretch::default();
        for block in &seen.blocks {
            let codes = keys.and_then(|keys| codes_of(keys, block));
            let by_columns = self.grouping.field.is_none() || codes.is_some();
            for (row, verdict) in block.verdicts.iter().enumerate() {
                match verdict {
                    Verdict::No => {}
                    Verdict::Yes if by_columns => {
                        if let Some(time) = block.times.get(row) {
                            self.turn(&mut stretch, *time, keys, tally)?;
                        }
                        match codes {
                            Some(codes) => {
                                let code = codes.get(row).copied().filter(|code| *code != Keys::ABSENT);
                                stretch.sums.add(code, 1);
                            }
                            None => stretch.sums.add_all(1),
                        }
                    }
                    _ => to_read.push((block.number * BLOCK_ROWS + row) as u32),
                }
            }
        }
        self.settle(&mut stretch, keys, tally)?;
        Ok(to_read)
    }

    /// Settles the sums when a row falls into another interval than the one before.
    fn turn(
        &self,
        stretch: &mut Stretch,
        time: Timestamp,
        keys: Option<&Keys>,
        tally: &mut Tally,
    ) -> Result<(), QueryError> {
        let Some((interval, zone)) = self.grouping.interval else { return Ok(()) };
        if stretch.holds(time) {
            return Ok(());
        }
        self.settle(stretch, keys, tally)?;
        let around = interval.around(time, zone);
        stretch.interval = around.start.as_micros();
        // Where clocks change within it, an interval may overlap another; then every row is asked about.
        let last = Timestamp::from_micros(around.end.as_micros() - 1);
        let plain = [around.start, last].iter().all(|at| interval.around(*at, zone) == around);
        stretch.until = if plain { around.end.as_micros() } else { stretch.interval };
        Ok(())
    }

    fn settle(
        &self,
        stretch: &mut Stretch,
        keys: Option<&Keys>,
        tally: &mut Tally,
    ) -> Result<(), QueryError> {
        stretch.sums.settle(stretch.interval, tally, |tally, code| {
            match keys.and_then(|keys| keys.values.get(code as usize)) {
                Some(value) => self.grouping.number(tally, value),
                None => Ok(None),
            }
        })
    }
}

/// Rows of one interval.
#[derive(Default)]
struct Stretch {
    interval: i64,
    /// The end of the interval, where all times up to it are known to be in it.
    until: i64,
    sums: Sums,
}

impl Stretch {
    fn holds(&self, time: Timestamp) -> bool {
        (self.interval..self.until).contains(&time.as_micros())
    }
}

/// Returns the codes of a block's rows; `None` where the column decides nothing.
fn codes_of<'a>(keys: &'a Keys, block: &Block) -> Option<&'a [u32]> {
    let (number, codes) = keys.blocks.get(block.at)?;
    (*number == block.number && !keys.odd.contains(block.number)).then_some(codes.as_slice())
}
