//! Runs searches on threads of their own, few at a time, each with a time budget.
//!
//! A search ends soon after its future is dropped or its budget is spent; waiting for a place spends it too. A reader that
//! is named never has all places.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::sweep::{Progress, Stop, Watch};
use crate::{Places, QueryError};

/// How many searches run at once; more wait, so that readers cannot take all threads and memory.
const AT_ONCE: usize = 2;
/// How many of those run at once that touch little: they need not wait for the long ones.
const LOOKUPS_AT_ONCE: usize = 4;

/// How much a search is likely to touch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Perhaps everything.
    Wide,
    /// A few blocks, found by an id.
    Narrow,
}

#[derive(Clone)]
pub(crate) struct Scans {
    wide: Arc<Places>,
    narrow: Arc<Places>,
}

/// Stops the search when the future that waits for it is dropped.
struct StopOnDrop(Arc<Stop>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.now();
    }
}

impl Scans {
    pub(crate) fn new() -> Scans {
        Scans { wide: Places::new(AT_ONCE), narrow: Places::new(LOOKUPS_AT_ONCE) }
    }

    /// Runs a search; once the budget is spent it is told to stop, and what it has by then is the result.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        reach: Reach,
        reader: Option<&str>,
        budget: Duration,
        progress: Option<Arc<watch::Sender<Progress>>>,
        search: impl FnOnce(Watch<'_>) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, QueryError> {
        let places = match reach {
            Reach::Wide => &self.wide,
            Reach::Narrow => &self.narrow,
        };
        let end = Instant::now() + budget;
        // Whoever finds a place free gets it, however little time there is.
        let place = tokio::time::timeout_at(end, places.take(reader)).await.map_err(|_| QueryError::Busy)?;
        let stop = Arc::new(Stop::default());
        let stop_on_drop = StopOnDrop(stop.clone());
        let mut thread = tokio::task::spawn_blocking(move || {
            // The place is given back when the thread ends, not when its asker goes away.
            let _place = place;
            search(Watch { stop: &stop, progress: progress.as_deref() })
        });
        let result = tokio::select! {
            result = &mut thread => result,
            () = tokio::time::sleep_until(end) => {
                stop_on_drop.0.now();
                thread.await
            }
        };
        result.map_err(|_| QueryError::Interrupted)?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::sweep::{Piece, sweep};

    /// Works until it is told to stop; says whether it was.
    fn endless(watch: Watch<'_>) -> Result<bool, QueryError> {
        let weights = [1; 8];
        while sweep(&weights, watch, || (), |(), _| Ok(Piece::Done))?.unfinished.is_none() {}
        Ok(true)
    }

    #[tokio::test]
    async fn a_search_whose_asker_goes_away_stops() {
        let scans = Scans::new();
        let (ended, end) = mpsc::channel();
        let (started, start) = tokio::sync::oneshot::channel();
        let run = scans.run(Reach::Wide, None, Duration::from_secs(3600), None, move |watch| {
            let _ = started.send(());
            let result = endless(watch);
            let _ = ended.send(());
            result
        });
        tokio::select! {
            _ = run => panic!("the search never ends by itself"),
            _ = start => {}
        }
        end.recv().expect("the dropped search ended");
        while scans.wide.free() < AT_ONCE {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_search_without_time_gives_what_it_has() {
        assert!(Scans::new().run(Reach::Wide, None, Duration::ZERO, None, endless).await.unwrap());
    }

    #[tokio::test]
    async fn one_reader_leaves_a_place_to_others_and_waits_within_its_time() {
        let scans = Scans::new();
        let hour = Duration::from_secs(3600);
        let run = |reader, budget| scans.run(Reach::Wide, Some(reader), budget, None, endless);
        let (mut first, soon) = (std::pin::pin!(run("alice", hour)), Duration::from_millis(1));
        let begun = async {
            while scans.wide.free() == AT_ONCE {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = &mut first => panic!("the search never ends by itself"),
            () = begun => {}
        }
        assert!(matches!(run("alice", soon).await, Err(QueryError::Busy)));
        assert!(run("bob", soon).await.unwrap());
    }

    #[tokio::test]
    async fn a_search_that_panics_is_an_error() {
        let panics = |_: Watch<'_>| -> Result<(), QueryError> { panic!("as a test") };
        let result = Scans::new().run(Reach::Narrow, None, Duration::from_secs(3600), None, panics).await;
        assert!(matches!(result, Err(QueryError::Interrupted)));
    }
}
