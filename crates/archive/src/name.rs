//! Names of the archive's objects: each says which positions it covers.
//!
//! `<first>-<end>.parquet` holds entries, `.index` beside it what is derived from them, and `.leaves` what is kept of
//! entries that retention has dropped. Names of any other form are not ours and are left alone.

use std::fmt;
use std::ops::Range;

/// The positions that a segment covers; never none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    first: u64,
    end: u64,
}

/// What an object holds of its positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// The entries.
    Data,
    /// The index of the entries.
    Index,
    /// The leaves of entries that were dropped.
    Leaves,
}

const KINDS: [(ObjectKind, &str); 3] =
    [(ObjectKind::Data, ".parquet"), (ObjectKind::Index, ".index"), (ObjectKind::Leaves, ".leaves")];

impl SegmentName {
    /// Names the segment of a range; `None` for an empty one.
    pub fn new(range: Range<u64>) -> Option<SegmentName> {
        (range.start < range.end).then_some(SegmentName { first: range.start, end: range.end })
    }

    /// Reads the path of an object.
    pub fn parse(path: &str) -> Option<(SegmentName, ObjectKind)> {
        let (kind, suffix) = KINDS.into_iter().find(|(_, suffix)| path.ends_with(suffix))?;
        let (first, end) = path.strip_suffix(suffix)?.split_once('-')?;
        let number = |digits: &str| {
            let plain = digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten()
        };
        Some((SegmentName::new(number(first)?..number(end)?)?, kind))
    }

    /// Returns the path of one of its objects.
    pub fn path(self, kind: ObjectKind) -> String {
        let suffix = KINDS.iter().find(|(known, _)| *known == kind).map_or("", |(_, suffix)| suffix);
        format!("{self}{suffix}")
    }

    /// Says whether both have a position.
    pub(crate) fn overlaps(self, other: SegmentName) -> bool {
        self.first < other.end && other.first < self.end
    }

    /// Returns the positions.
    pub fn positions(self) -> Range<u64> {
        self.first..self.end
    }

    /// Position of the first entry.
    pub fn first(self) -> u64 {
        self.first
    }

    /// Position behind the last entry.
    pub fn end(self) -> u64 {
        self.end
    }

    /// Number of entries.
    pub fn rows(self) -> u64 {
        self.end - self.first
    }

    /// Says whether it covers all that `other` does.
    pub fn covers(self, other: SegmentName) -> bool {
        self.first <= other.first && other.end <= self.end
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}-{:020}", self.first, self.end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_are_not_ours_are_not_read() {
        let good = "00000000000000000000-00000000000000000007.parquet";
        assert_eq!(SegmentName::parse(good), SegmentName::new(0..7).map(|name| (name, ObjectKind::Data)));
        for bad in [
            "",
            ".parquet",
            "0-7.parquet",
            "00000000000000000007-00000000000000000007.index",
            "00000000000000000000-00000000000000000007.txt",
            "x/00000000000000000000-00000000000000000007.index",
            "+0000000000000000000-00000000000000000007.index",
            "00000000000000000000-99999999999999999999.index",
        ] {
            assert_eq!(SegmentName::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn names_survive_the_journey(first: u64, rows in 1u64..1 << 40) {
            let Some(end) = first.checked_add(rows) else { return Ok(()) };
            let name = SegmentName::new(first..end).unwrap();
            for (kind, _) in KINDS {
                prop_assert_eq!(SegmentName::parse(&name.path(kind)), Some((name, kind)));
            }
        }

        #[test]
        fn arbitrary_paths_are_read_or_refused(path in "[0-9-]{0,41}(\\.parquet|\\.index|\\.leaves)?") {
            if let Some((name, kind)) = SegmentName::parse(&path) {
                prop_assert_eq!(name.path(kind), path);
            }
        }
    }
}
