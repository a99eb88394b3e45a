//! The space left on the disk, and the ballast: reserved bytes that are given back when it runs out.
//!
//! Running sessions can be closed and recorded from the ballast's room while new ones are refused.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Tells how many bytes are free for this user on the disk that holds a folder.
pub(crate) type Probe = Arc<dyn Fn(&Path) -> io::Result<u64> + Send + Sync>;

/// Asks the file system.
pub(crate) fn statvfs_probe() -> Probe {
    Arc::new(|folder| {
        let figures = rustix::fs::statvfs(folder)?;
        Ok(figures.f_bavail.saturating_mul(figures.f_frsize))
    })
}

/// The space left, and the ballast.
pub(crate) struct Space {
    folder: PathBuf,
    probe: Probe,
    ballast_bytes: u64,
}

impl Space {
    /// Watches the disk of `folder`.
    pub(crate) fn new(folder: &Path, ballast_bytes: u64, probe: Probe) -> Space {
        Space { folder: folder.to_owned(), probe, ballast_bytes }
    }

    /// Looks how many bytes are free. A file system that does not say is taken to have room: writes will tell.
    pub(crate) fn look(&self) -> u64 {
        (self.probe)(&self.folder).unwrap_or(u64::MAX)
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    /// Makes the ballast where it is missing or too small.
    pub(crate) fn load_ballast(&self) -> io::Result<()> {
        let path = self.ballast();
        if fs::metadata(&path).is_ok_and(|found| found.len() == self.ballast_bytes) {
            return Ok(());
        }
        let made = self.fill(&path);
        if made.is_err() {
            // Half a ballast helps nobody and takes the room that is short.
            fs::remove_file(&path)
                .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
        }
        made
    }

    fn fill(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, self.ballast_bytes.max(1))
        {
            Ok(()) => file.set_len(self.ballast_bytes)?,
            Err(rustix::io::Errno::OPNOTSUPP) => {
                let chunk = [0; 1 << 16];
                let mut left = self.ballast_bytes;
                while left > 0 {
                    let step = left.min(chunk.len() as u64);
                    file.write_all(&chunk[..usize::try_from(step).expect("at most a chunk")])?;
                    left -= step;
                }
            }
            Err(error) => return Err(error.into()),
        }
        file.sync_all()
    }

    /// Gives the ballast's room back; says how many bytes it was.
    pub(crate) fn drop_ballast(&self) -> u64 {
        let path = self.ballast();
        let bytes = fs::metadata(&path).map_or(0, |found| found.len());
        if fs::remove_file(&path).is_ok() { bytes } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ballast_takes_real_room_and_gives_it_back() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let space = Space::new(folder.path(), 1 << 20, statvfs_probe());
        assert!(space.look() > 0);
        space.load_ballast().unwrap();
        space.load_ballast().unwrap();
        let found = fs::metadata(folder.path().join("ballast")).unwrap();
        assert_eq!(found.len(), 1 << 20);
        assert!(found.blocks() * 512 >= 1 << 20);
        assert_eq!(space.drop_ballast(), 1 << 20);
        assert_eq!(space.drop_ballast(), 0);
    }
}
