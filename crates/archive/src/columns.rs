//! Do a segment's columns follow from its payloads? The payloads are what the tree holds; the columns are only taken from
//! them for speed, so whoever changed a column alone would have changed what questions find.

use crate::blocks::{BLOCK_ROWS, Blocks};
use crate::column::COLUMNS;
use crate::extract::extract;
use crate::held::Held;
use crate::name::ObjectKind;
use crate::part::{Keys, Part, PartError};
use crate::tokens::TokenSet;

/// Blocks that are compared at once.
const AT_ONCE: usize = 16;

/// Compares every typed column, and the event times, with what the payloads say.
pub(crate) fn follow_from_payloads(held: &Held) -> Result<(), PartError> {
    let count = held.block_count();
    for first in (0..count).step_by(AT_ONCE) {
        let mut blocks = Blocks::none(count);
        (first..count.min(first + AT_ONCE)).for_each(|block| blocks.insert(block));
        compare(held, &blocks)?;
    }
    Ok(())
}

fn compare(held: &Held, blocks: &Blocks) -> Result<(), PartError> {
    let keys: Vec<Keys> =
        COLUMNS.iter().map(|(column, ..)| held.keys(*column, blocks)).collect::<Result<_, _>>()?;
    let times = held.times(blocks)?;
    let positions = held.positions();
    let rows_of = |block: usize| {
        let end = (positions.end - positions.start).min((block as u64 + 1) * BLOCK_ROWS as u64);
        (block * BLOCK_ROWS) as u32..end as u32
    };
    let mut tokens = TokenSet::new();
    for (at, block) in blocks.iter().enumerate() {
        let entries = held.entries(&rows_of(block).collect::<Vec<u32>>())?;
        for (row, entry) in entries.iter().enumerate() {
            let says = extract(&entry.payload, &mut tokens);
            let wrong = |what: &str| PartError::Damaged {
                name: held.name.path(ObjectKind::Data),
                why: format!("its {what} of position {} is not what the event says", entry.position),
            };
            let found = times.get(at).and_then(|(_, times)| times.get(row));
            if found != Some(&says.time.unwrap_or(entry.log_time)) {
                return Err(wrong("time"));
            }
            for (column, (keys, (_, field, _))) in keys.iter().zip(COLUMNS).enumerate() {
                let text = text_of(keys, at, row).map_err(|()| wrong(field))?;
                let is_told = says.odd & (1 << column) == 0 || keys.odd.contains(block);
                if text != says.columns[column].as_deref() || !is_told {
                    return Err(wrong(field));
                }
            }
        }
        tokens.take();
    }
    Ok(())
}

/// The text of a row, as a column's keys have it; an error where they have no such row.
fn text_of(keys: &Keys, block: usize, row: usize) -> Result<Option<&str>, ()> {
    let code = keys.blocks.get(block).and_then(|(_, codes)| codes.get(row)).ok_or(())?;
    if *code == Keys::ABSENT {
        return Ok(None);
    }
    keys.values.get(*code as usize).map(|text| Some(text.as_str())).ok_or(())
}
