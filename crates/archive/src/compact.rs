//! Which neighbouring segments are merged, so that a quiet log does not become thousands of small files.
//!
//! Segments are merged eight at a time, level by level, so an entry is written again a handful of times at most, however
//! long the log grows. Only the choice is made here.

use std::ops::Range;
use std::time::Duration;

use event::Timestamp;

use crate::name::SegmentName;

/// Segments that are merged at once.
const FAN: usize = 8;

/// What the choice is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    /// The segment; `None` for what cannot be merged.
    pub name: Option<SegmentName>,
    /// Bytes of its data.
    pub bytes: u64,
    /// Log time of its last entry.
    pub last_time: Timestamp,
}

/// Up to where merging goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Entries of a merged segment, at most.
    pub rows: u64,
    /// Bytes of its data, about, at most.
    pub bytes: u64,
    /// Log time between the ends of its first and last part, at most, so that retention need not wait for long.
    pub span: Option<Duration>,
}

/// Chooses neighbours to merge; `None` when nothing is worth it.
pub(crate) fn choose(candidates: &[Candidate], bounds: &Bounds) -> Option<Range<usize>> {
    let level = |candidate: &Candidate| candidate.name.map(|name| name.rows().ilog(FAN as u64));
    let highest = candidates.iter().filter_map(level).max()?;
    for allowed in 0..=highest {
        let mut start = 0;
        while start < candidates.len() {
            let fits = |candidate: &&Candidate| level(candidate).is_some_and(|level| level <= allowed);
            let run = candidates[start..].iter().take_while(fits).count();
            if let Some(count) = merged(&candidates[start..start + run], bounds) {
                return Some(start..start + count);
            }
            // Where the first ones cannot be merged within bounds, later ones of the run perhaps can.
            start += 1;
        }
    }
    None
}

/// How many of a run, from its first on, are merged.
fn merged(run: &[Candidate], bounds: &Bounds) -> Option<usize> {
    let first = run.first()?;
    let (mut rows, mut bytes, mut count) = (0, 0, 0);
    for candidate in run {
        rows += candidate.name.map_or(0, SegmentName::rows);
        bytes += candidate.bytes;
        let span = candidate.last_time.since(first.last_time);
        if rows > bounds.rows || bytes > bounds.bytes || bounds.span.is_some_and(|most| span > most) {
            break;
        }
        count += 1;
    }
    (count >= FAN).then_some(count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Bounds = Bounds { rows: 1 << 20, bytes: 1 << 30, span: None };

    fn candidates(rows: &[u64]) -> Vec<Candidate> {
        let mut end = 0;
        let candidate = |rows: &u64| {
            let first = end;
            end += rows;
            let last_time = Timestamp::from_micros(end as i64 * 1_000_000);
            Candidate { name: SegmentName::new(first..end), bytes: rows * 100, last_time }
        };
        rows.iter().map(candidate).collect()
    }

    #[test]
    fn eight_full_segments_become_one_and_stay_it() {
        let full = 1 << 17;
        assert_eq!(choose(&candidates(&[full; 7]), &BOUNDS), None);
        assert_eq!(choose(&candidates(&[full; 8]), &BOUNDS), Some(0..8));
        assert_eq!(choose(&candidates(&[full * 8, full * 8]), &BOUNDS), None);
        assert_eq!(choose(&candidates(&[&[full * 8][..], &[full; 8]].concat()), &BOUNDS), Some(1..9));
    }

    #[test]
    fn small_ones_are_merged_before_large_ones() {
        let rows = [&[1000; 9][..], &[5; 8]].concat();
        assert_eq!(choose(&candidates(&rows), &BOUNDS), Some(9..17));
    }

    #[test]
    fn bytes_and_span_bound_a_merge() {
        let some = candidates(&[10; 20]);
        assert_eq!(choose(&some, &Bounds { bytes: 7900, ..BOUNDS }), None);
        assert_eq!(choose(&some, &Bounds { bytes: 9000, ..BOUNDS }), Some(0..9));
        let span = Some(Duration::from_secs(70));
        assert_eq!(choose(&some, &Bounds { span, ..BOUNDS }), Some(0..8));
        let span = Some(Duration::from_secs(69));
        assert_eq!(choose(&some, &Bounds { span, ..BOUNDS }), None);
    }

    #[test]
    fn what_was_pruned_is_not_merged() {
        let mut some = candidates(&[10; 12]);
        some[3].name = None;
        assert_eq!(choose(&some, &BOUNDS), Some(4..12));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn merging_ends_and_leaves_few_segments(sizes in proptest::collection::vec(1u64..1 << 17, 1..300)) {
            let mut sizes = sizes;
            let total: u64 = sizes.iter().sum();
            let mut written = 0;
            while let Some(range) = choose(&candidates(&sizes), &BOUNDS) {
                let merged: u64 = sizes[range.clone()].iter().sum();
                prop_assert!(range.len() >= FAN && merged <= BOUNDS.rows);
                written += merged;
                sizes.splice(range, [merged]);
            }
            prop_assert_eq!(sizes.iter().sum::<u64>(), total);
            prop_assert!(written <= total * 7, "{} of {}", written, total);
            prop_assert!(sizes.len() as u64 <= 8 * 7 + 3 * total.div_ceil(BOUNDS.rows) * 8);
        }
    }
}
