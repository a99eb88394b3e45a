//! Immutable objects named by path.
//!
//! An object is written once and never changed: what stores one accepts identical bytes again and refuses others. Not a
//! file system: there is no rename and no partial write. Who may read, who may store and who may remove hold three
//! different traits, so that a signature says which of these can happen.

mod cache;
mod disk;
mod draft;
#[cfg(feature = "s3")]
mod s3;

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

pub use cache::{CHUNK_BYTES, CachedObjects};
pub use disk::DiskObjects;
pub use draft::Draft;
#[cfg(feature = "s3")]
pub use s3::{S3Config, S3Objects};

/// Folder of half-written objects, below the root. No object path may begin with it.
const DRAFTS: &str = ".drafts";

/// Locked (`flock`) by the process that writes in the folder.
const LOCK: &str = ".lock";

/// The longest object path that is taken, in bytes.
pub const MAX_PATH_BYTES: usize = 1024;

/// Reads immutable objects. Paths are relative, `/`-separated, without `.` or `..` parts. All methods block.
pub trait Objects: Send + Sync {
    /// Opens an object to read ranges of it; `None` when there is none.
    fn open(&self, path: &str) -> Result<Option<Arc<dyn Object>>, ObjectError>;

    /// Lists the paths that begin with `prefix`, sorted.
    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError>;

    /// Reads an object whole; `None` when there is none.
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, ObjectError> {
        let Some(object) = self.open(path)? else { return Ok(None) };
        let length = usize::try_from(object.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge));
        let bytes = length.and_then(|length| object.read_at(0, length));
        bytes.map(|bytes| Some(bytes.into())).map_err(|error| fault("read", path, error))
    }
}

/// Stores immutable objects.
pub trait PutObjects: Objects {
    /// Stores `bytes` at `path`, durable when this returns. Identical bytes are accepted again; others are a conflict.
    fn put(&self, path: &str, bytes: &[u8]) -> Result<(), ObjectError>;

    /// Begins an object that is too large for memory, in a file that has no object's name yet.
    fn draft(&self) -> Result<Draft, ObjectError>;

    /// Gives a draft its name, as [`PutObjects::put`] does with bytes; the draft's file is gone afterwards.
    fn keep(&self, draft: Draft, path: &str) -> Result<(), ObjectError>;
}

/// Removes objects. Only what drops data on purpose (retention), or data that is held elsewhere (a merged or derived
/// object), is given this.
pub trait RemoveObjects: PutObjects {
    /// Removes an object, durably; removing one that is not there is no error.
    fn remove(&self, path: &str) -> Result<(), ObjectError>;
}

/// One object, open for reading. It never changes; where the store allows it, it can be read even after it was removed.
pub trait Object: Send + Sync {
    /// Returns its length in bytes.
    fn len(&self) -> u64;

    /// Reads exactly `length` bytes; fewer are an error ([`io::ErrorKind::UnexpectedEof`]).
    fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes>;

    /// Names these very bytes among all that ever had the object's path; empty where the store does not tell.
    fn tag(&self) -> &str {
        ""
    }

    /// Says whether nothing is in it.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
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
    /// The object store elsewhere refused, or was not reached.
    #[error("cannot {verb} object {path} in the object store")]
    Remote {
        /// What was tried.
        verb: &'static str,
        /// On which object.
        path: String,
        /// Why it failed.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Another process writes there.
    #[error("the objects in {} are in use by another process; stop that one first", folder.display())]
    Locked {
        /// Their folder.
        folder: PathBuf,
    },
    /// The settings of an object store make no sense.
    #[error("cannot use the object store: {0}")]
    Settings(String),
}

fn check_path(path: &str) -> Result<(), ObjectError> {
    let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && part.len() <= 255;
    let fits = path.len() <= MAX_PATH_BYTES && !path.contains(['\0', '\\']);
    let is_ours = matches!(path.split('/').next(), Some(DRAFTS | LOCK));
    if fits && path.split('/').all(plain) && !is_ours {
        return Ok(());
    }
    Err(ObjectError::Path { path: path.to_owned() })
}

fn fault(verb: &'static str, path: &str, source: io::Error) -> ObjectError {
    ObjectError::Io { verb, path: path.to_owned(), source }
}

/// Says whether an object holds exactly the bytes of a draft, reading both in steps.
fn holds(object: &dyn Object, draft: &Draft) -> io::Result<bool> {
    const STEP: u64 = 1 << 20;
    if object.len() != draft.len() {
        return Ok(false);
    }
    let mut at = 0;
    while at < draft.len() {
        let step = usize::try_from(STEP.min(draft.len() - at)).expect("a step fits in memory");
        if object.read_at(at, step)? != draft.read_at(at, step)? {
            return Ok(false);
        }
        at += step as u64;
    }
    Ok(true)
}
