//! The archive: what has left the write-ahead log, in files that any engine reads.
//!
//! A follower of the log keeps a growing part in memory, indexed as it grows, and seals it into immutable Parquet
//! segments, each with an index beside it that can always be made anew. Rows lie in the order of the log. What is not
//! here: the filter language and questions (`query`), and the log itself, which stays the ground truth until a segment
//! has been read back and compared.
#![forbid(unsafe_code)]

mod archive;
mod blocks;
mod catalog;
mod cells;
mod chain;
mod check;
mod column;
mod columns;
mod compact;
mod digest;
mod error;
mod extract;
mod fingerprint;
mod growing;
mod held;
mod index;
mod intake;
mod interner;
mod leaves;
mod merge;
mod name;
mod part;
mod read_at;
mod recent;
mod retain;
mod rollup;
mod seal;
mod sealer;
mod segment;
mod shelf;
mod status;
mod storage;
mod tokens;
mod wire;

pub use archive::{Archive, ArchiveConfig, Failure};
pub use blocks::{BLOCK_ROWS, Blocks};
pub use catalog::Catalog;
pub use cells::{RollupCell, RollupRun, Rollups};
pub use check::{Checked, Problem, Progress, Rebuild, Rebuilt, Tiles, Watch, rebuild, verify};
pub use column::{COLUMNS, Column};
pub use digest::Digests;
pub use error::ArchiveError;
pub use growing::{Entries, Growing};
#[doc(hidden)]
pub use leaves::probe_leaves;
pub use name::{ObjectKind, SegmentName};
pub use part::{
    Keys, Logged, LoggedRef, Part, PartError, Parts, RUN_BLOCKS, RollupKey, Run, Span, TimesApart, Visit,
};
pub use read_at::ReadAt;
pub use sealer::Sealer;
#[doc(hidden)]
pub use segment::probe_copy;
pub use segment::{Segment, SegmentWriter};
pub use status::Status;
pub use storage::Storage;
