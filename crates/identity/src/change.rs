//! Changes: first the events, durable; then the rows, in one commit; then the copy in memory.
//!
//! The three run in a task of their own, so that a caller who hangs up cannot stop them half way. One change runs at
//! a time, and it is prepared under the same lock, so what it was decided on still holds when it is committed.

use std::sync::Arc;

use event::Event;
use store::tables::{Expect, TableError, Write};
use tokio::sync::OwnedMutexGuard;

use crate::authority::Authorities;
use crate::directory::RowChange;
use crate::error::IdentityError;
use crate::identity::{Identity, Inner};
use crate::rows::STRANGERS;

/// The right to change state, held from the decision to the commit.
pub(crate) type Turn = OwnedMutexGuard<()>;

/// Keeps changes from being made, see [`Identity::hold_changes`](crate::Identity::hold_changes).
pub struct ChangesHeld {
    _turn: Turn,
}

/// What is to happen.
#[derive(Default)]
pub(crate) struct Change {
    pub events: Vec<Event>,
    pub rows: Vec<RowChange>,
    /// The authorities after the change, where it concerns them.
    pub authorities: Option<Arc<Authorities>>,
    announcement: Announcement,
}

/// Whether those who wait for changes are woken.
#[derive(Default, PartialEq, Eq)]
enum Announcement {
    #[default]
    Wake,
    Silent,
}

impl Change {
    pub fn event(mut self, event: Event) -> Change {
        self.events.push(event);
        self
    }

    pub fn row(mut self, row: RowChange) -> Change {
        self.rows.push(row);
        self
    }

    /// Wakes nobody: the change decides nothing for anyone who is signed in. Else strangers could keep every session busy
    /// with failed logins.
    pub fn unannounced(mut self) -> Change {
        self.announcement = Announcement::Silent;
        self
    }
}

impl Identity {
    /// Waits for the change that is being made, whose caller may be gone, and lets no other begin while the answer is held.
    pub async fn hold_changes(&self) -> ChangesHeld {
        ChangesHeld { _turn: self.inner().turn().await }
    }
}

impl Inner {
    /// Waits for the right to change state.
    pub(crate) async fn turn(&self) -> Turn {
        self.changing.clone().lock_owned().await
    }

    /// Makes a change that was decided during `turn`.
    pub(crate) async fn perform(self: &Arc<Inner>, turn: Turn, change: Change) -> Result<(), IdentityError> {
        let inner = self.clone();
        settle(tokio::spawn(async move {
            let result = inner.perform_now(change).await;
            drop(turn);
            result
        }))
        .await
    }

    async fn perform_now(&self, change: Change) -> Result<(), IdentityError> {
        self.record(&change.events).await?;
        let writes: Vec<Write> = {
            let directory = self.directory();
            change.rows.iter().map(|row| directory.write(row)).collect()
        };
        if let Err(error) = self.commit(writes).await {
            self.take_back(&change.events, &error).await;
            return Err(error.into());
        }
        {
            let mut directory = self.directory_mut();
            change.rows.into_iter().for_each(|row| directory.apply(row));
        }
        if let Some(authorities) = change.authorities {
            self.authorities.store(authorities);
        }
        if change.announcement == Announcement::Wake {
            self.changes.send_modify(|count| *count += 1);
        }
        Ok(())
    }

    /// Appends events together, so that one sync can cover them all.
    pub(crate) async fn record(&self, events: &[Event]) -> Result<(), IdentityError> {
        futures::future::try_join_all(events.iter().map(|event| self.log.append(event))).await?;
        Ok(())
    }

    /// Costs a stranger's failed login the same write to disk that a known user's costs.
    pub(crate) async fn write_for_stranger(&self) -> Result<(), IdentityError> {
        let write = Write::Put {
            table: STRANGERS,
            key: "last".to_owned(),
            value: b"null".to_vec(),
            expect: Expect::Any,
        };
        Ok(self.commit(vec![write]).await?)
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), TableError> {
        let tables = self.tables.clone();
        settle(tokio::task::spawn_blocking(move || tables.commit(&writes))).await
    }

    /// Says of events that were recorded for a change that it did not come to pass.
    async fn take_back(&self, events: &[Event], error: &TableError) {
        for event in events {
            let mut undone = event.clone().failed(format!("recorded, but not done: {error}"));
            undone.id = self.ambient.event_id();
            // When the log fails too there is nobody left to tell but the caller, who gets the first error.
            let _ = self.log.append(&undone).await;
        }
    }
}

/// Waits for a task and passes its panic on.
pub(crate) async fn settle<T>(task: tokio::task::JoinHandle<T>) -> T {
    match task.await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that shuts down cancels these tasks, and then this waiter is about to be dropped too.
            Err(_) => std::future::pending().await,
        },
    }
}
