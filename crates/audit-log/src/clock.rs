//! Log time: never goes backwards, and every jump of the clock behind it is noticed.

use std::time::Duration;

use event::Timestamp;

/// Steps back up to this long are the ordinary work of a time daemon.
const TOLERANCE: Duration = Duration::from_secs(1);

/// Makes log time from readings of the clock.
pub(crate) struct LogClock {
    reading: Timestamp,
    time: Timestamp,
    ahead: Duration,
    /// Right after opening only a step back says something: nobody looked at the clock before.
    fresh: bool,
}

/// A jump of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Jump {
    pub(crate) before: Timestamp,
    pub(crate) after: Timestamp,
}

impl LogClock {
    /// Goes on from the log time of the last entry; a move forward by more than `ahead` is a jump.
    pub(crate) fn new(last: Timestamp, ahead: Duration) -> LogClock {
        LogClock { reading: last, time: last, ahead, fresh: true }
    }

    /// Takes a reading; returns the log time, and the jump that it shows.
    pub(crate) fn read(&mut self, now: Timestamp) -> (Timestamp, Option<Jump>) {
        let back = self.reading.since(now) > TOLERANCE;
        let ahead = !self.fresh && now.since(self.reading) > self.ahead;
        let jump = (back || ahead).then_some(Jump { before: self.reading, after: now });
        self.fresh = false;
        self.reading = now;
        self.time = self.time.max(now);
        (self.time, jump)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn log_time_never_goes_back_and_each_jump_is_told_once() {
        let mut clock = LogClock::new(at(1000), Duration::from_secs(3600));
        assert_eq!(clock.read(at(90_000)), (at(90_000), None), "a log may lie closed for a day");
        assert_eq!(clock.read(at(89_999)), (at(90_000), None), "a small step back is no jump");
        let jump = Jump { before: at(89_999), after: at(100) };
        assert_eq!(clock.read(at(100)), (at(90_000), Some(jump)));
        assert_eq!(clock.read(at(101)), (at(90_000), None));
        let jump = Jump { before: at(101), after: at(95_000) };
        assert_eq!(clock.read(at(95_000)), (at(95_000), Some(jump)));
    }

    #[test]
    fn a_clock_that_stands_before_the_last_entry_at_opening_has_jumped() {
        let mut clock = LogClock::new(at(1000), Duration::from_secs(3600));
        assert_eq!(clock.read(at(10)), (at(1000), Some(Jump { before: at(1000), after: at(10) })));
    }
}
