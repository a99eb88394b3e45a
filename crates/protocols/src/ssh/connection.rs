//! One client's connection, from its first byte to the end of its session.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use event::{Origin, SessionId};
use gateway::{Authenticated, EndedBy, Entered, Gateway, Refusal, Session};
use russh::keys::PrivateKey;
use russh::{Disconnect, server};
use tokio::sync::{mpsc, oneshot, watch};

use super::algorithms;
use super::budget::Budget;
use super::crew::Crew;
use super::far::{self, Reached};
use super::hello::{Hello, hello};
use super::line::Line;
use super::link::{Awaited, Link, Outcome};
use super::near::{Near, Proven};
use super::wire::{Scissors, Wire};

/// Time for a client to read why it is being disconnected.
const FAREWELL: Duration = Duration::from_secs(2);
/// Time for channels to write their ends.
const CHANNELS_END: Duration = Duration::from_secs(5);

const NO_TARGET: &str = "this is Lodge's gate, and your client does not say which target it wants; use the \
                         configuration that `lodge ssh-config` prints, or `lodge ssh`";

/// What all connections to the gate share.
pub(super) struct Terms {
    pub(super) gateway: Gateway,
    pub(super) public_name: String,
    pub(super) login_grace: Duration,
    pub(super) host_key: PrivateKey,
    pub(super) strange_names: Budget,
}

impl Terms {
    /// Says whether a host certificate is made for this name. A name that no target has gets one like any other, so that
    /// nobody learns which targets exist, but only so many a minute.
    fn certifies(&self, name: &str) -> bool {
        self.gateway.has_target(name) || self.strange_names.spend(self.gateway.ambient().now())
    }
}

