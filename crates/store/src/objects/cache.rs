//! A bounded cache of ranges on a local disk, in front of objects that lie elsewhere.
//!
//! Objects never change, so what was once read is right for ever; what is kept is checked (CRC32C) each time it is used,
//! and a damaged or cut file is only a miss. The cache is never needed: it may be emptied at any time. A restart keeps
//! it; which chunks go first is then decided by the age of their files.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};

use super::{Object, ObjectError, Objects, fault};
use crate::durable;

/// Bytes of one chunk.
pub const CHUNK_BYTES: usize = 1 << 20;

const MAGIC: &[u8; 4] = b"LDC1";
/// Before a chunk's bytes: magic, CRC32C (LE) of all that follows, length of the key (u16 LE), the key.
const FIXED: usize = 4 + 4 + 2;
/// Adjacent missing chunks that are fetched in one go.
const MOST_AT_ONCE: u64 = 16;

/// Objects whose ranges are kept in a local folder.
pub struct CachedObjects {
    inner: Arc<dyn Objects>,
    cache: Arc<Cache>,
}

impl CachedObjects {
    /// Puts a cache of at most `most_bytes` in `folder` before `inner`. What an earlier run kept there is used again.
    pub fn new(
        inner: Arc<dyn Objects>,
        folder: &Path,
        most_bytes: u64,
    ) -> Result<CachedObjects, ObjectError> {
        let cache = Cache::open(folder, most_bytes);
        let cache =
            cache.map_err(|error| fault("open the cache of", &folder.display().to_string(), error))?;
        Ok(CachedObjects { inner, cache: Arc::new(cache) })
    }

    /// Returns how many bytes the cache holds.
    pub fn cached_bytes(&self) -> u64 {
        self.cache.kept().bytes
    }
}

impl Objects for CachedObjects {
    fn open(&self, path: &str) -> Result<Option<Arc<dyn Object>>, ObjectError> {
        let Some(inner) = self.inner.open(path)? else { return Ok(None) };
        // Without a tag nothing tells these bytes from those that an object removed earlier had.
        if inner.tag().is_empty() {
            return Ok(Some(inner));
        }
        let key = format!("{path}\0{}\0{}", inner.len(), inner.tag());
        if key.len() > usize::from(u16::MAX) {
            return Ok(Some(inner));
        }
        Ok(Some(Arc::new(CachedObject { inner, key, cache: self.cache.clone() })))
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        self.inner.list(prefix)
    }
}

struct CachedObject {
    inner: Arc<dyn Object>,
    key: String,
    cache: Arc<Cache>,
}

impl CachedObject {
    fn chunk_length(&self, chunk: u64) -> usize {
        let left = self.inner.len() - chunk * CHUNK_BYTES as u64;
        usize::try_from(left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES)
    }

    /// Reads chunks from the store in one go and keeps each of them.
    fn fetch(&self, first: u64, count: u64) -> io::Result<Vec<Bytes>> {
        let lengths: Vec<usize> = (first..first + count).map(|chunk| self.chunk_length(chunk)).collect();
        let mut bytes = self.inner.read_at(first * CHUNK_BYTES as u64, lengths.iter().sum())?;
        let mut chunks = Vec::with_capacity(lengths.len());
        for (chunk, length) in (first..).zip(lengths) {
            let part = bytes.split_to(length);
            self.cache.store(&self.key, chunk, &part);
            chunks.push(part);
        }
        Ok(chunks)
    }
}

impl Object for CachedObject {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let size = CHUNK_BYTES as u64;
        let end = offset.checked_add(length as u64).filter(|end| *end <= self.len());
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        if length == 0 {
            return Ok(Bytes::new());
        }
        let chunks = offset / size..end.div_ceil(size);
        let mut parts: Vec<Option<Bytes>> =
            chunks.clone().map(|chunk| self.cache.find(&self.key, chunk, self.chunk_length(chunk))).collect();
        let mut at = 0;
        while at < parts.len() {
            let missing = parts[at..].iter().take_while(|part| part.is_none()).count() as u64;
            if missing == 0 {
                at += 1;
                continue;
            }
            for part in self.fetch(chunks.start + at as u64, missing.min(MOST_AT_ONCE))? {
                parts[at] = Some(part);
                at += 1;
            }
        }
        Ok(cut(parts.into_iter().flatten().collect(), (offset % size) as usize, length))
    }

    fn tag(&self) -> &str {
        self.inner.tag()
    }
}

