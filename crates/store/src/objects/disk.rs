//! Objects as files below one folder.
//!
//! An object's file is written apart, synced, and only then linked to its name, so a name always stands for all of its bytes.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::{
    DRAFTS, Draft, LOCK, Object, ObjectError, Objects, PutObjects, RemoveObjects, check_path, fault, holds,
};
use crate::durable;

/// Objects as files below one folder.
#[derive(Debug)]
pub struct DiskObjects {
    root: PathBuf,
    /// Held while this may write; none for whoever only reads.
    _lock: Option<File>,
}

impl DiskObjects {
    /// Opens the folder to write in it, making it (0700) where it is missing. Half-written objects of an earlier run are
    /// removed, so one process at a time may do this.
    pub fn open(root: &Path) -> Result<DiskObjects, ObjectError> {
        let drafts = root.join(DRAFTS);
        let shown = root.display().to_string();
        durable::create_folder(root).map_err(|error| fault("make the folder of", &shown, error))?;
        let lock = lock(root)?;
        match fs::remove_dir_all(&drafts) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(fault("clear the drafts of", &shown, error));
            }
            _ => {}
        }
        durable::create_folder(&drafts).map_err(|error| fault("make the folder of", &shown, error))?;
        Ok(DiskObjects { root: root.to_owned(), _lock: Some(lock) })
    }

    /// Opens the folder only to read, beside a process that writes; nothing in it is touched.
    pub fn reader(root: &Path) -> Arc<dyn Objects> {
        Arc::new(DiskObjects { root: root.to_owned(), _lock: None })
    }

    fn folder_of(&self, path: &str) -> Result<(PathBuf, PathBuf), ObjectError> {
        check_path(path)?;
        let target = self.root.join(path);
        let folder = durable::parent_of(&target);
        durable::create_folder(&folder).map_err(|error| fault("make the folder of", path, error))?;
        Ok((target, folder))
    }
}

fn lock(root: &Path) -> Result<File, ObjectError> {
    use rustix::fs::{FlockOperation, flock};
    let path = root.join(LOCK);
    let refuse = |error| fault("lock the folder of", &path.display().to_string(), error);
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(refuse)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(ObjectError::Locked { folder: root.to_owned() }),
        Err(error) => Err(refuse(error.into())),
    }
}

/// A file that is held open, so it can be read even after it was removed.
struct DiskObject {
    file: File,
    length: u64,
}

impl Object for DiskObject {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        // Checked before the memory is asked for: the caller's numbers may come from a damaged file.
        if offset.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes.into())
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

