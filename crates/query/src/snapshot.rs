//! Everything there was at one moment, for as many scans as are wanted; what no part has yet is taken into one first.
//!
//! Not a copy: parts are shared with everybody else, and events are read when they are asked for.

use std::ops::Range;
use std::sync::Arc;

use archive::{Entries, Growing};
use audit_log::{Entry, ReadError};

use crate::ground::Survey;
use crate::{Query, QueryError};

/// Entries that no part has and that one snapshot takes in, at about a hundred bytes of memory each.
const MOST_BEHIND: u64 = if cfg!(test) { 1000 } else { 1 << 19 };

/// Everything there was at one moment, for as many scans as are wanted.
#[derive(Clone)]
pub struct Snapshot(pub(crate) Arc<Survey>);

/// Reads entries of a range: at least one where there is one.
pub(crate) type Read<'a> = dyn Fn(Range<u64>) -> Result<Vec<Entry>, ReadError> + 'a;

impl Query {
    /// Looks at what there is, and takes in what no part has yet.
    pub fn snapshot(&self) -> Result<Snapshot, QueryError> {
        let log = Arc::new(self.log.clone());
        Snapshot::of(self.ground.survey(), log, &|range| self.log.read(range))
    }
}

impl Snapshot {
    /// Takes in what no part has yet: `read` gives it now, and `log` its events when they are asked for.
    pub(crate) fn of(
        mut survey: Survey,
        log: Arc<dyn Entries>,
        read: &Read<'_>,
    ) -> Result<Snapshot, QueryError> {
        let behind = survey.behind.clone();
        let entries = behind.end - behind.start;
        if entries > MOST_BEHIND {
            return Err(QueryError::Behind { entries });
        }
        survey.behind = behind.end..behind.end;
        let mut growing = Growing::new(behind.start, log.clone());
        while growing.end() < behind.end {
            let position = growing.end();
            match read(position..behind.end) {
                Ok(entries) if entries.is_empty() => return Err(QueryError::Missing { position }),
                Ok(entries) => entries.iter().for_each(|entry| growing.push(entry)),
                // What was dropped for good is not there to be shown; what follows is a part of its own.
                Err(ReadError::Pruned { to, .. }) => {
                    keep(&mut survey, &growing);
                    growing = Growing::new(to.max(position + 1), log.clone());
                }
                Err(source) => return Err(QueryError::Read { position, source }),
            }
        }
        keep(&mut survey, &growing);
        Ok(Snapshot(Arc::new(survey)))
    }
}

fn keep(survey: &mut Survey, growing: &Growing) {
    if growing.rows() > 0 {
        survey.parts.push(growing.snapshot());
    }
}
