//! Roll-ups: counts of a part's events by time, kind, outcome and a few columns, so that histograms and top lists need
//! no rows.
//!
//! A dimension is dropped, never approximated, where a column is odd or has too many different values.

use std::collections::HashMap;

use crate::cells::{RollupCell, Rollups};
use crate::column::Column;
use crate::extract::FieldSet;
use crate::interner::Interner;
use crate::part::{Keys, RollupKey};
use crate::wire::{Wire, WireError, put, put_signed};

/// The columns that are counted by value.
pub(crate) const DIMENSIONS: [Column; 3] = [Column::User, Column::Target, Column::Address];
/// How many roll-ups there are.
pub(crate) const SECTIONS: usize = 1 + 2 * DIMENSIONS.len();
/// The most different values of a dimension in a part.
const MOST_VALUES: usize = 65_536;
/// The most cells of a roll-up in a part.
const MOST_CELLS: usize = 1 << 19;
/// The most bytes of a roll-up, unpacked.
const MOST_BYTES: usize = 128 << 20;
const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

/// Columns of some rows, by codes of their own.
pub(crate) struct RollupRows<'a> {
    /// Event times in microseconds.
    pub(crate) times: &'a [i64],
    /// Codes of kind, outcome and the dimensions.
    pub(crate) codes: [&'a [u32]; 5],
    /// Texts of these codes.
    pub(crate) values: [&'a [String]; 5],
}

/// Begin of the hour or day, and codes of kind, outcome and value.
type Cell = (i64, u32, u32, u32);

/// Counts rows.
pub(crate) struct RollupBuilder {
    texts: Interner,
    hours: Option<HashMap<Cell, u64>>,
    days: [Option<Counted>; 3],
}

#[derive(Default)]
struct Counted {
    cells: HashMap<Cell, u64>,
    values: std::collections::HashSet<u32>,
}

impl RollupBuilder {
    /// Makes an empty one.
    pub(crate) fn new() -> RollupBuilder {
        RollupBuilder {
            texts: Interner::default(),
            hours: Some(HashMap::new()),
            days: std::array::from_fn(|_| Some(Counted::default())),
        }
    }

    /// Makes one that counts only what an answer needs.
    pub(crate) fn only(key: RollupKey) -> RollupBuilder {
        let wanted = dimension_of(key);
        let hours = matches!(key, RollupKey::Hour);
        RollupBuilder {
            texts: Interner::default(),
            hours: hours.then(HashMap::new),
            days: std::array::from_fn(|dimension| (wanted == Some(dimension)).then(Counted::default)),
        }
    }

    /// Counts rows.
    pub(crate) fn add(&mut self, rows: &RollupRows<'_>) {
        let mut codes = Codes { texts: &mut self.texts, values: rows.values, known: Default::default() };
        let mut keys = Vec::with_capacity(rows.times.len());
        if let Some(cells) = &mut self.hours {
            for (key, count) in counted(rows, HOUR, None, &mut keys) {
                let cell = (key.from * HOUR, codes.of(0, key.kind), codes.of(1, key.outcome), Keys::ABSENT);
                *cells.entry(cell).or_default() += count;
            }
        }
        self.hours.take_if(|cells| cells.len() > MOST_CELLS);
        for (dimension, all) in self.days.iter_mut().enumerate() {
            let Some(days) = all else { continue };
            for (key, count) in counted(rows, DAY, Some(dimension + 2), &mut keys) {
                let value = codes.of(dimension + 2, key.value);
                days.values.insert(value);
                let cell = (key.from * DAY, codes.of(0, key.kind), codes.of(1, key.outcome), value);
                *days.cells.entry(cell).or_default() += count;
            }
            all.take_if(|days| days.values.len() > MOST_VALUES || days.cells.len() > MOST_CELLS);
        }
    }

    /// Drops what odd columns make uncertain.
    fn drop_odd(&mut self, odd: FieldSet) {
        let is_odd = |column: Column| odd >> column as usize & 1 == 1;
        let all = is_odd(Column::Kind) || is_odd(Column::Outcome);
        if all {
            self.hours = None;
        }
        for (counted, column) in self.days.iter_mut().zip(DIMENSIONS) {
            counted.take_if(|_| all || is_odd(column));
        }
    }

    /// Writes the roll-up by hour, those by day, and those of the whole part; one that was dropped is empty.
    pub(crate) fn encode(&mut self, odd: FieldSet) -> [Vec<u8>; SECTIONS] {
        self.drop_odd(odd);
        let mut sections: [Vec<u8>; SECTIONS] = Default::default();
        if let Some(cells) = self.hours.take() {
            sections[0] = encode(self.texts.values(), cells);
        }
        for (dimension, counted) in self.days.iter_mut().enumerate() {
            let Some(counted) = counted.take() else { continue };
            let mut totals: HashMap<Cell, u64> = HashMap::new();
            for ((_, kind, outcome, value), count) in &counted.cells {
                *totals.entry((0, *kind, *outcome, *value)).or_default() += count;
            }
            sections[1 + dimension] = encode(self.texts.values(), counted.cells);
            sections[1 + DIMENSIONS.len() + dimension] = encode(self.texts.values(), totals);
        }
        sections
    }

    /// Answers from what was counted.
    pub(crate) fn answer(mut self, odd: FieldSet, key: RollupKey) -> Option<Rollups> {
        let at = section_of(key)?;
        let bytes = std::mem::take(&mut self.encode(odd)[at]);
        decode(&bytes).expect("it was written just now")
    }
}

/// Texts of rows, and how the whole part calls them.
struct Codes<'a> {
    texts: &'a mut Interner,
    values: [&'a [String]; 5],
    /// By the rows' own codes; [`Keys::ABSENT`] where nobody asked yet.
    known: [Vec<u32>; 5],
}

impl Codes<'_> {
    fn of(&mut self, column: usize, code: u32) -> u32 {
        if code == Keys::ABSENT {
            return code;
        }
        let (values, known) = (self.values[column], &mut self.known[column]);
        known.resize(values.len(), Keys::ABSENT);
        let known = &mut known[code as usize];
        if *known == Keys::ABSENT {
            *known = self.texts.code(&values[code as usize]);
        }
        *known
    }
}

