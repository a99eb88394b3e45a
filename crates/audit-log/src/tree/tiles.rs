//! Tiles as files below the log's folder.
//!
//! Tiles are derived from the write-ahead log, so writing one needs no sync: after a crash, those that are not known
//! to be on disk are written again. [`Tiles::sync`] makes all of them durable at once and remembers up to which size.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::checkpoint::parse_size;
use crate::tree::edge::narrow;
use crate::tree::path::{TILE_WIDTH, TilePath};

/// The largest tile that is read: 256 leaves of 512 bytes with their lengths.
const MAX_TILE_BYTES: u64 = 256 * (512 + 2);

/// Tiles below one folder.
#[derive(Clone, Debug)]
pub(crate) struct Tiles {
    folder: PathBuf,
}

impl Tiles {
    /// Keeps tiles below `folder`.
    pub(crate) fn new(folder: &Path) -> Tiles {
        Tiles { folder: folder.to_owned() }
    }

    /// Writes a tile, which others see whole or not at all; a full one makes its partial versions go away.
    pub(crate) fn write(&self, path: TilePath, bytes: &[u8]) -> io::Result<()> {
        let (fresh, file) = (self.folder.join("tile.new"), self.folder.join(path.to_string()));
        write_file(&fresh, bytes)?;
        match fs::rename(&fresh, &file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let parent = file.parent().unwrap_or(&self.folder);
                DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
                fs::rename(&fresh, &file)?;
            }
            other => other?,
        }
        if path.width < 256 { Ok(()) } else { self.drop_partials(path) }
    }

    /// Makes sure that a tile holds these bytes; one that does already is left alone, as others may be reading it.
    pub(crate) fn mend(&self, path: TilePath, bytes: &[u8]) -> io::Result<()> {
        if self.read(path)?.as_deref() != Some(bytes) {
            return self.write(path, bytes);
        }
        if path.width < 256 { Ok(()) } else { self.drop_partials(path) }
    }

    /// Removes the partial versions of a growing tile that do not fit what it holds now, as a crash may leave them.
    pub(crate) fn prune_partials(&self, path: TilePath, bytes: &[u8]) -> io::Result<()> {
        let entries = match fs::read_dir(self.folder.join(path.partial_folder())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        for entry in entries {
            let name = entry?.file_name();
            let Some(width) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            let partial = TilePath { width, ..path };
            let fits = narrow(path.kind, bytes, width);
            if fits.is_none() || self.read(partial)?.as_deref() != fits {
                fs::remove_file(self.folder.join(path.partial_folder()).join(name))?;
            }
        }
        Ok(())
    }

    fn drop_partials(&self, path: TilePath) -> io::Result<()> {
        match fs::remove_dir_all(self.folder.join(path.partial_folder())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes the entry bundles all of whose entries lie before position `begin`; says how many those were.
    ///
    /// Looks only into folders that may hold some, and leaves them, empty as they are, for the tiler may be at work there.
    pub(crate) fn drop_bundles(&self, begin: u64, removed: &mut dyn FnMut()) -> io::Result<u64> {
        self.drop_bundles_in("tile/entries", 0, begin / TILE_WIDTH, removed)
    }

    /// As above, in a folder that stands for `prefix`: its folders stand for `1000 * prefix` and up.
    fn drop_bundles_in(
        &self,
        folder: &str,
        prefix: u64,
        limit: u64,
        removed: &mut dyn FnMut(),
    ) -> io::Result<u64> {
        let entries = match fs::read_dir(self.folder.join(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            other => other?,
        };
        let mut count = 0;
        for entry in entries {
            let name = entry?.file_name();
            let Some(name) = name.to_str() else { continue };
            let path = format!("{folder}/{name}");
            if let Some(group) = name.strip_prefix('x').and_then(|digits| digits.parse::<u64>().ok()) {
                let prefix = prefix.saturating_mul(1000).saturating_add(group);
                if prefix.saturating_mul(1000) < limit {
                    count += self.drop_bundles_in(&path, prefix, limit, removed)?;
                }
                continue;
            }
            // Partial versions go with the full one.
            let Ok(bundle) = path.trim_end_matches(".p").parse::<TilePath>() else { continue };
            if bundle.index >= limit {
                continue;
            }
            if path.ends_with(".p") {
                fs::remove_dir_all(self.folder.join(&path))?;
            } else {
                fs::remove_file(self.folder.join(&path))?;
                count += 1;
            }
            removed();
        }
        Ok(count)
    }

    /// Reads a tile; `None` when there is none.
    pub(crate) fn read(&self, path: TilePath) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.folder.join(path.to_string())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(file, MAX_TILE_BYTES), &mut bytes)?;
        Ok(Some(bytes))
    }

    /// Makes all tiles durable and remembers that those below `size` are.
    pub(crate) fn sync(&self, size: u64) -> io::Result<()> {
        rustix::fs::syncfs(File::open(&self.folder)?)?;
        store::durable::replace(&self.hint(), format!("{size}\n").as_bytes())
    }

    /// The size below which tiles are said to be on disk; a hint only.
    pub(crate) fn synced(&self) -> Option<u64> {
        let text = fs::read_to_string(self.hint()).ok()?;
        parse_size(text.strip_suffix('\n')?)
    }

    fn hint(&self) -> PathBuf {
        self.folder.join("tiles.synced")
    }
}

fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let written = file.write_all(bytes);
    if written.is_err() {
        // A full disk needs the room.
        drop(fs::remove_file(path));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::path::TileKind;

    fn tile(width: u16) -> TilePath {
        TilePath { kind: TileKind::Hashes(0), index: 0, width }
    }

    #[test]
    fn a_write_that_fails_leaves_the_tile_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let tiles = Tiles::new(folder.path());
        tiles.write(tile(3), b"old").unwrap();
        fs::create_dir(folder.path().join("tile.new")).unwrap();
        tiles.write(tile(3), b"new").unwrap_err();
        tiles.write(tile(4), b"new").unwrap_err();
        assert_eq!(tiles.read(tile(3)).unwrap().as_deref(), Some(&b"old"[..]));
        assert_eq!(tiles.read(tile(4)).unwrap(), None, "no half of a tile is seen");
    }

    #[test]
    fn only_partial_tiles_that_fit_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let tiles = Tiles::new(folder.path());
        let bytes = [7; 4 * 32];
        for (width, stored) in
            [(1, &bytes[..32]), (2, &bytes[..63]), (3, b""), (4, &[0; 128]), (5, &[7; 160])]
        {
            tiles.write(tile(width), stored).unwrap();
        }
        tiles.prune_partials(tile(4), &bytes).unwrap();
        let kept = |width| tiles.read(tile(width)).unwrap().is_some();
        assert_eq!([1, 2, 3, 4, 5].map(kept), [true, false, false, false, false]);
        tiles.mend(tile(4), &bytes).unwrap();
        assert!(kept(4));
    }
}
