//! Values of pages, in the three encodings that segments use: plain, deltas, and codes of a dictionary.
//!
//! Standard: the Apache Parquet format, `Encodings.md`.

use std::ops::Range;

use super::page::{Encoding, Page, PageError, PageKind};
use crate::part::Keys;
use crate::wire::Wire;

const CUT: PageError = PageError("values are cut short");
/// The most values of one block of deltas.
const MOST_DELTAS: u64 = 65_536;

/// Reads whole numbers from a page of deltas, without nulls.
pub(super) fn numbers(page: &Page, out: &mut Vec<i64>) -> Result<(), PageError> {
    if (page.kind, page.encoding) != (PageKind::Data, Encoding::Delta) {
        return Err(PageError("a column of numbers is not written as deltas"));
    }
    let wire = |_| CUT;
    let mut bytes = Wire(&page.body);
    let block = bytes.below(MOST_DELTAS + 1).map_err(wire)?;
    let minis = bytes.below(MOST_DELTAS + 1).map_err(wire)?;
    let total = bytes.number().map_err(wire)?;
    if total != page.values as u64
        || minis == 0
        || block % minis != 0
        || (block / minis) % 8 != 0
        || block == 0
    {
        return Err(PageError("a page of deltas has no sound header"));
    }
    let mini = block / minis;
    let mut last = bytes.signed().map_err(wire)?;
    let mut left = page.values;
    if left == 0 {
        return Ok(());
    }
    out.push(last);
    left -= 1;
    while left > 0 {
        let least = bytes.signed().map_err(wire)?;
        let widths = bytes.bytes(minis).map_err(wire)?;
        for width in widths {
            if left == 0 {
                break;
            }
            if *width > 64 {
                return Err(PageError("a delta has more than 64 bits"));
            }
            let packed = bytes.bytes(mini / 8 * usize::from(*width)).map_err(wire)?;
            let count = left.min(mini);
            for at in 0..count {
                let delta = bits(packed, at * usize::from(*width), u32::from(*width));
                last = last.wrapping_add(least).wrapping_add(delta.cast_signed());
                out.push(last);
            }
            left -= count;
        }
    }
    Ok(())
}

/// Reads `width` bits, at most 64, from a bit on; bits beyond the end are 0.
fn bits(bytes: &[u8], at: usize, width: u32) -> u64 {
    if width == 0 {
        return 0;
    }
    let mut window = [0; 16];
    let from = bytes.get(at / 8..).unwrap_or_default();
    match from.first_chunk::<16>() {
        Some(chunk) => window = *chunk,
        None => window[..from.len()].copy_from_slice(from),
    }
    (u128::from_le_bytes(window) >> (at % 8)) as u64 & (u64::MAX >> (64 - width))
}

/// Reads where the plain texts or bytes of a page lie in it.
pub(super) fn plain(page: &Page) -> Result<Vec<Range<usize>>, PageError> {
    if page.encoding != Encoding::Plain && page.kind == PageKind::Data {
        return Err(PageError("a column of bytes is not written plainly"));
    }
    if page.values > page.body.len() / 4 {
        return Err(CUT);
    }
    let mut ranges = Vec::with_capacity(page.values);
    let mut at = 0;
    for _ in 0..page.values {
        let length: [u8; 4] = *page.body.get(at..).and_then(|rest| rest.first_chunk()).ok_or(CUT)?;
        let start = at + 4;
        let end = start + u32::from_le_bytes(length) as usize;
        if end > page.body.len() {
            return Err(CUT);
        }
        ranges.push(start..end);
        at = end;
    }
    Ok(ranges)
}

/// Reads sixteen bytes a value.
pub(super) fn sixteens(page: &Page) -> Result<&[[u8; 16]], PageError> {
    let (values, rest) = page.body.as_chunks();
    let sound = page.encoding == Encoding::Plain && rest.is_empty() && values.len() == page.values;
    if sound { Ok(values) } else { Err(PageError("a column of sixteen bytes has another length")) }
}

