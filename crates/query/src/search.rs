//! Pages of events, in the order of their time.
//!
//! Runs of blocks are visited by the times in them, and a search ends when no later one can hold a row of the page.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use archive::{BLOCK_ROWS, LoggedRef, RUN_BLOCKS, Span};

use crate::best::{Best, Rank, page};
use crate::ground::Survey;
use crate::look::{Look, Place, Times};
use crate::plan::Verdict;
use crate::sweep::{self, Piece, Watch};
use crate::{Answer, Cursor, Order, Page, QueryError, Question, Row};

/// Rows whose events are read before it is asked whether they were enough.
const FIRST_ROWS: usize = 64;
/// As many, when the first were not enough.
const MORE_ROWS: usize = 1024;

/// A search in one direction.
struct Search<'a, 'q> {
    look: &'a Look<'q>,
    order: Order,
    /// Rows must lie behind this place.
    behind: Option<Rank>,
    best: Mutex<Best>,
    /// How many blocks are looked at before it is asked whether they were enough: few first, for often they are.
    at_once: AtomicUsize,
    reporters: Reporters,
}

/// Whose events are searched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reporters {
    All,
    /// Nodes of Lodge alone. What came in with a file may say that it is anything.
    Nodes,
}

pub(crate) fn search(survey: &Survey, question: &Question, watch: Watch<'_>) -> Result<Answer, QueryError> {
    search_those_of(Reporters::All, survey, question, watch)
}

/// Searches what nodes of Lodge themselves wrote: for answers that say that Lodge saw something happen.
pub(crate) fn search_own(
    survey: &Survey,
    question: &Question,
    watch: Watch<'_>,
) -> Result<Answer, QueryError> {
    search_those_of(Reporters::Nodes, survey, question, watch)
}

fn search_those_of(
    reporters: Reporters,
    survey: &Survey,
    question: &Question,
    watch: Watch<'_>,
) -> Result<Answer, QueryError> {
    let (order, behind) = match question.page {
        Page::First => (question.order, None),
        Page::After(cursor) => (question.order, Some(Rank::of(cursor, question.order))),
        Page::Before(cursor) => {
            (question.order.reversed(), Some(Rank::of(cursor, question.order.reversed())))
        }
    };
    let look = Look::new(survey, question, None, watch.stop);
    // That a page is full and something is left must not tell a reader of what is hidden: there, one more row is looked
    // for.
    let hidden = !question.scope.is_everything();
    let (limit, spare) = (question.rows(), usize::from(hidden));
    let best = Best::new(limit, spare);
    let (best, at_once) = (Mutex::new(best), AtomicUsize::new(1));
    let search = Search { look: &look, order, behind, best, at_once, reporters };
    let mut places = look.places(|_, span| look.touches(span) && search.reaches(span));
    places.sort_by_key(|place| search.first_rank(place));
    let weights: Vec<u64> = places.iter().map(Place::weight).collect();
    let swept = sweep::sweep(&weights, watch, || (), |(), piece| search.visit(&places[piece]))?;
    let frontier = swept.unfinished.map(|piece| search.first_rank(&places[piece]));
    let best = search.best.into_inner().unwrap_or_else(PoisonError::into_inner);
    let turned_away = best.turned_away;
    // Before the first place that was not searched, all is certain.
    let certain = best.rows.into_iter().filter(|(rank, _)| frontier.is_none_or(|frontier| *rank < frontier));
    let (mut rows, full, left) = page(certain.map(|(_, row)| row), limit);
    let more = left || turned_away || frontier.is_some() || swept.enough && !hidden;
    // When time runs out depends on what is hidden too; then the answer is not called whole, whatever was left to do.
    let late = hidden && watch.stop.is_asked();
    let cut = frontier.or(late.then_some(Rank(i64::MIN, 0))).filter(|_| !full);
    let onward = match cut {
        None => rows.last().filter(|_| more).map(Row::cursor),
        // Where the next unsearched event may be is not told to a reader from whom it may be hidden.
        Some(_) if hidden => rows.last().map(Row::cursor),
        Some(Rank(i64::MIN, _)) => rows.last().map(Row::cursor),
        Some(frontier) => Some(frontier.before(order)),
    };
    let coverage = if cut.is_some() { look.cut_short(None) } else { look.covered() };
    Ok(match question.page {
        Page::First | Page::After(_) => {
            let previous = rows.first().map(Row::cursor);
            let asked = if let Page::After(cursor) = question.page { Some(cursor) } else { None };
            Answer { next: onward.or(asked.filter(|_| cut.is_some())), previous, rows, coverage }
        }
        Page::Before(cursor) => {
            rows.reverse();
            let next = rows.last().map(Row::cursor);
            Answer { next, previous: onward.or(Some(cursor).filter(|_| cut.is_some())), rows, coverage }
        }
    })
}