impl Objects for DiskObjects {
    fn open(&self, path: &str) -> Result<Option<Arc<dyn Object>>, ObjectError> {
        check_path(path)?;
        let opened = File::open(self.root.join(path)).and_then(|file| {
            let found = file.metadata()?;
            if found.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            Ok(DiskObject { file, length: found.len() })
        });
        match opened {
            Ok(object) => Ok(Some(Arc::new(object))),
            Err(error) if is_absent(&error) => Ok(None),
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

impl PutObjects for DiskObjects {
    fn put(&self, path: &str, bytes: &[u8]) -> Result<(), ObjectError> {
        check_path(path)?;
        let mut draft = self.draft()?;
        draft.write_all(bytes).map_err(|error| fault("write", path, error))?;
        self.keep(draft, path)
    }

    fn draft(&self) -> Result<Draft, ObjectError> {
        let folder = self.root.join(DRAFTS);
        Draft::create(&folder).map_err(|error| fault("make a draft in", &folder.display().to_string(), error))
    }

    fn keep(&self, draft: Draft, path: &str) -> Result<(), ObjectError> {
        let (target, folder) = self.folder_of(path)?;
        if !target.exists() {
            draft.sync().map_err(|error| fault("sync", path, error))?;
            match fs::hard_link(draft.path(), &target) {
                Ok(()) => {
                    return durable::sync_folder(&folder).map_err(|error| fault("sync", path, error));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(fault("name", path, error)),
            }
        }
        let same = match self.open(path)? {
            Some(object) => holds(object.as_ref(), &draft).map_err(|error| fault("read", path, error))?,
            None => false,
        };
        if !same {
            return Err(ObjectError::Conflict { path: path.to_owned() });
        }
        // Whoever stored it may have been killed before the name was on disk.
        durable::sync_folder(&folder).map_err(|error| fault("sync", path, error))
    }
}

impl RemoveObjects for DiskObjects {
    fn remove(&self, path: &str) -> Result<(), ObjectError> {
        check_path(path)?;
        let target = self.root.join(path);
        match fs::remove_file(&target) {
            Ok(()) => durable::sync_folder(&durable::parent_of(&target))
                .map_err(|error| fault("remove", path, error)),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(fault("remove", path, error)),
        }
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
            let Some(name) =
                name.to_str().filter(|name| !(folder.is_empty() && (*name == DRAFTS || *name == LOCK)))
            else {
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
        for path in
            ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", "a\0b", ".lock", ".drafts/x", "a\\b"]
        {
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
        let left = folder.path().join("objects/.drafts/1-1");
        fs::write(&left, b"half").unwrap();
        drop(objects);
        let objects = DiskObjects::open(&folder.path().join("objects")).unwrap();
        assert!(!left.exists());
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
    fn a_large_object_is_written_beside_its_name_and_kept_once() {
        let (folder, objects) = objects();
        let draft = |bytes: &[u8]| {
            let mut draft = objects.draft().unwrap();
            draft.write_all(bytes).unwrap();
            draft
        };
        drop(draft(b"given up"));
        let bytes = vec![7; 3 << 20];
        objects.keep(draft(&bytes), "a/large").unwrap();
        objects.keep(draft(&bytes), "a/large").unwrap();
        let mut other = bytes.clone();
        other[2 << 20] = 8;
        assert!(matches!(objects.keep(draft(&other), "a/large"), Err(ObjectError::Conflict { .. })));
        assert!(matches!(objects.keep(draft(b"short"), "a/large"), Err(ObjectError::Conflict { .. })));
        assert_eq!(objects.list("").unwrap(), ["a/large"]);
        assert_eq!(fs::read_dir(folder.path().join("objects/.drafts")).unwrap().count(), 0);
    }

    #[test]
    fn ranges_are_read_exactly_or_not_at_all() {
        let (_folder, objects) = objects();
        objects.put("a", b"0123456789").unwrap();
        let object = objects.open("a").unwrap().unwrap();
        assert_eq!(object.len(), 10);
        assert_eq!(object.read_at(3, 4).unwrap(), &b"3456"[..]);
        for (offset, length) in [(8, 3), (11, 0), (u64::MAX, 1), (0, usize::MAX)] {
            let error = object.read_at(offset, length).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{offset} {length}");
        }
    }

    #[test]
    fn a_removed_object_is_gone_for_newcomers_and_stays_for_its_readers() {
        let (_folder, objects) = objects();
        objects.put("a", b"bytes").unwrap();
        let open = objects.open("a").unwrap().unwrap();
        objects.remove("a").unwrap();
        objects.remove("a").unwrap();
        assert!(objects.open("a").unwrap().is_none());
        assert_eq!(open.read_at(0, 5).unwrap(), &b"bytes"[..]);
        objects.put("a", b"other").unwrap();
    }

    #[test]
    fn one_process_at_a_time_writes() {
        let (folder, objects) = objects();
        let root = folder.path().join("objects");
        assert!(matches!(DiskObjects::open(&root), Err(ObjectError::Locked { .. })));
        drop(objects);
        assert!(DiskObjects::open(&root).is_ok());
    }

    #[test]
    fn a_reader_leaves_the_drafts_of_the_writer_alone() {
        let (folder, objects) = objects();
        let mut draft = objects.draft().unwrap();
        let reader = DiskObjects::reader(&folder.path().join("objects"));
        draft.write_all(b"x").unwrap();
        objects.keep(draft, "a").unwrap();
        assert_eq!(reader.get("a").unwrap().unwrap(), b"x");
        assert!(DiskObjects::reader(&folder.path().join("none")).list("").unwrap().is_empty());
    }

    #[test]
    fn a_folder_is_not_an_object() {
        let (_folder, objects) = objects();
        objects.put("a/b", b"x").unwrap();
        assert!(objects.get("a").is_err());
        assert!(objects.put("a", b"x").is_err());
    }
}
