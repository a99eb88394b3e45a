//! A log and parts made of a list, for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use archive::{
    BLOCK_ROWS, Blocks, COLUMNS, Column, Keys, Logged, Part, PartError, RollupCell, RollupKey, Rollups, Run,
    Span, Visit,
};
use audit_log::ReadError;
use event::filter::tokens;
use event::view::Node;
use event::{Filter, FilterContext, RecordView, Timestamp};

use crate::ground::{Ground, Survey};
use crate::source::{Source, time_of};
use crate::sweep::{Stop, Watch};

/// Entries, how many of them one read gives, and which of them came in with a file.
#[derive(Clone, Debug)]
pub(crate) struct Entries(pub(crate) Vec<Logged>, u64, Arc<BTreeSet<u64>>);

impl Entries {
    /// Makes a log of these payloads; an entry's log time is its position, in microseconds.
    pub(crate) fn of(payloads: &[impl AsRef<str>]) -> Entries {
        let logged = |(position, payload): (u64, &dyn AsRef<str>)| {
            let log_time = Timestamp::from_micros(i64::try_from(position).unwrap());
            let payload = payload.as_ref().as_bytes().to_vec();
            let time = RecordView::parse(&payload).map_or(log_time, |view| time_of(&view, log_time));
            Logged { position, log_time, time, payload }
        };
        let payloads = payloads.iter().map(|payload| payload as &dyn AsRef<str>);
        Entries((0..).zip(payloads).map(logged).collect(), u64::MAX, Arc::default())
    }

    pub(crate) fn ingested(mut self, positions: impl IntoIterator<Item = u64>) -> Entries {
        self.2 = Arc::new(positions.into_iter().collect());
        self
    }

    pub(crate) fn reading_at_most(mut self, most: u64) -> Entries {
        self.1 = most;
        self
    }

    /// Cuts the log into parts at these positions.
    pub(crate) fn shelves(&self, cuts: &[usize], honesty: Honesty) -> Vec<Arc<Shelf>> {
        let mut start = 0;
        let mut shelves = Vec::new();
        for cut in cuts.iter().map(|cut| (*cut).min(self.0.len())).collect::<BTreeSet<_>>() {
            let shelf = Shelf::new(self.0[start..cut].to_vec(), start as u64, honesty);
            shelves.push(Arc::new(Shelf { ingested: self.2.clone(), ..shelf }));
            start = cut;
        }
        shelves
    }

    /// Looks at the log and some of its parts; what lies behind the last is read from the log.
    pub(crate) fn with(&self, shelves: &[Arc<Shelf>]) -> Survey {
        self.over(shelves.iter().map(|shelf| shelf.clone() as Arc<dyn Part>).collect())
    }

    pub(crate) fn over(&self, parts: Vec<Arc<dyn Part>>) -> Survey {
        Ground { log: Arc::new(self.clone()), parts: Arc::new(List(parts)) }.survey()
    }

    pub(crate) fn survey(&self, cuts: &[usize], honesty: Honesty) -> Survey {
        self.with(&self.shelves(cuts, honesty))
    }
}

struct List(Vec<Arc<dyn Part>>);

impl archive::Parts for List {
    fn parts(&self) -> Vec<Arc<dyn Part>> {
        self.0.clone()
    }
}

impl Source for Entries {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<Logged>, ReadError> {
        let end = range.end.min(self.size()).min(range.start.saturating_add(self.1));
        let inside = self.0.iter().filter(|logged| (range.start..end).contains(&logged.position));
        // The log knows no times but its own.
        Ok(inside.map(|logged| Logged { time: logged.log_time, ..logged.clone() }).collect())
    }

    fn is_ingested(&self, position: u64) -> Result<bool, ReadError> {
        Ok(self.2.contains(&position))
    }
}

/// What a test's part does beside telling the truth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Honesty {
    /// One in so many blocks is named though it does not hold the tokens.
    pub(crate) false_positives: usize,
    pub(crate) rollups: bool,
    pub(crate) knows_odd_times: bool,
}

impl Honesty {
    pub(crate) const BEST: Honesty =
        Honesty { false_positives: usize::MAX, rollups: true, knows_odd_times: true };
}

/// A part in memory that says of its events what the contract promises, found by plain looking. It counts what it reads.
pub(crate) struct Shelf {
    entries: Vec<Logged>,
    start: u64,
    honesty: Honesty,
    /// By row, in the order of [`COLUMNS`].
    cells: Vec<Vec<Cell>>,
    /// By block.
    tokens: Vec<BTreeSet<String>>,
    odd_times: Blocks,
    /// Positions of entries that came in with a file.
    ingested: Arc<BTreeSet<u64>>,
    read: AtomicU64,
    blocks_seen: AtomicU64,
}

