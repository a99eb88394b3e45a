//! A segment's columns, read page by page; what they mean is not known here.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::decode::{self, Nulls};
use super::layout::{Chunk, Layout};
use super::page::{Page, PageError, PageKind, Unpacker};
use super::schema::{LOG_SOURCE, PAYLOAD, SALT};
use crate::interner::Interner;
use crate::part::PartError;
use crate::read_at::ReadAt;
use crate::shelf::{Keep, Shelf, What};

/// The columns of a segment.
pub(super) struct Sheet {
    pub(super) data: Arc<dyn ReadAt>,
    pub(super) name: String,
    pub(super) layout: Layout,
    /// What was read for questions.
    pub(super) shelf: Shelf,
}

/// Payloads of one page.
pub(super) struct Payloads {
    body: Bytes,
    ranges: Vec<Range<usize>>,
    /// Rows of the segment that they are of.
    pub(super) rows: Range<usize>,
}

impl Keep for Payloads {
    fn bytes(&self) -> usize {
        self.body.len() + size_of_val(self.ranges.as_slice())
    }
}

impl Payloads {
    /// Returns the payload of a row of the segment.
    pub(super) fn of(&self, row: usize) -> &[u8] {
        &self.body[self.ranges[row - self.rows.start].clone()]
    }
}

impl Sheet {
    /// Opens a Parquet file as a segment.
    pub(super) fn open(data: Arc<dyn ReadAt>, name: &str) -> Result<Sheet, PartError> {
        let damaged = |why: String| PartError::Damaged { name: name.to_owned(), why };
        let layout = Layout::read(&data).map_err(|error| damaged(error.to_string()))?;
        Ok(Sheet { data, name: name.to_owned(), layout, shelf: Shelf::default() })
    }

    /// Says that the segment is damaged.
    pub(super) fn damaged(&self, why: impl ToString) -> PartError {
        PartError::Damaged { name: self.name.clone(), why: why.to_string() }
    }

    pub(super) fn read(&self, range: Range<u64>) -> Result<Bytes, PartError> {
        let fault =
            |source: std::io::Error| PartError::Read { name: self.name.clone(), source: source.into() };
        let length = usize::try_from(range.end - range.start)
            .map_err(|_| self.damaged("a column is larger than memory"))?;
        self.data.read_at(range.start, length).map_err(fault)
    }

    /// Reads whole numbers of a row group, without nulls.
    pub(super) fn numbers(&self, group: usize, column: usize) -> Result<Vec<i64>, PartError> {
        let mut numbers = Vec::with_capacity(self.layout.groups[group].rows);
        self.each_page(group, column, |page| decode::numbers(page, &mut numbers))?;
        Ok(numbers)
    }

    /// Reads whole numbers of a row group for a question.
    pub(super) fn kept_numbers(&self, group: usize, column: usize) -> Result<Arc<Vec<i64>>, PartError> {
        self.shelf.get(What::Column(group, column), || self.numbers(group, column))
    }

    /// Reads the salts of a row group.
    pub(super) fn salts(&self, group: usize) -> Result<Vec<[u8; 16]>, PartError> {
        let mut salts = Vec::with_capacity(self.layout.groups[group].rows);
        self.each_page(group, SALT, |page| {
            salts.extend_from_slice(decode::sixteens(page)?);
            Ok(())
        })?;
        Ok(salts)
    }

    /// Reads a row group's dictionary; returns what each of its codes is called in `values`.
    pub(super) fn dictionary(
        &self,
        group: usize,
        column: usize,
        values: &mut Interner,
    ) -> Result<Vec<u32>, PartError> {
        self.each_text(group, column, |text| values.code(text))
    }

    /// Reads the texts of a row group's own dictionary, by code, for a question.
    pub(super) fn kept_texts(&self, group: usize, column: usize) -> Result<Arc<Vec<String>>, PartError> {
        self.shelf.get(What::Texts(group, column), || self.each_text(group, column, str::to_owned))
    }

    /// Walks the texts of a row group's dictionary, by code.
    fn each_text<T>(
        &self,
        group: usize,
        column: usize,
        each: impl FnMut(&str) -> T,
    ) -> Result<Vec<T>, PartError> {
        let chunk = self.chunk(group, column);
        let (offset, length) = chunk.dictionary;
        if length == 0 {
            return Ok(Vec::new());
        }
        let bytes = self.read(offset..offset + u64::from(length))?;
        let (page, _) = Unpacker::new().page(&bytes, chunk.packing).map_err(|error| self.damaged(error))?;
        if page.kind != PageKind::Dictionary || page.values > self.layout.groups[group].rows {
            return Err(self.damaged("a dictionary is none"));
        }
        let texts = decode::texts(&page).map_err(|error| self.damaged(error))?;
        Ok(texts.into_iter().map(each).collect())
    }

