//! Fills in what a column does not tell: values that are no short text, from the events themselves.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::ControlFlow;
use std::sync::Arc;

use archive::{BLOCK_ROWS, Column, Keys, Part};
use event::RecordView;

use crate::QueryError;

/// A column's texts, and the code of each row.
pub(crate) type Coded = (Arc<Vec<String>>, Vec<u32>);

/// Completes the codes of rising rows where some of their blocks are odd.
pub(crate) fn completed(
    part: &dyn Part,
    column: Column,
    keys: &Keys,
    rows: &[u32],
    codes: Vec<u32>,
) -> Result<Coded, QueryError> {
    let is_open =
        |(row, code): &(&u32, &u32)| **code == Keys::ABSENT && keys.odd.contains(**row as usize / BLOCK_ROWS);
    let open: Vec<u32> = rows.iter().zip(&codes).filter(is_open).map(|(row, _)| *row).collect();
    let mut found: HashMap<u64, String> = HashMap::new();
    part.visit(&open, &mut |logged| {
        let text = RecordView::parse(logged.payload).ok().and_then(|view| view.cell(column.field()));
        found.extend(text.map(|text| (logged.position, text)));
        ControlFlow::Continue(())
    })?;
    if found.is_empty() {
        return Ok((keys.values.clone(), codes));
    }
    let first = part.positions().start;
    let mut texts = Texts::default();
    let codes = rows.iter().zip(codes).map(|(row, code)| match code {
        Keys::ABSENT => found.get(&(first + u64::from(*row))).map_or(Keys::ABSENT, |text| texts.code(text)),
        code => keys.values.get(code as usize).map_or(Keys::ABSENT, |text| texts.code(text)),
    });
    let codes = codes.collect();
    Ok((Arc::new(texts.all), codes))
}

/// Texts of some rows, each once.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
    codes: HashMap<String, u32>,
}

impl Texts {
    fn code(&mut self, text: &str) -> u32 {
        let next = self.all.len() as u32;
        match self.codes.entry(text.to_owned()) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.all.push(text.to_owned());
                *new.insert(next)
            }
        }
    }
}
