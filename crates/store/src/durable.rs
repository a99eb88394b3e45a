//! The three steps that make a change of a folder survive a power cut.
//!
//! Not an abstraction over file systems: plain POSIX, in the order that POSIX needs. What returns `Ok` is on disk.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Makes a folder (0700) and every missing one above it, each entry synced in its parent.
pub fn create_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = parent_of(path);
    create_folder(&parent)?;
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => sync_folder(&parent),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Syncs a folder's list of names.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Puts `bytes` (0600) in the place of whatever is at `path`: a reader, or a crash, finds the old or the new, whole.
///
/// The new bytes lie for a moment at the same path with `.new` appended; leftovers of a crash are overwritten.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = PathBuf::from(name);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    sync_folder(&parent_of(path))
}

/// Returns the folder that holds `path`; the working folder for a bare name.
pub(crate) fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn replaced_files_hold_the_new_bytes_and_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/value");
        create_folder(path.parent().unwrap()).unwrap();
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let made = std::fs::metadata(folder.path().join("deep")).unwrap();
        assert_eq!(made.permissions().mode() & 0o777, 0o700);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left over");
    }
}
