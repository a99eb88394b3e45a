//! Counting by interval and value, within bounds of memory.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::QueryError;

/// The most pairs of an interval and a value that are counted.
const MAX_GROUPS: usize = 1 << 20;
/// The most bytes of values that are kept.
const MAX_TEXT_BYTES: usize = 64 << 20;

/// What is counted within an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// Events.
    All,
    /// Events without a value.
    Without,
    /// Events with a value, by its number.
    Value(u32),
}

/// Counts. Intervals and values are numbered as they come.
#[derive(Default)]
pub(crate) struct Tally {
    numbers: HashMap<Arc<str>, u32>,
    values: Vec<Arc<str>>,
    text_bytes: usize,
    interval_numbers: HashMap<i64, u32>,
    intervals: Vec<Interval>,
    /// By interval and value.
    counts: HashMap<(u32, u32), u64, BuildHasherDefault<Mixing>>,
}

#[derive(Clone, Copy, Default)]
struct Interval {
    /// Its begin, in microseconds.
    start: i64,
    all: u64,
    without: u64,
}

/// The most frequent values.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ranked<'t> {
    /// Values, their numbers and counts in all intervals, the most frequent first.
    pub(crate) first: Vec<(&'t str, u32, u64)>,
    /// How often all others occur.
    pub(crate) rest: u64,
    /// How many there are.
    pub(crate) distinct: usize,
}

impl Tally {
    /// Finds the number of a value.
    pub(crate) fn number(&mut self, value: &str) -> Result<u32, QueryError> {
        if let Some(number) = self.numbers.get(value) {
            return Ok(*number);
        }
        self.text_bytes += 2 * value.len();
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        if self.text_bytes > MAX_TEXT_BYTES || self.values.len() >= MAX_GROUPS {
            return Err(too_many());
        }
        let value: Arc<str> = value.into();
        self.numbers.insert(value.clone(), number);
        self.values.push(value);
        Ok(number)
    }

    /// Finds the number of an interval, which is named by its begin in microseconds.
    pub(crate) fn interval(&mut self, start: i64) -> u32 {
        let next = u32::try_from(self.intervals.len()).unwrap_or(u32::MAX);
        *self.interval_numbers.entry(start).or_insert_with(|| {
            self.intervals.push(Interval { start, ..Interval::default() });
            next
        })
    }

    /// Counts events of an interval, by its number.
    pub(crate) fn add(&mut self, interval: u32, of: Of, events: u64) -> Result<(), QueryError> {
        if events > 0 {
            let counted = &mut self.intervals[interval as usize];
            match of {
                Of::All => counted.all += events,
                Of::Without => counted.without += events,
                Of::Value(value) => *self.counts.entry((interval, value)).or_default() += events,
            }
        }
        if self.counts.len() + self.intervals.len() > MAX_GROUPS { Err(too_many()) } else { Ok(()) }
    }

    /// Adds what another thread counted.
    pub(crate) fn merge(mut self, other: Tally) -> Result<Tally, QueryError> {
        if other.counts.len() > self.counts.len() {
            return other.merge(self);
        }
        let values: Result<Vec<u32>, QueryError> =
            other.values.iter().map(|value| self.number(value)).collect();
        let values = values?;
        let mut intervals = Vec::with_capacity(other.intervals.len());
        for counted in &other.intervals {
            let interval = self.interval(counted.start);
            self.add(interval, Of::All, counted.all)?;
            self.add(interval, Of::Without, counted.without)?;
            intervals.push(interval);
        }
        for ((interval, value), events) in other.counts {
            self.add(intervals[interval as usize], Of::Value(values[value as usize]), events)?;
        }
        Ok(self)
    }

    /// Returns how many were counted in all intervals.
    pub(crate) fn total(&self, of: Of) -> u64 {
        (0..).zip(&self.intervals).map(|(interval, _)| self.within(interval, of)).sum()
    }

