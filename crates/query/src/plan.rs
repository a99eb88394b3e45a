//! A question, compiled: what columns and tokens can decide of it, before any event is read.
//!
//! Every verdict is three-valued: a row takes part, does not, or its event must be looked at. The filter itself stays the
//! judge; a plan never says anything that it would not.

use archive::{BLOCK_ROWS, Blocks, Column, Keys, Part, PartError, Span};
use event::filter::ast::{Equals, Expr, Needle, Test};
use event::{RecordView, Timestamp};

use crate::Question;
use crate::literals::Literals;

/// Whether a row takes part. In this order *and* is the least, *or* the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    No,
    Unknown,
    Yes,
}

impl Verdict {
    pub(crate) fn of(truth: bool) -> Verdict {
        if truth { Verdict::Yes } else { Verdict::No }
    }

    fn not(self) -> Verdict {
        match self {
            Verdict::No => Verdict::Yes,
            Verdict::Unknown => Verdict::Unknown,
            Verdict::Yes => Verdict::No,
        }
    }
}

/// What is known of a row's column.
#[derive(Clone, Copy)]
pub(crate) enum Told<'t> {
    Text(&'t str),
    Absent,
    Nothing,
}

/// A compiled question.
pub(crate) struct Plan<'q> {
    question: &'q Question,
    root: Node<'q>,
    columns: Vec<Column>,
    leaves: usize,
    asks_times: bool,
    /// What the bytes of an event must hold.
    literals: Literals,
}

