//! Do a segment's columns follow from its payloads? The payloads are what the tree holds; the columns are only taken from
//! them for speed, so whoever changed a column alone would have changed what questions find.

use std::ops::ControlFlow;

use event::Timestamp;

use crate::blocks::{BLOCK_ROWS, Blocks};
use crate::column::COLUMNS;
use crate::extract::extract;
use crate::held::Held;
use crate::name::ObjectKind;
use crate::part::{Keys, LoggedRef, Part, PartError};
use crate::tokens::TokenSet;

/// Blocks that are compared at once.
const AT_ONCE: usize = 16;

/// Compares every typed column, and the event times, with what the payloads say.
pub(crate) fn follow_from_payloads(held: &Held) -> Result<(), PartError> {
    let count = held.segment.block_count();
    for first in (0..count).step_by(AT_ONCE) {
        let mut blocks = Blocks::none(count);
        (first..count.min(first + AT_ONCE)).for_each(|block| blocks.insert(block));
        compare(held, &blocks)?;
    }
    Ok(())
}

fn compare(held: &Held, blocks: &Blocks) -> Result<(), PartError> {
    let keys: Vec<Keys> =
        COLUMNS.iter().map(|(column, ..)| held.segment.keys(*column, blocks)).collect::<Result<_, _>>()?;
    let times = held.segment.times(blocks)?;
    let positions = held.segment.positions();
    let rows_of = |block: usize| {
        let end = (positions.end - positions.start).min((block as u64 + 1) * BLOCK_ROWS as u64);
        (block * BLOCK_ROWS) as u32..end as u32
    };
    let mut tokens = TokenSet::new();
    for (at, block) in blocks.iter().enumerate() {
        let mut compared = Ok(());
        let mut row = 0;
        held.segment.visit(&rows_of(block).collect::<Vec<u32>>(), &mut |entry| {
            let columns = Columns { held, keys: &keys, times: &times, at, block };
            compared = columns.compare(row, entry, &mut tokens);
            row += 1;
            if compared.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        compared?;
        tokens.take();
    }
    Ok(())
}

/// What the columns say of a block.
struct Columns<'a> {
    held: &'a Held,
    keys: &'a [Keys],
    times: &'a [(usize, Vec<Timestamp>)],
    /// Its place among those that were asked for.
    at: usize,
    block: usize,
}

impl Columns<'_> {
    fn compare(&self, row: usize, entry: LoggedRef<'_>, tokens: &mut TokenSet) -> Result<(), PartError> {
        let says = extract(entry.payload, tokens);
        let wrong = |what: &str| PartError::Damaged {
            name: self.held.name.path(ObjectKind::Data),
            why: format!("its {what} of position {} is not what the event says", entry.position),
        };
        let found = self.times.get(self.at).and_then(|(_, times)| times.get(row));
        if found != Some(&says.time.unwrap_or(entry.log_time)) {
            return Err(wrong("time"));
        }
        for (column, (keys, (_, field, _))) in self.keys.iter().zip(COLUMNS).enumerate() {
            let text = text_of(keys, self.at, row).map_err(|()| wrong(field))?;
            let is_told = says.odd & (1 << column) == 0 || keys.odd.contains(self.block);
            if text != says.columns[column].as_deref() || !is_told {
                return Err(wrong(field));
            }
        }
        Ok(())
    }
}

/// The text of a row, as a column's keys have it; an error where they have no such row.
fn text_of(keys: &Keys, block: usize, row: usize) -> Result<Option<&str>, ()> {
    let code = keys.blocks.get(block).and_then(|(_, codes)| codes.get(row)).ok_or(())?;
    if *code == Keys::ABSENT {
        return Ok(None);
    }
    keys.values.get(*code as usize).map(|text| Some(text.as_str())).ok_or(())
}