/// Blocks of a run of a test's part.
const BLOCKS_OF_RUN: usize = 3;
/// The longest text that a column holds.
const LONG: usize = 1024;

/// What stands at a plain field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Absent,
    Text(String),
    Odd,
}

impl Shelf {
    pub(crate) fn new(entries: Vec<Logged>, start: u64, honesty: Honesty) -> Shelf {
        let count = entries.len().div_ceil(BLOCK_ROWS);
        let (mut tokens, mut odd_times) = (vec![BTreeSet::new(); count], Blocks::none(count));
        let mut cells = Vec::new();
        for (row, logged) in entries.iter().enumerate() {
            let view = RecordView::parse(&logged.payload).ok();
            if let Some(view) = &view {
                all_tokens(view.root(), &mut tokens[row / BLOCK_ROWS]);
            }
            cells.push(COLUMNS.iter().map(|(_, field, _)| cell(view.as_ref(), field)).collect());
            let plain = matches!(cell(view.as_ref(), "time"), Cell::Text(text) if event::filter::parse_instant(&text).is_some());
            if !plain || !honesty.knows_odd_times {
                odd_times.insert(row / BLOCK_ROWS);
            }
        }
        Shelf {
            entries,
            start,
            honesty,
            cells,
            tokens,
            odd_times,
            ingested: Arc::default(),
            read: AtomicU64::new(0),
            blocks_seen: AtomicU64::new(0),
        }
    }

    /// Says how many entries were read so far.
    pub(crate) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Says of how many blocks the times were asked.
    pub(crate) fn blocks_seen(&self) -> u64 {
        self.blocks_seen.load(Ordering::Relaxed)
    }

    fn rows(&self, block: usize) -> Range<usize> {
        block * BLOCK_ROWS..((block + 1) * BLOCK_ROWS).min(self.entries.len())
    }

    fn odd(&self, column: Column) -> Blocks {
        let mut odd = Blocks::none(self.block_count());
        for (row, cells) in self.cells.iter().enumerate() {
            if cells[column as usize] == Cell::Odd {
                odd.insert(row / BLOCK_ROWS);
            }
        }
        odd
    }
}

/// Looks at a field of an event as filters do: by every way that leads to it.
pub(crate) fn cell(view: Option<&RecordView<'_>>, field: &str) -> Cell {
    fn visit(node: &Node<'_>, rest: &str, plain: bool, found: &mut Vec<Cell>) {
        match node {
            Node::Object(entries) => {
                for (key, value) in entries {
                    let Some(below) = rest.strip_prefix(key.as_ref()) else { continue };
                    let plain = plain && !key.contains('.');
                    match below.strip_prefix('.') {
                        Some(below) => visit(value, below, plain, found),
                        None if below.is_empty() => found.push(match value {
                            Node::Null => Cell::Absent,
                            Node::Text(text) if plain && text.len() <= LONG => Cell::Text(text.to_string()),
                            _ => Cell::Odd,
                        }),
                        None => {}
                    }
                }
            }
            Node::List(items) => items.iter().for_each(|item| visit(item, rest, false, found)),
            _ => {}
        }
    }
    let Some(view) = view else { return Cell::Odd };
    let mut found = Vec::new();
    visit(view.root(), field, true, &mut found);
    found.retain(|cell| *cell != Cell::Absent);
    match &found[..] {
        [] => Cell::Absent,
        [one] => one.clone(),
        _ => Cell::Odd,
    }
}

fn all_tokens(node: &Node<'_>, into: &mut BTreeSet<String>) {
    let text = match node {
        Node::List(items) => return items.iter().for_each(|item| all_tokens(item, into)),
        Node::Object(entries) => return entries.iter().for_each(|(_, value)| all_tokens(value, into)),
        Node::Null => return,
        Node::Bool(truth) => truth.to_string(),
        Node::Number(number) => number.to_string(),
        Node::Text(text) => text.to_string(),
    };
    into.extend(tokens::parts(&text).map(tokens::fold));
}

fn span(entries: &[Logged]) -> Option<Span> {
    let times = || entries.iter().map(|logged| logged.time);
    Some(Span { first: times().min()?, last: times().max()? })
}

impl Part for Shelf {
    fn positions(&self) -> Range<u64> {
        self.start..self.start + self.entries.len() as u64
    }

    fn span(&self) -> Option<Span> {
        span(&self.entries)
    }

    fn runs(&self) -> Arc<[Run]> {
        let spans: Vec<Span> = (0..self.block_count()).map_while(|block| self.block_span(block)).collect();
        Run::cut(&spans, (0..spans.len()).step_by(BLOCKS_OF_RUN))
    }

