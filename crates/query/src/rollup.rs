//! Counts that a part has ready, used where they say exactly what is asked.
//!
//! A cell counts the events of an hour, a day or the whole part. Where a question's bounds, or an interval's, run through
//! a cell, its window is left to be counted by columns.

use std::collections::BTreeMap;
use std::ops::Range;

use archive::{Column, Part, RollupCell, RollupKey, Rollups, Span};
use event::Timestamp;

use crate::QueryError;
use crate::look::Look;
use crate::plan::Verdict;
use crate::tally::{Of, Tally};
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
    let mut begins: BTreeMap<i64, Option<i64>> = rollups.cells.iter().map(|cell| (cell.from, None)).collect();
    let mut left = Windows::default();
    let mut cut = 0;
    for (from, interval) in &mut begins {
        let window = length.map_or(span, |length| window(*from, length, span));
        match grouping.interval_of_all(window).filter(|_| look.encloses(window)) {
            Some(within) => *interval = Some(within),
            None if look.touches(window) => {
                cut += 1;
                left.add(window.first.as_micros()..window.last.as_micros() + 1);
            }
            None => {}
        }
    }
    // Where most of it must be counted by columns anyway, all of it may.
    if cut > 2 && cut * 2 > begins.len() {
        return Ok(None);
    }
    let tests_value = match key {
        RollupKey::Hour => false,
        RollupKey::Total(column) | RollupKey::Day(column) => look.plan.tests(column),
    };
    let mut texts = Texts { rollups: &rollups, key, look, verdicts: BTreeMap::new(), tests_value };
    for cell in &rollups.cells {
        if let Some(interval) = begins.get(&cell.from).copied().flatten() {
            texts.add(cell, interval, grouping, tally)?;
        }
    }
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
    let mut others =
        look.plan.columns().iter().filter(|column| !matches!(column, Column::Kind | Column::Outcome));
    match (others.next(), others.next()) {
        (None, _) => Some((RollupKey::Hour, Some(HOUR))),
        (Some(Column::User | Column::Target | Column::Address), Some(_)) | (Some(_), Some(_)) => None,
        (Some(column @ (Column::User | Column::Target | Column::Address)), None) => {
            let whole = look.encloses(span) && grouping.interval_of_all(span).is_some();
            Some(if whole {
                (RollupKey::Total(*column), None)
            } else {
                (RollupKey::Day(*column), Some(24 * HOUR))
            })
        }
        (Some(_), None) => None,
    }
}

/// Reads cells' texts.
struct Texts<'a> {
    rollups: &'a Rollups,
    key: RollupKey,
    look: &'a Look<'a>,
    verdicts: BTreeMap<[Option<u32>; 3], Verdict>,
    tests_value: bool,
}

impl<'a> Texts<'a> {
    fn text(&self, cell: &RollupCell, column: Column) -> Option<&'a str> {
        let number = match (column, self.key) {
            (Column::Kind, _) => cell.kind,
            (Column::Outcome, _) => cell.outcome,
            (_, RollupKey::Total(of) | RollupKey::Day(of)) if of == column => cell.value,
            _ => None,
        };
        self.rollups.texts.get(number? as usize).map(String::as_str)
    }

    fn add(
        &mut self,
        cell: &RollupCell,
        interval: i64,
        grouping: &Grouping<'_>,
        tally: &mut Tally,
    ) -> Result<(), QueryError> {
        // There are many values, and mostly nothing is asked of them.
        let texts = [cell.kind, cell.outcome, cell.value.filter(|_| self.tests_value)];
        let verdict = match self.verdicts.get(&texts) {
            Some(verdict) => *verdict,
            None => {
                let verdict = self.look.plan.judge_texts(&|column| self.text(cell, column));
                self.verdicts.insert(texts, verdict);
                verdict
            }
        };
        if verdict != Verdict::Yes {
            return Ok(());
        }
        tally.add(interval, Of::All, cell.count)?;
        let Some(column) = grouping.column else { return Ok(()) };
        match self.text(cell, column) {
            Some(text) => grouping.add_value(tally, interval, text, cell.count),
            None => tally.add(interval, Of::Without, cell.count),
        }
    }
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
