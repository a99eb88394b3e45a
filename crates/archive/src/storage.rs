//! Where the archive's objects lie: the way in which they are written, and the (perhaps cached) way in which they are read.

use std::path::Path;
use std::sync::Arc;

use store::objects::{CachedObjects, DiskObjects, ObjectError, Objects, RemoveObjects};

/// The archive's objects, as the one process that writes them holds them.
#[derive(Clone)]
pub struct Storage {
    pub(crate) writing: Arc<dyn RemoveObjects>,
    pub(crate) reading: Arc<dyn Objects>,
}

impl Storage {
    /// Uses a folder, which is made where it is missing.
    pub fn folder(folder: &Path) -> Result<Storage, ObjectError> {
        Ok(Storage::of(Arc::new(DiskObjects::open(folder)?)))
    }

    /// Uses any objects, without a cache.
    pub fn of(objects: Arc<dyn RemoveObjects>) -> Storage {
        Storage { reading: objects.clone(), writing: objects }
    }

    /// Keeps ranges that were read in a local folder, at most so many bytes of them. What was just sealed is still read back
    /// from where it really lies.
    pub fn cached(self, folder: &Path, most_bytes: u64) -> Result<Storage, ObjectError> {
        let reading = Arc::new(CachedObjects::new(self.reading, folder, most_bytes)?);
        Ok(Storage { reading, ..self })
    }
}
