//! Steps of a decoder on their way: handed out one by one, and what is left is not forgotten.
//!
//! The decoder has moved on when it returns steps, and will not say again what they state. A half whose client is gone
//! stops between two of them, or is dropped while it waits; the facts of the steps that it did not take are then kept
//! for the channel's end. A fact that was handed out is with the log before its half can be dropped again.

use std::sync::Mutex;
use std::vec::IntoIter;

use event::Detail;

use super::super::file_tap::{FileFact, Step};

/// Steps that still have to be taken, of one direction.
pub(super) struct Steps<'a> {
    left: IntoIter<Step>,
    states: fn(&FileFact) -> bool,
    kept: &'a Mutex<Vec<FileFact>>,
}

impl<'a> Steps<'a> {
    /// Steps towards the client: whatever they state has happened on the target.
    pub(super) fn of_target(steps: Vec<Step>, kept: &'a Mutex<Vec<FileFact>>) -> Steps<'a> {
        Steps { left: steps.into_iter(), states: |_| true, kept }
    }

    /// Steps towards the target: a request that is not passed on does not happen, but what has moved has moved.
    pub(super) fn of_client(steps: Vec<Step>, kept: &'a Mutex<Vec<FileFact>>) -> Steps<'a> {
        Steps { left: steps.into_iter(), states: is_result, kept }
    }
}

fn is_result(fact: &FileFact) -> bool {
    fact.failure.is_some() || matches!(fact.detail, Detail::FileUpload(_) | Detail::FileDownload(_))
}

impl Iterator for Steps<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        self.left.next()
    }
}

impl Drop for Steps<'_> {
    fn drop(&mut self) {
        let held = self.left.by_ref().filter_map(|step| match step {
            Step::Hold { facts, .. } => Some(facts),
            Step::Pass(_) => None,
        });
        let facts = held.flatten().filter(self.states);
        self.kept.lock().expect("no panic happens while the lock is held").extend(facts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use event::kinds::file::{Moved, Named};

    fn named(path: &str) -> Named {
        Named { path: path.to_owned(), operation: "remove".to_owned() }
    }

    fn hold(detail: Detail) -> Step {
        Step::Hold { facts: vec![FileFact::done(detail)], bytes: Bytes::from_static(b"x") }
    }

    fn steps() -> Vec<Step> {
        let moved = Moved {
            path: "/b".to_owned(),
            protocol: "scp".to_owned(),
            direction: "upload".to_owned(),
            bytes: 1,
            sha256: None,
            contiguous: true,
        };
        vec![
            hold(Detail::FileRemove(named("/a"))),
            Step::Pass(Bytes::from_static(b"y")),
            hold(Detail::FileUpload(moved)),
            hold(Detail::FileRemove(named("/c"))),
        ]
    }

    fn kinds(kept: Mutex<Vec<FileFact>>) -> Vec<&'static str> {
        kept.into_inner().unwrap().iter().map(|fact| fact.detail.kind()).collect()
    }

    #[test]
    fn what_the_target_did_is_kept_when_the_client_is_gone() {
        let kept = Mutex::default();
        let mut steps = Steps::of_target(steps(), &kept);
        assert!(steps.next().is_some());
        drop(steps);
        assert_eq!(kinds(kept), ["file.upload", "file.remove"]);
    }

    #[tokio::test]
    async fn a_half_that_is_dropped_while_it_waits_leaves_what_it_did_not_take() {
        let kept = Mutex::default();
        let half = async {
            for _ in Steps::of_target(steps(), &kept) {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = half => {}
            () = std::future::ready(()) => {}
        }
        assert_eq!(kinds(kept), ["file.upload", "file.remove"]);
    }

    #[test]
    fn what_a_client_asked_and_was_not_passed_on_did_not_happen() {
        let kept = Mutex::default();
        drop(Steps::of_client(steps(), &kept));
        assert_eq!(kinds(kept), ["file.upload"]);
    }

    #[test]
    fn nothing_is_kept_of_what_was_taken() {
        let kept = Mutex::default();
        assert_eq!(Steps::of_target(steps(), &kept).count(), 4);
        assert_eq!(kinds(kept), [] as [&str; 0]);
    }
}
