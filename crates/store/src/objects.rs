//! Immutable objects named by path.
//!
//! An object is written once and never changed: [`Objects::put`] accepts identical bytes again and refuses others.
//! Not a cache and not a file system: there is no rename, no partial write, no delete.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::durable;

/// Folder of half-written objects, below the root. No object path may begin with it.
const DRAFTS: &str = ".drafts";

/// The longest object path that is taken, in bytes.
pub const MAX_PATH_BYTES: usize = 1024;

/// Keeps immutable objects. Paths are relative, `/`-separated, without `.` or `..` parts.
pub trait Objects: Send + Sync {
    /// Stores `bytes` at `path`, durable when this returns. Identical bytes are accepted again; others are a conflict.
    fn put(&self, path: &str, bytes: &[u8]) -> Result<(), ObjectError>;
    /// Reads an object whole; `None` when there is none.
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, ObjectError>;
    /// Lists the paths that begin with `prefix`, sorted.
    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError>;
}

/// Why an object could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// Other bytes are already stored there.
    #[error("object {path} already holds other bytes")]
    Conflict {
        /// Path of the object.
        path: String,
    },
    /// The path is not a plain relative path.
    #[error("object path {path:?} is not a plain relative path")]
    Path {
        /// The refused path.
        path: String,
    },
    /// The disk refused.
    #[error("cannot {verb} object {path}")]
    Io {
        /// What was tried.
        verb: &'static str,
        /// On which object.
        path: String,
        /// Why it failed.
        source: io::Error,
    },
}

/// Objects as files below one folder.
#[derive(Debug)]
pub struct DiskObjects {
    root: PathBuf,
    drafts: AtomicU64,
}

