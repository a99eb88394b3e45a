//! Opens a session channel on both sides, or tells the client why there is none.

use russh::{Channel, ChannelMsg, server};

use super::forward::reason;
use super::link::Awaited;
use super::program;

/// What OpenSSH itself exits with when a connection fails.
pub(super) const FAILED: u32 = 255;
/// The extended data type of standard error (RFC 4254, section 5.2).
pub(super) const STDERR: u32 = 1;

/// Serves a session channel from its opening to its close.
pub(super) async fn session(awaited: Awaited, near: Channel<server::Msg>, reply: server::ChannelOpenHandle) {
    let link = match awaited.link().await {
        Ok(link) => link,
        Err(why) => {
            reply.accept().await;
            return apologise(near, &why).await;
        }
    };
    match link.far.channel_open_session().await {
        Ok(far) => {
            reply.accept().await;
            program::run(&link, near, far).await;
        }
        Err(error) => {
            let number = Some(near.id().number());
            let why = format!("the target refused a session channel: {error}");
            link.refused_request(number, "session", "", &why).await;
            reply.reject(reason(&error)).await;
        }
    }
}

/// Answers whatever the client wants to run with the reason why it cannot. Only a channel reaches the eyes
/// of whoever sits before `ssh`, `scp` or `git`.
async fn apologise(near: Channel<server::Msg>, why: &str) {
    let (mut requests, near) = near.split();
    while let Some(message) = requests.wait().await {
        let (want_reply, last) = match message {
            ChannelMsg::RequestShell { want_reply }
            | ChannelMsg::Exec { want_reply, .. }
            | ChannelMsg::RequestSubsystem { want_reply, .. } => (want_reply, true),
            ChannelMsg::RequestPty { want_reply, .. }
            | ChannelMsg::SetEnv { want_reply, .. }
            | ChannelMsg::AgentForward { want_reply }
            | ChannelMsg::RequestX11 { want_reply, .. } => (want_reply, false),
            ChannelMsg::Close => break,
            _ => (false, false),
        };
        // A client that is gone misses the message, and nothing else.
        if want_reply {
            let _ = near.reply(last).await;
        }
        if last {
            let _ = near.extended_data_bytes(STDERR, format!("lodge: {why}\r\n")).await;
            let _ = near.exit_status(FAILED).await;
            let _ = near.eof().await;
            break;
        }
    }
    let _ = near.close().await;
}
