//! Counts of one interval by the codes of a column, before they enter the tally.
//!
//! Codes are those of one part; what the tally calls each of them is asked once.

use crate::QueryError;
use crate::tally::{Of, Tally};

/// Counts of one interval.
#[derive(Default)]
pub(crate) struct Sums {
    all: u64,
    without: u64,
    by_code: Vec<u64>,
    /// Codes of which there are any.
    codes: Vec<u32>,
    called: Vec<Called>,
}

/// What the tally calls a code.
#[derive(Clone, Copy)]
enum Called {
    NotAsked,
    /// It is passed over.
    Nothing,
    Value(u32),
}

impl Sums {
    /// Counts events of which no value is asked.
    pub(crate) fn add_all(&mut self, events: u64) {
        self.all += events;
    }

    /// Counts events that have a value, or none.
    pub(crate) fn add(&mut self, code: Option<u32>, events: u64) {
        self.all += events;
        let Some(code) = code else {
            self.without += events;
            return;
        };
        let at = code as usize;
        if at >= self.by_code.len() {
            self.by_code.resize(at + 1, 0);
        }
        if self.by_code[at] == 0 && events > 0 {
            self.codes.push(code);
        }
        self.by_code[at] += events;
    }

    /// Moves the counts of an interval into the tally; `number` says what that calls a code, `None` where it is passed over.
    pub(crate) fn settle(
        &mut self,
        interval: i64,
        tally: &mut Tally,
        mut number: impl FnMut(&mut Tally, u32) -> Result<Option<u32>, QueryError>,
    ) -> Result<(), QueryError> {
        if self.all == 0 {
            return Ok(());
        }
        let interval = tally.interval(interval);
        tally.add(interval, Of::All, std::mem::take(&mut self.all))?;
        tally.add(interval, Of::Without, std::mem::take(&mut self.without))?;
        for code in self.codes.drain(..) {
            let at = code as usize;
            let events = std::mem::take(&mut self.by_code[at]);
            if at >= self.called.len() {
                self.called.resize(self.by_code.len(), Called::NotAsked);
            }
            if matches!(self.called[at], Called::NotAsked) {
                self.called[at] = number(tally, code)?.map_or(Called::Nothing, Called::Value);
            }
            if let Called::Value(value) = self.called[at] {
                tally.add(interval, Of::Value(value), events)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_named_once_and_what_is_passed_over_still_counts_as_an_event() {
        let (mut tally, mut sums, mut asked) = (Tally::default(), Sums::default(), 0);
        for interval in [5, 9] {
            for (code, events) in [(Some(3), 2), (None, 4), (Some(0), 1), (Some(3), 1)] {
                sums.add(code, events);
            }
            let number = |tally: &mut Tally, code| {
                asked += 1;
                if code == 0 { Ok(None) } else { tally.number("three").map(Some) }
            };
            sums.settle(interval, &mut tally, number).unwrap();
        }
        assert_eq!(asked, 2);
        assert_eq!((tally.total(Of::All), tally.total(Of::Without)), (16, 8));
        assert_eq!(tally.ranked(9).first, [("three", 0, 6)]);
    }
}