/// Joins neighbouring chunks and cuts the asked range out of them.
fn cut(parts: Vec<Bytes>, skip: usize, length: usize) -> Bytes {
    if let [only] = &parts[..] {
        return only.slice(skip..skip + length);
    }
    let mut joined = BytesMut::with_capacity(length);
    let mut skip = skip;
    for part in &parts {
        let end = part.len().min(skip + length - joined.len());
        joined.extend_from_slice(&part[skip..end]);
        skip = 0;
    }
    joined.freeze()
}

/// The files of the cache.
struct Cache {
    folder: PathBuf,
    most_bytes: u64,
    kept: Mutex<Kept>,
}

/// Which chunks are there, and which was used last.
#[derive(Default)]
struct Kept {
    by_name: HashMap<u64, (u64, u64)>,
    by_use: BTreeMap<u64, u64>,
    uses: u64,
    bytes: u64,
}

impl Kept {
    fn used(&mut self, name: u64, length: u64) {
        self.forget(name);
        self.uses += 1;
        self.by_name.insert(name, (self.uses, length));
        self.by_use.insert(self.uses, name);
        self.bytes += length;
    }

    fn forget(&mut self, name: u64) {
        if let Some((used, length)) = self.by_name.remove(&name) {
            self.by_use.remove(&used);
            self.bytes -= length;
        }
    }

    /// Chooses what must go so that no more than `most` bytes stay.
    fn evict(&mut self, most: u64) -> Vec<u64> {
        let mut gone = Vec::new();
        while self.bytes > most {
            let Some((_, name)) = self.by_use.first_key_value() else { break };
            let name = *name;
            self.forget(name);
            gone.push(name);
        }
        gone
    }
}

impl Cache {
    fn open(folder: &Path, most_bytes: u64) -> io::Result<Cache> {
        durable::create_folder(folder)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            match name.to_str().and_then(name_of) {
                Some(name) => {
                    let about = entry.metadata()?;
                    found.push((about.modified()?, name, about.len()));
                }
                // Half a chunk of a run that was killed, or nothing of ours.
                None if name.to_string_lossy().ends_with(".new") => drop(fs::remove_file(entry.path())),
                None => {}
            }
        }
        found.sort_unstable();
        let mut kept = Kept::default();
        found.into_iter().for_each(|(_, name, length)| kept.used(name, length));
        let cache = Cache { folder: folder.to_owned(), most_bytes, kept: Mutex::new(kept) };
        cache.shrink();
        Ok(cache)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, name: u64) -> PathBuf {
        self.folder.join(format!("{name:016x}.chunk"))
    }

    fn find(&self, key: &str, chunk: u64, length: usize) -> Option<Bytes> {
        let key = format!("{key}\0{chunk}");
        let name = fnv(key.as_bytes());
        if !self.kept().by_name.contains_key(&name) {
            return None;
        }
        let file = fs::read(self.path(name)).ok().map(Bytes::from);
        let found = file.as_ref().and_then(|file| opened(file, &key, length));
        let mut kept = self.kept();
        match (&found, file) {
            (Some(_), Some(file)) => kept.used(name, file.len() as u64),
            _ => kept.forget(name),
        }
        found
    }

    /// Keeps a chunk; where the disk refuses, it is read from the store again next time.
    fn store(&self, key: &str, chunk: u64, bytes: &[u8]) {
        let key = format!("{key}\0{chunk}");
        let name = fnv(key.as_bytes());
        let file = sealed(&key, bytes);
        if file.len() as u64 > self.most_bytes {
            return;
        }
        let path = self.path(name);
        let fresh = path.with_extension(format!("{:?}.new", std::thread::current().id()));
        if fs::write(&fresh, &file).and_then(|()| fs::rename(&fresh, &path)).is_ok() {
            self.kept().used(name, file.len() as u64);
            self.shrink();
        } else {
            let _ = fs::remove_file(&fresh);
        }
    }

    fn shrink(&self) {
        let gone = self.kept().evict(self.most_bytes);
        for name in gone {
            let _ = fs::remove_file(self.path(name));
        }
    }
}

