//! Walking a recording from its first byte, checking everything: the ground of reading, recovery and verification.
//!
//! A walk trusts nothing but the file's bytes, and stops for good at the first that is wrong.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use event::SessionId;

use crate::chunk::{self, Fields, Frames, Hash, Kind, MAGIC, PREFIX, Prefix};
use crate::error::{Damage, Flaw, RecordingError};
use crate::frame::Header;
use crate::seal::{Seal, Totals};

/// The length of a seal chunk: its prefix, one flag, five totals.
const SEAL_LENGTH: usize = PREFIX + 1 + 5 * 8;

/// Reads chunks in order and checks each against the chain.
pub(crate) struct Walk {
    input: BufReader<File>,
    position: u64,
    last: Hash,
    totals: Totals,
    header: Option<Header>,
    seal: Option<Seal>,
}

/// Where a walk stands, so that another can go on from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub position: u64,
    pub last: Hash,
    pub totals: Totals,
}

impl Walk {
    /// Opens a file at its beginning.
    pub(crate) fn open(path: &Path) -> Result<Walk, RecordingError> {
        let file = File::open(path).map_err(RecordingError::io("open", path))?;
        let input = BufReader::with_capacity(64 * 1024, file);
        Ok(Walk { input, position: 0, last: [0; 32], totals: Totals::default(), header: None, seal: None })
    }

    /// Reads the next chunk that holds frames; `None` after the seal.
    ///
    /// After [`Flaw::CutOff`] the walk can be tried again, which is how a running recording is followed.
    pub(crate) fn next(&mut self) -> Result<Option<(Fields, Bytes)>, Damage> {
        loop {
            if self.seal.is_some() {
                return Ok(None);
            }
            let start = self.position;
            let read = self.read_chunk();
            let (fields, content) = read.map_err(|flaw| {
                // A later attempt must begin at the same place.
                self.position = start;
                self.damage(flaw)
            })?;
            if let Some(content) = content {
                return Ok(Some((fields, content)));
            }
        }
    }

    /// Reads the header chunk, if that has not happened yet.
    pub(crate) fn read_header(&mut self) -> Result<&Header, Damage> {
        if self.header.is_none() {
            self.read_chunk().map_err(|flaw| self.damage(flaw))?;
        }
        Ok(self.header.as_ref().expect("the first chunk is the header, or an error"))
    }

