//! What there is to search at one moment: parts, and the entries behind them that no part has taken in yet.

use std::ops::Range;
use std::sync::Arc;

use archive::{Part, Parts};

use crate::Coverage;
use crate::source::Source;

/// Where everything lies.
pub(crate) struct Ground {
    pub(crate) log: Arc<dyn Source>,
    pub(crate) parts: Arc<dyn Parts>,
}

/// What there was at the beginning of a question: its answer covers this and nothing else.
pub(crate) struct Survey {
    pub(crate) log: Arc<dyn Source>,
    pub(crate) parts: Vec<Arc<dyn Part>>,
    /// The positions of entries that no part has.
    pub(crate) behind: Range<u64>,
    /// The first position that there is.
    first: u64,
    /// Entries in the log.
    pub(crate) size: u64,
}

/// No parts at all: everything is read from the log.
pub(crate) struct NoParts;

impl Parts for NoParts {
    fn parts(&self) -> Vec<Arc<dyn Part>> {
        Vec::new()
    }
}

impl Ground {
    /// Looks at what there is. Parts come first: whatever they do not have yet is below the size that is read after them.
    pub(crate) fn survey(&self) -> Survey {
        let parts = self.parts.parts();
        let size = self.log.size();
        let end = parts.last().map_or(0, |part| part.positions().end);
        let first = parts.first().map_or(0, |part| part.positions().start);
        Survey { log: self.log.clone(), parts, behind: end..size.max(end), first, size: size.max(end) }
    }
}

impl Survey {
    /// Says that all of it was searched.
    pub(crate) fn covered(&self, unreadable: u64) -> Coverage {
        Coverage { from: self.first, to: self.size, size: self.size, complete: true, unreadable }
    }

    /// Says that the search ended early, at a position up to which it is certain; at none where none is told.
    pub(crate) fn cut_short(&self, to: Option<u64>, unreadable: u64) -> Coverage {
        let to = to.unwrap_or(self.first).clamp(self.first, self.size);
        Coverage { from: self.first, to, size: self.size, complete: false, unreadable }
    }
}
