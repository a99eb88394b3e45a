//! Objects in an S3 bucket, or in whatever speaks its protocol.
//!
//! Small objects are stored by a conditional put (`If-None-Match: *`), so of two writers one wins. Large ones go up in
//! parts, for which the client library knows no condition: they are looked for first, so only two writers at the same
//! moment could replace each other, and a log has one writer at a time. A bucket with object lock works: what is removed
//! there is only hidden until its lock ends.
//!
//! The library is asynchronous; calls here block, and its work runs on threads of its own, so any thread may call.

use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{
    ClientOptions, Error, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    RetryConfig, WriteMultipart,
};
use tokio::runtime::Runtime;

use super::{Draft, Object, ObjectError, Objects, PutObjects, RemoveObjects, check_path, fault, holds};
use crate::durable;

/// Objects up to this size are stored by one conditional put; it is also the size of a part of larger ones.
const PART_BYTES: usize = 8 << 20;
/// Parts on their way at once.
const PARTS_AT_ONCE: usize = 4;

/// Where a bucket is and how to get in. What is not given is taken from the `AWS_*` variables of the environment.
#[derive(Clone, Default)]
pub struct S3Config {
    /// Name of the bucket.
    pub bucket: String,
    /// Address of a service other than Amazon's; plain HTTP only where it says so.
    pub endpoint: Option<String>,
    /// Region of the bucket.
    pub region: Option<String>,
    /// What every object's key begins with, such as `lodge/`.
    pub prefix: String,
    /// Id of the access key.
    pub access_key_id: Option<String>,
    /// The secret that belongs to it.
    pub secret_access_key: Option<String>,
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let S3Config { bucket, endpoint, region, prefix, .. } = self;
        write!(f, "S3Config({bucket}, {endpoint:?}, {region:?}, {prefix}, <secret>)")
    }
}

/// Objects in a bucket.
pub struct S3Objects {
    store: Arc<AmazonS3>,
    prefix: String,
    drafts: PathBuf,
    threads: Arc<Threads>,
}

impl S3Objects {
    /// Prepares to use the bucket; nothing is asked of it yet. Drafts of large objects lie in the folder `drafts`, which is
    /// emptied.
    pub fn open(config: &S3Config, drafts: &Path) -> Result<S3Objects, ObjectError> {
        let settings = |error: &dyn fmt::Display| ObjectError::Settings(error.to_string());
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(&config.bucket);
        if let Some(endpoint) = &config.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        if let Some(region) = &config.region {
            builder = builder.with_region(region);
        }
        if let (Some(id), Some(secret)) = (&config.access_key_id, &config.secret_access_key) {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret);
        }
        let options = ClientOptions::new()
            .with_timeout(Duration::from_secs(120))
            .with_connect_timeout(Duration::from_secs(10))
            .with_allow_http(
                config.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://")),
            );
        let retry =
            RetryConfig { max_retries: 4, retry_timeout: Duration::from_secs(60), ..RetryConfig::default() };
        let store = builder.with_client_options(options).with_retry(retry).build();
        let store = store.map_err(|error| settings(&error))?;
        clear(drafts).map_err(|error| fault("clear the drafts in", &drafts.display().to_string(), error))?;
        let prefix = match config.prefix.trim_matches('/') {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        let threads = Arc::new(Threads::start().map_err(|error| settings(&error))?);
        Ok(S3Objects { store: Arc::new(store), prefix, drafts: drafts.to_owned(), threads })
    }

    fn key(&self, path: &str) -> Result<Key, ObjectError> {
        check_path(path)?;
        Key::parse(format!("{}{path}", self.prefix)).map_err(|_| ObjectError::Path { path: path.to_owned() })
    }

    fn find(&self, path: &str) -> Result<Option<S3Object>, ObjectError> {
        let key = self.key(path)?;
        let (store, threads) = (self.store.clone(), self.threads.clone());
        let asked = key.clone();
        match self.threads.run(async move { store.head(&asked).await }) {
            Ok(Ok(about)) => Ok(Some(S3Object::new(self.store.clone(), threads, key, about))),
            Ok(Err(Error::NotFound { .. })) => Ok(None),
            Ok(Err(error)) => Err(remote("look for", path, error)),
            Err(error) => Err(fault("look for", path, error)),
        }
    }

    /// Stores a small object unless there is one; says whether there was none.
    fn put_new(&self, path: &str, bytes: Bytes) -> Result<bool, ObjectError> {
        let (key, store) = (self.key(path)?, self.store.clone());
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let put =
            self.threads.run(async move { store.put_opts(&key, bytes.into(), options).await.map(drop) });
        match put.map_err(|error| fault("write", path, error))? {
            Ok(()) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(remote("write", path, error)),
        }
    }

    /// Sends a draft up in parts; the object is there only once all of them are.
    fn send_parts(&self, path: &str, draft: Draft) -> Result<(), ObjectError> {
        let (key, store) = (self.key(path)?, self.store.clone());
        let sent = self.threads.run(async move {
            let mut upload =
                WriteMultipart::new_with_chunk_size(store.put_multipart(&key).await?, PART_BYTES);
            match send(&mut upload, draft).await {
                Ok(()) => upload.finish().await.map(drop),
                Err(error) => {
                    // Parts that stay behind after this fails too are the bucket's lifecycle rule to clear.
                    let _ = upload.abort().await;
                    Err(error)
                }
            }
        });
        let sent = sent.map_err(|error| fault("write", path, error))?;
        sent.map_err(|error| remote("write", path, error))
    }
}

