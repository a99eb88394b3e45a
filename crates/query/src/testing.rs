//! A log made of a list, for tests.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use audit_log::ReadError;
use event::{Filter, FilterContext, Timestamp};

use crate::source::{Logged, Source};

/// Entries, how many of them one read gives, and how many reads there were.
pub(crate) struct Entries(pub(crate) Vec<Logged>, u64, AtomicU64);

impl Entries {
    /// Makes a log of these payloads; an entry's time is its position, in microseconds.
    pub(crate) fn of(payloads: &[impl AsRef<str>]) -> Entries {
        let logged = |(position, payload): (u64, &dyn AsRef<str>)| Logged {
            position,
            time: Timestamp::from_micros(i64::try_from(position).unwrap()),
            payload: payload.as_ref().as_bytes().to_vec(),
        };
        let payloads = payloads.iter().map(|payload| payload as &dyn AsRef<str>);
        Entries((0..).zip(payloads).map(logged).collect(), u64::MAX, AtomicU64::new(0))
    }

    pub(crate) fn numbered(size: u64) -> Entries {
        Entries::of(&(0..size).map(|number| format!(r#"{{"n":{number}}}"#)).collect::<Vec<_>>())
    }

    pub(crate) fn at_times(times: &[i64]) -> Entries {
        let mut entries = Entries::numbered(times.len() as u64);
        for (logged, time) in entries.0.iter_mut().zip(times) {
            logged.time = Timestamp::from_micros(*time);
        }
        entries
    }

    pub(crate) fn reading_at_most(mut self, most: u64) -> Entries {
        self.1 = most;
        self
    }

    pub(crate) fn reads(&self) -> u64 {
        self.2.load(Ordering::Relaxed)
    }
}

impl Source for Entries {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<Logged>, ReadError> {
        self.2.fetch_add(1, Ordering::Relaxed);
        let end = range.end.min(self.size()).min(range.start.saturating_add(self.1));
        let inside = self.0.iter().filter(|logged| (range.start..end).contains(&logged.position));
        Ok(inside.cloned().collect())
    }
}

pub(crate) fn filter(text: &str) -> Filter {
    Filter::parse(text, &FilterContext::utc(Timestamp::EPOCH)).unwrap()
}