impl Search<'_, '_> {
    /// Says whether rows of such times may lie behind the place where the page begins.
    fn reaches(&self, span: Span) -> bool {
        let last = match self.order {
            Order::OldestFirst => span.last.as_micros(),
            Order::NewestFirst => -span.first.as_micros(),
        };
        self.behind.is_none_or(|behind| last >= behind.0)
    }

    /// Entries that no part has may be of any time, so they come first.
    fn first_rank(&self, place: &Place) -> Rank {
        match place {
            Place::Blocks { span, .. } => self.first_of(*span),
            Place::Behind(_) => Rank(i64::MIN, 0),
        }
    }

    /// The least rank that a row of such times can have, behind the place where the page begins.
    fn first_of(&self, span: Span) -> Rank {
        let first = Rank::first_of(span, self.order);
        self.behind.map_or(first, |behind| first.max(Rank(behind.0, 0)))
    }

    fn visit(&self, place: &Place) -> Result<Piece, QueryError> {
        let first = self.first_rank(place);
        if self.bar().is_some_and(|bar| first > bar) {
            return Ok(Piece::Enough);
        }
        match place {
            Place::Behind(range) => self.look.read_behind(range, &mut |logged, _| {
                if !self.is_excluded(logged.position)? {
                    self.offer(logged);
                }
                Ok(())
            }),
            Place::Blocks { part, blocks, .. } => self.visit_blocks(*part, blocks),
        }
    }

    fn visit_blocks(&self, part: usize, blocks: &Range<usize>) -> Result<Piece, QueryError> {
        let ranked = |block| {
            let span = self.look.survey.parts[part].block_span(block).filter(|span| self.reaches(*span))?;
            Some((self.first_of(span), block))
        };
        let mut ranked: Vec<(Rank, usize)> =
            self.look.open(part, blocks)?.into_iter().filter_map(ranked).collect();
        if ranked.is_empty() {
            return Ok(Piece::Passed);
        }
        ranked.sort_unstable();
        let mut rest = &ranked[..];
        while let Some((first, _)) = rest.first() {
            if self.bar().is_some_and(|bar| *first > bar) {
                // From whom something is hidden, one row more was looked for, which tells whether there is more.
                self.lock().turned_away |= self.look.question.scope.is_everything();
                break;
            }
            let at_once = self.at_once.load(Ordering::Relaxed);
            self.at_once.store(RUN_BLOCKS.min(at_once * 4), Ordering::Relaxed);
            let (now, later) = rest.split_at(at_once.min(rest.len()));
            rest = later;
            let now: Vec<usize> = now.iter().map(|(_, block)| *block).collect();
            if self.visit_few(part, &now)? == Piece::Stopped {
                return Ok(Piece::Stopped);
            }
        }
        Ok(Piece::Done)
    }

    fn visit_few(&self, part: usize, blocks: &[usize]) -> Result<Piece, QueryError> {
        let seen = self.look.see(part, blocks, Times::Wanted)?;
        let start = self.look.survey.parts[part].positions().start;
        let mut open: Vec<(Rank, u32, Verdict)> = Vec::new();
        for block in &seen.blocks {
            for (at, (verdict, time)) in block.verdicts.iter().zip(&block.times).enumerate() {
                let row = block.number * BLOCK_ROWS + at;
                let rank = Rank::of(Cursor { time: *time, position: start + row as u64 }, self.order);
                if *verdict != Verdict::No && self.behind.is_none_or(|behind| rank > behind) {
                    open.push((rank, row as u32, *verdict));
                }
            }
        }
        self.exclude(part, &mut open)?;
        open.sort_unstable_by_key(|(rank, ..)| *rank);
        self.keep_enough(&mut open);
        let mut most = FIRST_ROWS;
        let mut rest = &open[..];
        while let Some((first, ..)) = rest.first() {
            if self.bar().is_some_and(|bar| *first > bar) {
                self.turn_away(rest);
                break;
            }
            let (now, later) = rest.split_at(most.min(rest.len()));
            (rest, most) = (later, MORE_ROWS);
            let rows = |wanted: Verdict| {
                let of = now.iter().filter(|(.., verdict)| *verdict == wanted);
                let mut rows: Vec<u32> = of.map(|(_, row, _)| *row).collect();
                rows.sort_unstable();
                rows
            };
            // What columns have decided need not be read as JSON to be decided again.
            let shown = self.look.show(part, &rows(Verdict::Yes), &mut |logged| self.offer(logged))?;
            let read = self.look.read(part, &rows(Verdict::Unknown), &mut |logged, _| {
                self.offer(logged);
                Ok(())
            })?;
            if shown == Piece::Stopped || read == Piece::Stopped {
                return Ok(Piece::Stopped);
            }
        }
        Ok(Piece::Done)
    }

