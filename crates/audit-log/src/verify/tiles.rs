//! The tile files of a log as they lie on the disk: names, candidates for one tile, and files that do not belong.
//!
//! Paths are those of C2SP tlog-tiles. Reading is bounded by the size that a tile can have.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::leaf::MAX_LEAF_BYTES;

/// Hashes of a full tile, and leaves of a full entry bundle.
pub(crate) const TILE_WIDTH: usize = 256;
/// Deepest folder below `tile/` that a tile can lie in.
const MAX_DEPTH: usize = 12;

/// Which sequence of tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Series {
    /// Hashes of a level; 0 holds the leaves' hashes.
    Level(u8),
    /// The leaves themselves.
    Entries,
}

/// A tile or bundle that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredTile {
    /// Path relative to the log's folder.
    pub file: String,
    /// Width that its name says: 1 to 256.
    pub width: usize,
}

/// The log's folder, as far as tiles are concerned.
#[derive(Clone, Debug)]
pub(crate) struct TileFolder {
    folder: PathBuf,
}

impl TileFolder {
    /// Looks at the tiles below `folder`.
    pub fn new(folder: &Path) -> TileFolder {
        TileFolder { folder: folder.to_owned() }
    }

    /// Lists the full tile and all partial ones at an index, widest first.
    pub fn stored(&self, series: Series, index: u64) -> Vec<StoredTile> {
        let full = path(series, index);
        let mut found = Vec::new();
        if self.folder.join(&full).exists() {
            found.push(StoredTile { file: full.clone(), width: TILE_WIDTH });
        }
        let partials = fs::read_dir(self.folder.join(format!("{full}.p")));
        let mut widths: Vec<usize> = partials
            .into_iter()
            .flatten()
            .filter_map(|entry| partial_width(entry.ok()?.file_name().to_str()?))
            .collect();
        widths.sort_unstable_by(|a, b| b.cmp(a));
        found.extend(widths.into_iter().map(|width| StoredTile { file: format!("{full}.p/{width}"), width }));
        found
    }

    /// Reads a tile's bytes, at most one more than its width allows.
    pub fn read(&self, series: Series, tile: &StoredTile) -> io::Result<Vec<u8>> {
        let each = if series == Series::Entries { 2 + MAX_LEAF_BYTES } else { 32 };
        read_bounded(&self.folder.join(&tile.file), (tile.width * each) as u64)
    }

    /// Visits every file below `tile/` with its relative path; folders that cannot be read come with the error.
    pub fn walk(&self, visit: &mut dyn FnMut(&str, Option<io::Error>)) {
        if self.folder.join("tile").exists() {
            self.walk_folder("tile", 0, visit);
        }
    }

    fn walk_folder(&self, relative: &str, depth: usize, visit: &mut dyn FnMut(&str, Option<io::Error>)) {
        let entries = match fs::read_dir(self.folder.join(relative)) {
            Ok(entries) => entries,
            Err(error) => return visit(relative, Some(error)),
        };
        for entry in entries.flatten() {
            let below = format!("{relative}/{}", entry.file_name().to_string_lossy());
            if depth < MAX_DEPTH && entry.path().is_dir() {
                self.walk_folder(&below, depth + 1, visit);
            } else {
                visit(&below, None);
            }
        }
    }
}

/// Reads a regular file of at most `limit` bytes, one more where it is longer.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_regular(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a file unless it is a folder, a pipe or a device, which might never end.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    File::open(path)
}

/// Returns the path of a full tile.
pub(crate) fn path(series: Series, index: u64) -> String {
    let mut number = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        number = format!("x{:03}/{number}", rest % 1000);
        rest /= 1000;
    }
    match series {
        Series::Level(level) => format!("tile/{level}/{number}"),
        Series::Entries => format!("tile/entries/{number}"),
    }
}

/// Reads a path back; nothing where no tile has it.
pub(crate) fn parse_path(file: &str) -> Option<(Series, u64, usize)> {
    let (series, number) = file.strip_prefix("tile/")?.split_once('/')?;
    let series = match series {
        "entries" => Series::Entries,
        level => Series::Level(level.parse().ok().filter(|level| *level < 64)?),
    };
    let (number, width) = match number.rsplit_once(".p/") {
        Some((number, width)) => (number, partial_width(width)?),
        None => (number, TILE_WIDTH),
    };
    let mut index = 0u64;
    for part in number.split('/') {
        let digits = part.strip_prefix('x').unwrap_or(part);
        index = index.checked_mul(1000)?.checked_add(digits.parse::<u16>().ok()?.into())?;
    }
    // Writing it again finds every other spelling: signs, missing zeros, a missing or superfluous `x`.
    let canonical = match width {
        TILE_WIDTH => path(series, index),
        width => format!("{}.p/{width}", path(series, index)),
    };
    (canonical == file).then_some((series, index, width))
}

fn partial_width(name: &str) -> Option<usize> {
    let width: usize = name.parse().ok()?;
    ((1..TILE_WIDTH).contains(&width) && width.to_string() == name).then_some(width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_those_of_the_standard() {
        assert_eq!(path(Series::Level(0), 1_234_067), "tile/0/x001/x234/067");
        assert_eq!(path(Series::Entries, 0), "tile/entries/000");
        assert_eq!(parse_path("tile/3/x001/000.p/17"), Some((Series::Level(3), 1000, 17)));
        for stray in [
            "tile/0/1",
            "tile/0/0001",
            "tile/0/x000/001",
            "tile/0/001.p/0",
            "tile/0/001.p/256",
            "tile/0/001.p/07",
            "tile/00/001",
            "tile/64/001",
            "tile/x/001",
            "tile/0/001.tmp",
            "tile/0/x001",
            "tile/0/+01",
            "checkpoint",
            "tile/0/001/002",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(parse_path(stray), None, "{stray}");
        }
    }

    proptest! {
        #[test]
        fn paths_agree_with_another_implementation(index in 0u64..2_000_000_000, level in 0u8..7, width in 1u32..=256) {
            let ours = match width {
                256 => path(Series::Level(level), index),
                width => format!("{}.p/{width}", path(Series::Level(level), index)),
            };
            let theirs = tlog_tiles::Tile::new(8, level, index, width, false).path();
            // The other one names the tile's height as well.
            prop_assert_eq!(&ours, &theirs.replace("tile/8/", "tile/"));
            prop_assert_eq!(parse_path(&ours), Some((Series::Level(level), index, width as usize)));
        }

        #[test]
        fn arbitrary_paths_never_panic(file in "(tile/)?[x0-9a-z./+]{0,40}") {
            parse_path(&file);
        }
    }
}
