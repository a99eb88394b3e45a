//! Stripes: what a scan shows of some rows, column by column.

use std::collections::HashMap;
use std::sync::Arc;

use archive::{Column, Keys, Logged, RollupCell, RollupKey, Rollups};
use event::Timestamp;

use crate::scan::Shown;

const HOUR: i64 = 3_600_000_000;

/// Some rows of one part, in the order of their positions.
#[derive(Clone, Debug, Default)]
pub struct Stripe {
    /// Positions in the log; none where rows are counted.
    pub positions: Vec<u64>,
    /// Event times, where they are shown; begins of hours where rows are counted.
    pub times: Vec<Timestamp>,
    /// For each column that is shown its texts, and each row's code; [`Keys::ABSENT`] where it has none.
    pub columns: Vec<(Arc<Vec<String>>, Vec<u32>)>,
    /// The events, where they are shown.
    pub events: Vec<Logged>,
    /// How many rows each one stands for, where rows are counted.
    pub counts: Vec<u64>,
}

impl Stripe {
    /// How many rows it has.
    pub fn rows(&self) -> usize {
        if self.counts.is_empty() { self.positions.len() } else { self.counts.len() }
    }
}

/// Counts rows of the same texts and hour.
#[derive(Default)]
pub(crate) struct Counter {
    found: HashMap<Vec<u32>, usize>,
}

impl Counter {
    /// Replaces rows of the same texts and hour by one that counts them.
    pub(crate) fn count(&mut self, stripe: Stripe) -> Stripe {
        if !stripe.counts.is_empty() {
            return stripe;
        }
        let rows = stripe.positions.len();
        let mut out = Stripe {
            columns: stripe.columns.iter().map(|(texts, _)| (texts.clone(), Vec::new())).collect(),
            ..Stripe::default()
        };
        let hours: Vec<i64> = stripe.times.iter().map(|time| time.as_micros().div_euclid(HOUR)).collect();
        self.found.clear();
        let mut key = Vec::new();
        let mut last: Option<usize> = None;
        for row in 0..rows {
            let same = |other: usize| {
                stripe.columns.iter().all(|(_, codes)| codes[row] == codes[other])
                    && hours.get(row) == hours.get(other)
            };
            // Neighbours are often alike.
            let known = row.checked_sub(1).filter(|before| same(*before)).and(last);
            let at = known.unwrap_or_else(|| {
                key.clear();
                key.extend(stripe.columns.iter().map(|(_, codes)| codes[row]));
                if let Some(hour) = hours.get(row) {
                    key.extend([hour.cast_unsigned() as u32, (hour.cast_unsigned() >> 32) as u32]);
                }
                match self.found.get(&key) {
                    Some(at) => *at,
                    None => {
                        out.push(&stripe, row, hours.get(row).copied());
                        self.found.insert(key.clone(), out.counts.len() - 1);
                        out.counts.len() - 1
                    }
                }
            });
            out.counts[at] += 1;
            last = Some(at);
        }
        out
    }
}

impl Stripe {
    /// Shows the cells of a roll-up that has all that is shown.
    pub(crate) fn of_rollup(rollups: &Rollups, key: RollupKey, shown: &Shown) -> Stripe {
        let codes = |column: &Column| {
            let code = |cell: RollupCell| match column {
                Column::Kind => cell.kind,
                Column::Outcome => cell.outcome,
                _ => cell.value,
            };
            rollups.cells().map(|cell| code(cell).unwrap_or(Keys::ABSENT)).collect()
        };
        let hours = shown.times && key == RollupKey::Hour;
        let times = rollups.cells().map(|cell| Timestamp::from_micros(cell.from)).filter(|_| hours);
        Stripe {
            times: times.collect(),
            columns: shown.columns.iter().map(|column| (rollups.texts.clone(), codes(column))).collect(),
            counts: rollups.cells().map(|cell| u64::from(cell.count)).collect(),
            ..Stripe::default()
        }
    }

    fn push(&mut self, from: &Stripe, row: usize, hour: Option<i64>) {
        for (own, (_, codes)) in self.columns.iter_mut().zip(&from.columns) {
            own.1.push(codes[row]);
        }
        self.times.extend(hour.map(|hour| Timestamp::from_micros(hour * HOUR)));
        self.counts.push(0);
    }

    /// Text of a row in a column.
    pub fn text(&self, column: usize, row: usize) -> Option<&str> {
        let (texts, codes) = self.columns.get(column)?;
        match codes.get(row) {
            Some(&Keys::ABSENT) | None => None,
            Some(code) => texts.get(*code as usize).map(String::as_str),
        }
    }
}
