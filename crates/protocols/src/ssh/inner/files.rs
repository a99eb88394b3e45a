//! Files: SFTP version 3 (draft-ietf-secsh-filexfer-02), as a client of the gate speaks it. Each request is a session of its own.

use std::io;
use std::sync::{Arc, Mutex};

use event::Timestamp;
use futures::{StreamExt, stream};
use gateway::{Content, Entry, EntryKind, Folder, Reach, Reading, RemoteFileError};
use russh::ChannelMsg;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::fs::File;
use russh_sftp::client::{RawSftpSession, SftpSession};
use russh_sftp::protocol::{FileAttributes, FileType, OpenFlags, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::super::forward::Window;
use super::{InnerClient, OpenError, Reached, hang_up, said};

/// Bytes between this side and the channel's task, each way.
const BUFFER: usize = 256 << 10;
/// Bytes that are handed on at once.
const PIECE: usize = 64 << 10;
/// The most entries of a folder that are listed.
const MOST_ENTRIES: usize = 10_000;

/// An SFTP channel through the gate.
struct Opened {
    stream: DuplexStream,
    refusal: Refusal,
}

/// What the gate said when it refused. Clones are one.
#[derive(Clone, Default)]
struct Refusal(Arc<Mutex<Option<String>>>);

impl Refusal {
    fn heard(&self, why: String) {
        *self.0.lock().expect("no panic happens while the lock is held") = Some(why);
    }

    /// Makes an error of the client's, in the gate's words where it said something.
    fn or(&self, what: &str, error: &SftpError) -> RemoteFileError {
        if let Some(why) = self.0.lock().expect("no panic happens while the lock is held").clone() {
            return RemoteFileError::Refused(why);
        }
        match error {
            SftpError::Status(status) => match status.status_code {
                StatusCode::NoSuchFile => RemoteFileError::Missing(what.to_owned()),
                StatusCode::PermissionDenied => RemoteFileError::Denied(what.to_owned()),
                _ => RemoteFileError::Failed(format!("the target says to {what}: {}", status.error_message)),
            },
            error => RemoteFileError::Failed(format!("{what} came to nothing: {error}")),
        }
    }
}

impl From<OpenError> for RemoteFileError {
    fn from(error: OpenError) -> RemoteFileError {
        RemoteFileError::Refused(error.to_string())
    }
}

/// Lists a folder.
pub(super) async fn list(
    client: &InnerClient,
    reach: Reach,
    path: String,
) -> Result<Folder, RemoteFileError> {
    let Opened { stream, refusal } = open(client, reach).await?;
    let failed = |error: SftpError| refusal.or(&path, &error);
    let sftp = RawSftpSession::new(stream);
    sftp.init().await.map_err(failed)?;
    let wanted = if path.is_empty() { "." } else { &path };
    let names = sftp.realpath(wanted).await.map_err(failed)?;
    let absolute = names.files.into_iter().next().map_or_else(|| path.clone(), |name| name.filename);
    let handle = sftp.opendir(absolute.as_str()).await.map_err(failed)?.handle;
    let mut folder = Folder { path: absolute, entries: Vec::new(), is_whole: false };
    while folder.entries.len() < MOST_ENTRIES {
        match sftp.readdir(handle.as_str()).await {
            Ok(names) => {
                let named =
                    names.files.into_iter().filter(|file| file.filename != "." && file.filename != "..");
                folder.entries.extend(named.map(|file| entry(file.filename, &file.attrs)));
            }
            Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => {
                folder.is_whole = true;
                break;
            }
            Err(error) => return Err(failed(error)),
        }
    }
    // It ends with its channel anyhow.
    let _ = sftp.close(handle).await;
    Ok(folder)
}

fn entry(name: String, attributes: &FileAttributes) -> Entry {
    let kind = match attributes.file_type() {
        FileType::File => EntryKind::File,
        FileType::Dir => EntryKind::Folder,
        FileType::Symlink => EntryKind::Link,
        FileType::Other => EntryKind::Other,
    };
    let seconds = attributes.mtime.map(|seconds| i64::from(seconds) * 1_000_000);
    Entry { name, kind, bytes: attributes.size.unwrap_or(0), modified: seconds.map(Timestamp::from_micros) }
}

/// Opens a file to read it.
pub(super) async fn read(
    client: &InnerClient,
    reach: Reach,
    path: String,
) -> Result<Reading, RemoteFileError> {
    let Opened { stream, refusal } = open(client, reach).await?;
    let failed = |error: SftpError| refusal.or(&path, &error);
    let sftp = SftpSession::new(stream).await.map_err(failed)?;
    let attributes = sftp.metadata(path.as_str()).await.map_err(failed)?;
    if attributes.is_dir() {
        return Err(RemoteFileError::Failed(format!("{path} is a folder; only files can be downloaded")));
    }
    let file = sftp.open(path.as_str()).await.map_err(failed)?;
    // The session ends when it is dropped, so it goes along.
    let content = stream::try_unfold((file, sftp), |(mut file, sftp)| async move {
        let mut piece = vec![0; PIECE];
        let count = file.read(&mut piece).await?;
        piece.truncate(count);
        Ok::<_, io::Error>((count > 0).then_some((piece, (file, sftp))))
    });
    Ok(Reading { bytes: attributes.size, content: Box::pin(content) })
}

/// Writes a file.
pub(super) async fn write(
    client: &InnerClient,
    reach: Reach,
    path: String,
    overwrite: bool,
    content: Content,
) -> Result<u64, RemoteFileError> {
    let Opened { stream, refusal } = open(client, reach).await?;
    let failed = |error: SftpError| refusal.or(&path, &error);
    let sftp = SftpSession::new(stream).await.map_err(failed)?;
    let found = sftp.try_exists(path.as_str()).await.map_err(failed)?;
    if found && !overwrite {
        return Err(RemoteFileError::Exists(path));
    }
    let how = if overwrite { OpenFlags::TRUNCATE } else { OpenFlags::EXCLUDE };
    let opened = sftp.open_with_flags(path.as_str(), OpenFlags::CREATE | OpenFlags::WRITE | how).await;
    let file = opened.map_err(failed)?;
    let written = pour(file, content).await;
    written.map_err(|error| refusal.or(&path, &SftpError::from(error)))
}

/// Writes all of the content, and waits until the target has taken it.
async fn pour(mut file: File, mut content: Content) -> io::Result<u64> {
    let mut written = 0;
    while let Some(piece) = content.next().await {
        let piece = piece?;
        file.write_all(&piece).await?;
        written += piece.len() as u64;
    }
    file.close().await?;
    Ok(written)
}

/// Opens an SFTP channel through the gate.
async fn open(client: &InnerClient, reach: Reach) -> Result<Opened, RemoteFileError> {
    let reached = super::reach(client, reach).await?;
    reached.channel.request_subsystem(true, "sftp").await.map_err(OpenError::from)?;
    let (stream, far) = tokio::io::duplex(BUFFER);
    let refusal = Refusal::default();
    tokio::spawn(run(reached, far, refusal.clone()));
    Ok(Opened { stream, refusal })
}

/// Carries bytes between the channel and this side until either ends.
async fn run(reached: Reached, stream: DuplexStream, refusal: Refusal) {
    let Reached { handle, channel, session: _session } = reached;
    let (mut from, to) = channel.split();
    let (mut asked, mut answered) = tokio::io::split(stream);
    let up = async {
        let mut piece = vec![0; PIECE];
        while let Ok(count @ 1..) = asked.read(&mut piece).await {
            if to.data_bytes(piece[..count].to_vec()).await.is_err() {
                // What the gate said last is still to be heard.
                return std::future::pending().await;
            }
        }
    };
    let down = async {
        let mut window = Window::default();
        while let Some(message) = from.wait().await {
            let count = match message {
                ChannelMsg::Data { data } => {
                    if answered.write_all(&data).await.is_err() {
                        return;
                    }
                    data.len()
                }
                ChannelMsg::ExtendedData { data, .. } => {
                    said(&data).into_iter().for_each(|why| refusal.heard(why));
                    data.len()
                }
                ChannelMsg::Close => return,
                _ => continue,
            };
            if window.taken(count, &to).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
    hang_up(&handle, &to).await;
}
