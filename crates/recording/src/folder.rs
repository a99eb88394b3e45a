//! The folder that holds all recordings, and what they share: worker threads, compression, the clock.
//!
//! `<session>.part` is running or was cut short; `<session>.rec` is sealed and never changes; `<session>.keys`
//! and `<session>.words` are derived and may be deleted; `<session>.torn` is what a crash or damage left
//! that no chunk chain holds, kept aside as it was.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use event::{Ambient, Filter, SessionId};
use tokio::sync::Semaphore;

use crate::compress::Compression;
use crate::error::RecordingError;
use crate::frame::Header;
use crate::lines::Line;
use crate::reader::Reader;
use crate::recorder::Recorder;
use crate::recover::{self, Recovered};
use crate::seal::Seal;
use crate::words;
use crate::writer::Writer;

/// How many threads wait for the disk at once; syncs of different files go well together.
const SYNCS: usize = 16;

/// All recordings below one folder. One process at a time may write there.
#[derive(Clone)]
pub struct Recordings(Arc<Shared>);

/// What all recordings of one folder share.
pub(crate) struct Shared {
    folder: PathBuf,
    pub ambient: Ambient,
    pub compression: Arc<Compression>,
    live: Mutex<HashSet<SessionId>>,
    writes: Semaphore,
    syncs: Semaphore,
}

impl Recordings {
    /// Opens the folder, making it (0700) where it is missing.
    pub fn open(folder: &Path, ambient: Ambient) -> Result<Recordings, RecordingError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(RecordingError::io("make the folder", folder))?;
        let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get());
        Ok(Recordings(Arc::new(Shared {
            folder: folder.to_owned(),
            ambient,
            compression: Arc::default(),
            live: Mutex::default(),
            writes: Semaphore::new(cores.clamp(2, 16)),
            syncs: Semaphore::new(SYNCS),
        })))
    }

    /// Begins a recording; its header chunk is durable when this returns.
    pub async fn start(&self, header: Header) -> Result<Recorder, RecordingError> {
        let shared = Arc::clone(&self.0);
        let session = header.session;
        if self.exists(session) || !shared.live().insert(session) {
            return Err(RecordingError::Exists(session));
        }
        let (task, copy) = (Arc::clone(&shared), header.clone());
        let made = shared.sync_blocking(move || {
            let (part, sealed) = (task.part(session), task.sealed(session));
            Writer::create(part, sealed, &copy, Arc::clone(&task.compression))
        });
        match made.await {
            Ok(writer) => Ok(Recorder::new(shared, header, writer)),
            Err(error) => {
                shared.forget_live(session);
                Err(error)
            }
        }
    }

    /// Seals what a crash left open and says what was saved. Recordings that are being written are left alone.
    ///
    /// Blocks; call it before the gates open, or from a blocking task.
    pub fn recover(&self) -> Result<Vec<Recovered>, RecordingError> {
        recover::recover(&self.0)
    }

    /// Opens a recording to read, live or sealed.
    pub fn read(&self, session: SessionId) -> Result<Reader, RecordingError> {
        Reader::open(Arc::clone(&self.0), session)
    }

    /// Opens the recording's own file, for whoever takes it elsewhere to play and verify; of a live session, what there
    /// is so far.
    pub fn file(&self, session: SessionId) -> Result<File, RecordingError> {
        // Sealing renames the file, so a recording that is neither live nor sealed on the first look is so on the second.
        let mut paths = [self.0.sealed(session), self.0.part(session), self.0.sealed(session)].into_iter();
        loop {
            let Some(path) = paths.next() else { return Err(RecordingError::Missing(session)) };
            match File::open(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                opened => return opened.map_err(RecordingError::io("open", &path)),
            }
        }
    }

    /// Finds the first lines of a recording that the filter takes, at most so many; of a live session, among the lines so far.
    /// Blocks.
    ///
    /// Free text finds a line by its words; a line has no fields.
    pub fn search(
        &self,
        session: SessionId,
        filter: &Filter,
        most: usize,
    ) -> Result<Vec<Line>, RecordingError> {
        words::search(&self.0, session, filter, most)
    }

    /// Whether there is a recording of this session.
    pub fn exists(&self, session: SessionId) -> bool {
        self.0.sealed(session).exists() || self.0.part(session).exists()
    }

    /// Returns what a sealed recording's last chunk says, unchecked; `None` while it runs or where none exists.
    ///
    /// For a caller that crashed between sealing a recording and saying so in the log.
    pub fn sealed(&self, session: SessionId) -> Result<Option<Seal>, RecordingError> {
        match self.0.sealed(session).exists() {
            true => self.read(session)?.seal(),
            false => Ok(None),
        }
    }
}

impl Shared {
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn part(&self, session: SessionId) -> PathBuf {
        self.folder.join(format!("{session}.part"))
    }

    pub(crate) fn sealed(&self, session: SessionId) -> PathBuf {
        self.folder.join(format!("{session}.rec"))
    }

    pub(crate) fn torn(&self, session: SessionId) -> PathBuf {
        self.folder.join(format!("{session}.torn"))
    }

    pub(crate) fn keys(&self, session: SessionId) -> PathBuf {
        self.folder.join(format!("{session}.keys"))
    }

    pub(crate) fn words(&self, session: SessionId) -> PathBuf {
        self.folder.join(format!("{session}.words"))
    }

    pub(crate) fn is_live(&self, session: SessionId) -> bool {
        self.live().contains(&session)
    }

    pub(crate) fn forget_live(&self, session: SessionId) {
        self.live().remove(&session);
    }

    /// Runs work that mostly computes on a worker thread; as many at once as there are cores.
    pub(crate) async fn write_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, RecordingError> + Send + 'static,
    ) -> Result<T, RecordingError> {
        self.blocking(&self.writes, work).await
    }

    /// Runs work that mostly waits for the disk on a worker thread.
    pub(crate) async fn sync_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, RecordingError> + Send + 'static,
    ) -> Result<T, RecordingError> {
        self.blocking(&self.syncs, work).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        places: &Semaphore,
        work: impl FnOnce() -> Result<T, RecordingError> + Send + 'static,
    ) -> Result<T, RecordingError> {
        let _place = places.acquire().await.expect("these semaphores are never closed");
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(error) => Err(RecordingError::io("work on", &self.folder)(std::io::Error::other(error))),
        }
    }

    fn live(&self) -> std::sync::MutexGuard<'_, HashSet<SessionId>> {
        self.live.lock().expect("no panic happens while the lock is held")
    }
}

/// Lists the sessions that have a file with this extension, in order.
pub(crate) fn sessions_with(folder: &Path, extension: &str) -> Result<Vec<SessionId>, RecordingError> {
    let error = || RecordingError::io("list", folder);
    let mut sessions = Vec::new();
    for entry in fs::read_dir(folder).map_err(error())? {
        let path = entry.map_err(error())?.path();
        if path.extension().is_some_and(|found| found == extension) {
            sessions.extend(path.file_stem().and_then(|stem| stem.to_str()?.parse::<SessionId>().ok()));
        }
    }
    sessions.sort();
    Ok(sessions)
}
