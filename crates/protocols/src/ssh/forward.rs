//! Forwarded connections: TCP, sockets, the agent and X11, in both directions.
//!
//! Their bytes are not recorded, only counted; each connection is two events. The first is durable before
//! anything is connected.

use event::Detail;
use event::kinds::forward as kinds;
use gateway::Action;
use russh::{Channel, ChannelId, ChannelMsg, ChannelOpenFailure, ChannelReadHalf, ChannelWriteHalf};
use russh::{client, server};

use super::link::{Awaited, Link};

/// Bytes after which window is given back; well below a window, and enough to make it rare.
const GIVE_BACK: u32 = 64 * 1024;

/// What a client wants to be connected to, as seen from the target.
pub(super) enum Destination {
    /// A port.
    Port { host: String, port: u32, from: (String, u32) },
    /// A socket.
    Socket { path: String },
}

/// What the target connects to, on the client's side.
pub(super) enum Incoming {
    /// Someone connected to the port on which the target listens for the client.
    Port { address: String, port: u32, from: (String, u32) },
    /// Someone connected to the socket on which the target listens for the client.
    Socket { path: String },
    /// A program on the target asks the client's agent.
    Agent,
    /// A program on the target draws on the client's screen.
    X11 { from: (String, u32) },
}

/// How the two events of a forwarded connection name it.
struct Name {
    channel: u32,
    direction: &'static str,
    host: String,
    port: Option<u32>,
    originator: Option<String>,
}

impl Name {
    fn opened(&self) -> Detail {
        Detail::ForwardOpen(kinds::Opened {
            channel: self.channel,
            direction: self.direction.to_owned(),
            host: self.host.clone(),
            port: self.port,
            originator: self.originator.clone(),
        })
    }

    fn closed(&self, moved: Moved) -> Detail {
        Detail::ForwardClose(kinds::Closed {
            channel: self.channel,
            direction: self.direction.to_owned(),
            host: self.host.clone(),
            port: self.port,
            bytes_in: moved.inward,
            bytes_out: moved.outward,
        })
    }
}

impl Destination {
    fn name(&self, channel: u32) -> Name {
        match self {
            Destination::Port { host, port, from } => Name {
                channel,
                direction: "local",
                host: host.clone(),
                port: Some(*port),
                originator: Some(address(from)),
            },
            Destination::Socket { path } => {
                Name { channel, direction: "local_socket", host: path.clone(), port: None, originator: None }
            }
        }
    }

    fn action(&self) -> Action {
        match self {
            Destination::Port { host, port, .. } => Action::LocalForward { host: host.clone(), port: *port },
            Destination::Socket { path } => Action::SocketForward { path: path.clone() },
        }
    }

    async fn connect(self, link: &Link) -> Result<Channel<client::Msg>, russh::Error> {
        match self {
            Destination::Port { host, port, from } => {
                link.far.channel_open_direct_tcpip(host, port, from.0, from.1).await
            }
            Destination::Socket { path } => link.far.channel_open_direct_streamlocal(path).await,
        }
    }
}

impl Incoming {
    fn name(&self, channel: u32) -> Name {
        let (direction, host, port, from) = match self {
            Incoming::Port { address, port, from } => ("remote", address.clone(), Some(*port), Some(from)),
            Incoming::Socket { path } => ("remote_socket", path.clone(), None, None),
            Incoming::Agent => ("agent", String::new(), None, None),
            Incoming::X11 { from } => ("x11", String::new(), None, Some(from)),
        };
        Name { channel, direction, host, port, originator: from.map(address) }
    }

    async fn connect(self, link: &Link) -> Result<Channel<server::Msg>, russh::Error> {
        match self {
            Incoming::Port { address, port, from } => {
                link.near.channel_open_forwarded_tcpip(address, port, from.0, from.1).await
            }
            Incoming::Socket { path } => link.near.channel_open_forwarded_streamlocal(path).await,
            Incoming::Agent => link.near.channel_open_agent().await,
            Incoming::X11 { from } => link.near.channel_open_x11(from.0, from.1).await,
        }
    }
}

fn address((host, port): &(String, u32)) -> String {
    format!("{host}:{port}")
}

