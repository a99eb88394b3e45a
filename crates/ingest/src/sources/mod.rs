//! The sources. One file each; one line each in the list.
//!
//! A source reads one line and says what it holds. It does not know where the line comes from, and appends nothing.

mod kubernetes;
mod ndjson;

use bytes::Bytes;
use event::{EncodedEvent, Picks, Timestamp};

/// Every source, by the name that people type.
pub static SOURCES: &[&dyn Format] = &[&kubernetes::Kubernetes, &ndjson::Ndjson];

/// Finds a source by its name.
pub fn source(name: &str) -> Option<&'static dyn Format> {
    SOURCES.iter().copied().find(|source| source.name() == name)
}

/// What a source's lines look like.
pub trait Format: Sync {
    /// Returns the name that people type.
    fn name(&self) -> &'static str;

    /// Reads a line: finds one event or rejection at least.
    fn read<'a>(&self, line: &'a str, place: &Place<'_>, picks: &mut Picks<'a>, found: &mut Found);
}

/// Where a line stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    /// Name of the reporting system.
    pub name: &'p str,
    /// Source id in the log.
    pub id: &'p str,
    /// Place in the source's sequence: the byte behind the line.
    pub seq: u64,
    /// The bytes of which the line is a part.
    pub body: &'p Bytes,
    /// The present, for records that tell no time.
    pub now: Timestamp,
}

/// What a line holds.
#[derive(Debug, Default)]
pub struct Found {
    /// Events, in order.
    pub events: Vec<EncodedEvent>,
    /// Why some of it, or all, is no event.
    pub rejected: Vec<String>,
}

impl Found {
    fn reject(&mut self, why: impl Into<String>) {
        self.rejected.push(why.into());
    }
}
