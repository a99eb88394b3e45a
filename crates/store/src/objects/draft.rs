//! Drafts: files that are written before they have an object's name.
//!
//! A draft that is dropped, or whose process dies, is never an object: its file goes away, at the latest when the folder
//! is opened for writing again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

/// A file that will be an object once it is kept.
#[derive(Debug)]
pub struct Draft {
    file: File,
    path: PathBuf,
    length: u64,
}

impl Draft {
    /// Makes an empty draft (0600) in a folder that is there.
    pub(super) fn create(folder: &Path) -> io::Result<Draft> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{}-{number}", std::process::id()));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Draft { file, path, length: 0 })
    }

    /// Returns how many bytes were written.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Says whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    pub(super) fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes.into())
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // A file that stays is cleared when the folder is next opened for writing.
        let _ = fs::remove_file(&self.path);
    }
}