fn name_of(file: &str) -> Option<u64> {
    let name = file.strip_suffix(".chunk").filter(|name| name.len() == 16)?;
    u64::from_str_radix(name, 16).ok()
}

fn sealed(key: &str, bytes: &[u8]) -> Vec<u8> {
    let key_length = u16::try_from(key.len()).unwrap_or(u16::MAX).to_le_bytes();
    let mut file = Vec::with_capacity(FIXED + key.len() + bytes.len());
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&[0; 4]);
    file.extend_from_slice(&key_length);
    file.extend_from_slice(key.as_bytes());
    file.extend_from_slice(bytes);
    let sum = crc32c::crc32c(&file[8..]).to_le_bytes();
    file[4..8].copy_from_slice(&sum);
    file
}

/// Takes the chunk out of its file; `None` unless the file is whole and of this very chunk.
fn opened(file: &Bytes, key: &str, length: usize) -> Option<Bytes> {
    let fits = file.len() == FIXED + key.len() + length && file.starts_with(MAGIC);
    let sum = u32::from_le_bytes(*file.get(4..)?.first_chunk()?);
    let whole = fits && crc32c::crc32c(&file[8..]) == sum && file[FIXED..].starts_with(key.as_bytes());
    whole.then(|| file.slice(FIXED + key.len()..))
}