    /// Says whether the entry at a position is another's than those that are searched.
    fn is_excluded(&self, position: u64) -> Result<bool, QueryError> {
        let wrap = |source| QueryError::Read { position, source };
        let log = &self.look.survey.log;
        Ok(self.reporters == Reporters::Nodes && log.is_ingested(position).map_err(wrap)?)
    }

    /// Drops rows of others than those that are searched; they are in the order of their numbers.
    fn exclude(&self, part: usize, open: &mut Vec<(Rank, u32, Verdict)>) -> Result<(), QueryError> {
        if self.reporters == Reporters::All {
            return Ok(());
        }
        open.sort_unstable_by_key(|(_, row, _)| *row);
        let rows: Vec<u32> = open.iter().map(|(_, row, _)| *row).collect();
        let mut ingested = self.look.survey.parts[part].ingested(&rows)?.into_iter();
        open.retain(|_| ingested.next() == Some(false));
        Ok(())
    }

    /// Drops rows behind as many certain ones as a page takes.
    fn keep_enough(&self, open: &mut Vec<(Rank, u32, Verdict)>) {
        let best = self.lock();
        let most = best.limit + best.spare;
        drop(best);
        let certain = open.iter().enumerate().filter(|(_, (_, _, verdict))| *verdict == Verdict::Yes);
        if let Some(end) = certain.map(|(at, _)| at + 1).nth(most - 1) {
            let rest = open.split_off(end);
            self.turn_away(&rest);
        }
    }

    /// Notes that rows are left out. What is not certain may be hidden, and is only told of to who sees everything.
    fn turn_away(&self, rest: &[(Rank, u32, Verdict)]) {
        let hidden = !self.look.question.scope.is_everything();
        if rest.iter().any(|(_, _, verdict)| !hidden || *verdict == Verdict::Yes) {
            self.lock().turned_away = true;
        }
    }

    fn offer(&self, logged: LoggedRef<'_>) {
        let cursor = Cursor { time: logged.time, position: logged.position };
        let rank = Rank::of(cursor, self.order);
        if self.behind.is_some_and(|behind| rank <= behind) {
            return;
        }
        if let Some(row) = Row::of(logged.to_owned()) {
            self.lock().offer(rank, row);
        }
    }

