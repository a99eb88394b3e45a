//! Releasing: the write-ahead log gives up entries that an archive holds.
//!
//! Its invariant: whatever moment a crash picks, the segments that are left follow each other up to the log's end, the
//! hash tiles over everything before them are on disk, and the archive reaches up to the first of them. So tiles are synced
//! first, and segments go oldest first, each removal durable before the next. An index goes before its segment, for
//! one without its segment belongs to nothing; a segment without its index only takes longer to open. Entry bundles go last;
//! those that a crash leaves behind are removed at the next opening.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use crate::error::ReleaseError;
use crate::shared::{Shared, chain_of_causes};
use crate::tree::tiles::Tiles;
use crate::wal::segments::Segment;

/// What was released.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// Position of the first entry that the write-ahead log still holds.
    pub begin: u64,
    /// Segments that were removed now.
    pub segments: u64,
    /// Bytes of entries in them.
    pub bytes: u64,
    /// Entry bundles that were removed now.
    pub bundles: u64,
}

/// Whether segments may still be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Releasing {
    /// The folder is ours.
    Allowed,
    /// The log was shut down: another process may have the folder.
    Over,
}

/// Removes what lies below `up_to` and in the archive; calls `changed` after each change of a file.
pub(crate) fn release(
    shared: &Shared,
    up_to: u64,
    changed: &mut dyn FnMut(),
) -> Result<Released, ReleaseError> {
    let releasing = shared.releasing.lock().unwrap_or_else(PoisonError::into_inner);
    if *releasing == Releasing::Over || shared.queue.failure().is_some() {
        return Err(ReleaseError::Closed);
    }
    let sealed = shared.config.sealed.as_ref().ok_or(ReleaseError::NoArchive)?;
    let published = shared.published().checkpoint.size;
    // What no checkpoint covers has no tiles yet.
    let limit = up_to.min(sealed.end()).min(published);
    let mut released = Released::default();
    while let Some(segment) = shared.segments.oldest_closed(limit) {
        sync_tiles(shared, published, changed)?;
        released.segments += 1;
        released.bytes += segment.look(|index| index.offset);
        remove(shared, &segment, changed)?;
    }
    released.begin = shared.segments.begin();
    let tiles = Tiles::new(&shared.config.folder);
    let dropped = tiles.drop_bundles(released.begin, changed);
    released.bundles = dropped.map_err(fault("remove entry bundles below", &shared.config.folder))?;
    Ok(released)
}

fn sync_tiles(shared: &Shared, published: u64, changed: &mut dyn FnMut()) -> Result<(), ReleaseError> {
    let folder = shared.config.folder.join("tile");
    durably(shared, shared.sync_tiles(published)).map_err(fault("sync", &folder))?;
    changed();
    Ok(())
}

fn remove(shared: &Shared, segment: &Arc<Segment>, changed: &mut dyn FnMut()) -> Result<(), ReleaseError> {
    let wal = shared.config.folder.join("wal");
    // Readers go to the archive from here on.
    shared.segments.forget_oldest();
    for path in [segment.path.with_extension("idx"), segment.path.clone()] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                // The next one must not go before it.
                shared.segments.remember_oldest(segment.clone());
                return Err(fault("remove", &path)(error));
            }
            _ => changed(),
        }
        durably(shared, store::durable::sync_folder(&wal)).map_err(fault("sync", &wal))?;
    }
    Ok(())
}

/// After a sync that went wrong nothing may be assumed of the disk: the log fails, as it does for the writer's.
fn durably(shared: &Shared, result: io::Result<()>) -> io::Result<()> {
    if let Err(error) = &result {
        shared.fail(&chain_of_causes(error));
    }
    result
}

