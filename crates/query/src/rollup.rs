//! Counts that a part has ready, used where they say exactly what is asked.
//!
//! A cell counts the events of an hour, a day or the whole part. Where a question's bounds, or an interval's, run through
//! a cell, its window is left to be counted by columns.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::ops::Range;

use archive::{Column, Keys, Part, RollupKey, RollupRun, Rollups, Span, TimesApart};
use event::Timestamp;

use crate::QueryError;
use crate::look::Look;
use crate::plan::{Told, Verdict};
use crate::sums::Sums;
use crate::tally::{Mixing, Tally};
use crate::tallying::Grouping;

const HOUR: i64 = 3_600_000_000;

/// Times that a roll-up left to be counted otherwise: in order, apart from each other.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Windows(Vec<Range<i64>>);

impl Windows {
    fn add(&mut self, window: Range<i64>) {
        match self.0.last_mut() {
            Some(last) if last.end >= window.start => last.end = last.end.max(window.end),
            _ => self.0.push(window),
        }
    }

    pub(crate) fn touch(&self, span: Span) -> bool {
        let at = self.0.partition_point(|window| window.end <= span.first.as_micros());
        self.0.get(at).is_some_and(|window| window.start <= span.last.as_micros())
    }

    pub(crate) fn hold(&self, time: Timestamp) -> bool {
        let at = self.0.partition_point(|window| window.end <= time.as_micros());
        self.0.get(at).is_some_and(|window| window.start <= time.as_micros())
    }
}

/// Counts a part by a roll-up, as far as one says exactly what is asked; returns the times that are left, or `None` when
/// all of the part is.
pub(crate) fn count(
    look: &Look<'_>,
    grouping: &Grouping<'_>,
    part: &dyn Part,
    tally: &mut Tally,
) -> Result<Option<Windows>, QueryError> {
    let Some(span) = part.span() else { return Ok(Some(Windows::default())) };
    let Some((key, length)) = fitting(look, grouping, span) else { return Ok(None) };
    let Some(rollups) = part.rollup(key)? else { return Ok(None) };
    let mut taken = Vec::new();
    let mut left = Windows::default();
    let (mut all, mut cut) = (0, 0);
    for runs in rollups.runs().chunk_by(|one, next| one.from == next.from) {
        all += 1;
        let window = length.map_or(span, |length| window(runs[0].from, length, span));
        match grouping.interval_of_all(window).filter(|_| look.encloses(window)) {
            Some(interval) => taken.push((interval, runs)),
            None if look.touches(window) => {
                cut += 1;
                left.add(window.first.as_micros()..window.last.as_micros() + 1);
            }
            None => {}
        }
    }
    // Where most of it must be counted by columns anyway, all of it may.
    if cut > 2 && cut * 2 > all {
        return Ok(None);
    }
    let mut cells = Cells::new(look, grouping, &rollups, key);
    let mut last = 0;
    for (interval, taken) in taken {
        if interval != last {
            cells.settle(last, tally)?;
            last = interval;
        }
        cells.add(taken);
    }
    cells.settle(last, tally)?;
    Ok(Some(left))
}

/// The times of a cell, as far as there are events.
fn window(from: i64, length: i64, span: Span) -> Span {
    Span {
        first: span.first.max(Timestamp::from_micros(from)),
        last: span.last.min(Timestamp::from_micros(from + length - 1)),
    }
}

/// Finds the roll-up that has every column that the question looks at, and the length of its windows.
fn fitting(look: &Look<'_>, grouping: &Grouping<'_>, span: Span) -> Option<(RollupKey, Option<i64>)> {
    if !look.plan.is_typed() || grouping.field.is_some() && grouping.column.is_none() {
        return None;
    }
    let whole = look.encloses(span) && grouping.interval_of_all(span).is_some();
    let apart = if whole { TimesApart::Never } else { TimesApart::ByDay };
    let key = RollupKey::holding(look.plan.columns(), apart)?;
    let length = match key {
        RollupKey::Hour => Some(HOUR),
        RollupKey::Day(_) => Some(24 * HOUR),
        RollupKey::Total(_) => None,
    };
    Some((key, length))
}

/// Kind and outcome of a cell, by code.
type Pair = (Option<u32>, Option<u32>);

/// Judges cells and counts those that take part.
struct Cells<'a> {
    look: &'a Look<'a>,
    grouping: &'a Grouping<'a>,
    rollups: &'a Rollups,
    /// The column of the cells' values.
    column: Option<Column>,
    pairs: HashMap<Pair, Verdict, BuildHasherDefault<Mixing>>,
    values: HashMap<(Pair, Option<u32>), Verdict, BuildHasherDefault<Mixing>>,
    sums: Sums,
}