/// What rows are counted by: their own codes, and units of time since 1970.
struct Key {
    from: i64,
    kind: u32,
    outcome: u32,
    value: u32,
}

/// Units of time that lie before 1970; the year 1 does so by 17.3 million hours.
const BEFORE_EPOCH: i64 = 1 << 25;

/// Counts rows, in order of their keys. Sorting them is several times as fast as looking each one up.
fn counted<'k>(
    rows: &RollupRows<'_>,
    unit: i64,
    column: Option<usize>,
    keys: &'k mut Vec<u128>,
) -> impl Iterator<Item = (Key, u64)> + 'k {
    let [kinds, outcomes, ..] = rows.codes;
    let values = column.map(|column| rows.codes[column]);
    keys.clear();
    keys.extend(rows.times.iter().enumerate().map(|(row, time)| {
        let from = (time.div_euclid(unit) + BEFORE_EPOCH) as u128;
        let value = values.map_or(0, |values| values[row]);
        from << 96 | u128::from(kinds[row]) << 64 | u128::from(outcomes[row]) << 32 | u128::from(value)
    }));
    keys.sort_unstable();
    keys.chunk_by(|left, right| left == right).map(|same| {
        let key = same[0];
        let from = (key >> 96) as i64 - BEFORE_EPOCH;
        let key = Key { from, kind: (key >> 64) as u32, outcome: (key >> 32) as u32, value: key as u32 };
        (key, same.len() as u64)
    })
}