    /// Reads a row group's texts by code; `meaning` is what [`Sheet::dictionary`] returned.
    pub(super) fn codes(&self, group: usize, column: usize, meaning: &[u32]) -> Result<Vec<u32>, PartError> {
        let nulls = if column == LOG_SOURCE { Nulls::None } else { Nulls::Some };
        let mut codes = Vec::with_capacity(self.layout.groups[group].rows);
        self.each_page(group, column, |page| decode::codes(page, nulls, meaning, &mut codes))?;
        Ok(codes)
    }

    /// Reads a row group's texts by the codes of its own dictionary, which has so many, for a question.
    pub(super) fn kept_codes(
        &self,
        group: usize,
        column: usize,
        count: usize,
    ) -> Result<Arc<Vec<u32>>, PartError> {
        let own = || (0..count as u32).collect::<Vec<u32>>();
        self.shelf.get(What::Column(group, column), || self.codes(group, column, &own()))
    }

    /// Reads the page of payloads that holds a row of the segment, for a question.
    pub(super) fn kept_payloads(
        &self,
        row: usize,
        unpacker: &mut Unpacker,
    ) -> Result<Arc<Payloads>, PartError> {
        let (group, number) = self.page_of(row);
        let group = &self.layout.groups[group];
        let first = group.first_row + group.chunks[PAYLOAD].pages[number].first_row as usize;
        self.shelf.get(What::Payloads(first), || self.payloads(row, unpacker))
    }

    /// Finds the row group that holds a row, and in it the page of payloads.
    fn page_of(&self, row: usize) -> (usize, usize) {
        let at = self.layout.group_of(row);
        let group = &self.layout.groups[at];
        let within = row - group.first_row;
        let behind = group.chunks[PAYLOAD].pages.partition_point(|page| page.first_row as usize <= within);
        (at, behind - 1)
    }

    /// Reads the page of payloads that holds a row of the segment.
    pub(super) fn payloads(&self, row: usize, unpacker: &mut Unpacker) -> Result<Payloads, PartError> {
        let (at, number) = self.page_of(row);
        let group = &self.layout.groups[at];
        let chunk = &group.chunks[PAYLOAD];
        let place = chunk.pages[number];
        let bytes = self.read(place.offset..place.offset + u64::from(place.length))?;
        let (page, _) = unpacker.page(&bytes, chunk.packing).map_err(|error| self.damaged(error))?;
        let count = chunk.rows_of(number, group.rows);
        if page.values != count || page.kind != PageKind::Data {
            return Err(self.damaged("a page of payloads has another number of rows"));
        }
        let ranges = decode::plain(&page).map_err(|error| self.damaged(error))?;
        let start = group.first_row + place.first_row as usize;
        Ok(Payloads { body: page.body, ranges, rows: start..start + count })
    }

    fn chunk(&self, group: usize, column: usize) -> &Chunk {
        &self.layout.groups[group].chunks[column]
    }

    /// Walks the data pages of a column's share of a row group, read at once.
    fn each_page(
        &self,
        group: usize,
        column: usize,
        mut each: impl FnMut(&Page) -> Result<(), PageError>,
    ) -> Result<(), PartError> {
        let rows = self.layout.groups[group].rows;
        let chunk = self.chunk(group, column);
        let (Some(first), Some(last)) = (chunk.pages.first(), chunk.pages.last()) else {
            return Err(self.damaged("a column has no pages"));
        };
        let bytes = self.read(first.offset..last.offset + u64::from(last.length))?;
        let mut unpacker = Unpacker::new();
        for (number, place) in chunk.pages.iter().enumerate() {
            let start = (place.offset - first.offset) as usize;
            let bytes = bytes.slice(start..start + place.length as usize);
            let (page, _) = unpacker.page(&bytes, chunk.packing).map_err(|error| self.damaged(error))?;
            if page.values != chunk.rows_of(number, rows) || page.kind != PageKind::Data {
                return Err(self.damaged("a page has another number of rows"));
            }
            each(&page).map_err(|error| self.damaged(error))?;
        }
        Ok(())
    }
}
