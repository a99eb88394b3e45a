//! Readers: the frames of a recording in order, with their times, in bounded memory.
//!
//! Each chunk is checked against the chain before a frame of it is given out. A reader of a running recording
//! ends where the file ends, and can be asked again later.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use event::SessionId;

use crate::chunk::{Frames, Hash};
use crate::error::{Damage, Flaw, RecordingError};
use crate::folder::Shared;
use crate::frame::{Frame, Header, Timed};
use crate::seal::Seal;
use crate::verify::{self, Place, Walk};

/// Reads one recording.
pub struct Reader {
    walk: Walk,
    header: Header,
    path: PathBuf,
    keys: PathBuf,
    live: bool,
    frames: Frames,
    /// A frame that was read but not yet given out.
    ahead: Option<Timed>,
    now: Duration,
    pub(crate) trust_keyframes: bool,
}

impl Reader {
    pub(crate) fn open(shared: Arc<Shared>, session: SessionId) -> Result<Reader, RecordingError> {
        // A recording may be sealed between the two looks, so the final name is tried again at the end.
        let names = [shared.sealed(session), shared.part(session), shared.sealed(session)];
        for (path, live) in names.into_iter().zip([false, true, false]) {
            match Walk::open(&path) {
                Ok(walk) => return Reader::begin(walk, path, shared.keys(session), live, Some(session)),
                Err(RecordingError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Err(RecordingError::Missing(session))
    }

    /// Opens a sealed recording outside a recordings folder: a copy, or one from an evidence bundle.
    pub fn open_file(path: &Path) -> Result<Reader, RecordingError> {
        Reader::open_copy(path, false)
    }

    /// Opens a copy that was made while the session ran: it ends where it ends, without a seal, and `verify` says so.
    pub fn open_unfinished(path: &Path) -> Result<Reader, RecordingError> {
        Reader::open_copy(path, true)
    }

    fn open_copy(path: &Path, live: bool) -> Result<Reader, RecordingError> {
        let walk = Walk::open(path)?;
        let mut reader = Reader::begin(walk, path.to_owned(), path.with_extension("keys"), live, None)?;
        // What lies beside a copy came from whoever made the copy.
        reader.trust_keyframes = false;
        Ok(reader)
    }

    fn begin(
        mut walk: Walk,
        path: PathBuf,
        keys: PathBuf,
        live: bool,
        session: Option<SessionId>,
    ) -> Result<Reader, RecordingError> {
        let header = walk.read_header()?.clone();
        if session.is_some_and(|session| session != header.session) {
            return Err(walk.damage(Flaw::Session).into());
        }
        let now = Duration::ZERO;
        Ok(Reader {
            walk,
            header,
            path,
            keys,
            live,
            frames: Frames::none(),
            ahead: None,
            now,
            trust_keyframes: true,
        })
    }

    /// Returns what the recording says about itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Whether the recording was still running when it was opened.
    pub fn live(&self) -> bool {
        self.live
    }

    /// Makes `seek` replay from the beginning instead of using keyframes.
    ///
    /// Keyframes are a cache that the root does not cover. Whoever must not trust the disk seeks without them.
    #[must_use]
    pub fn without_keyframes(mut self) -> Reader {
        self.trust_keyframes = false;
        self
    }

    /// Returns the next frame; `None` at the seal, or where a running recording ends so far.
    pub fn next_frame(&mut self) -> Result<Option<Timed>, RecordingError> {
        loop {
            if let Some(timed) = self.next_in_chunk()? {
                return Ok(Some(timed));
            }
            if !self.next_chunk()? {
                return Ok(None);
            }
        }
    }

    /// Returns the next frame if it happened at or before `at`; a later one stays to be read.
    pub(crate) fn next_frame_until(&mut self, at: Duration) -> Result<Option<Timed>, RecordingError> {
        if self.ahead.is_none() {
            self.ahead = self.next_frame()?;
        }
        match &self.ahead {
            Some(timed) if timed.offset <= at => Ok(self.ahead.take()),
            _ => Ok(None),
        }
    }

    /// Returns the next frame of the present chunk; `None` at its end.
    pub(crate) fn next_in_chunk(&mut self) -> Result<Option<Timed>, RecordingError> {
        if let Some(timed) = self.ahead.take() {
            return Ok(Some(timed));
        }
        match self.frames.next() {
            Ok(found) => Ok(found.map(|(offset_us, frame)| {
                self.now = Duration::from_micros(offset_us);
                Timed { offset: self.now, frame }
            })),
            Err(flaw) => {
                self.frames = Frames::none();
                let damage = self.walk.damage(flaw);
                Err(Damage { chunk: damage.chunk.saturating_sub(1), at: self.now, ..damage }.into())
            }
        }
    }

    /// Goes to the next chunk; false at the end.
    pub(crate) fn next_chunk(&mut self) -> Result<bool, RecordingError> {
        match self.walk.next() {
            Ok(Some((fields, content))) => {
                self.frames = Frames::new(&fields, content);
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(Damage { flaw: Flaw::CutOff, .. }) if self.live => Ok(false),
            Err(damage) => Err(damage.into()),
        }
    }

    /// Where the next chunk begins, when all frames of the present one were given out.
    pub(crate) fn place(&self) -> Place {
        self.walk.place()
    }

    pub(crate) fn jump(&mut self, place: Place) {
        self.walk.jump(place);
        (self.frames, self.ahead) = (Frames::none(), None);
        self.now = Duration::from_micros(place.totals.last_us);
    }

    /// Goes back to the beginning.
    pub(crate) fn rewind(&mut self) -> Result<(), RecordingError> {
        let mut walk = self.walk_again()?;
        walk.read_header()?;
        (self.walk, self.frames, self.ahead, self.now) = (walk, Frames::none(), None, Duration::ZERO);
        Ok(())
    }

    pub(crate) fn keys_path(&self) -> &Path {
        &self.keys
    }

    /// Opens the same file anew, which may have been sealed, and so renamed, since it was opened.
    fn walk_again(&self) -> Result<Walk, RecordingError> {
        let sealed = self.path.with_extension("rec");
        Walk::open(&self.path).or_else(|error| if self.live { Walk::open(&sealed) } else { Err(error) })
    }

    /// Returns a second reader of the same file, at its beginning.
    pub(crate) fn again(&self) -> Result<Reader, RecordingError> {
        let walk = self.walk_again()?;
        let session = Some(self.header.session);
        let again = Reader::begin(walk, self.path.clone(), self.keys.clone(), self.live, session)?;
        Ok(Reader { trust_keyframes: self.trust_keyframes, ..again })
    }

    /// Returns the seal as the file says it, unchecked but for its own form; `None` while the recording runs.
    pub fn seal(&self) -> Result<Option<Seal>, RecordingError> {
        if self.live {
            return Ok(None);
        }
        verify::read_seal(&self.path).map(Some)
    }

    /// Checks every byte of a sealed recording from the beginning; names the first bad chunk and its time.
    pub fn verify(&self) -> Result<Seal, Damage> {
        self.check(None)
    }

    /// Checks every byte, and that this is the recording whose root the log names in `session.end`.
    pub fn verify_against(&self, root: &[u8; 32]) -> Result<Seal, Damage> {
        self.check(Some(root))
    }

    fn check(&self, root: Option<&Hash>) -> Result<Seal, Damage> {
        if self.live {
            return Err(self.walk.damage(Flaw::Unsealed));
        }
        verify::verify(&self.path, self.header.session, root)
    }

    /// Refuses a channel of which nothing was recorded, naming those that there are.
    pub fn require_channel(&self, channel: u32) -> Result<(), RecordingError> {
        let mut reader = self.again()?;
        let mut channels = BTreeSet::new();
        while let Some(Timed { frame, .. }) = reader.next_frame()? {
            if frame.channel() == channel {
                return Ok(());
            }
            channels.insert(frame.channel());
        }
        Err(RecordingError::NoChannel { channel, channels: channels.into_iter().collect() })
    }

    /// Finds the channel to show where none was named: the first with a terminal, else the first with a command,
    /// else the first of all.
    pub fn default_channel(&self) -> Result<Option<u32>, RecordingError> {
        let mut reader = self.again()?;
        let (mut command, mut any) = (None, None);
        while let Some(Timed { frame, .. }) = reader.next_frame()? {
            match frame {
                Frame::Terminal { channel, .. } => return Ok(Some(channel)),
                Frame::Command { channel, .. } => command = command.or(Some(channel)),
                _ => any = any.or(Some(frame.channel())),
            }
        }
        Ok(command.or(any))
    }
}

impl Iterator for Reader {
    type Item = Result<Timed, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_frame().transpose()
    }
}
