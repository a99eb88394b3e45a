//! Objects that die after a number of operations, before or after the last of them took effect.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use store::objects::{Draft, Object, ObjectError, Objects, PutObjects, RemoveObjects};

/// Whether the operation at which the store dies still takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dies {
    Before,
    After,
}

pub struct FailingObjects<T> {
    inner: Arc<T>,
    left: AtomicU64,
    dies: Dies,
}

impl<T> FailingObjects<T> {
    /// Lets `operations` changing operations pass.
    pub fn new(inner: Arc<T>, operations: u64, dies: Dies) -> FailingObjects<T> {
        FailingObjects { inner, left: AtomicU64::new(operations), dies }
    }

    /// Says whether it has died.
    pub fn is_dead(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }

    /// Does one changing operation, unless it is the one at which everything ends, or a later one.
    fn change<R>(&self, work: impl FnOnce() -> Result<R, ObjectError>) -> Result<R, ObjectError> {
        let counted = |left: u64| Some(left.saturating_sub(1));
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, counted).unwrap();
        match (left, self.dies) {
            (0, _) | (1, Dies::Before) => Err(dead()),
            (1, Dies::After) => work().and_then(|_| Err(dead())),
            _ => work(),
        }
    }
}

fn dead() -> ObjectError {
    ObjectError::Settings("the store has died".to_owned())
}

impl<T: RemoveObjects> Objects for FailingObjects<T> {
    fn open(&self, path: &str) -> Result<Option<Arc<dyn Object>>, ObjectError> {
        if self.is_dead() { Err(dead()) } else { self.inner.open(path) }
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        if self.is_dead() { Err(dead()) } else { self.inner.list(prefix) }
    }
}

impl<T: RemoveObjects> PutObjects for FailingObjects<T> {
    fn put(&self, path: &str, bytes: &[u8]) -> Result<(), ObjectError> {
        self.change(|| self.inner.put(path, bytes))
    }

    fn draft(&self) -> Result<Draft, ObjectError> {
        self.change(|| self.inner.draft())
    }

    fn keep(&self, draft: Draft, path: &str) -> Result<(), ObjectError> {
        self.change(|| self.inner.keep(draft, path))
    }
}

impl<T: RemoveObjects> RemoveObjects for FailingObjects<T> {
    fn remove(&self, path: &str) -> Result<(), ObjectError> {
        self.change(|| self.inner.remove(path))
    }
}