fn fault<'a>(verb: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> ReleaseError + 'a {
    move |source| ReleaseError::Io { verb, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use event::kinds::log::Overload;
    use event::{Actor, Ambient, Detail, Event, Timestamp};
    use store::vault::{RandomFill, Vault};

    use super::*;
    use crate::sealed::{Sealed, SealedBody, SealedEntry, SealedError};
    use crate::verify::{Checks, Tail, verify_log_with};
    use crate::{AuditLog, Entry, LogConfig};

    /// An archive of everything below a position.
    #[derive(Debug)]
    struct Copy {
        entries: Vec<SealedEntry>,
    }

    impl Sealed for Copy {
        fn end(&self) -> u64 {
            self.entries.len() as u64
        }

        fn read(&self, range: std::ops::Range<u64>) -> Result<Vec<SealedEntry>, SealedError> {
            Ok(self.entries[range.start as usize..range.end as usize].to_vec())
        }

        fn last_seq(&self, _source: &str) -> Option<u64> {
            let last = self.entries.last()?;
            Some(crate::Leaf::decode(&last.leaf).ok()?.seq)
        }

        fn last_time(&self) -> Option<Timestamp> {
            Some(crate::Leaf::decode(&self.entries.last()?.leaf).ok()?.time)
        }

        fn first_at(&self, _time: Timestamp) -> Result<u64, SealedError> {
            Ok(0)
        }
    }

    struct Bed {
        room: tempfile::TempDir,
        ambient: Ambient,
    }

    impl Bed {
        fn open(&self, folder: &str, sealed: Option<Arc<dyn Sealed>>) -> AuditLog {
            let ambient = self.ambient.clone();
            let random: RandomFill = Arc::new(move |bytes: &mut [u8]| ambient.fill(bytes));
            let vault = Vault::open(&self.room.path().join("master.key"), &random).unwrap();
            let config = LogConfig {
                reserve_bytes: 0,
                ballast_bytes: 0,
                segment_bytes: 30_000,
                sealed,
                ..LogConfig::new(self.path(folder), "lodge.example.com/log")
            };
            AuditLog::open(config, &vault, self.ambient.clone()).unwrap()
        }

        fn path(&self, folder: &str) -> PathBuf {
            self.room.path().join(folder)
        }

        fn event(&self) -> Event {
            let detail = Detail::LogOverload(Overload { refused: 1, queued_bytes: 0 });
            Event::new(&self.ambient, Actor::human("alice"), detail)
        }
    }

    fn copy_folder(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            let target = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy_folder(&entry.path(), &target);
            } else {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }

    fn all(log: &AuditLog) -> Vec<Entry> {
        let mut entries = Vec::new();
        while (entries.len() as u64) < log.size() {
            entries.extend(log.read(entries.len() as u64..log.size()).unwrap());
        }
        entries
    }

    fn bundles(log: &Path) -> Vec<PathBuf> {
        let found = fs::read_dir(log.join("tile/entries")).unwrap().map(|entry| entry.unwrap().path());
        found.filter(|path| path.is_file()).collect()
    }

    /// Removals of bundles are not synced: a power cut may bring any of them back.
    #[tokio::test]
    async fn a_crash_at_any_step_leaves_a_log_that_opens_and_verifies() {
        let room = tempfile::tempdir().unwrap();
        let (ambient, _) = Ambient::fixed(Timestamp::from_micros(1_764_000_000_000_000), 3);
        let bed = Bed { room, ambient };
        let log = bed.open("log", None);
        for _ in 0..16 {
            let batch = (0..60).map(|seq| (seq, bed.event().encode())).collect();
            log.append_batch("kube", batch).await.unwrap();
        }
        log.shutdown();
        let held = all(&log);
        drop(log);

        let seal = |entry: &Entry| SealedEntry {
            position: entry.position,
            leaf: entry.leaf.encode(),
            body: Some(SealedBody { salt: entry.salt, payload: entry.payload.clone() }),
        };
        let sealed: Arc<dyn Sealed> = Arc::new(Copy { entries: held.iter().map(seal).collect() });
        let log = bed.open("log", Some(sealed.clone()));
        log.checkpoint_covering(log.size()).await.unwrap();
        let key = log.verifier_key().parse().unwrap();
        copy_folder(&bed.path("log/tile/entries"), &bed.path("entries"));
        let mut copies = vec![bed.path("log")];
        let released = log.release_watched(900, &mut || {
            copies.push(bed.path(&format!("copy-{}", copies.len())));
            copy_folder(&copies[0], &copies[copies.len() - 1]);
        });
        let released = released.unwrap();
        assert!(released.segments > 5 && released.bundles == 3 && released.begin <= 900, "{released:?}");
        assert_eq!(copies.len() as u64, 1 + 3 * released.segments + released.bundles);
        log.shutdown();
        drop(log);

        copies.remove(0);
        let newest = copies.last().unwrap().clone();
        let with_bundles = bed.path("copy-with-bundles");
        copy_folder(&newest, &with_bundles);
        copy_folder(&bed.path("entries"), &with_bundles.join("tile/entries"));
        copies.push(with_bundles);
        for copy in copies {
            let check = |tail| {
                let checks = Checks { tail, sealed: Some(&*sealed), ..Checks::default() };
                let report = verify_log_with(&copy, &key, &checks, &mut |_| ()).unwrap();
                assert!(report.is_intact(), "{}: {:?}", copy.display(), report.damage);
                report.entries
            };
            assert_eq!(check(Tail::BeingWritten), 962, "{}", copy.display());
            let log = bed.open(copy.file_name().unwrap().to_str().unwrap(), Some(sealed.clone()));
            assert_eq!(all(&log)[..held.len()], held);
            let begin = log.health().released;
            log.shutdown();
            assert_eq!(check(Tail::AtRest), 963);
            assert_eq!(bundles(&copy).len() as u64, 3 - begin / 256, "what a crash left is removed");
        }
    }
}