/// Why a connection came to nothing before anyone had proved who they are.
#[derive(Debug, thiserror::Error)]
pub(super) enum Nobody {
    #[error(transparent)]
    Hello(#[from] super::hello::HelloError),
    #[error(transparent)]
    Certificate(#[from] gateway::IdentityError),
    #[error(transparent)]
    Ssh(#[from] russh::Error),
    #[error("the client went away before its identity was proved")]
    Gone,
}

/// A connection that comes to the gate.
pub(super) struct Arrival {
    pub(super) line: Line,
    pub(super) origin: Origin,
    pub(super) stranger: Entered,
    /// Who is told of its session once it has started.
    pub(super) started: Option<oneshot::Sender<SessionId>>,
}

/// The client's side of a connection whose identity is proved.
struct Client {
    proven: Proven,
    target: Option<String>,
    outcome: watch::Sender<Outcome>,
    channels: Channels,
    crew: Crew,
    scissors: Scissors,
    gone: oneshot::Receiver<Infallible>,
    started: Option<oneshot::Sender<SessionId>>,
}

/// Counts the tasks that serve a connection's channels.
struct Channels {
    running: mpsc::Sender<Infallible>,
    ended: mpsc::Receiver<Infallible>,
}

impl Channels {
    fn new() -> Channels {
        let (running, ended) = mpsc::channel(1);
        Channels { running, ended }
    }

    /// Lets no further channel begin and waits for the others, for a while.
    async fn end(self, patience: Duration) {
        let Channels { running, mut ended } = self;
        drop(running);
        let _ = tokio::time::timeout(patience, ended.recv()).await;
    }
}

/// Serves a connection. Only what goes wrong before the client is known is an error here; the rest is in
/// the log.
pub(super) async fn serve(terms: Arc<Terms>, arrival: Arrival) -> Result<(), Nobody> {
    let Arrival { line, origin, stranger, started } = arrival;
    let client = tokio::time::timeout(terms.login_grace, meet(&terms, line, origin)).await;
    let client = Client { started, ..client.map_err(|_| Nobody::Gone)?? };
    stranger.prove();
    admit(&terms.gateway, client).await;
    Ok(())
}

/// Takes a client up to the proof of its identity. The time that this may take is bounded by the caller;
/// given up, the connection is cut by dropping.
async fn meet(terms: &Terms, line: Line, origin: Origin) -> Result<Client, Nobody> {
    // Keystrokes must not wait for company.
    line.hurry();
    let Hello { target, rest } = hello(&line).await?;
    let name = target.as_deref().filter(|name| terms.certifies(name)).unwrap_or(&terms.public_name);
    let certificate =
        terms.gateway.identity().gate_host_certificate(name, terms.host_key.public_key()).await?;
    let config = algorithms::for_clients(terms.host_key.clone(), certificate);
    let wire = Wire::new(line, rest);
    let scissors = wire.scissors();
    let guard = CutUnlessKept(Some(scissors.clone()));
    let (outcome, awaited) = watch::channel(Outcome::Pending);
    let (proven_sender, proven) = oneshot::channel();
    let (gone_sender, gone) = oneshot::channel();
    let channels = Channels::new();
    let crew = Crew::new(Awaited::new(awaited), channels.running.downgrade());
    let near = Near::new(
        terms.gateway.clone(),
        origin,
        target.is_none().then(|| format!("{NO_TARGET}\r\n")),
        crew.clone(),
        proven_sender,
        gone_sender,
    );
    let _running = server::run_stream(config, wire, near).await?;
    let proven = proven.await.map_err(|_| Nobody::Gone)?;
    guard.keep();
    Ok(Client { proven, target, outcome, channels, crew, scissors, gone, started: None })
}

/// Cuts the connection unless it is kept: the SSH library's task outlives whoever waits for it.
struct CutUnlessKept(Option<Scissors>);

impl CutUnlessKept {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for CutUnlessKept {
    fn drop(&mut self) {
        if let Some(scissors) = &self.0 {
            scissors.cut();
        }
    }
}

/// Finds out whether the client gets a session, and runs it.
async fn admit(gateway: &Gateway, mut client: Client) {
    match establish(gateway, &mut client).await {
        Ok((session, reached)) => run(client, session, reached).await,
        Err(Unestablished::Refused(why)) => refuse(client, &why).await,
        Err(Unestablished::ClientGone) => {}
    }
}

/// Why there is no session.
enum Unestablished {
    /// For this reason, which the client is told.
    Refused(String),
    /// Nobody waits for it any more.
    ClientGone,
}

/// Authorises, starts and dials.
async fn establish(gateway: &Gateway, client: &mut Client) -> Result<(Session, Reached), Unestablished> {
    let Client { proven, target, crew, gone, started, .. } = client;
    let target = target.as_deref().ok_or_else(|| Unestablished::Refused(NO_TARGET.to_owned()))?;
    let session = start(gateway, &proven.who, target, &proven.login).await.map_err(Unestablished::Refused)?;
    if let Some(started) = started.take() {
        // Whoever no longer listens need not know.
        let _ = started.send(session.id());
    }
    let reached = tokio::select! {
        reached = far::reach(&session, crew.clone()) => {
            reached.map_err(|error| error.to_string())
        }
        cut = session.until_cut() => Err(cut.why),
        _ = gone => {
            session.end(EndedBy::Client).await;
            return Err(Unestablished::ClientGone);
        }
    };
    match reached {
        Ok(reached) => Ok((session, reached)),
        Err(why) => {
            session.fail(why.as_str());
            session.end(EndedBy::Error).await;
            Err(Unestablished::Refused(why))
        }
    }
}

async fn start(gateway: &Gateway, who: &Authenticated, target: &str, login: &str) -> Result<Session, String> {
    let refused = |refusal: Refusal| format!("access denied: {refusal}");
    let admission = gateway.authorize(who, super::NAME, target, login).await.map_err(refused)?;
    Session::start(gateway, admission).await.map_err(|error| error.to_string())
}

/// Tells a client why there is no session: on its channel when it opens one, and by disconnecting.
async fn refuse(mut client: Client, why: &str) {
    client.outcome.send_replace(Outcome::Refused(why.into()));
    if tokio::time::timeout(FAREWELL, &mut client.gone).await.is_err() {
        say_farewell(&client.proven.handle, &mut client.gone, why).await;
    }
    client.scissors.cut();
}

/// Runs a session until a side closes its connection, or until it is cut.
async fn run(mut client: Client, session: Session, mut reached: Reached) {
    let near = client.proven.handle.clone();
    let link = Arc::new(Link::new(session.clone(), near.clone(), reached.handle));
    client.outcome.send_replace(Outcome::Ready(link));
    let (ended_by, farewell) = tokio::select! {
        biased;
        cut = session.until_cut() => {
            // Nothing more shall reach the target, whatever the client is told meanwhile.
            reached.scissors.cut();
            (cut.ended_by, Some(format!("session ended: {}", cut.why)))
        }
        _ = &mut client.gone => (EndedBy::Client, None),
        _ = &mut reached.gone => (EndedBy::Target, Some("the target closed the connection".to_owned())),
    };
    reached.scissors.cut();
    if let Some(farewell) = farewell {
        // What the target said last goes first.
        client.channels.end(FAREWELL).await;
        say_farewell(&near, &mut client.gone, &farewell).await;
        client.scissors.cut();
    } else {
        client.scissors.cut();
        client.channels.end(CHANNELS_END).await;
    }
    session.end(ended_by).await;
}

/// Disconnects with a reason, and gives the client a moment to read it.
async fn say_farewell(near: &server::Handle, gone: &mut oneshot::Receiver<Infallible>, why: &str) {
    let farewell = async {
        let _ = near.disconnect(Disconnect::ByApplication, why.to_owned(), String::new()).await;
        let _ = gone.await;
    };
    // A client that does not take even this is cut.
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
}
