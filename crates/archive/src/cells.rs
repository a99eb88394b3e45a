//! A roll-up in memory: eight bytes a cell, since a few of them for every segment are kept between questions.

use std::ops::Range;
use std::sync::Arc;

use crate::part::Keys;

/// One cell. Absent kinds, outcomes and values are `None`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RollupCell {
    /// Begin of the hour or day, in microseconds since 1970; 0 for totals.
    pub from: i64,
    /// Index of the kind in [`Rollups::texts`].
    pub kind: Option<u32>,
    /// Index of the outcome.
    pub outcome: Option<u32>,
    /// Index of the column's value; `None` for [`crate::RollupKey::Hour`] too.
    pub value: Option<u32>,
    /// How many events; a part has fewer than 2³².
    pub count: u32,
}

/// Cells of one begin, kind and outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollupRun {
    /// As [`RollupCell::from`].
    pub from: i64,
    /// As [`RollupCell::kind`].
    pub kind: Option<u32>,
    /// As [`RollupCell::outcome`].
    pub outcome: Option<u32>,
    cells: Range<u32>,
}

/// A roll-up of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollups {
    /// Texts that cells refer to.
    pub texts: Arc<Vec<String>>,
    runs: Vec<RollupRun>,
    /// Values of the cells; [`Keys::ABSENT`] for none.
    values: Vec<u32>,
    counts: Vec<u32>,
}

impl Rollups {
    /// Makes one of cells, which come ordered by their begins.
    pub fn new(texts: Vec<String>, cells: impl IntoIterator<Item = RollupCell>) -> Rollups {
        let mut rollups = Rollups::with_capacity(texts, 0);
        cells.into_iter().for_each(|cell| rollups.push(&cell));
        rollups
    }

    pub(crate) fn with_capacity(texts: Vec<String>, cells: usize) -> Rollups {
        let [values, counts] = [(); 2].map(|()| Vec::with_capacity(cells));
        Rollups { texts: Arc::new(texts), runs: Vec::new(), values, counts }
    }

    pub(crate) fn push(&mut self, cell: &RollupCell) {
        let RollupCell { from, kind, outcome, value, count } = *cell;
        let at = self.values.len() as u32;
        self.values.push(value.unwrap_or(Keys::ABSENT));
        self.counts.push(count);
        match self.runs.last_mut() {
            Some(run) if (run.from, run.kind, run.outcome) == (from, kind, outcome) => run.cells.end = at + 1,
            _ => self.runs.push(RollupRun { from, kind, outcome, cells: at..at + 1 }),
        }
    }

    /// The runs, ordered by their begins.
    pub fn runs(&self) -> &[RollupRun] {
        &self.runs
    }

    /// Values of a run's cells, each once, and how many events have each; [`Keys::ABSENT`] stands for none.
    pub fn cells_of(&self, run: &RollupRun) -> impl Iterator<Item = (u32, u32)> + '_ {
        let cells = run.cells.start as usize..run.cells.end as usize;
        self.values[cells.clone()].iter().copied().zip(self.counts[cells].iter().copied())
    }

    /// How many events the cells of a run count.
    pub fn count_of(&self, run: &RollupRun) -> u64 {
        self.cells_of(run).map(|(_, count)| u64::from(count)).sum()
    }

    /// All cells.
    pub fn cells(&self) -> impl Iterator<Item = RollupCell> + '_ {
        self.runs.iter().flat_map(|run| {
            let RollupRun { from, kind, outcome, .. } = *run;
            self.cells_of(run).map(move |(value, count)| {
                let value = Some(value).filter(|value| *value != Keys::ABSENT);
                RollupCell { from, kind, outcome, value, count }
            })
        })
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Says whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Bytes of memory of the cells, about.
    pub(crate) fn cell_bytes(&self) -> usize {
        size_of_val(&self.runs[..]) + size_of_val(&self.values[..]) + size_of_val(&self.counts[..])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cells_come_out_as_they_went_in(
            cells in prop::collection::vec((0_i64..3, prop::option::of(0_u32..2), prop::option::of(0_u32..2), prop::option::of(0_u32..3), 1_u32..9), 0..40),
        ) {
            let mut cells: Vec<RollupCell> = cells
                .into_iter()
                .map(|(from, kind, outcome, value, count)| RollupCell { from, kind, outcome, value, count })
                .collect();
            cells.sort();
            let rollups = Rollups::new(Vec::new(), cells.clone());
            prop_assert_eq!(rollups.len(), cells.len());
            let events: u64 = rollups.runs().iter().map(|run| rollups.count_of(run)).sum();
            prop_assert_eq!(events, cells.iter().map(|cell| u64::from(cell.count)).sum::<u64>());
            prop_assert_eq!(rollups.cells().collect::<Vec<_>>(), cells);
        }
    }
}
