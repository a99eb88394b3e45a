//! From times to positions: log time never falls, so a time range is a range of positions, found by halving.

use std::ops::Range;

use event::Timestamp;

use crate::QueryError;
use crate::source::Source;

/// Finds the positions below `size` whose log times lie in `since..until`.
pub(crate) fn positions(
    source: &dyn Source,
    size: u64,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Range<u64>, QueryError> {
    let start = since.map_or(Ok(0), |since| first_at(source, size, since))?;
    let end = until.map_or(Ok(size), |until| first_at(source, size, until))?;
    Ok(start..end.max(start))
}

/// Finds the first position below `size` whose log time is `time` or later; `size` when there is none.
pub(crate) fn first_at(source: &dyn Source, size: u64, time: Timestamp) -> Result<u64, QueryError> {
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        let read = source
            .read(middle..middle + 1)
            .map_err(|cause| QueryError::Read { position: middle, source: cause })?;
        let logged = read.first().ok_or(QueryError::Missing { position: middle })?;
        if logged.time < time {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::Entries;

    proptest! {
        #[test]
        fn halving_finds_what_a_walk_finds(steps in prop::collection::vec(0_i64..3, 0..40), since in 0_i64..40, until in 0_i64..40) {
            let times: Vec<i64> = steps.iter().scan(0, |time, step| { *time += step; Some(*time) }).collect();
            let entries = Entries::at_times(&times);
            let found = positions(&entries, entries.size(), Some(Timestamp::from_micros(since)), Some(Timestamp::from_micros(until)));
            let wanted = (0..).zip(&times).filter(|(_, time)| (since..until).contains(*time)).map(|(position, _)| position);
            prop_assert_eq!(found.unwrap().collect::<Vec<u64>>(), wanted.collect::<Vec<u64>>());
        }
    }
}
