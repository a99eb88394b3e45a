//! The gate's own client: terminals and files for pages of the console.
//!
//! It speaks SSH to the gate over a pair of sockets, with a key made for the purpose and a pass of the browser's session,
//! and through the very code that serves clients from outside. The invariant: it has no way to a target but the gate.

mod files;
mod terminal;

use std::io;
use std::sync::Arc;

use event::SessionId;
use gateway::{
    Answer, Content, Folder, Gateway, HostKey, Limits, Reach, Reading, RemoteFileError, RemoteFiles, Size,
    Terminal, Terminals, Turnstile,
};
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::{PrivateKey, PublicKey, PublicKeyOrCertificate};
use russh::{Channel, ChannelWriteHalf, Disconnect, client};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::oneshot;

use super::algorithms;
use super::budget::Budget;
use super::connection::{self, Arrival, Terms};
use super::line::Line;
use crate::proxy_header;

/// Connections that are being opened at once, of all people and of one host.
const OPENING: usize = 64;
const OPENING_PER_HOST: usize = 16;

/// Reaches targets through the gate, for pages of the console.
#[derive(Clone)]
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
    fn open(&self, reach: Reach, size: Size) -> Answer<Result<Terminal, String>> {
        let client = self.clone();
        Box::pin(async move { terminal::open(&client, reach, size).await.map_err(|error| error.to_string()) })
    }
}

impl RemoteFiles for InnerClient {
    fn list(&self, reach: Reach, path: String) -> Answer<Result<Folder, RemoteFileError>> {
        let client = self.clone();
        Box::pin(async move { files::list(&client, reach, path).await })
    }

    fn read(&self, reach: Reach, path: String) -> Answer<Result<Reading, RemoteFileError>> {
        let client = self.clone();
        Box::pin(async move { files::read(&client, reach, path).await })
    }

    fn write(
        &self,
        reach: Reach,
        path: String,
        overwrite: bool,
        content: Content,
    ) -> Answer<Result<u64, RemoteFileError>> {
        let client = self.clone();
        Box::pin(async move { files::write(&client, reach, path, overwrite, content).await })
    }
}

/// Why the gate was not reached.
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

/// A channel to the gate, whose connection ends with it.
struct Reached {
    handle: client::Handle<KnowsGate>,
    channel: Channel<client::Msg>,
    /// Which session the gate has started; an error where it refused.
    session: oneshot::Receiver<SessionId>,
}

/// Knows the gate by its key, which this process made.
struct KnowsGate(PublicKey);

impl client::Handler for KnowsGate {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(shown.public_key().key_data() == self.0.key_data())
    }
}

/// Connects to the gate, and opens a channel.
async fn reach(client: &InnerClient, reach: Reach) -> Result<Reached, OpenError> {
    let terms = client.terms.clone();
    let header = proxy_header::encode(&reach.target)?;
    let stranger = client.turnstile.enter(reach.origin.ip)?;
    let (mut near, far) = UnixStream::pair()?;
    let pair = Ed25519Keypair::from_seed(&terms.gateway.ambient().random());
    let key = PrivateKey::new(KeypairData::Ed25519(pair), "").map_err(io::Error::other)?;
    let pass = terms.gateway.identity().console_pass(&reach.who, key.public_key()).await?;
    let gate = terms.host_key.public_key().clone();
    let (started, session) = oneshot::channel();
    let arrival = Arrival { line: Line::Inside(far), origin: reach.origin, stranger, started: Some(started) };
    let serving = connection::serve(terms, arrival);
    tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::debug!(%error, "a connection from inside came to nothing");
        }
    });
    near.write_all(&header).await?;
    let pinned = HostKey::Pinned { keys: vec![gate.to_openssh().map_err(io::Error::other)?] };
    let mut handle = client::connect_stream(algorithms::for_target(&pinned), near, KnowsGate(gate)).await?;
    let certificate = pass.certificate().clone();
    let answer = handle.authenticate_openssh_cert(reach.login, Arc::new(key), certificate).await?;
    if !answer.success() {
        return Err(OpenError::Refused);
    }
    // The gate has taken the pass, and nobody needs it again.
    drop(pass);
    let channel = handle.channel_open_session().await?;
    Ok(Reached { handle, channel, session })
}

/// Ends a channel and its connection.
async fn hang_up(handle: &client::Handle<KnowsGate>, to: &ChannelWriteHalf<client::Msg>) {
    // The gate may be gone already, which is as good.
    let _ = to.close().await;
    let _ = handle.disconnect(Disconnect::ByApplication, "", "").await;
}

/// What the gate says in an error output, where it is the gate that speaks.
fn said(data: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(data);
    text.trim().strip_prefix("lodge: ").map(str::to_owned)
}
