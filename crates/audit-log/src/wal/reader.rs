//! Reading entries back by position.
//!
//! Reads only what the index knows, hence only what is durable; every record's checksum is checked on the way.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::{ControlFlow, Range};

use crate::error::ReadError;
use crate::wal::batch::{BATCH_HEADER, BatchHeader};
use crate::wal::record::{self, RECORD_HEADER, RecordView};
use crate::wal::scan::Spot;
use crate::wal::segments::{Segment, Segments};

const BUFFER: usize = 1 << 18;

/// Visits the entries of `range` in order until `visit` breaks; the range must lie below the durable end.
pub(crate) fn visit(
    segments: &Segments,
    range: Range<u64>,
    mut visit: impl FnMut(u64, RecordView<'_>) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    let mut position = range.start;
    while position < range.end {
        let found = segments.find(position);
        let (segment, spot) = found.ok_or(ReadError::Beyond { asked: position, published: position })?;
        let end = segment.look(|index| index.end).min(range.end);
        let mut cursor = Cursor::open(&segment, spot)?;
        while cursor.spot.position < end {
            let wanted = cursor.spot.position >= position;
            let at = cursor.spot.position;
            let record = cursor.next(&segment)?;
            if wanted && visit(at, record).is_break() {
                return Ok(());
            }
        }
        position = end;
    }
    Ok(())
}

/// Walks records from a known spot.
struct Cursor {
    input: BufReader<File>,
    spot: Spot,
    body: Vec<u8>,
}

impl Cursor {
    fn open(segment: &Segment, spot: Spot) -> Result<Cursor, ReadError> {
        let open = || {
            let mut file = File::open(&segment.path)?;
            file.seek(SeekFrom::Start(spot.offset))?;
            Ok(BufReader::with_capacity(BUFFER, file))
        };
        let input = open().map_err(|source| ReadError::Io { path: segment.path.clone(), source })?;
        Ok(Cursor { input, spot, body: Vec::new() })
    }

    fn next(&mut self, segment: &Segment) -> Result<RecordView<'_>, ReadError> {
        let position = self.spot.position;
        let damaged = |why: String| ReadError::Entry { position, segment: segment.path.clone(), why };
        let broken = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof => damaged("the file ends before it".to_owned()),
            _ => ReadError::Io { path: segment.path.clone(), source },
        };
        if self.spot.left == 0 {
            let mut head = [0; BATCH_HEADER];
            self.input.read_exact(&mut head).map_err(broken)?;
            let header = BatchHeader::decode(&head).filter(|header| header.first == position);
            self.spot.left = header.ok_or_else(|| damaged("its batch header is not valid".to_owned()))?.count;
        }
        let mut head = [0; RECORD_HEADER];
        self.input.read_exact(&mut head).map_err(broken)?;
        let (length, checksum) = record::header(&head).map_err(|why| damaged(why.to_string()))?;
        self.body.resize(length, 0);
        self.input.read_exact(&mut self.body).map_err(broken)?;
        self.spot.position += 1;
        self.spot.left -= 1;
        record::body(&self.body, checksum).map_err(|why| damaged(why.to_string()))
    }
}
