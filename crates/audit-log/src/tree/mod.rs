//! The Merkle tree over the leaves, in tiles 256 wide (RFC 6962, C2SP tlog-tiles).

pub(crate) mod edge;
pub mod path;
pub(crate) mod tiles;
pub(crate) mod view;

pub use path::{TileKind, TilePath, TilePathError};