impl<'a> Cells<'a> {
    fn new(
        look: &'a Look<'a>,
        grouping: &'a Grouping<'a>,
        rollups: &'a Rollups,
        key: RollupKey,
    ) -> Cells<'a> {
        let column = match key {
            RollupKey::Hour => None,
            RollupKey::Total(column) | RollupKey::Day(column) => Some(column),
        };
        let (pairs, values, sums) = Default::default();
        Cells { look, grouping, rollups, column, pairs, values, sums }
    }

    fn text(&self, code: Option<u32>) -> Option<&'a str> {
        self.rollups.texts.get(code? as usize).map(String::as_str)
    }

    /// Counts cells of one time.
    fn add(&mut self, runs: &[RollupRun]) {
        for run in runs {
            match self.judge_pair(run) {
                Verdict::No => {}
                Verdict::Yes => self.count_all(run),
                Verdict::Unknown => {
                    let rollups = self.rollups;
                    for (value, count) in rollups.cells_of(run) {
                        let value = Some(value).filter(|value| *value != Keys::ABSENT);
                        if self.judge_value(run, value) == Verdict::Yes {
                            self.count(run, value, count);
                        }
                    }
                }
            }
        }
    }

    /// Judges cells by kind and outcome: there are many values, and mostly nothing is asked of them.
    fn judge_pair(&mut self, run: &RollupRun) -> Verdict {
        let pair = (run.kind, run.outcome);
        if let Some(verdict) = self.pairs.get(&pair) {
            return *verdict;
        }
        let verdict = self.judge(run, Told::Nothing);
        self.pairs.insert(pair, verdict);
        verdict
    }

    fn judge_value(&mut self, run: &RollupRun, value: Option<u32>) -> Verdict {
        let key = ((run.kind, run.outcome), value);
        if let Some(verdict) = self.values.get(&key) {
            return *verdict;
        }
        let verdict = self.judge(run, told(self.text(value)));
        self.values.insert(key, verdict);
        verdict
    }

    fn judge(&self, run: &RollupRun, value: Told<'_>) -> Verdict {
        self.look.plan.judge_texts(&|column| match column {
            Column::Kind => told(self.text(run.kind)),
            Column::Outcome => told(self.text(run.outcome)),
            _ if self.column == Some(column) => value,
            _ => Told::Absent,
        })
    }

    /// Counts all cells of a kind and outcome.
    fn count_all(&mut self, run: &RollupRun) {
        let rollups = self.rollups;
        match self.grouping.column {
            None => self.sums.add_all(rollups.count_of(run)),
            Some(Column::Kind) => self.sums.add(run.kind, rollups.count_of(run)),
            Some(Column::Outcome) => self.sums.add(run.outcome, rollups.count_of(run)),
            Some(_) => {
                for (value, count) in rollups.cells_of(run) {
                    self.sums.add(Some(value).filter(|value| *value != Keys::ABSENT), u64::from(count));
                }
            }
        }
    }

    fn count(&mut self, run: &RollupRun, value: Option<u32>, count: u32) {
        let code = match self.grouping.column {
            None => return self.sums.add_all(u64::from(count)),
            Some(Column::Kind) => run.kind,
            Some(Column::Outcome) => run.outcome,
            Some(_) => value,
        };
        self.sums.add(code, u64::from(count));
    }

    fn settle(&mut self, interval: i64, tally: &mut Tally) -> Result<(), QueryError> {
        let (texts, grouping) = (&self.rollups.texts, self.grouping);
        self.sums.settle(interval, tally, |tally, code| match texts.get(code as usize) {
            Some(text) => grouping.number(tally, text),
            None => Ok(None),
        })
    }
}

fn told(text: Option<&str>) -> Told<'_> {
    text.map_or(Told::Absent, Told::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_hold_what_was_added_to_them() {
        let mut windows = Windows::default();
        for window in [0..10, 10..20, 30..40] {
            windows.add(window);
        }
        assert_eq!(windows, Windows(vec![0..20, 30..40]));
        let at = Timestamp::from_micros;
        for (time, held) in [(-1, false), (0, true), (19, true), (20, false), (30, true), (40, false)] {
            assert_eq!(windows.hold(at(time)), held, "{time}");
        }
        for (first, last, touched) in
            [(20, 29, false), (20, 30, true), (-5, -1, false), (15, 16, true), (40, 90, false)]
        {
            assert_eq!(windows.touch(Span { first: at(first), last: at(last) }), touched, "{first} {last}");
        }
    }
}
