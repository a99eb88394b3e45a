//! Append-only files that are synced on demand: write-ahead log segments and live recordings.
//!
//! A journal knows nothing of what its bytes mean. Its invariant: bytes below [`Journal::synced`] are on disk, and
//! nothing below that mark is ever written again. Space may be zeroed ahead of the end, because a sync that need not
//! record a new file length takes half the time; so a reader must be able to tell zeros from content.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::durable;

/// Says which step on which file failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {}", path.display())]
pub struct JournalError {
    /// What was tried.
    pub verb: &'static str,
    /// On which file.
    pub path: PathBuf,
    /// Why it failed.
    pub source: io::Error,
}

impl JournalError {
    /// Tells whether the disk (or the quota) is full, which passes, unlike other faults.
    pub fn is_disk_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

/// An append-only file, open for writing.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    end: u64,
    synced: u64,
    zeroed: u64,
    /// Below this the page cache was given back.
    uncached: u64,
}

impl Journal {
    /// Makes a new, empty file (0600); its name is on disk when this returns. An existing file is an error.
    pub fn create(path: &Path) -> Result<Journal, JournalError> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|source| fault("create", path, source))?;
        durable::sync_folder(&durable::parent_of(path))
            .map_err(|source| fault("sync the folder of", path, source))?;
        Ok(Journal { file, path: path.to_owned(), end: 0, synced: 0, zeroed: 0, uncached: 0 })
    }

    /// Opens an existing file to go on at byte `end`; what lies beyond is cut off, durably.
    pub fn resume(path: &Path, end: u64) -> Result<Journal, JournalError> {
        let file = OpenOptions::new().write(true).open(path).map_err(|source| fault("open", path, source))?;
        let mut journal =
            Journal { file, path: path.to_owned(), end, synced: end, zeroed: end, uncached: end };
        journal.cut()?;
        Ok(journal)
    }

    /// Returns the file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the number of bytes appended.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Returns the number of bytes that are known to be on disk.
    pub fn synced(&self) -> u64 {
        self.synced
    }

    /// Appends bytes; they are durable only after [`Journal::sync`].
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        self.file.write_all_at(bytes, self.end).map_err(|source| fault("write to", &self.path, source))?;
        self.end += bytes.len() as u64;
        self.zeroed = self.zeroed.max(self.end);
        Ok(())
    }

    /// Makes sure that the next `bytes` bytes lie in zeroed space; where they do not, zeroes `chunk` bytes ahead.
    ///
    /// The zeros ride on the next sync. A failure leaves the appended bytes as they are.
    pub fn zero_ahead(&mut self, bytes: u64, chunk: u64) -> Result<(), JournalError> {
        static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
        if self.zeroed >= self.end + bytes {
            return Ok(());
        }
        let goal = self.end + bytes.max(chunk);
        while self.zeroed < goal {
            let step = (goal - self.zeroed).min(ZEROS.len() as u64);
            let zeros = &ZEROS[..usize::try_from(step).expect("a step fits in the buffer")];
            self.file
                .write_all_at(zeros, self.zeroed)
                .map_err(|source| fault("zero ahead in", &self.path, source))?;
            self.zeroed += step;
        }
        Ok(())
    }

    /// Makes everything appended durable. After an error nothing may be assumed of unsynced bytes: do not go on.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.file.sync_data().map_err(|source| fault("sync", &self.path, source))?;
        self.synced = self.end;
        Ok(())
    }

    /// Gives back the page cache of synced bytes, all but the newest `keep`, in steps of a few megabytes.
    ///
    /// A file that is written once and seldom read would otherwise push everything else out of memory; and the kernel
    /// takes a page that was just given back far more cheaply than one that nobody has touched yet. Only advice.
    pub fn uncache_all_but(&mut self, keep: u64) {
        const STEP: u64 = 4 << 20;
        let goal = self.synced.saturating_sub(keep);
        let Some(length) = goal.checked_sub(self.uncached).filter(|length| *length >= STEP) else { return };
        let advice = rustix::fs::Advice::DontNeed;
        let _ = rustix::fs::fadvise(&self.file, self.uncached, std::num::NonZeroU64::new(length), advice);
        self.uncached = goal;
    }

    /// Takes back everything that was appended since the last sync, and the zeroed space; durable when this returns.
    pub fn undo(&mut self) -> Result<(), JournalError> {
        self.end = self.synced;
        self.cut()
    }

    /// Cuts off zeroed space and syncs: the file is as long as its content.
    pub fn finish(&mut self) -> Result<(), JournalError> {
        self.cut()
    }

    fn cut(&mut self) -> Result<(), JournalError> {
        self.file.set_len(self.end).map_err(|source| fault("truncate", &self.path, source))?;
        self.zeroed = self.end;
        self.sync()
    }
}

fn fault(verb: &'static str, path: &Path, source: io::Error) -> JournalError {
    JournalError { verb, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> (tempfile::TempDir, Journal) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::create(&folder.path().join("j")).unwrap();
        (folder, journal)
    }

    #[test]
    fn appended_bytes_follow_each_other_through_zeroed_space() {
        let (_folder, mut journal) = journal();
        journal.zero_ahead(3, 1000).unwrap();
        journal.append(b"one").unwrap();
        journal.append(b"two").unwrap();
        journal.sync().unwrap();
        let bytes = std::fs::read(journal.path()).unwrap();
        assert_eq!(&bytes[..6], b"onetwo");
        assert_eq!(bytes.len(), 1000);
        assert!(bytes[6..].iter().all(|byte| *byte == 0));
        journal.finish().unwrap();
        assert_eq!(std::fs::read(journal.path()).unwrap(), b"onetwo");
    }

    #[test]
    fn undo_takes_back_only_what_was_not_synced() {
        let (_folder, mut journal) = journal();
        journal.append(b"kept").unwrap();
        journal.sync().unwrap();
        journal.append(b"lost").unwrap();
        journal.undo().unwrap();
        assert_eq!((journal.end(), journal.synced()), (4, 4));
        journal.append(b"!").unwrap();
        assert_eq!(std::fs::read(journal.path()).unwrap(), b"kept!");
    }

    #[test]
    fn resuming_cuts_off_what_lies_beyond() {
        let (_folder, mut journal) = journal();
        journal.append(b"kept-torn").unwrap();
        let mut resumed = Journal::resume(journal.path(), 4).unwrap();
        resumed.append(b"+").unwrap();
        assert_eq!(std::fs::read(journal.path()).unwrap(), b"kept+");
    }

    #[test]
    fn bytes_whose_cache_was_given_back_are_still_there() {
        let (_folder, mut journal) = journal();
        let bytes: Vec<u8> = (0..9u32 << 20).map(|number| (number % 251) as u8).collect();
        journal.append(&bytes).unwrap();
        journal.uncache_all_but(0);
        journal.sync().unwrap();
        journal.uncache_all_but(1 << 20);
        assert_eq!(std::fs::read(journal.path()).unwrap(), bytes);
    }

    #[test]
    fn an_existing_file_is_never_taken_for_a_new_one() {
        let (_folder, journal) = journal();
        let error = Journal::create(journal.path()).unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::AlreadyExists);
        assert!(error.to_string().ends_with("/j"), "{error}");
        assert!(!error.is_disk_full());
    }
}
