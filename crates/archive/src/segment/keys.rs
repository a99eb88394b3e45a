//! Columns of a segment for some blocks, by codes that hold for the whole segment.

use std::sync::{Arc, OnceLock};

use super::schema::KEYS;
use super::sheet::Sheet;
use crate::blocks::{BLOCK_ROWS, Blocks};
use crate::column::Column;
use crate::extract::COLUMN_COUNT;
use crate::interner::Interner;
use crate::part::{Keys, PartError};

/// The most texts of a column that are kept once read.
const MOST_KEPT: usize = 65_536;
/// The most bytes of them.
const MOST_KEPT_BYTES: usize = 4 << 20;

/// Dictionaries of all row groups as one, kept after the first question about most of a segment.
#[derive(Default)]
pub(super) struct Dictionaries {
    columns: [OnceLock<Arc<Dictionary>>; COLUMN_COUNT],
}

/// A column's texts, and what each row group's codes are called.
pub(super) struct Dictionary {
    pub(super) values: Arc<Vec<String>>,
    meanings: Vec<Vec<u32>>,
}

impl Dictionaries {
    /// Returns the dictionary for some blocks; for other row groups than theirs it may be empty.
    fn of(&self, sheet: &Sheet, column: Column, blocks: &Blocks) -> Result<Arc<Dictionary>, PartError> {
        let kept = &self.columns[column as usize];
        if let Some(dictionary) = kept.get() {
            return Ok(dictionary.clone());
        }
        let most = blocks.len() * 2 >= blocks.count();
        let wanted = if most { &Blocks::all(blocks.count()) } else { blocks };
        let dictionary = Arc::new(read(sheet, column, wanted)?);
        let bytes: usize = dictionary.values.iter().map(String::len).sum();
        if most && dictionary.values.len() <= MOST_KEPT && bytes <= MOST_KEPT_BYTES {
            // Another question may have been faster; both read the same.
            let _ = kept.set(dictionary.clone());
        }
        Ok(dictionary)
    }
}

fn read(sheet: &Sheet, column: Column, blocks: &Blocks) -> Result<Dictionary, PartError> {
    let mut values = Interner::default();
    let mut meanings = vec![Vec::new(); sheet.layout.groups.len()];
    let mut next = 0;
    for block in blocks.iter() {
        let rows = rows_of(block, sheet.layout.rows());
        let (first, last) = (sheet.layout.group_of(rows.start), sheet.layout.group_of(rows.end - 1));
        for (group, meaning) in meanings.iter_mut().enumerate().take(last + 1).skip(first.max(next)) {
            *meaning = sheet.dictionary(group, KEYS + column as usize, &mut values)?;
        }
        next = next.max(last + 1);
    }
    Ok(Dictionary { values: Arc::new(values.into_values()), meanings })
}

/// Returns the rows of a block.
pub(super) fn rows_of(block: usize, rows: usize) -> std::ops::Range<usize> {
    block * BLOCK_ROWS..rows.min((block + 1) * BLOCK_ROWS)
}

/// Values of blocks: each one's number and its rows' values.
pub(super) type ByBlock<T> = Vec<(usize, Vec<T>)>;

/// Reads something of blocks, row group by row group; a block may lie in two. `turn` makes of what a row group holds what is
/// returned.
pub(super) fn by_block<H: Copy, T>(
    sheet: &Sheet,
    blocks: &Blocks,
    mut read: impl FnMut(usize) -> Result<Arc<Vec<H>>, PartError>,
    turn: impl Fn(usize, H) -> T,
) -> Result<ByBlock<T>, PartError> {
    let mut found = Vec::with_capacity(blocks.len());
    let mut held: Option<(usize, Arc<Vec<H>>)> = None;
    for block in blocks.iter() {
        let mut rows = rows_of(block, sheet.layout.rows());
        let mut values = Vec::with_capacity(rows.len());
        while rows.start < rows.end {
            let number = sheet.layout.group_of(rows.start);
            let group = &sheet.layout.groups[number];
            let whole = match &mut held {
                Some((at, whole)) if *at == number => whole,
                held => &mut held.insert((number, read(number)?)).1,
            };
            let end = rows.end.min(group.first_row + group.rows);
            let share = whole.get(rows.start - group.first_row..end - group.first_row);
            let share = share.ok_or_else(|| sheet.damaged("a column lacks rows"))?;
            values.extend(share.iter().map(|held| turn(number, *held)));
            rows.start = end;
        }
        found.push((block, values));
    }
    Ok(found)
}

/// Reads a column for some blocks.
pub(super) fn keys(
    sheet: &Sheet,
    dictionaries: &Dictionaries,
    column: Column,
    blocks: &Blocks,
) -> Result<(Arc<Vec<String>>, ByBlock<u32>), PartError> {
    let dictionary = dictionaries.of(sheet, column, blocks)?;
    let meanings = &dictionary.meanings;
    let codes = |group: usize| sheet.kept_codes(group, KEYS + column as usize, meanings[group].len());
    let meaning =
        |group: usize, code: u32| meanings[group].get(code as usize).copied().unwrap_or(Keys::ABSENT);
    Ok((dictionary.values.clone(), by_block(sheet, blocks, codes, meaning)?))
}