    fn bar(&self) -> Option<Rank> {
        self.lock().bar()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Best> {
        self.best.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use event::Timestamp;

    use super::*;
    use crate::Scope;
    use crate::testing::{Entries, Honesty, filter, out_of_time, unwatched};

    fn positions(answer: &Answer) -> Vec<u64> {
        answer.rows.iter().map(|row| row.position).collect()
    }

    fn ask(survey: &Survey, question: &Question) -> Answer {
        unwatched(|watch| search(survey, question, watch)).unwrap()
    }

    /// Events of one kind in four, one a second.
    fn numbered(size: usize) -> Entries {
        let event = |number: usize| {
            let time = Timestamp::from_micros(number as i64 * 1_000_000);
            format!(r#"{{"kind":"k{}","time":"{time}","detail":{{"word":"w{number}"}}}}"#, number % 4)
        };
        Entries::of(&(0..size).map(event).collect::<Vec<_>>())
    }

    #[test]
    fn rows_carry_the_exact_bytes() {
        let json = r#"{"kind":"x",  "n": 1.50, "s":"\u0041"}"#;
        for cuts in [&[][..], &[1]] {
            let answer =
                ask(&Entries::of(&[json]).survey(cuts, Honesty::BEST), &Question::new(Scope::everything()));
            assert_eq!(answer.rows[0].event.get(), json);
            assert_eq!(answer.rows[0].view().unwrap().text("s"), Some("A"));
        }
    }

    #[test]
    fn what_cannot_be_read_is_counted_not_passed_over() {
        let entries = Entries::of(&["{", "[]", r#"{"kind":"a"}"#, "\u{0}"]);
        for cuts in [&[][..], &[2], &[4]] {
            let survey = entries.survey(cuts, Honesty::BEST);
            let answer = ask(&survey, &Question::new(Scope::everything()));
            assert_eq!((positions(&answer), answer.coverage.unreadable), (vec![2], 3));
            let scoped = ask(&survey, &Question::new(Scope::only(filter("kind: a"))));
            assert_eq!((positions(&scoped), scoped.coverage.unreadable), (vec![2], 0));
        }
    }

    #[test]
    fn the_latest_events_are_found_without_reading_the_others() {
        let entries = numbered(3000);
        let shelves = entries.shelves(&[1000, 2000, 3000], Honesty::BEST);
        let survey = entries.with(&shelves);
        let question =
            Question { filter: filter("kind: k2"), limit: 10, ..Question::new(Scope::everything()) };
        assert_eq!(positions(&ask(&survey, &question)), (0..10).map(|n| 2998 - 4 * n).collect::<Vec<_>>());
        assert_eq!(shelves.iter().map(|shelf| shelf.read()).collect::<Vec<_>>(), [0, 0, 10]);
    }

    #[test]
    fn for_the_latest_events_few_blocks_are_looked_at_however_many_there_are() {
        for size in [3000, 9000] {
            let entries = numbered(size);
            let shelves = entries.shelves(&[size / 2, size], Honesty::BEST);
            let question = Question { limit: 10, ..Question::new(Scope::everything()) };
            assert_eq!(ask(&entries.with(&shelves), &question).rows.len(), 10);
            assert_eq!(shelves.iter().map(|shelf| shelf.blocks_seen()).collect::<Vec<_>>(), [0, 1]);
        }
    }

    #[test]
    fn a_rare_word_is_found_in_its_block() {
        let entries = numbered(3000);
        let shelves = entries.shelves(&[1500, 3000], Honesty::BEST);
        let survey = entries.with(&shelves);
        for text in ["w700", "detail.word: W700", "kind: k0 and w700"] {
            let question = Question { filter: filter(text), ..Question::new(Scope::everything()) };
            assert_eq!(positions(&ask(&survey, &question)), [700], "{text}");
        }
        let read: u64 = shelves.iter().map(|shelf| shelf.read()).sum();
        assert!(read <= 3 * BLOCK_ROWS as u64, "{read} events were read");
    }

    #[test]
    fn a_search_that_ran_out_of_time_says_so_and_goes_on_from_there() {
        let survey = numbered(600).survey(&[300, 600], Honesty::BEST);
        let question = Question { limit: 1000, ..Question::new(Scope::everything()) };
        let answer = out_of_time(|watch| search(&survey, &question, watch)).unwrap();
        assert!(answer.rows.is_empty() && !answer.coverage.complete);
        let rest = Question { page: Page::After(answer.next.unwrap()), ..question };
        assert_eq!(ask(&survey, &rest).rows.len(), 600);
    }

    #[test]
    fn who_may_not_see_all_is_not_told_where_a_search_stopped() {
        let survey = numbered(600).survey(&[300, 600], Honesty::BEST);
        let question = Question::new(Scope::only(filter("kind: k1")));
        let answer = out_of_time(|watch| search(&survey, &question, watch)).unwrap();
        assert_eq!(
            (answer.rows.len(), answer.next, answer.coverage.to, answer.coverage.complete),
            (0, None, 0, false)
        );
    }

    #[test]
    fn a_page_of_large_events_ends_early() {
        let large = format!(r#"{{"raw":"{}"}}"#, "x".repeat(12 << 20));
        let entries = Entries::of(&[&large, &large, &large, &large]).reading_at_most(1);
        for scope in [Scope::everything(), Scope::only(filter("raw: *"))] {
            let survey = entries.survey(&[2], Honesty::BEST);
            let mut question = Question::new(scope);
            let answer = ask(&survey, &question);
            assert_eq!(positions(&answer), [3, 2, 1]);
            question.page = Page::After(answer.next.unwrap());
            let rest = ask(&survey, &question);
            assert_eq!((positions(&rest), rest.next), (vec![0], None));
        }
    }
}
