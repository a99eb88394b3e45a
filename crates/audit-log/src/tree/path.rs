//! Paths of tiles and entry bundles (C2SP tlog-tiles): `tile/<level>/<index>[.p/<width>]`.
//!
//! An index is written in groups of three digits, all but the last marked with `x`: 1234067 is `x001/x234/067`.

use std::fmt;
use std::str::FromStr;

/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_WIDTH: u64 = 256;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes of a level, 0 to 63; level 0 holds the leaves' hashes.
    Hashes(u8),
    /// The leaves themselves, each after its length (u16 BE).
    Entries,
}

/// Names one tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    /// What the tile holds.
    pub kind: TileKind,
    /// Place of the tile within its level.
    pub index: u64,
    /// Number of hashes or entries: 256 when full.
    pub width: u16,
}

/// The path names no tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the path of a tile; tlog-tiles paths look like tile/0/x001/234 or tile/entries/000.p/17")]
pub struct TilePathError;

impl TilePath {
    /// Names a full tile.
    pub fn full(kind: TileKind, index: u64) -> TilePath {
        TilePath { kind, index, width: 256 }
    }

    /// Tells whether a log of `size` entries holds this tile's hashes or entries.
    pub fn is_within(&self, size: u64) -> bool {
        let level = match self.kind {
            TileKind::Hashes(level) => u32::from(level),
            TileKind::Entries => 0,
        };
        let hashes = size.checked_shr(8 * level).unwrap_or(0);
        let end =
            self.index.checked_mul(TILE_WIDTH).and_then(|start| start.checked_add(u64::from(self.width)));
        end.is_some_and(|end| end <= hashes)
    }

    /// Path of the folder of this tile's partial versions.
    pub(crate) fn partial_folder(&self) -> String {
        format!("{}.p", TilePath { width: 256, ..*self })
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for group in groups.iter().skip(1).rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", groups[0])?;
        if self.width < 256 {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

impl FromStr for TilePath {
    type Err = TilePathError;

    /// Reads a path; only the one canonical spelling of each tile is taken.
    fn from_str(text: &str) -> Result<TilePath, TilePathError> {
        if text.len() > 100 {
            return Err(TilePathError);
        }
        let rest = text.strip_prefix("tile/").ok_or(TilePathError)?;
        let (level, rest) = rest.split_once('/').ok_or(TilePathError)?;
        let kind = match level {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes(level.parse().ok().filter(|level| *level < 64).ok_or(TilePathError)?),
        };
        let (rest, width) = match rest.split_once(".p/") {
            Some((rest, width)) => {
                (rest, width.parse().ok().filter(|width| (1..256).contains(width)).ok_or(TilePathError)?)
            }
            None => (rest, 256),
        };
        let path = TilePath { kind, index: parse_index(rest).ok_or(TilePathError)?, width };
        Some(path).filter(|path| path.to_string() == text).ok_or(TilePathError)
    }
}

fn parse_index(text: &str) -> Option<u64> {
    text.split('/').try_fold(0u64, |index, group| {
        let digits = group.strip_prefix('x').unwrap_or(group);
        let digits = Some(digits)
            .filter(|digits| digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        index.checked_mul(1000)?.checked_add(digits.parse().ok()?)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn theirs(path: &TilePath) -> String {
        let width = u32::from(path.width);
        match path.kind {
            TileKind::Hashes(level) => tlog_tiles::Tile::new(8, level, path.index, width, false).path(),
            TileKind::Entries => tlog_tiles::Tile::new(8, 0, path.index, width, true).path(),
        }
    }

    proptest! {
        #[test]
        fn paths_are_those_of_another_implementation(level in 0u8..8, entries: bool, index in 0u64..1 << 40, width in 1u16..=256) {
            let kind = if entries { TileKind::Entries } else { TileKind::Hashes(level) };
            let path = TilePath { kind, index, width };
            let text = path.to_string();
            // That crate knows the older form of the data tile's name and a leading height.
            let other = theirs(&path).replacen("tile/8/", "tile/", 1).replacen("tile/data/", "tile/entries/", 1);
            prop_assert_eq!(&text, &other);
            prop_assert_eq!(text.parse::<TilePath>().unwrap(), path);
        }

        #[test]
        fn arbitrary_paths_are_canonical_or_refused(text in "tile/(entries|[0-9]{1,2})/(x[0-9]{3}/){0,8}[0-9]{1,3}(\\.p/[0-9]{1,3})?") {
            if let Ok(path) = text.parse::<TilePath>() {
                prop_assert_eq!(path.to_string(), text);
            }
        }
    }

    #[test]
    fn the_largest_index_has_a_path() {
        let path = TilePath::full(TileKind::Entries, u64::MAX);
        assert_eq!(path.to_string(), "tile/entries/x018/x446/x744/x073/x709/x551/615");
        assert_eq!(path.to_string().parse(), Ok(path));
        assert!(!path.is_within(u64::MAX));
    }

    #[test]
    fn other_paths_are_refused() {
        for text in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/0/1",
            "tile/0/x001",
            "tile/00/000",
            "tile/64/000",
            "tile/-1/000",
            "tile/+1/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/x000/001",
            "tile/0/001/002",
            "tile/0/../000",
            "/tile/0/000",
            "tile/entries/x018/x446/x744/x073/x709/x551/616",
            "checkpoint",
        ] {
            assert_eq!(text.parse::<TilePath>(), Err(TilePathError), "{text}");
        }
    }

    #[test]
    fn a_tile_is_within_a_log_that_fills_it() {
        assert!(TilePath::full(TileKind::Hashes(0), 0).is_within(256));
        assert!(!TilePath::full(TileKind::Hashes(0), 0).is_within(255));
        assert!(TilePath { kind: TileKind::Hashes(1), index: 0, width: 2 }.is_within(512));
        assert!(!TilePath { kind: TileKind::Hashes(1), index: 0, width: 2 }.is_within(511));
        assert!(!TilePath { kind: TileKind::Hashes(63), index: 0, width: 1 }.is_within(u64::MAX));
    }
}
