//! Counts that a part has ready, used where they say exactly what is asked.
//!
//! A cell counts the events of an hour, a day or the whole part. Where a question's bounds, or an interval's, run through
//! a cell, its window is left to be counted by columns.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::ops::Range;

use archive::{Column, Part, RollupCell, RollupKey, Rollups, Span, TimesApart};
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
    for cells in runs(&rollups.cells, |cell| cell.from) {
        all += 1;
        let window = length.map_or(span, |length| window(cells[0].from, length, span));
        match grouping.interval_of_all(window).filter(|_| look.encloses(window)) {
            Some(interval) => taken.push((interval, cells)),
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

/// Cuts cells into runs of which something is the same.
fn runs<K: PartialEq>(
    cells: &[RollupCell],
    same: impl Fn(&RollupCell) -> K,
) -> impl Iterator<Item = &[RollupCell]> {
    let mut rest = cells;
    std::iter::from_fn(move || {
        let key = same(rest.first()?);
        // Runs are short or very long: their ends are looked for in steps that double.
        let mut step = 1;
        while rest.get(step).is_some_and(|cell| same(cell) == key) {
            step *= 2;
        }
        let within = &rest[step / 2..step.min(rest.len())];
        let (run, behind) = rest.split_at(step / 2 + within.partition_point(|cell| same(cell) == key));
        rest = behind;
        Some(run)
    })
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
    fn add(&mut self, cells: &[RollupCell]) {
        for cells in runs(cells, |cell| (cell.kind, cell.outcome)) {
            match self.judge_pair(&cells[0]) {
                Verdict::No => {}
                Verdict::Yes => self.count(cells),
                Verdict::Unknown => {
                    for cell in cells {
                        if self.judge_value(cell) == Verdict::Yes {
                            self.count(std::slice::from_ref(cell));
                        }
                    }
                }
            }
        }
    }

    /// Judges cells by kind and outcome: there are many values, and mostly nothing is asked of them.
    fn judge_pair(&mut self, cell: &RollupCell) -> Verdict {
        let pair = (cell.kind, cell.outcome);
        if let Some(verdict) = self.pairs.get(&pair) {
            return *verdict;
        }
        let verdict = self.judge(cell, Told::Nothing);
        self.pairs.insert(pair, verdict);
        verdict
    }

    fn judge_value(&mut self, cell: &RollupCell) -> Verdict {
        let key = ((cell.kind, cell.outcome), cell.value);
        if let Some(verdict) = self.values.get(&key) {
            return *verdict;
        }
        let verdict = self.judge(cell, told(self.text(cell.value)));
        self.values.insert(key, verdict);
        verdict
    }

    fn judge(&self, cell: &RollupCell, value: Told<'_>) -> Verdict {
        self.look.plan.judge_texts(&|column| match column {
            Column::Kind => told(self.text(cell.kind)),
            Column::Outcome => told(self.text(cell.outcome)),
            _ if self.column == Some(column) => value,
            _ => Told::Absent,
        })
    }

    /// Counts cells of one kind and outcome.
    fn count(&mut self, cells: &[RollupCell]) {
        let code_of: fn(&RollupCell) -> Option<u32> = match self.grouping.column {
            None => return self.sums.add_all(cells.iter().map(|cell| cell.count).sum()),
            Some(Column::Kind) => |cell| cell.kind,
            Some(Column::Outcome) => |cell| cell.outcome,
            Some(_) => |cell| cell.value,
        };
        cells.iter().for_each(|cell| self.sums.add(code_of(cell), cell.count));
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
