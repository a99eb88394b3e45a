//! The source's records, and the lines that either side answers with.

use super::{MAX_LINE_BYTES, ScpError};
use crate::ssh::path_text::{message_text, path_text};

/// One record of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// `T`: the times of the next file or folder, in seconds since 1970.
    Times(Times),
    /// `C`: a file, whose content follows if the sink agrees.
    File { permissions: String, size: u64, name: Vec<u8> },
    /// `D`: a folder is entered.
    Folder { permissions: String, name: Vec<u8> },
    /// `E`: the folder is left.
    FolderEnd,
    /// The source could not do something; the sink does not answer.
    Complaint(String),
}

/// When something was last changed and read, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) mtime: u64,
    pub(super) atime: u64,
}

/// Returns how many bytes of a record are needed: up to the end of its line.
pub(super) fn line_head(known: &[u8]) -> Result<usize, ScpError> {
    match known.last() {
        Some(b'\n') => Ok(known.len()),
        _ if known.len() >= MAX_LINE_BYTES => Err(ScpError::TooLong),
        _ => Ok(known.len() + 1),
    }
}

/// Returns how many bytes of an answer are needed: one for a success, a line for a complaint.
pub(super) fn answer_head(known: &[u8]) -> Result<usize, ScpError> {
    if known.first() == Some(&0) { Ok(1) } else { line_head(known) }
}

/// Reads an answer: `None` for success, else the complaint.
pub(super) fn complaint(answer: &[u8]) -> Option<String> {
    match answer {
        [0] => None,
        // Other first bytes are part of a message, such as a shell's that could not find scp.
        [1 | 2, message @ ..] | message => Some(message_text(message)),
    }
}

impl Record {
    /// Reads a record given with its line end.
    pub(super) fn parse(line: &[u8]) -> Result<Record, ScpError> {
        let Some((kind, rest)) = line.strip_suffix(b"\n").and_then(<[u8]>::split_first) else {
            return Err(ScpError::Malformed("type"));
        };
        match kind {
            1 | 2 => Ok(Record::Complaint(message_text(rest))),
            b'T' => Ok(Record::Times(times(rest)?)),
            b'E' if rest.is_empty() => Ok(Record::FolderEnd),
            b'C' => {
                let (permissions, size, name) = entry(rest)?;
                Ok(Record::File { permissions, size, name })
            }
            b'D' => {
                let (permissions, _, name) = entry(rest)?;
                Ok(Record::Folder { permissions, name })
            }
            _ => Err(ScpError::Malformed("type")),
        }
    }
}

/// Reads `mode size name`.
fn entry(rest: &[u8]) -> Result<(String, u64, Vec<u8>), ScpError> {
    let mut fields = rest.splitn(3, |byte| *byte == b' ');
    let mode = fields.next().unwrap_or_default();
    if mode.len() != 4 || !mode.iter().all(|digit| (b'0'..=b'7').contains(digit)) {
        return Err(ScpError::Malformed("mode"));
    }
    let size = number(fields.next(), "size")?;
    if i64::try_from(size).is_err() {
        return Err(ScpError::Malformed("size"));
    }
    let name = fields.next().unwrap_or_default();
    if name.is_empty() || name.contains(&b'/') || name.contains(&0) || name == b"." || name == b".." {
        return Err(ScpError::Name(path_text(name)));
    }
    Ok((path_text(mode), size, name.to_vec()))
}

/// Reads `mtime 0 atime 0`, the zeroes being microseconds.
fn times(rest: &[u8]) -> Result<Times, ScpError> {
    let mut fields = rest.split(|byte| *byte == b' ');
    let mtime = number(fields.next(), "modification time")?;
    number(fields.next(), "microseconds")?;
    let atime = number(fields.next(), "access time")?;
    number(fields.next(), "microseconds")?;
    if fields.next().is_some() {
        return Err(ScpError::Malformed("times"));
    }
    Ok(Times { mtime, atime })
}

fn number(digits: Option<&[u8]>, field: &'static str) -> Result<u64, ScpError> {
    let digits = digits.filter(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit));
    let text = digits.and_then(|digits| std::str::from_utf8(digits).ok());
    text.and_then(|text| text.parse().ok()).ok_or(ScpError::Malformed(field))
}
