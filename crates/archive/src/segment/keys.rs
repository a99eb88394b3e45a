//! Columns of a segment for some blocks, by codes that hold for the whole segment.

use std::sync::Arc;

use super::schema::KEYS;
use super::sheet::Sheet;
use crate::blocks::{BLOCK_ROWS, Blocks};
use crate::column::Column;
use crate::interner::Interner;
use crate::part::{Keys, PartError};
use crate::shelf::{Keep, What};

/// A column's texts in several row groups.
pub(super) struct Dictionary {
    values: Arc<Vec<String>>,
    /// What the codes of each row group are called; nothing where it was not asked for.
    meanings: Vec<Vec<u32>>,
}

impl Keep for Dictionary {
    fn bytes(&self) -> usize {
        self.values.bytes() + self.meanings.iter().map(Keep::bytes).sum::<usize>()
    }
}

impl Dictionary {
    /// Puts those of some row groups together.
    fn read(
        sheet: &Sheet,
        column: usize,
        groups: impl IntoIterator<Item = usize>,
    ) -> Result<Dictionary, PartError> {
        let mut values = Interner::default();
        let mut meanings = vec![Vec::new(); sheet.layout.groups.len()];
        for group in groups {
            meanings[group] = sheet.dictionary(group, column, &mut values)?;
        }
        Ok(Dictionary { values: Arc::new(values.into_values()), meanings })
    }

    /// Returns that of some row groups: of all, and kept, where most of a segment is asked for.
    fn of(sheet: &Sheet, column: usize, groups: &[usize]) -> Result<Arc<Dictionary>, PartError> {
        let (kept, count) = (What::Dictionary(column), sheet.layout.groups.len());
        if groups.len() * 2 >= count {
            return sheet.shelf.get(kept, || Dictionary::read(sheet, column, 0..count));
        }
        match sheet.shelf.recall(kept) {
            Some(whole) => Ok(whole),
            None => Dictionary::read(sheet, column, groups.iter().copied()).map(Arc::new),
        }
    }
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
    column: Column,
    blocks: &Blocks,
) -> Result<(Arc<Vec<String>>, ByBlock<u32>), PartError> {
    let column = KEYS + column as usize;
    let groups = groups_of(sheet, blocks);
    if let [group] = groups[..] {
        let texts = sheet.kept_texts(group, column)?;
        let codes = |group: usize| sheet.kept_codes(group, column, texts.len());
        let found = by_block(sheet, blocks, codes, |_, code| code)?;
        return Ok((texts, found));
    }
    let dictionary = Dictionary::of(sheet, column, &groups)?;
    let meanings = &dictionary.meanings;
    let codes = |group: usize| sheet.kept_codes(group, column, meanings[group].len());
    let meaning =
        |group: usize, code: u32| meanings[group].get(code as usize).copied().unwrap_or(Keys::ABSENT);
    Ok((dictionary.values.clone(), by_block(sheet, blocks, codes, meaning)?))
}

/// Finds the row groups in which some blocks lie, in order.
fn groups_of(sheet: &Sheet, blocks: &Blocks) -> Vec<usize> {
    let mut groups = Vec::new();
    let mut next = 0;
    for block in blocks.iter() {
        let rows = rows_of(block, sheet.layout.rows());
        let (first, last) = (sheet.layout.group_of(rows.start), sheet.layout.group_of(rows.end - 1));
        groups.extend(first.max(next)..=last);
        next = next.max(last + 1);
    }
    groups
}
