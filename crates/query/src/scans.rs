//! Runs searches on threads of their own, few at a time, each with a time budget.
//!
//! A search ends soon after its future is dropped or its budget is spent.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use crate::QueryError;
use crate::sweep::{Progress, Stop, Watch};

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
    wide: Arc<Semaphore>,
    narrow: Arc<Semaphore>,
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
        Scans { wide: Arc::new(Semaphore::new(AT_ONCE)), narrow: Arc::new(Semaphore::new(LOOKUPS_AT_ONCE)) }
    }

    /// Runs a search; once the budget is spent it is told to stop, and what it has by then is the result.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        reach: Reach,
        budget: Duration,
        progress: Option<Arc<watch::Sender<Progress>>>,
        search: impl FnOnce(Watch<'_>) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, QueryError> {
        let free = match reach {
            Reach::Wide => self.wide.clone(),
            Reach::Narrow => self.narrow.clone(),
        };
        let permit = free.acquire_owned().await.map_err(|_| QueryError::Interrupted)?;
        let stop = Arc::new(Stop::default());
        let stop_on_drop = StopOnDrop(stop.clone());
        let mut thread = tokio::task::spawn_blocking(move || {
            // The place is given back when the thread ends, not when its asker goes away.
            let _permit = permit;
            search(Watch { stop: &stop, progress: progress.as_deref() })
        });
        let result = tokio::select! {
            result = &mut thread => result,
            () = tokio::time::sleep(budget) => {
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
        let run = scans.run(Reach::Wide, Duration::from_secs(3600), None, move |watch| {
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
        let all = u32::try_from(AT_ONCE).expect("few");
        assert!(scans.wide.clone().acquire_many_owned(all).await.is_ok(), "its place is free again");
    }

    #[tokio::test]
    async fn a_search_without_time_gives_what_it_has() {
        assert!(Scans::new().run(Reach::Wide, Duration::ZERO, None, endless).await.unwrap());
    }

    #[tokio::test]
    async fn a_search_that_panics_is_an_error() {
        let panics = |_: Watch<'_>| -> Result<(), QueryError> { panic!("as a test") };
        let result = Scans::new().run(Reach::Narrow, Duration::from_secs(3600), None, panics).await;
        assert!(matches!(result, Err(QueryError::Interrupted)));
    }
}
