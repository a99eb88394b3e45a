//! Counting by interval and value, within bounds of memory.

use std::collections::HashMap;

use crate::QueryError;

/// The most pairs of an interval and a value that are counted.
const MAX_GROUPS: usize = 1 << 20;
/// The most bytes of values that are kept.
const MAX_TEXT_BYTES: usize = 64 << 20;

/// What is counted within an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Of {
    /// Events.
    All,
    /// Events without a value.
    Without,
    /// Events with a value, by its number.
    Value(u32),
}

/// Counts. An interval is named by its begin, in microseconds.
#[derive(Default)]
pub(crate) struct Tally {
    numbers: HashMap<String, u32>,
    values: Vec<String>,
    text_bytes: usize,
    counts: HashMap<(i64, Of), u64>,
}

impl Tally {
    /// Finds the number of a value.
    pub(crate) fn number(&mut self, value: &str) -> Result<Of, QueryError> {
        if let Some(number) = self.numbers.get(value) {
            return Ok(Of::Value(*number));
        }
        self.text_bytes += 2 * value.len();
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        if self.text_bytes > MAX_TEXT_BYTES || self.values.len() >= MAX_GROUPS {
            return Err(too_many());
        }
        self.numbers.insert(value.to_owned(), number);
        self.values.push(value.to_owned());
        Ok(Of::Value(number))
    }

    /// Counts events.
    pub(crate) fn add(&mut self, interval: i64, of: Of, events: u64) -> Result<(), QueryError> {
        if events > 0 {
            *self.counts.entry((interval, of)).or_default() += events;
        }
        if self.counts.len() > MAX_GROUPS { Err(too_many()) } else { Ok(()) }
    }

    /// Adds what another thread counted.
    pub(crate) fn merge(mut self, other: Tally) -> Result<Tally, QueryError> {
        if other.counts.len() > self.counts.len() {
            return other.merge(self);
        }
        let numbers: Result<Vec<Of>, QueryError> =
            other.values.iter().map(|value| self.number(value)).collect();
        let numbers = numbers?;
        for ((interval, of), events) in other.counts {
            let of = if let Of::Value(number) = of { numbers[number as usize] } else { of };
            self.add(interval, of, events)?;
        }
        Ok(self)
    }

    /// Returns how many were counted in all intervals.
    pub(crate) fn total(&self, of: Of) -> u64 {
        self.counts.iter().filter(|((_, one), _)| *one == of).map(|(_, events)| events).sum()
    }

    /// Returns how many were counted in an interval.
    pub(crate) fn within(&self, interval: i64, of: Of) -> u64 {
        self.counts.get(&(interval, of)).copied().unwrap_or(0)
    }

    /// Lists the intervals in which there is anything, in order.
    pub(crate) fn intervals(&self) -> Vec<i64> {
        let mut intervals: Vec<i64> =
            self.counts.keys().filter(|(_, of)| *of == Of::All).map(|(interval, _)| *interval).collect();
        intervals.sort_unstable();
        intervals
    }

    /// Returns how often values occur in each interval.
    pub(crate) fn values_by_interval(&self) -> HashMap<i64, u64> {
        let mut sums = HashMap::new();
        for ((interval, of), events) in &self.counts {
            if matches!(of, Of::Value(_)) {
                *sums.entry(*interval).or_default() += events;
            }
        }
        sums
    }

    /// Lists the values with their numbers and counts in all intervals, the most frequent first.
    pub(crate) fn ranked(&self) -> Vec<(&str, Of, u64)> {
        let mut counts = vec![0; self.values.len()];
        for ((_, of), events) in &self.counts {
            if let Of::Value(number) = of {
                counts[*number as usize] += events;
            }
        }
        let mut ranked: Vec<(&str, Of, u64)> = (0..)
            .zip(&self.values)
            .zip(counts)
            .map(|((number, value), count)| (value.as_str(), Of::Value(number), count))
            .filter(|(.., count)| *count > 0)
            .collect();
        ranked.sort_unstable_by(|left, right| right.2.cmp(&left.2).then(left.0.cmp(right.0)));
        ranked
    }
}

fn too_many() -> QueryError {
    QueryError::TooManyGroups { most: MAX_GROUPS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_threads_counted_adds_up() {
        let mut tallies = [Tally::default(), Tally::default()];
        for (thread, interval, value, events) in
            [(0, 1, "a", 2), (0, 2, "b", 3), (1, 1, "b", 4), (1, 1, "a", 1), (1, 3, "c", 7)]
        {
            let tally: &mut Tally = &mut tallies[thread];
            let of = tally.number(value).unwrap();
            tally.add(interval, of, events).unwrap();
            tally.add(interval, Of::All, events).unwrap();
        }
        let [left, right] = tallies;
        let all = left.merge(right).unwrap();
        let ranked: Vec<_> =
            all.ranked().into_iter().map(|(value, _, count)| (value.to_owned(), count)).collect();
        assert_eq!(ranked, [("b".to_owned(), 7), ("c".to_owned(), 7), ("a".to_owned(), 3)]);
        assert_eq!((all.intervals(), all.total(Of::All)), (vec![1, 2, 3], 17));
        assert_eq!(all.within(1, Of::All), 7);
    }

    #[test]
    fn more_than_fits_is_an_error_not_a_guess() {
        let mut tally = Tally::default();
        let long = "x".repeat(20 << 20);
        assert!(tally.number(&long).is_ok());
        assert!(matches!(tally.number(&format!("{long}y")), Err(QueryError::TooManyGroups { .. })));
    }
}