/// Serves a connection that the client asks the target to make.
pub(super) async fn outgoing(
    awaited: Awaited,
    near: Channel<server::Msg>,
    reply: server::ChannelOpenHandle,
    destination: Destination,
) {
    let link = match awaited.link().await {
        Ok(link) => link,
        Err(why) => return reply.reject(refused(&why)).await,
    };
    if let Err(refusal) = link.session.authorize(&destination.action()).await {
        return reply.reject(refused(&refusal.why)).await;
    }
    let name = destination.name(near.id().number());
    if link.session.event(name.opened()).await.is_err() {
        return;
    }
    match destination.connect(&link).await {
        Ok(far) => {
            reply.accept().await;
            let moved = relay(&link, near, far).await;
            let _ = link.session.event(name.closed(moved)).await;
        }
        Err(error) => {
            reply.reject(reason(&error)).await;
            let _ = link.session.event_failed(name.closed(Moved::default()), error.to_string()).await;
        }
    }
}

/// Serves a connection that the target hands to the client, which was allowed when the client asked for it.
pub(super) async fn incoming(
    link: &Link,
    far: Channel<client::Msg>,
    reply: client::ChannelOpenHandle,
    incoming: Incoming,
) {
    let name = incoming.name(link.number_from_target());
    if link.session.event(name.opened()).await.is_err() {
        return;
    }
    match incoming.connect(link).await {
        Ok(near) => {
            reply.accept().await;
            let moved = relay(link, near, far).await;
            let _ = link.session.event(name.closed(moved)).await;
        }
        Err(error) => {
            reply.reject(reason(&error)).await;
            let _ = link.session.event_failed(name.closed(Moved::default()), error.to_string()).await;
        }
    }
}

/// A refusal by the gate's own rules, with its reason.
pub(super) fn refused(why: &str) -> ChannelOpenFailure {
    const ADMINISTRATIVELY_PROHIBITED: u32 = 1;
    ChannelOpenFailure::Other { code: ADMINISTRATIVELY_PROHIBITED, reason: why.to_owned() }
}

/// The other side's own reason where it gave one.
pub(super) fn reason(error: &russh::Error) -> ChannelOpenFailure {
    match error {
        russh::Error::ChannelOpenFailure(failure) => failure.clone(),
        _ => ChannelOpenFailure::ConnectFailed,
    }
}

/// Bytes that went through a forwarded connection.
#[derive(Clone, Copy, Default)]
struct Moved {
    inward: u64,
    outward: u64,
}

/// Carries bytes both ways until one side closes.
async fn relay(link: &Link, near: Channel<server::Msg>, far: Channel<client::Msg>) -> Moved {
    let (mut near_read, near) = near.split();
    let (mut far_read, far) = far.split();
    let mut moved = Moved::default();
    let Moved { inward, outward } = &mut moved;
    let up = carry(&mut near_read, &near, &far, |count| {
        *inward += count as u64;
        link.session.count_in(count);
    });
    let down = carry(&mut far_read, &far, &near, |count| {
        *outward += count as u64;
        link.session.count_out(count);
    });
    // A side that closes wants no more, so the other direction ends too. Errors mean that a side is gone.
    tokio::select! {
        () = up => {}
        () = down => {}
    }
    let _ = far.close().await;
    let _ = near.close().await;
    moved
}

/// Carries bytes one way until their source closes or its destination is gone.
async fn carry<S, T>(
    from: &mut ChannelReadHalf,
    back: &ChannelWriteHalf<S>,
    onto: &ChannelWriteHalf<T>,
    mut count: impl FnMut(usize),
) where
    S: From<(ChannelId, ChannelMsg)> + Send + Sync + 'static,
    T: From<(ChannelId, ChannelMsg)> + Send + Sync + 'static,
{
    let mut window = Window::default();
    while let Some(message) = from.wait().await {
        let done = match message {
            ChannelMsg::Data { data } => {
                let length = data.len();
                count(length);
                match onto.data_bytes(data).await {
                    Ok(()) => window.taken(length, back).await,
                    Err(error) => Err(error),
                }
            }
            ChannelMsg::ExtendedData { data, .. } => window.taken(data.len(), back).await,
            ChannelMsg::Eof => onto.eof().await,
            ChannelMsg::Close => return,
            _ => Ok(()),
        };
        if done.is_err() {
            return;
        }
    }
}

/// Gives window back to a sender once the receiver has taken what was sent, in few messages.
#[derive(Default)]
pub(super) struct Window {
    owed: u32,
}

impl Window {
    pub(super) async fn taken<S>(
        &mut self,
        bytes: usize,
        back: &ChannelWriteHalf<S>,
    ) -> Result<(), russh::Error>
    where
        S: From<(ChannelId, ChannelMsg)> + Send + Sync + 'static,
    {
        self.owed = self.owed.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        if self.owed < GIVE_BACK {
            return Ok(());
        }
        back.consumed(std::mem::take(&mut self.owed)).await
    }
}
