//! Places for what is costly, so that no reader takes them all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places of which one reader has half at most.
pub struct Places {
    all: Arc<Semaphore>,
    of_one: usize,
    readers: Mutex<HashMap<String, Weak<Semaphore>>>,
}

/// A place, until it is dropped.
pub struct Place {
    _own: Option<OwnedSemaphorePermit>,
    _of_all: OwnedSemaphorePermit,
}

impl Places {
    /// Makes so many places; one reader has at least one.
    pub fn new(count: usize) -> Arc<Places> {
        let all = Arc::new(Semaphore::new(count));
        Arc::new(Places { all, of_one: (count / 2).max(1), readers: Mutex::default() })
    }

    /// Waits for a place. Who waits for one of their own keeps nobody else from theirs; who is not named may have them all.
    pub async fn take(&self, reader: Option<&str>) -> Place {
        let wait =
            async |places: Arc<Semaphore>| places.acquire_owned().await.expect("places are never closed");
        let own = match reader {
            Some(reader) => Some(wait(self.of(reader)).await),
            None => None,
        };
        Place { _own: own, _of_all: wait(self.all.clone()).await }
    }

    /// Says how many places are free now.
    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.all.available_permits()
    }

    /// The places of one reader.
    fn of(&self, reader: &str) -> Arc<Semaphore> {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = readers.get(reader).and_then(Weak::upgrade) {
            return own;
        }
        // Those who neither have a place nor wait for one are forgotten.
        readers.retain(|_, own| own.strong_count() > 0);
        let own = Arc::new(Semaphore::new(self.of_one));
        readers.insert(reader.to_owned(), Arc::downgrade(&own));
        own
    }
}
