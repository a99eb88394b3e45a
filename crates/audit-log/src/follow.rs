//! Followers: readers that go through the log in order and wait for more at its end.
//!
//! A follower sees an entry once a published checkpoint covers it. It keeps its own place and never slows a writer.

use std::sync::Arc;

use tokio::sync::watch;

use crate::Entry;
use crate::error::ReadError;
use crate::shared::{Horizon, Shared};

/// Walks the log in order, waiting for more at its end.
pub struct Follower {
    shared: Arc<Shared>,
    horizon: watch::Receiver<Horizon>,
    position: u64,
}

impl Follower {
    pub(crate) fn new(shared: Arc<Shared>, position: u64) -> Follower {
        let horizon = shared.horizon.subscribe();
        Follower { shared, horizon, position }
    }

    /// Position of the next entry.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Waits for at least one entry and returns up to `most`, fewer when they are large.
    ///
    /// Passes over what retention has pruned: positions may leap. Loses nothing when the returned future is dropped. After
    /// the log was shut down it gives the rest, and then [`ReadError::Closed`].
    pub async fn next(&mut self, most: usize) -> Result<Vec<Entry>, ReadError> {
        loop {
            match self.read(most).await {
                Err(ReadError::Pruned { to, .. }) => self.position = to,
                Err(error) => return Err(error),
                Ok(entries) => {
                    self.position += entries.len() as u64;
                    return Ok(entries);
                }
            }
        }
    }

    async fn read(&mut self, most: usize) -> Result<Vec<Entry>, ReadError> {
        let position = self.position;
        let ready = |horizon: &Horizon| horizon.ended || horizon.published.checkpoint.size > position;
        let size = match self.horizon.wait_for(ready).await {
            Ok(horizon) => horizon.published.checkpoint.size,
            Err(_) => return Err(ReadError::Closed),
        };
        if size <= position {
            return Err(ReadError::Closed);
        }
        let end = size.min(position.saturating_add(most.max(1) as u64));
        let shared = self.shared.clone();
        let entries = tokio::task::spawn_blocking(move || shared.stored().entries(position..end)).await;
        entries.map_err(|_| ReadError::Closed)?
    }
}
