//! The gate's own client: terminals for pages of the console.
//!
//! It speaks SSH to the gate over a pair of sockets, with a key made for the purpose and a pass of the browser's session,
//! and through the very code that serves clients from outside. The invariant: it has no way to a target but the gate.

use std::io;
use std::sync::Arc;

use event::SessionId;
use gateway::{
    Gateway, HostKey, Limits, Opening, Shown, Size, Terminal, Terminals, Turnstile, Typed, Wanted,
};
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::{PrivateKey, PublicKey, PublicKeyOrCertificate};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, client};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};

use super::algorithms;
use super::budget::Budget;
use super::connection::{self, Arrival, Terms};
use super::forward::Window;
use super::line::Line;
use crate::proxy_header;

/// What every terminal says that it is.
const KIND: &str = "xterm-256color";
/// Pieces of at most a packet that wait in either direction.
const QUEUE: usize = 8;
/// Terminals that are being opened at once, of all people and of one host.
const OPENING: usize = 64;
const OPENING_PER_HOST: usize = 16;

/// Opens terminals through the gate.
pub struct InnerClient {
    terms: Arc<Terms>,
    turnstile: Turnstile,
}

impl InnerClient {
    /// Makes the client of a gate that is known by this name.
    pub fn new(gateway: Gateway, public_name: String) -> io::Result<InnerClient> {
        let host_key = super::gate::fresh_host_key(&gateway)?;
        let login_grace = Limits::default().login_grace;
        let strange_names = Budget::default();
        let terms = Arc::new(Terms { gateway, public_name, login_grace, host_key, strange_names });
        Ok(InnerClient { terms, turnstile: Turnstile::new(OPENING, OPENING_PER_HOST) })
    }
}

impl Terminals for InnerClient {
    fn open(&self, wanted: Wanted) -> Opening {
        let (terms, turnstile) = (self.terms.clone(), self.turnstile.clone());
        Box::pin(async move { open(terms, &turnstile, wanted).await.map_err(|error| error.to_string()) })
    }
}

