//! How many commits the state database has had, kept beside it.
//!
//! SQLite takes its write-ahead log to end at the first frame whose checksum is wrong, and drops the commits behind it
//! without a word. So every commit also counts, in the database, and the count is written here once the commit is
//! durable. A database that holds fewer commits than this file says has lost some. One that holds more was cut off by a
//! crash between the two, which is harmless. The file costs one synced write for each commit.
//!
//! Two slots are written in turn, each within one sector, so that a torn write leaves the count before it. A slot is the
//! count twice, in decimal; the second guards the first.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::TableError;
use crate::durable;

/// Bytes from one slot to the next: a sector.
const SLOT: u64 = 512;
/// Bytes of a slot that mean something: twice 20 digits, each with what ends it.
const COUNT: usize = 42;

/// The count beside a database.
#[derive(Debug)]
pub(super) struct Generation {
    file: File,
    path: PathBuf,
    /// The newest count that was read or written.
    kept: Option<u64>,
    /// A count that could not be written yet.
    owed: Option<u64>,
}

impl Generation {
    /// Opens or makes the file beside `database`. To be called before the database is read, which then has at least as
    /// many commits.
    pub(super) fn open(database: &Path) -> Result<Generation, TableError> {
        let mut name = database.as_os_str().to_owned();
        name.push(".generation");
        let path = PathBuf::from(name);
        let refuse = |error: io::Error| unusable(&path, &error);
        let mut open = OpenOptions::new();
        open.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = open.open(&path).map_err(refuse)?;
        let slots = [0, SLOT].map(|at| read_slot(&file, at));
        let slots = slots.into_iter().collect::<io::Result<Vec<_>>>().map_err(refuse)?;
        let kept = slots.iter().filter_map(|slot| slot.as_deref().and_then(count)).max();
        if kept.is_none() && slots.iter().any(Option::is_some) {
            return Err(TableError::Damaged {
                found: format!("{} holds no count of commits", path.display()),
            });
        }
        if kept.is_none() {
            durable::sync_folder(&durable::parent_of(&path)).map_err(refuse)?;
        }
        Ok(Generation { file, path, kept, owed: None })
    }

    /// Refuses a database that holds fewer commits than were made.
    pub(super) fn check(&self, database: &Path, found: u64) -> Result<(), TableError> {
        match self.kept {
            Some(made) if found < made => {
                Err(TableError::Lost { path: database.display().to_string(), found, made })
            }
            _ => Ok(()),
        }
    }

    /// Writes what could not be written after the last commit. No further commit is taken before that.
    pub(super) fn settle(&mut self) -> Result<(), TableError> {
        let Some(owed) = self.owed else { return Ok(()) };
        self.write(owed).map_err(|error| unusable(&self.path, &error))?;
        self.owed = None;
        Ok(())
    }

    /// Keeps the count of a commit that is durable. It stands whether or not this succeeds; what failed is tried again
    /// before the next one.
    pub(super) fn keep(&mut self, count: u64) {
        self.owed = self.write(count).is_err().then_some(count);
    }

    fn write(&mut self, count: u64) -> io::Result<()> {
        let text = format!("{count:020} {count:020}\n");
        self.file.write_all_at(text.as_bytes(), count % 2 * SLOT)?;
        self.file.sync_data()?;
        self.kept = Some(count);
        Ok(())
    }
}

fn unusable(path: &Path, error: &io::Error) -> TableError {
    TableError::Storage(format!("{}: {error}", path.display()))
}

/// Reads a slot; nothing where the file has none, or zeros in its place.
fn read_slot(file: &File, at: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = [0; COUNT];
    let mut length = 0;
    while length < COUNT {
        match file.read_at(&mut bytes[length..], at + length as u64)? {
            0 => break,
            read => length += read,
        }
    }
    let written = bytes[..length].iter().any(|byte| *byte != 0);
    Ok(written.then(|| bytes[..length].to_vec()))
}

fn count(slot: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(slot).ok()?.strip_suffix('\n')?;
    let (first, second) = text.split_once(' ')?;
    let digits = first.len() == 20 && first.bytes().all(|byte| byte.is_ascii_digit());
    (digits && first == second).then(|| first.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kept(folder: &Path) -> Result<Option<u64>, TableError> {
        Generation::open(&folder.join("db")).map(|generation| generation.kept)
    }

    #[test]
    fn a_torn_write_leaves_the_count_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut generation = Generation::open(&folder.path().join("db")).unwrap();
        assert_eq!(generation.kept, None);
        (1..=9).for_each(|count| generation.keep(count));
        assert_eq!(kept(folder.path()).unwrap(), Some(9));
        generation.file.write_all_at(b"0000000000000000001", SLOT).unwrap();
        assert_eq!(kept(folder.path()).unwrap(), Some(8));
        generation.file.write_all_at(b"?", 0).unwrap();
        assert!(matches!(kept(folder.path()), Err(TableError::Damaged { .. })));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1100)) {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("db.generation"), bytes).unwrap();
            let _ = kept(folder.path());
        }
    }
}
