//! The recorder of a session, until it is sealed or found broken.
//!
//! All channels of a session write to one recorder and find out on their own that it broke. The invariant: it can be
//! taken away once, and whoever takes it away is the one who says so.

use std::sync::{Mutex, MutexGuard};

/// Holds a recorder that many use and one takes away.
pub(crate) struct Tape<R>(Mutex<Option<R>>);

impl<R: Clone> Tape<R> {
    /// A session without a recorder.
    pub(crate) fn none() -> Tape<R> {
        Tape(Mutex::new(None))
    }

    /// Puts the recorder in.
    pub(crate) fn put(&self, recorder: R) {
        *self.held() = Some(recorder);
    }

    /// Returns the recorder, while there is one.
    pub(crate) fn recorder(&self) -> Option<R> {
        self.held().clone()
    }

    /// Takes the recorder away; only the first who does gets it.
    pub(crate) fn take(&self) -> Option<R> {
        self.held().take()
    }

    /// Says whether there is a recorder.
    pub(crate) fn runs(&self) -> bool {
        self.held().is_some()
    }

    fn held(&self) -> MutexGuard<'_, Option<R>> {
        self.0.lock().expect("no panic happens while the lock is held")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_channels_that_find_the_recorder_broken_one_takes_it_away() {
        let tape = Tape::none();
        tape.put("recorder");
        let channels: Vec<_> = (0..3).map(|_| tape.recorder().unwrap()).collect();
        let told = channels.into_iter().filter(|_| tape.take().is_some()).count();
        assert_eq!(told, 1);
        assert!(!tape.runs());
        assert!(tape.recorder().is_none());
    }
}
