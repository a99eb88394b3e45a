//! The tasks that serve one connection: its channels, and the notes of what was refused on it.
//!
//! Both sides of the connection take their places from one crew, so neither can make the gate hold more than is
//! allowed. A channel without a place is refused. A note without a place makes its side wait, since what was
//! refused is never left out: whoever asks without end is slowed to the pace of the log.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::link::Awaited;

/// Channels that a connection may have open at once, whoever opened them.
const MOST_CHANNELS: usize = 256;
/// Notes that wait for the log at once.
const MOST_NOTES: usize = 16;

/// Hands out places for tasks while the connection lasts. Clones share the places.
#[derive(Clone)]
pub(super) struct Crew {
    awaited: Awaited,
    running: mpsc::WeakSender<Infallible>,
    channels: Arc<Semaphore>,
    notes: Arc<Semaphore>,
}

/// A task's place; the end of the connection waits until it is given back.
pub(super) struct Place {
    _running: mpsc::Sender<Infallible>,
    _place: OwnedSemaphorePermit,
}

/// Why a channel gets no place.
pub(super) enum NoPlace {
    /// There are as many as may be.
    Full,
    /// The connection is going down.
    Ending,
}

impl Crew {
    pub(super) fn new(awaited: Awaited, running: mpsc::WeakSender<Infallible>) -> Crew {
        let channels = Arc::new(Semaphore::new(MOST_CHANNELS));
        Crew { awaited, running, channels, notes: Arc::new(Semaphore::new(MOST_NOTES)) }
    }

    /// How the connection's session comes out.
    pub(super) fn awaited(&self) -> &Awaited {
        &self.awaited
    }

    /// Takes a place for a channel.
    pub(super) fn channel(&self) -> Result<Place, NoPlace> {
        let running = self.running.upgrade().ok_or(NoPlace::Ending)?;
        let place = self.channels.clone().try_acquire_owned().map_err(|_| NoPlace::Full)?;
        Ok(Place { _running: running, _place: place })
    }

    /// Writes down a refused request in the session's name, once there is a session. Returns as soon as the note has
    /// a place, and not when it is written.
    pub(super) async fn note_refused(&self, request: &str, why: &'static str) {
        // Nobody closes the semaphore; if it were closed, the connection would be going down.
        let Ok(place) = self.notes.clone().acquire_owned().await else { return };
        let Some(running) = self.running.upgrade() else { return };
        let (awaited, request) = (self.awaited.clone(), request.to_owned());
        tokio::spawn(async move {
            let _place = Place { _running: running, _place: place };
            if let Ok(link) = awaited.link().await {
                link.refused_request(None, &request, "", why).await;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::link::Outcome;
    use super::*;
    use futures::FutureExt as _;
    use tokio::sync::watch;

    #[tokio::test]
    async fn a_flood_of_refused_requests_waits_and_holds_no_more_than_its_places() {
        let (outcome, awaited) = watch::channel(Outcome::Pending);
        let (running, mut ended) = mpsc::channel(1);
        let crew = Crew::new(Awaited::new(awaited), running.downgrade());
        for _ in 0..MOST_NOTES {
            assert!(crew.note_refused("x", "unknown").now_or_never().is_some());
        }
        let mut waiting = Box::pin(crew.note_refused("x", "unknown"));
        assert!((&mut waiting).now_or_never().is_none(), "the side that asks waits");
        outcome.send_replace(Outcome::Refused("no".into()));
        waiting.await;
        drop(running);
        assert!(ended.recv().await.is_none(), "every note gave its place back");
    }

    #[tokio::test]
    async fn both_sides_together_open_only_so_many_channels() {
        let (_outcome, awaited) = watch::channel(Outcome::Pending);
        let (running, _ended) = mpsc::channel(1);
        let near = Crew::new(Awaited::new(awaited), running.downgrade());
        let far = near.clone();
        let mut places = Vec::new();
        for _ in 0..MOST_CHANNELS / 2 {
            places.extend([near.channel().ok().unwrap(), far.channel().ok().unwrap()]);
        }
        assert!(matches!(far.channel(), Err(NoPlace::Full)));
        places.pop();
        assert!(near.channel().is_ok());
        drop(running);
        places.clear();
        assert!(matches!(near.channel(), Err(NoPlace::Ending)));
    }
}
