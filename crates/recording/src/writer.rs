//! The file of a running recording: creating it, appending chunks, and closing it for good.
//!
//! Blocking; the recorder calls it from worker threads. After an error the file is left as it is, because what
//! the disk holds is then unknown: recovery reads it afresh.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::chunk::{self, CHUNK_LIMIT, Content, Hash, Kind, MAGIC};
use crate::compress::Compression;
use crate::error::RecordingError;
use crate::frame::Header;
use crate::seal::{Seal, Totals};

/// Appends chunks to one `.part` file.
pub(crate) struct Writer {
    file: Arc<File>,
    part: PathBuf,
    sealed: PathBuf,
    compression: Arc<Compression>,
    last: Hash,
    totals: Totals,
}

impl Writer {
    /// Makes the file with its header chunk; both it and its name are durable when this returns.
    pub(crate) fn create(
        part: PathBuf,
        sealed: PathBuf,
        header: &Header,
        compression: Arc<Compression>,
    ) -> Result<Writer, RecordingError> {
        let raw = serde_json::to_vec(header).expect("a header is plain data");
        if raw.len() > CHUNK_LIMIT {
            return Err(RecordingError::TooLong { what: "header", bytes: raw.len(), limit: CHUNK_LIMIT });
        }
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&part);
        let file = file.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => RecordingError::Exists(header.session),
            _ => RecordingError::io("create", &part)(error),
        })?;
        let last = [0; 32];
        let mut writer =
            Writer { file: Arc::new(file), part, sealed, compression, last, totals: Totals::default() };
        (&*writer.file).write_all(MAGIC).map_err(RecordingError::io("write", &writer.part))?;
        writer.append(&Content { kind: Kind::Header, raw: &raw, frames: 0, first_us: 0, last_us: 0 })?;
        writer.sync()?;
        sync_parent(&writer.part)?;
        Ok(writer)
    }

    /// Continues a file whose whole chunks are known, to seal it.
    pub(crate) fn resume(file: File, part: PathBuf, sealed: PathBuf, last: Hash, totals: Totals) -> Writer {
        Writer { file: Arc::new(file), part, sealed, compression: Arc::default(), last, totals }
    }

    /// Appends one chunk.
    pub(crate) fn append(&mut self, content: &Content) -> Result<(), RecordingError> {
        let (mut scratch, mut out) = (self.compression.buffer(), self.compression.buffer());
        let (fields, hash) = chunk::encode(content, &self.last, &self.compression, &mut scratch, &mut out);
        let written = (&*self.file).write_all(&out);
        self.compression.recycle(scratch);
        self.compression.recycle(out);
        written.map_err(RecordingError::io("write", &self.part))?;
        self.last = hash;
        if content.kind != Kind::Seal {
            self.totals.add(&fields);
        }
        Ok(())
    }

    /// Returns a second handle, so that a sync need not hold up the writing.
    pub(crate) fn handle(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Writes the seal, syncs, and gives the file its final name.
    pub(crate) fn seal(mut self, truncated: bool) -> Result<Seal, RecordingError> {
        let totals = self.totals;
        let (raw, last_us) = (totals.encode(truncated), totals.last_us);
        self.append(&Content { kind: Kind::Seal, raw: &raw, frames: 0, first_us: last_us, last_us })?;
        self.sync()?;
        publish(&self.part, &self.sealed)?;
        Ok(totals.seal(self.last, truncated))
    }

    fn sync(&self) -> Result<(), RecordingError> {
        self.file.sync_all().map_err(RecordingError::io("sync", &self.part))
    }
}

/// Gives a sealed file its final name, durably; never replaces a file.
pub(crate) fn publish(part: &Path, sealed: &Path) -> Result<(), RecordingError> {
    // One process owns the folder, so nothing can appear between the look and the renaming.
    if sealed.exists() {
        let source = std::io::ErrorKind::AlreadyExists.into();
        return Err(RecordingError::io("replace", sealed)(source));
    }
    fs::rename(part, sealed).map_err(RecordingError::io("rename", part))?;
    sync_parent(sealed)
}

/// Makes the names in a file's folder durable.
pub(crate) fn sync_parent(path: &Path) -> Result<(), RecordingError> {
    let folder = path.parent().expect("a recording lies in a folder");
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(RecordingError::io("sync", folder))
}