    /// Returns how many were counted in an interval, by its number.
    pub(crate) fn within(&self, interval: u32, of: Of) -> u64 {
        match of {
            Of::All => self.intervals[interval as usize].all,
            Of::Without => self.intervals[interval as usize].without,
            Of::Value(value) => self.counts.get(&(interval, value)).copied().unwrap_or(0),
        }
    }

    /// Lists the intervals in which there is anything, in order: their begins and numbers.
    pub(crate) fn intervals(&self) -> Vec<(i64, u32)> {
        let counted = (0..).zip(&self.intervals).filter(|(_, interval)| interval.all > 0);
        let mut intervals: Vec<(i64, u32)> =
            counted.map(|(number, interval)| (interval.start, number)).collect();
        intervals.sort_unstable();
        intervals
    }

    /// Returns how often values occur in each interval, by its number.
    pub(crate) fn values_by_interval(&self) -> Vec<u64> {
        let mut sums = vec![0; self.intervals.len()];
        for ((interval, _), events) in &self.counts {
            sums[*interval as usize] += events;
        }
        sums
    }

    /// Ranks the values by their counts in all intervals.
    pub(crate) fn ranked(&self, most: usize) -> Ranked<'_> {
        let mut counts = vec![0; self.values.len()];
        for ((_, value), events) in &self.counts {
            counts[*value as usize] += events;
        }
        let all: u64 = counts.iter().sum();
        let mut first: Vec<(&str, u32, u64)> = (0..)
            .zip(&self.values)
            .zip(counts)
            .map(|((number, value), count)| (&**value, number, count))
            .filter(|(.., count)| *count > 0)
            .collect();
        let distinct = first.len();
        let order = |left: &(&str, u32, u64), right: &(&str, u32, u64)| {
            right.2.cmp(&left.2).then(left.0.cmp(right.0))
        };
        // Few are shown of perhaps many, so the others are not put in order.
        if most < distinct {
            first.select_nth_unstable_by(most, order);
            first.truncate(most);
        }
        first.sort_unstable_by(order);
        let shown: u64 = first.iter().map(|(.., count)| count).sum();
        Ranked { first, rest: all - shown, distinct }
    }
}

fn too_many() -> QueryError {
    QueryError::TooManyGroups { most: MAX_GROUPS }
}

/// Hashes small numbers of our own giving (not what they stand for, which others choose), much faster than the standard
/// library's hash.
#[derive(Default)]
pub(crate) struct Mixing(u64);

impl Hasher for Mixing {
    fn write_u32(&mut self, number: u32) {
        self.0 = self.0.rotate_left(32) ^ u64::from(number);
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn finish(&self) -> u64 {
        // The last step of SplitMix64: every bit depends on every other.
        let word = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ word >> 31
    }
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
            let (interval, value) = (tally.interval(interval), tally.number(value).unwrap());
            tally.add(interval, Of::Value(value), events).unwrap();
            tally.add(interval, Of::All, events).unwrap();
        }
        let [left, right] = tallies;
        let all = left.merge(right).unwrap();
        let begins: Vec<i64> = all.intervals().into_iter().map(|(begin, _)| begin).collect();
        assert_eq!((begins, all.total(Of::All)), (vec![1, 2, 3], 17));
        assert_eq!(all.within(all.intervals()[0].1, Of::All), 7);
        let found = |most| {
            let ranked = all.ranked(most);
            let first: Vec<_> = ranked.first.into_iter().map(|(value, _, count)| (value, count)).collect();
            (first, ranked.rest, ranked.distinct)
        };
        assert_eq!(found(9), (vec![("b", 7), ("c", 7), ("a", 3)], 0, 3));
        assert_eq!(found(1), (vec![("b", 7)], 10, 3));
    }

    #[test]
    fn more_than_fits_is_an_error_not_a_guess() {
        let mut tally = Tally::default();
        let long = "x".repeat(20 << 20);
        assert!(tally.number(&long).is_ok());
        assert!(matches!(tally.number(&format!("{long}y")), Err(QueryError::TooManyGroups { .. })));
    }
}