async fn send(upload: &mut WriteMultipart, draft: Draft) -> Result<(), Error> {
    let draft = Arc::new(draft);
    let mut at = 0;
    while at < draft.len() {
        upload.wait_for_capacity(PARTS_AT_ONCE).await?;
        let step = usize::try_from(draft.len() - at).unwrap_or(PART_BYTES).min(PART_BYTES);
        let reading = draft.clone();
        let part = tokio::task::spawn_blocking(move || reading.read_at(at, step)).await?;
        let unread = |error| Error::Generic { store: "draft", source: Box::new(error) };
        upload.put(part.map_err(unread)?);
        at += step as u64;
    }
    Ok(())
}

impl Objects for S3Objects {
    fn open(&self, path: &str) -> Result<Option<Arc<dyn Object>>, ObjectError> {
        Ok(self.find(path)?.map(|object| Arc::new(object) as Arc<dyn Object>))
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        if !folder.is_empty() {
            check_path(folder)?;
        }
        let below = format!("{}{folder}", self.prefix);
        let below = Key::parse(below.trim_end_matches('/'));
        let below = below.map_err(|_| ObjectError::Path { path: prefix.to_owned() })?;
        let store = self.store.clone();
        let listed =
            self.threads.run(async move { store.list(Some(&below)).try_collect::<Vec<ObjectMeta>>().await });
        let listed = listed.map_err(|error| fault("list", prefix, error))?;
        let listed = listed.map_err(|error| remote("list", prefix, error))?;
        let keys = listed.iter().filter_map(|about| about.location.as_ref().strip_prefix(&self.prefix));
        let mut paths: Vec<String> =
            keys.filter(|path| path.starts_with(prefix)).map(str::to_owned).collect();
        paths.sort_unstable();
        Ok(paths)
    }
}

impl PutObjects for S3Objects {
    fn put(&self, path: &str, bytes: &[u8]) -> Result<(), ObjectError> {
        if bytes.len() > PART_BYTES {
            let mut draft = self.draft()?;
            io::Write::write_all(&mut draft, bytes).map_err(|error| fault("write", path, error))?;
            return self.keep(draft, path);
        }
        if self.put_new(path, Bytes::copy_from_slice(bytes))? || self.get(path)?.as_deref() == Some(bytes) {
            return Ok(());
        }
        Err(ObjectError::Conflict { path: path.to_owned() })
    }

    fn draft(&self) -> Result<Draft, ObjectError> {
        let shown = self.drafts.display().to_string();
        Draft::create(&self.drafts).map_err(|error| fault("make a draft in", &shown, error))
    }

    fn keep(&self, draft: Draft, path: &str) -> Result<(), ObjectError> {
        let unread = |error| fault("read the draft of", path, error);
        if let Some(length) = usize::try_from(draft.len()).ok().filter(|length| *length <= PART_BYTES) {
            return self.put(path, &draft.read_at(0, length).map_err(unread)?);
        }
        match self.find(path)? {
            None => self.send_parts(path, draft),
            Some(object) if holds(&object, &draft).map_err(unread)? => Ok(()),
            Some(_) => Err(ObjectError::Conflict { path: path.to_owned() }),
        }
    }
}

impl RemoveObjects for S3Objects {
    fn remove(&self, path: &str) -> Result<(), ObjectError> {
        let (key, store) = (self.key(path)?, self.store.clone());
        let removed = self.threads.run(async move { store.delete(&key).await });
        match removed.map_err(|error| fault("remove", path, error))? {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(remote("remove", path, error)),
        }
    }
}

/// An object of a bucket, bound to the bytes that it had when it was opened.
struct S3Object {
    store: Arc<AmazonS3>,
    threads: Arc<Threads>,
    key: Key,
    length: u64,
    tag: String,
    version: Option<String>,
}

impl S3Object {
    fn new(store: Arc<AmazonS3>, threads: Arc<Threads>, key: Key, about: ObjectMeta) -> S3Object {
        let ObjectMeta { size, e_tag, version, .. } = about;
        S3Object { store, threads, key, length: size, tag: e_tag.unwrap_or_default(), version }
    }
}

impl Object for S3Object {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let end = offset.checked_add(length as u64).filter(|end| *end <= self.length);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        if length == 0 {
            return Ok(Bytes::new());
        }
        let options = GetOptions {
            range: Some(GetRange::Bounded(offset..end)),
            if_match: Some(self.tag.clone()).filter(|tag| !tag.is_empty()),
            // In a bucket with versions the object stays readable after it was removed.
            version: self.version.clone(),
            ..GetOptions::default()
        };
        let (store, key) = (self.store.clone(), self.key.clone());
        let read = self.threads.run(async move { store.get_opts(&key, options).await?.bytes().await })?;
        let bytes = read.map_err(|error| match error {
            Error::NotFound { .. } => io::Error::new(io::ErrorKind::NotFound, error),
            error => io::Error::other(error),
        })?;
        if bytes.len() == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn tag(&self) -> &str {
        &self.tag
    }
}

/// The threads on which the client works.
struct Threads(Option<Runtime>);

impl Threads {
    fn start() -> io::Result<Threads> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Ok(Threads(Some(builder.worker_threads(2).thread_name("s3").enable_all().build()?)))
    }

    /// Runs `work` there and waits for it, blocking this thread, whichever it is.
    fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> io::Result<T> {
        let ended = || io::Error::other("the S3 client's threads have ended");
        let (sender, answer) = mpsc::sync_channel(1);
        let runtime = self.0.as_ref().ok_or_else(ended)?;
        runtime.spawn(async move {
            let _ = sender.send(work.await);
        });
        answer.recv().map_err(|_| ended())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Waiting for a runtime's end inside another one panics, so its threads are left to end by themselves.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn clear(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    durable::create_folder(folder)
}

fn remote(verb: &'static str, path: &str, source: Error) -> ObjectError {
    ObjectError::Remote { verb, path: path.to_owned(), source: Box::new(source) }
}