    /// Checks that nothing follows the seal.
    pub(crate) fn end(&mut self) -> Result<(), Damage> {
        match self.input.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.damage(Flaw::Trailing)),
            Err(error) => Err(self.damage(Flaw::Unreadable(error.kind()))),
        }
    }

    pub(crate) fn place(&self) -> Place {
        Place { position: self.position, last: self.last, totals: self.totals }
    }

    /// Goes on from a place that an earlier walk reached.
    pub(crate) fn jump(&mut self, place: Place) {
        (self.position, self.last, self.totals) = (place.position, place.last, place.totals);
        self.seal = None;
    }

    pub(crate) fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    pub(crate) fn sealed(&self) -> Option<Seal> {
        self.seal.clone()
    }

    pub(crate) fn good_until(&self) -> u64 {
        self.position
    }

    pub(crate) fn last_hash(&self) -> Hash {
        self.last
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    pub(crate) fn damage(&self, flaw: Flaw) -> Damage {
        Damage { chunk: self.totals.chunks, position: self.position, at: self.totals.duration(), flaw }
    }

    /// Reads one chunk; returns its content where it holds frames.
    fn read_chunk(&mut self) -> Result<(Fields, Option<Bytes>), Flaw> {
        let mut begin = self.position;
        self.seek(begin)?;
        if begin == 0 {
            let mut magic = [0; MAGIC.len()];
            self.fill(&mut magic)?;
            if magic != *MAGIC {
                return Err(Flaw::Magic);
            }
            begin = MAGIC.len() as u64;
        }
        let mut prefix = [0; PREFIX];
        self.fill(&mut prefix)?;
        let prefix = Prefix::decode(&prefix)?;
        let fields = prefix.fields;
        let mut stored = vec![0; fields.stored_length as usize];
        self.fill(&mut stored)?;
        let content = prefix.open(&self.last, stored)?;
        let content = self.take_in(&fields, content, prefix.hash)?;
        self.last = prefix.hash;
        self.position = begin + PREFIX as u64 + u64::from(fields.stored_length);
        Ok((fields, content))
    }

    /// Checks a chunk's place in the recording and takes over what it says.
    fn take_in(&mut self, fields: &Fields, content: Bytes, hash: Hash) -> Result<Option<Bytes>, Flaw> {
        let first = self.totals.chunks == 0;
        if first != (fields.kind == Kind::Header) {
            return Err(Flaw::Field("order of chunks"));
        }
        if fields.first_us < self.totals.last_us {
            return Err(Flaw::Field("time"));
        }
        match fields.kind {
            Kind::Header if fields.frames != 0 => return Err(Flaw::Field("number of frames")),
            Kind::Header => self.header = Some(chunk::decode_header(&content)?),
            Kind::Frames => {
                self.totals.add(fields);
                return Ok(Some(content));
            }
            Kind::Seal => {
                let (totals, truncated) = Totals::decode(content).ok_or(Flaw::Field("seal"))?;
                if totals != self.totals || fields.frames != 0 {
                    return Err(Flaw::Totals);
                }
                self.seal = Some(totals.seal(hash, truncated));
                return Ok(None);
            }
        }
        self.totals.add(fields);
        Ok(None)
    }

    fn seek(&mut self, to: u64) -> Result<(), Flaw> {
        let unreadable = |error: io::Error| Flaw::Unreadable(error.kind());
        let now = self.input.stream_position().map_err(unreadable)?;
        let distance =
            i64::try_from(i128::from(to) - i128::from(now)).map_err(|_| Flaw::Field("position"))?;
        match distance {
            0 => Ok(()),
            _ => self.input.seek_relative(distance).map_err(unreadable),
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Flaw> {
        self.input.read_exact(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Flaw::CutOff,
            kind => Flaw::Unreadable(kind),
        })
    }
}

/// Walks to the end, checking every chunk and every frame in it; returns the seal.
pub(crate) fn walk_all(walk: &mut Walk, session: SessionId) -> Result<Seal, Damage> {
    if walk.read_header()?.session != session {
        return Err(walk.damage(Flaw::Session));
    }
    loop {
        let before = walk.place();
        let Some((fields, content)) = walk.next()? else { break };
        if let Err(flaw) = check_frames(&fields, content) {
            walk.jump(before);
            return Err(walk.damage(flaw));
        }
    }
    walk.end()?;
    Ok(walk.sealed().expect("the walk ends at the seal"))
}

fn check_frames(fields: &Fields, content: Bytes) -> Result<(), Flaw> {
    let mut frames = Frames::new(fields, content);
    while frames.next()?.is_some() {}
    Ok(())
}

/// Verifies a sealed recording, against the root that the log names where one is given.
pub(crate) fn verify(path: &Path, session: SessionId, root: Option<&Hash>) -> Result<Seal, Damage> {
    let nowhere = |flaw| Damage { chunk: 0, position: 0, at: Duration::ZERO, flaw };
    let mut walk = Walk::open(path).map_err(|error| match error {
        RecordingError::Io { source, .. } => nowhere(Flaw::Unreadable(source.kind())),
        _ => nowhere(Flaw::CutOff),
    })?;
    let seal = walk_all(&mut walk, session)?;
    match root {
        Some(root) if *root != seal.root => Err(walk.damage(Flaw::Root)),
        _ => Ok(seal),
    }
}

/// Reads only the seal at the end of a file; checks its form, not the chain.
pub(crate) fn read_seal(path: &Path) -> Result<Seal, RecordingError> {
    let error = || RecordingError::io("read", path);
    let mut file = File::open(path).map_err(error())?;
    let length = file.metadata().map_err(error())?.len();
    let damage = |flaw| Damage { chunk: 0, position: length, at: Duration::ZERO, flaw };
    let begin = length.checked_sub(SEAL_LENGTH as u64).ok_or_else(|| damage(Flaw::CutOff))?;
    let mut bytes = [0; SEAL_LENGTH];
    file.seek(SeekFrom::Start(begin)).and_then(|_| file.read_exact(&mut bytes)).map_err(error())?;
    let (prefix, content) = bytes.split_first_chunk::<PREFIX>().expect("longer than a prefix");
    let prefix = Prefix::decode(prefix).map_err(damage)?;
    let content = (prefix.fields.kind == Kind::Seal).then(|| Bytes::copy_from_slice(content));
    let (totals, truncated) = content.and_then(Totals::decode).ok_or_else(|| damage(Flaw::CutOff))?;
    Ok(totals.seal(prefix.hash, truncated))
}