/// FNV-1a, finalised so that every bit counts; the key in the file settles what the name cannot.
fn fnv(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93) ^ (hash >> 29)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use proptest::prelude::*;

    use super::*;

    /// One object elsewhere that counts how often it is asked.
    struct Elsewhere {
        bytes: Bytes,
        tag: &'static str,
        reads: Arc<AtomicU64>,
    }

    impl Object for Elsewhere {
        fn len(&self) -> u64 {
            self.bytes.len() as u64
        }

        fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes> {
            self.reads.fetch_add(1, Ordering::Relaxed);
            let offset = offset as usize;
            if offset + length > self.bytes.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(self.bytes.slice(offset..offset + length))
        }

        fn tag(&self) -> &str {
            self.tag
        }
    }

    impl Objects for Elsewhere {
        fn open(&self, _: &str) -> Result<Option<Arc<dyn Object>>, ObjectError> {
            let Elsewhere { bytes, tag, reads } = self;
            Ok(Some(Arc::new(Elsewhere { bytes: bytes.clone(), tag, reads: reads.clone() })))
        }

        fn list(&self, _: &str) -> Result<Vec<String>, ObjectError> {
            Ok(Vec::new())
        }
    }

    fn elsewhere(length: usize, tag: &'static str) -> (Arc<Elsewhere>, Arc<AtomicU64>) {
        let bytes: Vec<u8> = (0..length).map(|at| (at * 31 / 7 % 251) as u8).collect();
        let reads = Arc::new(AtomicU64::new(0));
        (Arc::new(Elsewhere { bytes: bytes.into(), tag, reads: reads.clone() }), reads)
    }

    #[test]
    fn what_was_read_once_is_not_fetched_again_even_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let (inner, reads) = elsewhere(3 * CHUNK_BYTES + 5, "v1");
        for expected in [1, 1] {
            let objects = CachedObjects::new(inner.clone(), folder.path(), 1 << 30).unwrap();
            let object = objects.open("a").unwrap().unwrap();
            let bytes = object.read_at(10, 3 * CHUNK_BYTES - 5).unwrap();
            assert_eq!(bytes, inner.bytes.slice(10..3 * CHUNK_BYTES + 5));
            assert_eq!(object.read_at(20, 5).unwrap(), inner.bytes.slice(20..25));
            assert_eq!(reads.load(Ordering::Relaxed), expected);
        }
    }

    #[test]
    fn a_damaged_chunk_is_fetched_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (inner, reads) = elsewhere(1000, "v1");
        let objects = CachedObjects::new(inner.clone(), folder.path(), 1 << 30).unwrap();
        let object = objects.open("a").unwrap().unwrap();
        object.read_at(0, 1000).unwrap();
        let path = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let whole = fs::read(&path).unwrap();
        for (round, at) in [0, 5, 9, 30, whole.len() - 1].into_iter().enumerate() {
            let mut damaged = fs::read(&path).unwrap();
            damaged[at] ^= 1;
            fs::write(&path, damaged).unwrap();
            assert_eq!(object.read_at(0, 1000).unwrap(), inner.bytes);
            assert_eq!(reads.load(Ordering::Relaxed), round as u64 + 2);
        }
        fs::write(&path, &whole[..20]).unwrap();
        assert_eq!(object.read_at(0, 1000).unwrap(), inner.bytes);
    }

    #[test]
    fn the_cache_stays_within_its_bound_and_keeps_what_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let (inner, reads) = elsewhere(10 * CHUNK_BYTES, "v1");
        let bound = 3 * CHUNK_BYTES as u64 + 4096;
        let objects = CachedObjects::new(inner, folder.path(), bound).unwrap();
        let object = objects.open("a").unwrap().unwrap();
        for chunk in 0..10 {
            object.read_at(chunk * CHUNK_BYTES as u64, 1).unwrap();
            object.read_at(0, 1).unwrap();
            assert!(objects.cached_bytes() <= bound);
        }
        assert_eq!(reads.load(Ordering::Relaxed), 10, "the first chunk was used all along");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn other_bytes_under_the_same_path_are_not_mixed_up() {
        let folder = tempfile::tempdir().unwrap();
        let (old, _) = elsewhere(100, "v1");
        let (new, reads) = elsewhere(100, "v2");
        let open = |inner: &Arc<Elsewhere>| {
            let objects = CachedObjects::new(inner.clone(), folder.path(), 1 << 30).unwrap();
            objects.open("a").unwrap().unwrap().read_at(0, 100).unwrap()
        };
        open(&old);
        open(&new);
        assert_eq!(reads.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn objects_without_a_tag_are_not_cached() {
        let folder = tempfile::tempdir().unwrap();
        let (inner, _) = elsewhere(100, "");
        let objects = CachedObjects::new(inner, folder.path(), 1 << 30).unwrap();
        objects.open("a").unwrap().unwrap().read_at(0, 100).unwrap();
        assert_eq!(objects.cached_bytes(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn ranges_through_the_cache_are_those_of_the_object(
            length in 0..3 * CHUNK_BYTES,
            ranges in proptest::collection::vec((0..3 * CHUNK_BYTES, 0..2 * CHUNK_BYTES), 1..6),
            most in 0u64..4 << 20,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let (inner, _) = elsewhere(length, "v1");
            let objects = CachedObjects::new(inner.clone(), folder.path(), most).unwrap();
            let object = objects.open("a").unwrap().unwrap();
            for (offset, wanted) in ranges {
                match object.read_at(offset as u64, wanted) {
                    Ok(bytes) => prop_assert_eq!(bytes, inner.bytes.slice(offset..offset + wanted)),
                    Err(_) => prop_assert!(offset + wanted > length),
                }
            }
        }

        #[test]
        fn arbitrary_files_are_misses(bytes: Vec<u8>, key in "[a-z]{0,10}", length in 0usize..50) {
            prop_assert_eq!(opened(&bytes.into(), &key, length), None);
        }
    }
}