/// Why there is no terminal.
#[derive(Debug, thiserror::Error)]
enum OpenError {
    #[error("{0}; try again in a moment")]
    TurnedAway(#[from] gateway::TurnedAway),
    #[error("this cannot be the name of a target: {0}")]
    Name(#[from] proxy_header::ProxyHeaderError),
    #[error("this browser's session cannot be used at the gate: {0}; sign in again")]
    Pass(#[from] gateway::IdentityError),
    #[error("cannot reach the gate from inside: {0}")]
    Inside(#[from] io::Error),
    #[error("cannot speak with the gate from inside: {0}")]
    Ssh(#[from] russh::Error),
    #[error("the gate does not take this browser's session; sign in again")]
    Refused,
}

/// Knows the gate by its key, which this process made.
struct KnowsGate(PublicKey);

impl client::Handler for KnowsGate {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(shown.public_key().key_data() == self.0.key_data())
    }
}

async fn open(terms: Arc<Terms>, turnstile: &Turnstile, wanted: Wanted) -> Result<Terminal, OpenError> {
    let header = proxy_header::encode(&wanted.target)?;
    let stranger = turnstile.enter(wanted.origin.ip)?;
    let (mut near, far) = UnixStream::pair()?;
    let pair = Ed25519Keypair::from_seed(&terms.gateway.ambient().random());
    let key = PrivateKey::new(KeypairData::Ed25519(pair), "").map_err(io::Error::other)?;
    let pass = terms.gateway.identity().console_pass(&wanted.who, key.public_key()).await?;
    let gate = terms.host_key.public_key().clone();
    let (started, session) = oneshot::channel();
    let (line, origin) = (Line::Inside(far), wanted.origin);
    let serving = connection::serve(terms, Arrival { line, origin, stranger, started: Some(started) });
    tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::debug!(%error, "a terminal came to nothing");
        }
    });
    near.write_all(&header).await?;
    let pinned = HostKey::Pinned { keys: vec![gate.to_openssh().map_err(io::Error::other)?] };
    let mut handle = client::connect_stream(algorithms::for_target(&pinned), near, KnowsGate(gate)).await?;
    let certificate = pass.certificate().clone();
    let answer = handle.authenticate_openssh_cert(wanted.login, Arc::new(key), certificate).await?;
    if !answer.success() {
        return Err(OpenError::Refused);
    }
    // The gate has taken the pass, and nobody needs it again.
    drop(pass);
    let channel = handle.channel_open_session().await?;
    let Size { columns, rows } = wanted.size;
    channel.request_pty(true, KIND, columns.into(), rows.into(), 0, 0, &[]).await?;
    channel.request_shell(true).await?;
    let (typed, to_target) = mpsc::channel(QUEUE);
    let (to_page, shown) = mpsc::channel(QUEUE);
    tokio::spawn(run(handle, channel, to_target, Page { shown: to_page, session }));
    Ok(Terminal { typed, shown })
}

/// The page's side of a terminal.
struct Page {
    shown: mpsc::Sender<Shown>,
    /// Told once.
    session: oneshot::Receiver<SessionId>,
}

/// Serves a terminal until the gate or the page ends it.
async fn run(
    handle: client::Handle<KnowsGate>,
    channel: Channel<client::Msg>,
    typed: mpsc::Receiver<Typed>,
    page: Page,
) {
    let (from, to) = channel.split();
    let shown = page.shown.clone();
    tokio::select! {
        () = show(from, &to, page) => {}
        () = type_in(typed, &to) => {}
        () = shown.closed() => {}
    }
    // The gate may be gone already, which is as good.
    let _ = to.close().await;
    let _ = handle.disconnect(russh::Disconnect::ByApplication, "", "").await;
}

/// Passes on what is typed until the page is gone.
async fn type_in(mut typed: mpsc::Receiver<Typed>, to: &ChannelWriteHalf<client::Msg>) {
    while let Some(typed) = typed.recv().await {
        let passed = match typed {
            Typed::Keys(keys) => to.data_bytes(keys).await,
            Typed::Size(size) => to.window_change(size.columns.into(), size.rows.into(), 0, 0).await,
        };
        if passed.is_err() {
            // What the gate said last is still to be shown.
            std::future::pending::<()>().await;
        }
    }
}

/// Passes on what the target shows, which session it is, and then how it ended.
async fn show(mut from: ChannelReadHalf, to: &ChannelWriteHalf<client::Msg>, page: Page) {
    let Page { shown, mut session } = page;
    let (mut window, mut exit_code, mut why, mut is_named) = (Window::default(), None, None, false);
    loop {
        let message = tokio::select! {
            biased;
            named = &mut session, if !is_named => {
                is_named = true;
                // A connection that is refused has no session.
                let Ok(session) = named else { continue };
                if shown.send(Shown::Session(session)).await.is_err() {
                    return;
                }
                continue;
            }
            message = from.wait() => message,
        };
        let data = match message {
            Some(ChannelMsg::Data { data }) => data,
            Some(ChannelMsg::ExtendedData { data, .. }) => {
                why = said(&data).or(why);
                data
            }
            Some(ChannelMsg::ExitStatus { exit_status }) => {
                exit_code = Some(exit_status);
                continue;
            }
            Some(ChannelMsg::Close) | None => break,
            Some(_) => continue,
        };
        let length = data.len();
        if shown.send(Shown::Output(data.to_vec())).await.is_err() {
            return;
        }
        if window.taken(length, to).await.is_err() {
            break;
        }
    }
    let _ = shown.send(Shown::End { exit_code, why }).await;
}

/// What the gate says, where it is the gate that speaks.
fn said(data: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(data);
    text.trim().strip_prefix("lodge: ").map(str::to_owned)
}
