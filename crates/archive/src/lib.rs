//! The archive: what has left the write-ahead log, in files that any engine reads.
//!
//! A follower of the log keeps a growing part in memory, indexed as it grows, and seals it into immutable Parquet
//! segments, each with an index beside it that can always be made anew. Rows lie in the order of the log. What is not
//! here: the filter language and questions (`query`), and the log itself, which stays the ground truth until a segment
//! has been read back and compared.
#![forbid(unsafe_code)]

mod blocks;
mod column;
mod extract;
mod growing;
mod index;
mod intake;
mod interner;
mod part;
mod read_at;
mod recent;
mod rollup;
mod segment;
mod tokens;
mod wire;

pub use blocks::{BLOCK_ROWS, Blocks};
pub use column::{COLUMNS, Column};
pub use growing::{Entries, Growing};
pub use part::{Keys, Logged, Part, PartError, Parts, RollupCell, RollupKey, Rollups, Span};
pub use read_at::ReadAt;
pub use segment::{Segment, SegmentWriter};
