//! The sessions that are open now.
//!
//! Holds no permission and decides nothing: it counts, lists, and carries the order to end a session.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use event::{Actor, Origin, SessionId, Timestamp};
use tokio::sync::{broadcast, watch};

use crate::Cut;
use crate::session::Core;

/// Notices that wait for a terminal that takes nothing; the oldest go first.
const NOTICES: usize = 16;

/// All sessions that are open now. Clones share one registry.
#[derive(Clone)]
pub struct Sessions {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    open: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    live: HashMap<SessionId, (Arc<LiveSession>, Weak<Core>)>,
    /// Sessions open or about to open, by user.
    places: HashMap<String, usize>,
}

/// A session that is open now.
#[derive(Debug)]
pub struct LiveSession {
    /// Its id.
    pub id: SessionId,
    /// The protocol's name.
    pub protocol: &'static str,
    /// Whose it is.
    pub user: String,
    /// The target's name.
    pub target: String,
    /// Account on the target.
    pub login: String,
    /// Where it came from.
    pub origin: Option<Origin>,
    /// When it began.
    pub started: Timestamp,
    /// When it must end.
    pub expires: Timestamp,
    /// Whether it is recorded.
    pub recorded: bool,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    activity: Mutex<Activity>,
    /// Whether the role has its people told who looks on.
    announces: bool,
    notices: broadcast::Sender<Arc<str>>,
    cut: watch::Sender<Option<Cut>>,
}

/// What was last seen to move, and when.
#[derive(Debug)]
struct Activity {
    bytes: u64,
    seen: Timestamp,
}

/// A counted place in the registry; given back when dropped.
pub(crate) struct Place {
    shared: Arc<Shared>,
    user: String,
    /// Places that the user held before this one.
    pub(crate) others: usize,
}

impl Sessions {
    pub(crate) fn new() -> Sessions {
        Sessions { shared: Arc::new(Shared { state: Mutex::default(), open: watch::Sender::new(0) }) }
    }

    /// Lists the open sessions, oldest first.
    pub fn list(&self) -> Vec<Arc<LiveSession>> {
        let mut live: Vec<_> = self.shared.lock().live.values().map(|(live, _)| live.clone()).collect();
        live.sort_by_key(|session| session.id);
        live
    }

    /// Finds an open session.
    pub fn find(&self, id: SessionId) -> Option<Arc<LiveSession>> {
        self.shared.lock().live.get(&id).map(|(live, _)| live.clone())
    }

    /// Counts the open sessions.
    pub fn count(&self) -> usize {
        self.shared.lock().live.len()
    }

    /// Ends a session in the name of `by`; says whether there was one.
    pub fn kill(&self, id: SessionId, by: Actor, why: &str) -> bool {
        self.find(id).is_some_and(|live| live.cut(Cut::person(by, why.to_owned())))
    }

    /// Waits until no session is open.
    pub async fn none_open(&self) {
        let mut open = self.shared.open.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = open.wait_for(|open| *open == 0).await;
    }

    /// Takes a place for a session that is about to be asked for.
    pub(crate) fn reserve(&self, user: &str) -> Place {
        let mut state = self.shared.lock();
        let places = state.places.entry(user.to_owned()).or_default();
        let others = *places;
        *places += 1;
        Place { shared: self.shared.clone(), user: user.to_owned(), others }
    }

    /// The open sessions with what the watch over them needs.
    pub(crate) fn with_cores(&self) -> Vec<(Arc<LiveSession>, Arc<Core>)> {
        let state = self.shared.lock();
        state.live.values().filter_map(|(live, core)| Some((live.clone(), core.upgrade()?))).collect()
    }

    pub(crate) fn add(&self, live: Arc<LiveSession>, core: Weak<Core>) {
        let mut state = self.shared.lock();
        state.live.insert(live.id, (live, core));
        self.shared.open.send_replace(state.live.len());
    }

    pub(crate) fn remove(&self, id: SessionId) {
        let mut state = self.shared.lock();
        state.live.remove(&id);
        self.shared.open.send_replace(state.live.len());
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic happens while the registry is locked")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let Some(places) = state.places.get_mut(&self.user) {
            *places -= 1;
            if *places == 0 {
                state.places.remove(&self.user);
            }
        }
    }
}

impl LiveSession {
    pub(crate) fn new(protocol: &'static str, permit: &access::Permit, started: Timestamp) -> LiveSession {
        LiveSession {
            id: permit.session(),
            protocol,
            user: permit.actor().user.clone(),
            target: permit.target().name.clone(),
            login: permit.login().to_owned(),
            origin: permit.origin().cloned(),
            started,
            expires: permit.expires(),
            recorded: permit.options().recording != access::RecordingMode::Off,
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            activity: Mutex::new(Activity { bytes: 0, seen: started }),
            announces: permit.options().announce_watching,
            notices: broadcast::Sender::new(NOTICES),
            cut: watch::Sender::new(None),
        }
    }

    /// Says whether the person would be told now that somebody looks on: their role wants it, and a terminal of theirs is open.
    pub fn announces_watching(&self) -> bool {
        self.announces && self.notices.receiver_count() > 0
    }

    /// Tells the person that `watcher` looks on, where their role wants it.
    pub fn announce_watching(&self, watcher: &str) {
        if self.announces {
            // Without a terminal there is nobody to tell.
            let _ = self.notices.send(format!("{watcher} is watching this session").into());
        }
    }

    pub(crate) fn notices(&self) -> broadcast::Receiver<Arc<str>> {
        self.notices.subscribe()
    }

    /// Bytes from the client to the target so far.
    pub fn bytes_in(&self) -> u64 {
        self.bytes_in.load(Ordering::Relaxed)
    }

    /// Bytes from the target to the client so far.
    pub fn bytes_out(&self) -> u64 {
        self.bytes_out.load(Ordering::Relaxed)
    }

    pub(crate) fn count_in(&self, bytes: u64) {
        self.bytes_in.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn count_out(&self, bytes: u64) {
        self.bytes_out.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Says since when nothing has moved, as far as the visits so far can tell. Comparing counters at each
    /// visit keeps the clock out of the data path.
    pub(crate) fn idle_since(&self, now: Timestamp) -> Timestamp {
        let bytes = self.bytes_in().wrapping_add(self.bytes_out());
        let mut activity = self.activity.lock().expect("no panic happens while the lock is held");
        if activity.bytes != bytes {
            *activity = Activity { bytes, seen: now };
        }
        activity.seen
    }

    /// Orders the session to end; the first order stands. Says whether this one was it.
    pub(crate) fn cut(&self, order: Cut) -> bool {
        self.cut.send_if_modified(|cut| {
            let first = cut.is_none();
            if first {
                *cut = Some(order);
            }
            first
        })
    }

    pub(crate) fn ordered(&self) -> Option<Cut> {
        self.cut.borrow().clone()
    }

    pub(crate) async fn until_cut(&self) -> Cut {
        let mut cut = self.cut.subscribe();
        loop {
            if let Some(order) = cut.borrow_and_update().clone() {
                return order;
            }
            if cut.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_questions_at_once_cannot_both_be_the_last() {
        let sessions = Sessions::new();
        let first = sessions.reserve("alice");
        let second = sessions.reserve("alice");
        assert_eq!((first.others, second.others), (0, 1));
        assert_eq!(sessions.reserve("bob").others, 0);
        drop(first);
        assert_eq!(sessions.reserve("alice").others, 1, "a place was given back");
        drop(second);
        assert!(sessions.shared.lock().places.is_empty(), "nothing is kept of people who are gone");
    }
}