/// Which section holds a roll-up.
pub(crate) fn section_of(key: RollupKey) -> Option<usize> {
    match key {
        RollupKey::Hour => Some(0),
        RollupKey::Day(_) => dimension_of(key).map(|dimension| 1 + dimension),
        RollupKey::Total(_) => dimension_of(key).map(|dimension| 1 + DIMENSIONS.len() + dimension),
    }
}

fn dimension_of(key: RollupKey) -> Option<usize> {
    match key {
        RollupKey::Hour => None,
        RollupKey::Total(column) | RollupKey::Day(column) => {
            DIMENSIONS.iter().position(|dimension| *dimension == column)
        }
    }
}

/// An order that is always the same, so that an index made anew is the same too.
fn sorted(cells: HashMap<Cell, u64>) -> Vec<(Cell, u64)> {
    let mut cells: Vec<(Cell, u64)> = cells.into_iter().collect();
    cells.sort_unstable();
    cells
}

/// Texts that occur, cells in order; packed by zstd behind its unpacked length.
fn encode(texts: &[String], cells: HashMap<Cell, u64>) -> Vec<u8> {
    let cells = sorted(cells);
    let mut codes: HashMap<u32, u64> = HashMap::new();
    let mut names = Vec::new();
    let mut body = Vec::new();
    let mut last = 0;
    for ((from, kind, outcome, value), count) in &cells {
        put_signed(&mut body, from - last);
        last = *from;
        for code in [kind, outcome, value] {
            let next = codes.len() as u64 + 1;
            let code = match *code {
                Keys::ABSENT => 0,
                code => *codes.entry(code).or_insert_with(|| {
                    names.push(&texts[code as usize]);
                    next
                }),
            };
            put(&mut body, code);
        }
        put(&mut body, *count);
    }
    let mut out = Vec::new();
    put(&mut out, names.len() as u64);
    for name in names {
        put(&mut out, name.len() as u64);
        out.extend_from_slice(name.as_bytes());
    }
    put(&mut out, cells.len() as u64);
    out.extend_from_slice(&body);
    let mut packed = Vec::new();
    put(&mut packed, out.len() as u64);
    packed.extend(zstd::bulk::compress(&out, 3).expect("memory can be compressed"));
    packed
}

/// Reads a roll-up; none where it was dropped.
pub(crate) fn decode(packed: &[u8]) -> Result<Option<Rollups>, WireError> {
    if packed.is_empty() {
        return Ok(None);
    }
    let mut wire = Wire(packed);
    let length = wire.below(MOST_BYTES as u64 + 1)?;
    let body = zstd::bulk::decompress(wire.0, length).map_err(|_| WireError("a roll-up does not unpack"))?;
    let mut wire = Wire(&body);
    let texts = read_texts(&mut wire)?;
    let (known, count) = (texts.len() as u64, wire.count(5)?);
    let mut rollups = Rollups::with_capacity(texts, count);
    let mut from: Option<i64> = None;
    for _ in 0..count {
        let next = from.unwrap_or(0).checked_add(wire.signed()?).ok_or(WireError("a time is too large"))?;
        if from.is_some_and(|from| next < from) {
            return Err(WireError("times go back"));
        }
        from = Some(next);
        let mut code = || Ok(wire.below(known + 1)?.checked_sub(1).map(|code| code as u32));
        let (kind, outcome, value) = (code()?, code()?, code()?);
        let count = wire.below(1 << 32)? as u32;
        rollups.push(&RollupCell { from: next, kind, outcome, value, count });
    }
    wire.end()?;
    Ok(Some(rollups))
}

fn read_texts(wire: &mut Wire<'_>) -> Result<Vec<String>, WireError> {
    let count = wire.count(1)?;
    let mut texts = Vec::with_capacity(count);
    for _ in 0..count {
        let length = wire.count(1)?;
        let text = std::str::from_utf8(wire.bytes(length)?).map_err(|_| WireError("a text is not UTF-8"))?;
        texts.push(text.to_owned());
    }
    Ok(texts)
}