    fn block_span(&self, block: usize) -> Option<Span> {
        span(&self.entries[self.rows(block)])
    }

    fn holding(&self, wanted: &[&str]) -> Result<Blocks, PartError> {
        let mut blocks = Blocks::none(self.block_count());
        for (block, held) in self.tokens.iter().enumerate() {
            let lies =
                (block + wanted.len()) % self.honesty.false_positives == self.honesty.false_positives - 1;
            if lies || wanted.iter().all(|token| held.contains(*token)) {
                blocks.insert(block);
            }
        }
        Ok(blocks)
    }

    fn keys(&self, column: Column, blocks: &Blocks) -> Result<Keys, PartError> {
        let mut values: Vec<String> = vec!["never in use".to_owned()];
        let mut code = |cells: &Vec<Cell>| match &cells[column as usize] {
            Cell::Text(text) => {
                let at = values.iter().position(|value| value == text).unwrap_or_else(|| {
                    values.push(text.clone());
                    values.len() - 1
                });
                u32::try_from(at).unwrap()
            }
            Cell::Absent | Cell::Odd => Keys::ABSENT,
        };
        let blocks = blocks
            .iter()
            .map(|block| (block, self.cells[self.rows(block)].iter().map(&mut code).collect()))
            .collect();
        Ok(Keys { values: Arc::new(values), blocks, odd: self.odd(column) })
    }

    fn times(&self, blocks: &Blocks) -> Result<Vec<(usize, Vec<Timestamp>)>, PartError> {
        self.blocks_seen.fetch_add(blocks.len() as u64, Ordering::Relaxed);
        let times = |block| self.entries[self.rows(block)].iter().map(|logged| logged.time).collect();
        Ok(blocks.iter().map(|block| (block, times(block))).collect())
    }

    fn odd_times(&self) -> Result<Blocks, PartError> {
        Ok(self.odd_times.clone())
    }

    fn visit(&self, rows: &[u32], visit: &mut Visit<'_>) -> Result<(), PartError> {
        assert!(rows.is_sorted_by(|one, next| one < next), "rows rise");
        for row in rows {
            self.read.fetch_add(1, Ordering::Relaxed);
            if visit(self.entries[*row as usize].by_ref()).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn ingested(&self, rows: &[u32]) -> Result<Vec<bool>, PartError> {
        assert!(rows.is_sorted_by(|one, next| one < next), "rows rise");
        Ok(rows.iter().map(|row| self.ingested.contains(&(self.start + u64::from(*row)))).collect())
    }

    fn rollup(&self, key: RollupKey) -> Result<Option<Arc<Rollups>>, PartError> {
        let (column, length) = match key {
            RollupKey::Hour => (None, 3_600_000_000),
            RollupKey::Day(column) => (Some(column), 86_400_000_000),
            RollupKey::Total(column) => (Some(column), i64::MAX),
        };
        let used = || [Column::Kind, Column::Outcome].into_iter().chain(column);
        if !self.honesty.rollups || used().any(|column| !self.odd(column).is_empty()) {
            return Ok(None);
        }
        let mut texts: Vec<String> = Vec::new();
        let mut counts = BTreeMap::new();
        for (logged, cells) in self.entries.iter().zip(&self.cells) {
            let mut text = |column: Column| {
                let Cell::Text(text) = &cells[column as usize] else { return None };
                let at = texts.iter().position(|known| known == text).unwrap_or_else(|| {
                    texts.push(text.clone());
                    texts.len() - 1
                });
                u32::try_from(at).ok()
            };
            let from =
                if length == i64::MAX { 0 } else { logged.time.as_micros().div_euclid(length) * length };
            let cell = (from, text(Column::Kind), text(Column::Outcome), column.and_then(&mut text));
            *counts.entry(cell).or_insert(0) += 1;
        }
        let cell = |((from, kind, outcome, value), count)| RollupCell { from, kind, outcome, value, count };
        let cells = counts.into_iter().map(cell);
        Ok(Some(Arc::new(Rollups::new(texts, cells))))
    }
}

pub(crate) fn filter(text: &str) -> Filter {
    Filter::parse(text, &FilterContext::utc(Timestamp::EPOCH)).unwrap()
}

/// Runs a search that nobody watches.
pub(crate) fn unwatched<T>(search: impl FnOnce(Watch<'_>) -> T) -> T {
    search(Watch { stop: &Stop::default(), progress: None })
}

/// Runs a search whose time is up before it begins.
pub(crate) fn out_of_time<T>(search: impl FnOnce(Watch<'_>) -> T) -> T {
    let stop = Stop::default();
    stop.now();
    search(Watch { stop: &stop, progress: None })
}
