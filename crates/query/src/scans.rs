//! Runs scans on threads of their own, few at a time, each with a time budget.
//!
//! A scan ends soon after its future is dropped or its budget is spent.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::QueryError;
use crate::scan::Stop;
use crate::source::Source;

/// How many scans run at once; more wait, so that readers cannot take all threads and memory.
const AT_ONCE: usize = 4;

#[derive(Clone)]
pub(crate) struct Scans {
    source: Arc<dyn Source>,
    free: Arc<Semaphore>,
}

/// Stops the scan when the future that waits for it is dropped.
struct StopOnDrop(Arc<Stop>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.now();
    }
}

impl Scans {
    pub(crate) fn new(source: Arc<dyn Source>) -> Scans {
        Scans { source, free: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Runs a scan; once the budget is spent it is told to stop, and what it has by then is the result.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        budget: Duration,
        scan: impl FnOnce(&dyn Source, &Stop) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, QueryError> {
        let permit = self.free.clone().acquire_owned().await.map_err(|_| QueryError::Interrupted)?;
        let stop = Arc::new(Stop::default());
        let stop_on_drop = StopOnDrop(stop.clone());
        let source = self.source.clone();
        let mut thread = tokio::task::spawn_blocking(move || {
            // The place is given back when the thread ends, not when its asker goes away.
            let _permit = permit;
            scan(&*source, &stop)
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
    use std::ops::ControlFlow;
    use std::sync::mpsc;

    use super::*;
    use crate::testing::Entries;
    use crate::{Order, scan};

    fn endless(source: &dyn Source, stop: &Stop) -> Result<scan::Walked, QueryError> {
        loop {
            let walked =
                scan::walk(
                    source,
                    0..source.size(),
                    Order::OldestFirst,
                    stop,
                    |_| ControlFlow::Continue(()),
                )?;
            if walked.stopped {
                return Ok(walked);
            }
        }
    }

    #[tokio::test]
    async fn a_scan_whose_asker_goes_away_stops() {
        let scans = Scans::new(Arc::new(Entries::numbered(100)));
        let (ended, end) = mpsc::channel();
        let (started, start) = tokio::sync::oneshot::channel();
        let run = scans.run(Duration::from_secs(3600), move |source, stop| {
            let _ = started.send(());
            let result = endless(source, stop);
            let _ = ended.send(());
            result
        });
        tokio::select! {
            _ = run => panic!("the scan never ends by itself"),
            _ = start => {}
        }
        end.recv().expect("the dropped scan ended");
        assert!(scans.free.clone().acquire_many_owned(4).await.is_ok(), "its place is free again");
    }

    #[tokio::test]
    async fn a_scan_without_time_gives_what_it_has() {
        let scans = Scans::new(Arc::new(Entries::numbered(100)));
        assert!(scans.run(Duration::ZERO, endless).await.unwrap().stopped);
    }

    #[tokio::test]
    async fn a_scan_that_panics_is_an_error() {
        let scans = Scans::new(Arc::new(Entries::numbered(0)));
        let result = scans
            .run(Duration::from_secs(3600), |_, _| -> Result<(), QueryError> { panic!("as a test") })
            .await;
        assert!(matches!(result, Err(QueryError::Interrupted)));
    }
}