/// Reads the texts of a dictionary page.
pub(super) fn texts(page: &Page) -> Result<Vec<&str>, PageError> {
    let text = |range| std::str::from_utf8(&page.body[range]).map_err(|_| PageError("a text is not UTF-8"));
    plain(page)?.into_iter().map(text).collect()
}

/// Whether values of a column may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nulls {
    Some,
    None,
}

/// Reads codes of a dictionary of which `meaning` tells each code's meaning; null is [`Keys::ABSENT`].
pub(super) fn codes(page: &Page, nulls: Nulls, meaning: &[u32], out: &mut Vec<u32>) -> Result<(), PageError> {
    if (page.kind, page.encoding) != (PageKind::Data, Encoding::Dictionary) {
        return Err(PageError("a column of texts is not written by codes"));
    }
    let mut body = &page.body[..];
    let mut levels = Vec::new();
    if nulls == Nulls::Some {
        let (length, rest) = body.split_first_chunk().ok_or(CUT)?;
        let (packed, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(CUT)?;
        body = rest;
        hybrid(packed, 1, page.values, &mut levels)?;
    }
    let present =
        if nulls == Nulls::Some { levels.iter().filter(|level| **level == 1).count() } else { page.values };
    let start = out.len();
    if present > 0 {
        let (width, packed) = body.split_first().ok_or(CUT)?;
        if *width > 32 {
            return Err(PageError("a code has more than 32 bits"));
        }
        hybrid(packed, u32::from(*width), present, out)?;
    }
    for code in &mut out[start..] {
        *code = *meaning.get(*code as usize).ok_or(PageError("a code is in no dictionary"))?;
    }
    if present < page.values {
        spread(&levels, start, out);
    }
    Ok(())
}

/// Moves codes to the rows that have one, from the last.
fn spread(levels: &[u32], start: usize, out: &mut Vec<u32>) {
    let mut from = out.len();
    out.resize(start + levels.len(), Keys::ABSENT);
    for (row, level) in levels.iter().enumerate().rev() {
        out[start + row] = match level {
            1 => {
                from -= 1;
                out[from]
            }
            _ => Keys::ABSENT,
        };
    }
}

/// Reads the hybrid of runs and packed groups of eight.
fn hybrid(bytes: &[u8], width: u32, count: usize, out: &mut Vec<u32>) -> Result<(), PageError> {
    let mut wire = Wire(bytes);
    let mut left = count;
    while left > 0 {
        let header = wire.number().map_err(|_| CUT)?;
        let length = usize::try_from(header >> 1).map_err(|_| CUT)?;
        if header & 1 == 0 {
            let value = wire.bytes(width.div_ceil(8) as usize).map_err(|_| CUT)?;
            let value = bits(value, 0, width) as u32;
            let run = length.min(left);
            if run == 0 {
                return Err(PageError("a run is empty"));
            }
            out.resize(out.len() + run, value);
            left -= run;
        } else {
            let most = wire.0.len() / (width as usize).max(1);
            if length == 0 || width > 0 && length > most {
                return Err(CUT);
            }
            let packed = wire.bytes(length.saturating_mul(width as usize)).map_err(|_| CUT)?;
            let run = length.saturating_mul(8).min(left);
            unpack(packed, width, run, out);
            left -= run;
        }
    }
    Ok(())
}

/// Unpacks groups of eight.
fn unpack(packed: &[u8], width: u32, count: usize, out: &mut Vec<u32>) {
    if width == 0 {
        return out.resize(out.len() + count, 0);
    }
    let mask = u64::MAX >> (64 - width);
    let step = width as usize;
    let mut at = 0;
    // Eight bytes are read at a time, which hold a value of at most 32 bits wherever it begins.
    let near = packed.len().saturating_sub(8) * 8;
    out.extend((0..count).map(|_| {
        let value = if at < near {
            let chunk: [u8; 8] = packed[at / 8..at / 8 + 8].try_into().expect("eight bytes");
            u64::from_le_bytes(chunk) >> (at % 8) & mask
        } else {
            bits(packed, at, width)
        };
        at += step;
        value as u32
    }));
}