enum Node<'q> {
    Always,
    Every(Vec<Node<'q>>),
    Any(Vec<Node<'q>>),
    Not(Box<Node<'q>>),
    Leaf(Leaf<'q>),
}

struct Leaf<'q> {
    number: usize,
    decided_by: Decider<'q>,
    /// Texts of which one must occur in an event that passes, each as the tokens that it is made of.
    words: Option<Vec<Vec<String>>>,
}

enum Decider<'q> {
    Column { slot: usize, test: &'q Test },
    Time(&'q Test),
    EventOnly,
}

/// Whether columns are worth their reading.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Columns {
    Wanted,
    /// Tokens left so few blocks that their events are read sooner.
    Spared,
}

/// What is known of some blocks of a part.
pub(crate) struct Sheet {
    /// Keys of the plan's columns, by slot.
    pub(crate) keys: Vec<Keys>,
    /// Event times, where they were asked for.
    pub(crate) times: Option<Vec<(usize, Vec<Timestamp>)>>,
    odd_times: Option<Blocks>,
    /// What each leaf said of each value of its column.
    said: Vec<Vec<Option<Verdict>>>,
}

impl<'q> Plan<'q> {
    /// Compiles a question; `also` is a column that its answer shows.
    pub(crate) fn new(question: &'q Question, also: Option<Column>) -> Plan<'q> {
        let mut plan = Plan {
            question,
            root: Node::Always,
            columns: Vec::new(),
            leaves: 0,
            asks_times: false,
            literals: Literals::Anything,
        };
        let mut roots = vec![plan.compile(question.filter.expr())];
        if let Some(filters) = question.scope.filters() {
            roots.push(Node::Any(filters.iter().map(|filter| plan.compile(filter.expr())).collect()));
        }
        plan.root = Node::Every(roots);
        plan.literals = plan.root.literals();
        if let Some(column) = also {
            plan.slot(column);
        }
        // A column tells, whatever else, that its events can be read.
        if plan.columns.is_empty() && plan.root.can_be().0 {
            plan.slot(Column::Kind);
        }
        plan
    }

    /// Says whether an event takes part: the judge of everything else here.
    pub(crate) fn takes(&self, view: &RecordView<'_>) -> bool {
        self.question.scope.admits(view) && self.question.filter.matches(view)
    }

    /// Says whether an event may take part, by a quick look at its bytes.
    pub(crate) fn may_take(&self, payload: &[u8]) -> bool {
        self.literals.may_be_in(payload)
    }

    /// Returns the columns that it looks at, by slot.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Says whether it looks at times beside those that bound the question.
    pub(crate) fn asks_times(&self) -> bool {
        self.asks_times
    }

    /// Says whether columns alone decide it.
    pub(crate) fn is_typed(&self) -> bool {
        self.root.is_typed()
    }

    /// Returns the slot of a column.
    pub(crate) fn slot_of(&self, column: Column) -> Option<usize> {
        self.columns.iter().position(|one| *one == column)
    }

    fn slot(&mut self, column: Column) -> usize {
        self.slot_of(column).unwrap_or_else(|| {
            self.columns.push(column);
            self.columns.len() - 1
        })
    }

    fn compile(&mut self, expr: &'q Expr) -> Node<'q> {
        let (decided_by, words) = match expr {
            Expr::All => return Node::Always,
            Expr::And(all) => return Node::Every(all.iter().map(|one| self.compile(one)).collect()),
            Expr::Or(any) => return Node::Any(any.iter().map(|one| self.compile(one)).collect()),
            Expr::Not(inner) => return Node::Not(Box::new(self.compile(inner))),
            Expr::Text(needle) => (Decider::EventOnly, needle_words(needle)),
            Expr::Field { field, test } => (self.decider(field.name(), test), test_words(test)),
        };
        self.leaves += 1;
        Node::Leaf(Leaf { number: self.leaves - 1, decided_by, words })
    }

    fn decider(&mut self, field: &str, test: &'q Test) -> Decider<'q> {
        if let Some(column) = Column::of_field(field) {
            return Decider::Column { slot: self.slot(column), test };
        }
        if field == "time" && test.takes_instant(Timestamp::EPOCH).is_some() {
            self.asks_times = true;
            return Decider::Time(test);
        }
        Decider::EventOnly
    }

    /// Finds the blocks that may hold an event that takes part, as far as tokens tell.
    pub(crate) fn candidates(&self, part: &dyn Part) -> Result<Blocks, PartError> {
        let found = candidates(&self.root, part)?;
        Ok(found.unwrap_or_else(|| Blocks::all(part.block_count())))
    }

    /// Judges a whole block by the times in it.
    pub(crate) fn judge_span(&self, span: Span, odd: bool) -> Verdict {
        self.root.judge(&mut |leaf| match &leaf.decided_by {
            Decider::Time(test) if !odd => judge_span(test, span),
            _ => Verdict::Unknown,
        })
    }

    /// Fetches what the plan looks at of some blocks; without the columns where the events are to be read anyway.
    pub(crate) fn sheet(
        &self,
        part: &dyn Part,
        blocks: &Blocks,
        times: bool,
        columns: Columns,
    ) -> Result<Sheet, PartError> {
        let wanted = if columns == Columns::Wanted { &self.columns[..] } else { &[] };
        let keys: Result<Vec<Keys>, PartError> =
            wanted.iter().map(|column| part.keys(*column, blocks)).collect();
        let times = (times || self.asks_times).then(|| part.times(blocks)).transpose()?;
        let odd_times = self.asks_times.then(|| part.odd_times()).transpose()?;
        Ok(Sheet { keys: keys?, times, odd_times, said: vec![Vec::new(); self.leaves] })
    }

    /// Judges the rows of the block that is `at` its place among those of the sheet.
    pub(crate) fn judge(&self, sheet: &mut Sheet, at: usize, block: usize, rows: usize) -> Vec<Verdict> {
        let mut verdicts = self.judge_node(&self.root, sheet, at, block, rows);
        // Where a column is odd there may be events that no filter can read.
        if sheet.keys.first().is_some_and(|keys| keys.odd.contains(block)) {
            verdicts.iter_mut().for_each(|verdict| *verdict = (*verdict).min(Verdict::Unknown));
        }
        verdicts
    }

    fn judge_node(
        &self,
        node: &Node<'q>,
        sheet: &mut Sheet,
        at: usize,
        block: usize,
        rows: usize,
    ) -> Vec<Verdict> {
        let mut all = |nodes: &[Node<'q>], begin: Verdict, join: fn(Verdict, Verdict) -> Verdict| {
            let mut verdicts = vec![begin; rows];
            for node in nodes {
                let other = self.judge_node(node, sheet, at, block, rows);
                verdicts.iter_mut().zip(other).for_each(|(verdict, other)| *verdict = join(*verdict, other));
            }
            verdicts
        };
        match node {
            Node::Always => vec![Verdict::Yes; rows],
            Node::Every(nodes) => all(nodes, Verdict::Yes, Ord::min),
            Node::Any(nodes) => all(nodes, Verdict::No, Ord::max),
            Node::Not(inner) => {
                let mut verdicts = self.judge_node(inner, sheet, at, block, rows);
                verdicts.iter_mut().for_each(|verdict| *verdict = verdict.not());
                verdicts
            }
            Node::Leaf(leaf) => leaf.judge(sheet, at, block).unwrap_or_else(|| vec![Verdict::Unknown; rows]),
        }
    }

    /// Judges a row by what is known of its columns.
    pub(crate) fn judge_texts<'t>(&self, text: &dyn Fn(Column) -> Told<'t>) -> Verdict {
        self.root.judge(&mut |leaf| match &leaf.decided_by {
            Decider::Column { slot, test } => match text(self.columns[*slot]) {
                Told::Text(text) => Verdict::of(test.takes_text(text)),
                Told::Absent => Verdict::No,
                Told::Nothing => Verdict::Unknown,
            },
            _ => Verdict::Unknown,
        })
    }
}

impl<'q> Node<'q> {
    /// Says whether a row can be found to take part, and not to, without its event.
    fn can_be(&self) -> (bool, bool) {
        let all = |nodes: &[Node<'q>]| nodes.iter().map(Node::can_be).collect::<Vec<_>>();
        match self {
            Node::Always => (true, false),
            Node::Every(nodes) => {
                let all = all(nodes);
                (all.iter().all(|can| can.0), all.iter().any(|can| can.1))
            }
            Node::Any(nodes) => {
                let all = all(nodes);
                (all.iter().any(|can| can.0), all.iter().all(|can| can.1))
            }
            Node::Not(inner) => {
                let (yes, no) = inner.can_be();
                (no, yes)
            }
            Node::Leaf(leaf) => {
                let decided = !matches!(leaf.decided_by, Decider::EventOnly);
                (decided, decided)
            }
        }
    }

    /// Collects what the bytes of an event must hold to take part.
    fn literals(&self) -> Literals {
        match self {
            Node::Always | Node::Not(_) => Literals::Anything,
            Node::Every(nodes) => Literals::every(nodes.iter().map(Node::literals)),
            Node::Any(nodes) => Literals::any(nodes.iter().map(Node::literals)),
            Node::Leaf(leaf) => match &leaf.words {
                Some(words) => Literals::any(words.iter().map(|parts| Literals::of_parts(parts))),
                None => Literals::Anything,
            },
        }
    }

    fn is_typed(&self) -> bool {
        match self {
            Node::Always => true,
            Node::Every(nodes) | Node::Any(nodes) => nodes.iter().all(Node::is_typed),
            Node::Not(inner) => inner.is_typed(),
            Node::Leaf(leaf) => matches!(leaf.decided_by, Decider::Column { .. }),
        }
    }

    fn judge(&self, judge: &mut dyn FnMut(&Leaf<'q>) -> Verdict) -> Verdict {
        match self {
            Node::Always => Verdict::Yes,
            Node::Every(nodes) => nodes.iter().map(|node| node.judge(judge)).min().unwrap_or(Verdict::Yes),
            Node::Any(nodes) => nodes.iter().map(|node| node.judge(judge)).max().unwrap_or(Verdict::No),
            Node::Not(inner) => inner.judge(judge).not(),
            Node::Leaf(leaf) => judge(leaf),
        }
    }
}

impl Leaf<'_> {
    /// Judges the rows of a block; `None` when nothing is known of it.
    fn judge(&self, sheet: &mut Sheet, at: usize, block: usize) -> Option<Vec<Verdict>> {
        match &self.decided_by {
            Decider::EventOnly => None,
            Decider::Time(test) => {
                if sheet.odd_times.as_ref()?.contains(block) {
                    return None;
                }
                let (_, times) = sheet.times.as_ref()?.get(at).filter(|(number, _)| *number == block)?;
                let judge =
                    |time: &Timestamp| test.takes_instant(*time).map_or(Verdict::Unknown, Verdict::of);
                Some(times.iter().map(judge).collect())
            }
            Decider::Column { slot, test } => {
                let keys = sheet.keys.get(*slot)?;
                if keys.odd.contains(block) {
                    return None;
                }
                let (_, codes) = keys.blocks.get(at).filter(|(number, _)| *number == block)?;
                let said = &mut sheet.said[self.number];
                said.resize(keys.values.len(), None);
                let mut judge = |code: u32| {
                    let Some(said) = said.get_mut(code as usize) else { return Verdict::No };
                    *said.get_or_insert_with(|| Verdict::of(test.takes_text(&keys.values[code as usize])))
                };
                Some(codes.iter().map(|code| judge(*code)).collect())
            }
        }
    }
}

/// Judges all times of a span at once. Comparisons are true on one side of their bound, so both ends tell; an equal
/// value lies within a span of its own.
fn judge_span(test: &Test, span: Span) -> Verdict {
    match test {
        Test::Compares(..) => match (test.takes_instant(span.first), test.takes_instant(span.last)) {
            (Some(first), Some(last)) if first == last => Verdict::of(first),
            _ => Verdict::Unknown,
        },
        Test::Equals(Equals { span: Some(wanted), .. })
            if span.last < wanted.start || wanted.end <= span.first =>
        {
            Verdict::No
        }
        Test::Equals(Equals { span: Some(wanted), .. })
            if wanted.start <= span.first && span.last < wanted.end =>
        {
            Verdict::Yes
        }
        _ => Verdict::Unknown,
    }
}

fn needle_words(needle: &Needle) -> Option<Vec<Vec<String>>> {
    match needle {
        Needle::Phrase(phrase) => Some(vec![phrase.parts().to_vec()]),
        Needle::Pattern(_) => None,
    }
}

fn test_words(test: &Test) -> Option<Vec<Vec<String>>> {
    match test {
        Test::Contains(needle) => needle_words(needle),
        Test::Equals(equals) => equals.parts(),
        Test::Exists | Test::Matches(_) | Test::Compares(..) => None,
    }
}

/// Finds the blocks that may hold what a node takes; `None` for all of them.
fn candidates(node: &Node<'_>, part: &dyn Part) -> Result<Option<Blocks>, PartError> {
    let mut found: Option<Blocks> = None;
    match node {
        Node::Always | Node::Not(_) => {}
        Node::Every(nodes) => {
            for node in nodes {
                if found.as_ref().is_some_and(Blocks::is_empty) {
                    break;
                }
                match (&mut found, candidates(node, part)?) {
                    (Some(found), Some(others)) => found.intersect(&others),
                    (None, others @ Some(_)) => found = others,
                    (_, None) => {}
                }
            }
        }
        Node::Any(nodes) => {
            let mut any = Blocks::none(part.block_count());
            for node in nodes {
                match candidates(node, part)? {
                    Some(others) => any.unite(&others),
                    None => return Ok(None),
                }
            }
            found = Some(any);
        }
        Node::Leaf(leaf) => {
            let Some(words) = &leaf.words else { return Ok(None) };
            let mut any = Blocks::none(part.block_count());
            for parts in words {
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                any.unite(&part.holding(&parts)?);
            }
            found = Some(any);
        }
    }
    Ok(found)
}

/// Says how many rows a block of a part has.
pub(crate) fn rows_of(part: &dyn Part, block: usize) -> usize {
    let positions = part.positions();
    let rows = usize::try_from(positions.end - positions.start).unwrap_or(usize::MAX);
    rows.saturating_sub(block * BLOCK_ROWS).min(BLOCK_ROWS)
}
