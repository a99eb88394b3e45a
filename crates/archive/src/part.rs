//! A part: a run of entries that can be searched, sealed or still growing.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use event::Timestamp;

use crate::blocks::Blocks;
use crate::cells::Rollups;
use crate::column::Column;
use crate::rollup::DIMENSIONS;

/// Event times that occur in a block or part, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The earliest.
    pub first: Timestamp,
    /// The latest.
    pub last: Timestamp,
}

impl Span {
    /// The least span that holds both.
    #[must_use]
    pub fn join(self, other: Span) -> Span {
        Span { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// The most blocks of a [`Run`].
pub const RUN_BLOCKS: usize = 64;

/// Blocks of a part that are best looked at together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The blocks, at most [`RUN_BLOCKS`].
    pub blocks: Range<usize>,
    /// The event times in them.
    pub span: Span,
}

impl Run {
    /// Puts blocks of these event times, in order, into runs that end at these blocks at the latest.
    pub fn cut(spans: &[Span], ends: impl IntoIterator<Item = usize>) -> Arc<[Run]> {
        let mut runs = Vec::new();
        let mut start = 0;
        for end in ends.into_iter().chain([spans.len()]) {
            let blocks = start..end.clamp(start, spans.len());
            start = blocks.end;
            let runs_of = blocks.clone().step_by(RUN_BLOCKS);
            runs.extend(runs_of.filter_map(|first| {
                let blocks = first..blocks.end.min(first + RUN_BLOCKS);
                let span = spans[blocks.clone()].iter().copied().reduce(Span::join)?;
                Some(Run { blocks, span })
            }));
        }
        runs.into()
    }
}

/// One entry as it was logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Position in the log.
    pub position: u64,
    /// When the log took it.
    pub log_time: Timestamp,
    /// The event's own time; the log time where it has none.
    pub time: Timestamp,
    /// The event's exact bytes.
    pub payload: Vec<u8>,
}

/// One entry as it was logged, where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedRef<'a> {
    /// Position in the log.
    pub position: u64,
    /// When the log took it.
    pub log_time: Timestamp,
    /// The event's own time; the log time where it has none.
    pub time: Timestamp,
    /// The event's exact bytes.
    pub payload: &'a [u8],
}

impl LoggedRef<'_> {
    /// Copies it.
    pub fn to_owned(&self) -> Logged {
        let LoggedRef { position, log_time, time, payload } = *self;
        Logged { position, log_time, time, payload: payload.to_vec() }
    }
}

impl Logged {
    /// Shows it where it lies.
    pub fn by_ref(&self) -> LoggedRef<'_> {
        let Logged { position, log_time, time, payload } = self;
        LoggedRef { position: *position, log_time: *log_time, time: *time, payload }
    }
}

/// Who is shown entries, and says when that is enough.
pub type Visit<'v> = dyn FnMut(LoggedRef<'_>) -> ControlFlow<()> + 'v;

/// A column's values for some blocks, by code.
///
/// A row's value is the text at the column's field where that is exactly one JSON string, and absent where the field is
/// absent or `null`. Whatever else stands there (a number, a list, a key that occurs twice or has dots in it, text of more
/// than 1,024 bytes), and an event that no filter can read, makes its whole block odd: see [`Keys::odd`].
#[derive(Clone, Debug)]
pub struct Keys {
    /// The distinct values; codes index them. They may hold values that no asked row has.
    pub values: Arc<Vec<String>>,
    /// For each asked block, in order: its number and one code a row; [`Keys::ABSENT`] where there is no value.
    pub blocks: Vec<(usize, Vec<u32>)>,
    /// Blocks in which the column decides nothing.
    pub odd: Blocks,
}

impl Keys {
    /// The code of a row without a value.
    pub const ABSENT: u32 = u32::MAX;
}

/// What a cell of a roll-up counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RollupKey {
    /// Events by hour (UTC), kind and outcome.
    Hour,
    /// Events of the whole part by kind, outcome and a column's value; for [`Column::User`], [`Column::Target`] and
    /// [`Column::Address`].
    Total(Column),
    /// As `Total`, by day (UTC).
    Day(Column),
}

/// How finely counts must tell times apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimesApart {
    /// Not at all.
    Never,
    /// By the day (UTC).
    ByDay,
    /// By the hour.
    ByHour,
}

impl RollupKey {
    /// Finds the roll-up that counts by all of these columns and tells times apart finely enough; `None` where there is none.
    /// One that is not by column tells more of times than it may have to.
    pub fn holding<'c>(
        columns: impl IntoIterator<Item = &'c Column>,
        apart: TimesApart,
    ) -> Option<RollupKey> {
        let mut others =
            columns.into_iter().filter(|column| !matches!(column, Column::Kind | Column::Outcome));
        let Some(column) = others.next() else { return Some(RollupKey::Hour) };
        if !DIMENSIONS.contains(column) || others.any(|other| other != column) {
            return None;
        }
        match apart {
            TimesApart::Never => Some(RollupKey::Total(*column)),
            TimesApart::ByDay => Some(RollupKey::Day(*column)),
            TimesApart::ByHour => None,
        }
    }
}

