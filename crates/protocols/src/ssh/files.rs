//! Ties the file decoders to a channel: which decoder follows it, and how its steps are taken.

use bytes::Bytes;
use event::Detail;
use gateway::{Session, SessionError};

use super::file_tap::{FileFact, Step};
use super::{scp, sftp};

/// Follows the file protocol that a channel carries.
pub(super) enum Tap {
    /// The SFTP subsystem.
    Sftp(Box<sftp::Decoder>),
    /// The remote end of a legacy `scp`.
    Scp(Box<scp::Decoder>),
}

/// Why a channel's file protocol can no longer be followed.
#[derive(Debug, thiserror::Error)]
pub(super) enum TapError {
    #[error(transparent)]
    Sftp(#[from] sftp::SftpError),
    #[error(transparent)]
    Scp(#[from] scp::ScpError),
}

impl Tap {
    pub(super) fn sftp() -> Tap {
        Tap::Sftp(Box::default())
    }

    pub(super) fn scp(command: scp::ScpCommand) -> Tap {
        Tap::Scp(Box::new(scp::Decoder::new(command)))
    }

    /// Takes bytes from the client.
    pub(super) fn client(&mut self, bytes: Bytes) -> Result<Vec<Step>, TapError> {
        Ok(match self {
            Tap::Sftp(decoder) => decoder.client(bytes)?,
            Tap::Scp(decoder) => decoder.client(bytes)?,
        })
    }

    /// Takes bytes from the target.
    pub(super) fn server(&mut self, bytes: Bytes) -> Result<Vec<Step>, TapError> {
        Ok(match self {
            Tap::Sftp(decoder) => decoder.server(bytes)?,
            Tap::Scp(decoder) => decoder.server(bytes)?,
        })
    }

    /// Ends the channel; returns what was still under way.
    pub(super) fn finish(self) -> Vec<FileFact> {
        match self {
            Tap::Sftp(decoder) => decoder.finish(),
            Tap::Scp(decoder) => decoder.finish(),
        }
    }

    /// The protocol's name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Tap::Sftp(_) => "sftp",
            Tap::Scp(_) => "scp",
        }
    }
}

/// Makes facts durable, in their order. They are handed to the log together, so that they share one sync.
pub(super) async fn write_down(session: &Session, facts: Vec<FileFact>) -> Result<(), SessionError> {
    let events = facts.into_iter().map(|fact| write_one(session, fact.detail, fact.failure));
    futures::future::try_join_all(events).await.map(|_| ())
}

async fn write_one(session: &Session, detail: Detail, failure: Option<String>) -> Result<(), SessionError> {
    match failure {
        None => session.event(detail).await?,
        Some(why) => session.event_failed(detail, why).await?,
    };
    Ok(())
}