impl DiskObjects {
    /// Opens the folder, making it (0700) where it is missing. Half-written objects of an earlier run are removed.
    pub fn open(root: &Path) -> Result<DiskObjects, ObjectError> {
        let drafts = root.join(DRAFTS);
        let shown = root.display().to_string();
        match fs::remove_dir_all(&drafts) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(fault("clear the drafts of", &shown, error));
            }
            _ => {}
        }
        durable::create_folder(&drafts).map_err(|error| fault("make the folder of", &shown, error))?;
        Ok(DiskObjects { root: root.to_owned(), drafts: AtomicU64::new(0) })
    }

    /// Writes and syncs a file that has no object's name yet.
    fn draft(&self, bytes: &[u8]) -> io::Result<PathBuf> {
        let number = self.drafts.fetch_add(1, Ordering::Relaxed);
        let path = self.root.join(DRAFTS).join(format!("{}-{number}", std::process::id()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(path)
    }

    /// Gives a draft its name unless the name is taken; says whether it was free.
    fn name(draft: &Path, target: &Path) -> io::Result<bool> {
        let linked = fs::hard_link(draft, target);
        fs::remove_file(draft)?;
        match linked {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Objects for DiskObjects {
    fn put(&self, path: &str, bytes: &[u8]) -> Result<(), ObjectError> {
        check_path(path)?;
        let target = self.root.join(path);
        let folder = durable::parent_of(&target);
        durable::create_folder(&folder).map_err(|error| fault("make the folder of", path, error))?;
        if !target.exists() {
            let draft = self.draft(bytes).map_err(|error| fault("write", path, error))?;
            if Self::name(&draft, &target).map_err(|error| fault("name", path, error))? {
                return durable::sync_folder(&folder).map_err(|error| fault("sync", path, error));
            }
        }
        if self.get(path)?.as_deref() != Some(bytes) {
            return Err(ObjectError::Conflict { path: path.to_owned() });
        }
        // Whoever stored it may have been killed before the name was on disk.
        durable::sync_folder(&folder).map_err(|error| fault("sync", path, error))
    }

    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, ObjectError> {
        check_path(path)?;
        match fs::read(self.root.join(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(fault("read", path, error)),
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        if !folder.is_empty() {
            check_path(folder)?;
        }
        let mut found = Vec::new();
        self.walk(folder, &mut found).map_err(|error| fault("list", prefix, error))?;
        found.retain(|path| path.starts_with(prefix));
        found.sort_unstable();
        Ok(found)
    }
}

impl DiskObjects {
    fn walk(&self, folder: &str, found: &mut Vec<String>) -> io::Result<()> {
        let entries = match fs::read_dir(self.root.join(folder)) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(());
            }
            other => other?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !(folder.is_empty() && *name == DRAFTS)) else {
                continue;
            };
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.walk(&path, found)?;
            } else if kind.is_file() {
                found.push(path);
            }
        }
        Ok(())
    }
}

fn check_path(path: &str) -> Result<(), ObjectError> {
    let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && part.len() <= 255;
    let fits = path.len() <= MAX_PATH_BYTES && !path.contains(['\0', '\\']);
    if fits && path.split('/').all(plain) && path.split('/').next() != Some(DRAFTS) {
        return Ok(());
    }
    Err(ObjectError::Path { path: path.to_owned() })
}

fn fault(verb: &'static str, path: &str, source: io::Error) -> ObjectError {
    ObjectError::Io { verb, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use proptest::prelude::*;

    use super::*;

    fn objects() -> (tempfile::TempDir, DiskObjects) {
        let folder = tempfile::tempdir().unwrap();
        let objects = DiskObjects::open(&folder.path().join("objects")).unwrap();
        (folder, objects)
    }

    #[test]
    fn an_object_is_read_back_and_never_changed() {
        let (_folder, objects) = objects();
        assert_eq!(objects.get("a/b").unwrap(), None);
        objects.put("a/b", b"bytes").unwrap();
        objects.put("a/b", b"bytes").unwrap();
        assert!(matches!(objects.put("a/b", b"other"), Err(ObjectError::Conflict { .. })));
        assert_eq!(objects.get("a/b").unwrap().unwrap(), b"bytes");
        assert_eq!(objects.get("a/b/c").unwrap(), None);
        let mode = fs::metadata(objects.root.join("a/b")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        let (_folder, objects) = objects();
        for path in ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", "a\0b", ".drafts/x", "a\\b"] {
            assert!(matches!(objects.put(path, b""), Err(ObjectError::Path { .. })), "{path:?}");
            assert!(matches!(objects.get(path), Err(ObjectError::Path { .. })), "{path:?}");
        }
        assert!(matches!(objects.list("../x"), Err(ObjectError::Path { .. })));
    }

    #[test]
    fn listing_is_sorted_and_knows_prefixes() {
        let (_folder, objects) = objects();
        for path in ["s/2", "s/10", "s/1/x", "t"] {
            objects.put(path, path.as_bytes()).unwrap();
        }
        assert_eq!(objects.list("").unwrap(), ["s/1/x", "s/10", "s/2", "t"]);
        assert_eq!(objects.list("s/1").unwrap(), ["s/1/x", "s/10"]);
        assert_eq!(objects.list("none/").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn drafts_of_a_killed_run_go_away() {
        let (folder, objects) = objects();
        let draft = objects.draft(b"half").unwrap();
        drop(objects);
        let objects = DiskObjects::open(&folder.path().join("objects")).unwrap();
        assert!(!draft.exists());
        assert_eq!(objects.list("").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn of_two_racing_writers_exactly_one_set_of_bytes_wins() {
        let (_folder, objects) = objects();
        let results: Vec<bool> = std::thread::scope(|scope| {
            let put = |bytes: u8| {
                let objects = &objects;
                scope.spawn(move || objects.put("one", &[bytes]).is_ok())
            };
            let writers: Vec<_> = (0..8).map(put).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(results.iter().filter(|stored| **stored).count(), 1);
    }

    proptest! {
        #[test]
        fn arbitrary_paths_stay_inside(path in ".{0,40}") {
            let (folder, objects) = objects();
            let _ = objects.put(&path, b"x");
            prop_assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_folder_is_not_an_object() {
        let (_folder, objects) = objects();
        objects.put("a/b", b"x").unwrap();
        assert!(objects.get("a").is_err());
        assert!(objects.put("a", b"x").is_err());
    }
}