/// Why a part could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// Its file or object could not be read.
    #[error("cannot read {name}")]
    Read {
        /// Which.
        name: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It could not be written.
    #[error("cannot write {name}")]
    Write {
        /// Which.
        name: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It was read and is not what was sealed.
    #[error("{name} is damaged: {why}; run `lodge archive verify`")]
    Damaged {
        /// Which.
        name: String,
        /// What is wrong.
        why: String,
    },
}

/// A run of entries that can be searched. All methods may block on the disk or the network; none changes anything.
///
/// Rows are numbered from 0 within the part, in log order: row `r` is position `positions().start + r`. A growing part is
/// asked through a snapshot, which never changes.
pub trait Part: Send + Sync {
    /// The positions of its entries.
    fn positions(&self) -> Range<u64>;

    /// Event times in it; `None` when it is empty.
    fn span(&self) -> Option<Span>;

    /// All of its blocks, in order, in runs in which its columns lie together.
    fn runs(&self) -> Arc<[Run]>;

    /// Event times of one block.
    fn block_span(&self, block: usize) -> Option<Span>;

    /// The blocks that may hold a value in which these folded parts (see [`event::filter::tokens`]) follow one another; never
    /// leaves out one that does.
    fn holding(&self, parts: &[&str]) -> Result<Blocks, PartError>;

    /// A column's values for some blocks.
    fn keys(&self, column: Column, blocks: &Blocks) -> Result<Keys, PartError>;

    /// Event times of the rows of some blocks, in order: number of the block, and one for each row.
    fn times(&self, blocks: &Blocks) -> Result<Vec<(usize, Vec<Timestamp>)>, PartError>;

    /// The blocks with a row whose `time` is anything but one text that [`event::filter::parse_instant`] reads: there a filter
    /// on `time` sees something other than [`Part::times`]. All blocks, from a part that does not know.
    fn odd_times(&self) -> Result<Blocks, PartError>;

    /// Shows entries by row number, which must rise, until `visit` has enough. However many and large they are, few are in
    /// memory at once.
    fn visit(&self, rows: &[u32], visit: &mut Visit<'_>) -> Result<(), PartError>;

    /// Reads few entries by row number, which must rise.
    fn entries(&self, rows: &[u32]) -> Result<Vec<Logged>, PartError> {
        let mut found = Vec::new();
        self.visit(rows, &mut |logged| {
            found.push(logged.to_owned());
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// Says of rows, whose numbers must rise, whether they came in with a file ([`event::ingested::is_file_source`]): such
    /// an event may say of itself what only a node of Lodge can know.
    fn ingested(&self, rows: &[u32]) -> Result<Vec<bool>, PartError>;

    /// A roll-up; `None` where the part has none of that sort.
    fn rollup(&self, key: RollupKey) -> Result<Option<Arc<Rollups>>, PartError>;

    /// Says how many blocks it has.
    fn block_count(&self) -> usize {
        let positions = self.positions();
        ((positions.end - positions.start) as usize).div_ceil(crate::BLOCK_ROWS)
    }
}

/// Whoever keeps parts: the archive, or a list in tests.
pub trait Parts: Send + Sync {
    /// The parts as they are now, in the order of their positions, without a gap but for what retention dropped; a growing
    /// one comes last. What the log holds behind the last part has not been taken in yet.
    fn parts(&self) -> Vec<Arc<dyn Part>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_hold_every_block_once_and_end_where_they_must() {
        let at = Timestamp::from_micros;
        let spans: Vec<Span> =
            (0..200).map(|n| Span { first: at(1000 - n), last: at(1000 + n % 7) }).collect();
        for ends in [&[][..], &[3, 3, 70, 500], &[200], &[64, 128, 192]] {
            let runs = Run::cut(&spans, ends.iter().copied());
            let blocks: Vec<usize> = runs.iter().flat_map(|run| run.blocks.clone()).collect();
            assert_eq!(blocks, (0..200).collect::<Vec<_>>());
            for run in &*runs {
                assert!(run.blocks.len() <= RUN_BLOCKS && !run.blocks.is_empty());
                assert!(ends.iter().all(|end| *end <= run.blocks.start || run.blocks.end <= *end));
                let of = &spans[run.blocks.clone()];
                assert_eq!(Some(run.span.first), of.iter().map(|span| span.first).min());
                assert_eq!(Some(run.span.last), of.iter().map(|span| span.last).max());
            }
        }
    }

    #[test]
    fn a_rollup_holds_kind_and_outcome_and_one_other_column() {
        use Column::{Address, Kind, Outcome, Target, User, Verb};
        use TimesApart::{ByDay, ByHour, Never};
        for (columns, apart, key) in [
            (&[][..], Never, Some(RollupKey::Hour)),
            (&[Outcome, Kind], ByHour, Some(RollupKey::Hour)),
            (&[Address], Never, Some(RollupKey::Total(Address))),
            (&[Kind, User, Outcome, User], ByDay, Some(RollupKey::Day(User))),
            (&[Target], ByHour, None),
            (&[User, Target], Never, None),
            (&[Verb], Never, None),
            (&[Verb, User], Never, None),
        ] {
            assert_eq!(RollupKey::holding(columns, apart), key, "{columns:?} {apart:?}");
        }
    }
}
