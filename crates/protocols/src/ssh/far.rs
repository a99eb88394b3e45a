//! The gate as a client: reaching the target, checking its host key, and taking what it opens.

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use event::Detail;
use event::kinds::session as kinds;
use gateway::{DialError, Forwarding, Gateway, HostKey, IdentityError, Session, SessionOptions};
use russh::keys::{HashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{Channel, ChannelOpenFailure, client};
use tokio::sync::oneshot;

use super::algorithms;
use super::crew::{Crew, NoPlace};
use super::forward::{self, Incoming, refused};
use super::line::Line;
use super::link::{Link, Listener};
use super::wire::{Scissors, Wire};

/// Time for the handshake with a target and the login.
const PATIENCE: Duration = Duration::from_secs(20);

/// Handles what a target says.
pub(super) struct Far {
    gateway: Gateway,
    host_key: HostKey,
    mismatch: Arc<Mutex<Option<Mismatch>>>,
    crew: Crew,
    _gone: oneshot::Sender<Infallible>,
}

/// A host key that is not the target's.
struct Mismatch {
    shown: String,
    why: String,
}

/// The way to a target that has let the gate in.
pub(super) struct Reached {
    pub(super) handle: client::Handle<Far>,
    pub(super) scissors: Scissors,
    /// Ends when the target's connection does.
    pub(super) gone: oneshot::Receiver<Infallible>,
}

/// Why a target did not let the gate in. The messages are for the person who wanted to reach it.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReachError {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("{target} is not who it should be: {why}; nothing was sent to it. Tell whoever runs Lodge")]
    HostKey { target: String, why: String },
    #[error("cannot speak SSH with {target}: {source}")]
    Handshake { target: String, source: russh::Error },
    #[error("cannot make a certificate for {target}: {source}")]
    Credential { target: String, source: IdentityError },
    #[error(
        "{target} does not let the gate in as {login}: check that the account exists and that the target's \
         sshd has the gate authority in TrustedUserCAKeys"
    )]
    Login { target: String, login: String },
    #[error("{target} did not finish its SSH login within {} s", PATIENCE.as_secs())]
    Slow { target: String },
}

/// Dials the session's target and logs in to it.
pub(super) async fn reach(session: &Session, crew: Crew) -> Result<Reached, ReachError> {
    let target = session.permit().target().name.clone();
    let wire = Wire::new(Line::Tcp(session.dial().await?), Vec::new());
    let scissors = wire.scissors();
    match tokio::time::timeout(PATIENCE, log_in(session, wire, crew)).await {
        Ok(Ok((handle, gone))) => Ok(Reached { handle, scissors, gone }),
        Ok(Err(error)) => Err(error),
        Err(_) => {
            scissors.cut();
            Err(ReachError::Slow { target })
        }
    }
}

async fn log_in(
    session: &Session,
    wire: Wire,
    crew: Crew,
) -> Result<(client::Handle<Far>, oneshot::Receiver<Infallible>), ReachError> {
    let (permit, gateway) = (session.permit(), session.gateway());
    let (target, host_key) = (permit.target().name.clone(), permit.target().host_key.clone());
    let config = algorithms::for_target(&host_key);
    let mismatch = Arc::new(Mutex::new(None));
    let (gone_sender, gone) = oneshot::channel();
    let far =
        Far { gateway: gateway.clone(), host_key, mismatch: mismatch.clone(), crew, _gone: gone_sender };
    let forwardings = forwardings(permit.options());
    // The certificate is made while the key exchange runs.
    let (connected, credential) = tokio::join!(
        client::connect_stream(config, wire, far),
        gateway.identity().gate_credential(permit.actor(), permit.session(), permit.login(), &forwardings),
    );
    let found = mismatch.lock().expect("no panic happens while the lock is held").take();
    if let Some(Mismatch { shown, why }) = found {
        reject_host_key(session, shown, &why).await;
        return Err(ReachError::HostKey { target, why });
    }
    let mut handle = connected.map_err(|source| ReachError::Handshake { target: target.clone(), source })?;
    let (key, certificate) =
        credential.map_err(|source| ReachError::Credential { target: target.clone(), source })?;
    let answer = handle.authenticate_openssh_cert(permit.login(), Arc::new(key), certificate).await;
    match answer {
        Ok(answer) if answer.success() => Ok((handle, gone)),
        Ok(_) => Err(ReachError::Login { target, login: permit.login().to_owned() }),
        Err(source) => Err(ReachError::Handshake { target, source }),
    }
}

/// What the options let a session forward.
fn forwardings(options: &SessionOptions) -> Vec<Forwarding> {
    let given = [
        (options.x11_forwarding, Forwarding::X11),
        (options.agent_forwarding, Forwarding::Agent),
        (options.port_forwarding, Forwarding::Ports),
    ];
    given.into_iter().filter(|(given, _)| *given).map(|(_, forwarding)| forwarding).collect()
}

async fn reject_host_key(session: &Session, shown: String, why: &str) {
    let detail = Detail::SessionRejected(kinds::Rejected {
        action: "host_key".to_owned(),
        value: shown,
        code: "host_key_mismatch".to_owned(),
    });
    // A failure cuts the session, which ends for the mismatch anyway.
    let _ = session.event_denied(detail, why).await;
}

impl Far {
    fn check(&self, shown: &PublicKeyOrCertificate) -> Result<(), String> {
        match (&self.host_key, shown) {
            (HostKey::Authority { principal }, PublicKeyOrCertificate::Certificate(certificate)) => self
                .gateway
                .identity()
                .verify_host_certificate(certificate, principal)
                .map_err(|refusal| format!("its host certificate is refused: {refusal}")),
            (HostKey::Authority { .. }, PublicKeyOrCertificate::PublicKey { .. }) => {
                Err("it shows no host certificate, and the target is registered with the host authority"
                    .to_owned())
            }
            (HostKey::Pinned { keys }, PublicKeyOrCertificate::PublicKey { key, .. }) => {
                let is_pinned = keys
                    .iter()
                    .filter_map(|pinned| PublicKey::from_openssh(pinned).ok())
                    .any(|pinned| pinned.key_data() == key.key_data());
                is_pinned.then_some(()).ok_or_else(|| "its host key is not a pinned one".to_owned())
            }
            (HostKey::Pinned { .. }, PublicKeyOrCertificate::Certificate(_)) => {
                Err("it shows a host certificate where a pinned key was asked for".to_owned())
            }
        }
    }

    /// Takes a channel that the target opens, if the client asked for its like.
    async fn take(
        &self,
        channel: Channel<client::Msg>,
        reply: client::ChannelOpenHandle,
        incoming: Incoming,
        kind: &'static str,
        wanted: impl FnOnce(&Link) -> bool + Send + 'static,
    ) {
        let place = match self.crew.channel() {
            Ok(place) => place,
            // Dropping the reply refuses the channel.
            Err(NoPlace::Ending) => return,
            Err(NoPlace::Full) => {
                reply.reject(ChannelOpenFailure::ResourceShortage).await;
                return self.crew.note_refused(kind, "the connection has too many channels open").await;
            }
        };
        let awaited = self.crew.awaited().clone();
        tokio::spawn(async move {
            let _place = place;
            let Ok(link) = awaited.link().await else { return };
            if !wanted(&link) {
                let why = "the target opened a channel that the client did not ask for";
                link.refused_request(None, kind, "", why).await;
                return reply.reject(refused(why)).await;
            }
            forward::incoming(&link, channel, reply, incoming).await;
        });
    }

    async fn refuse(&self, kind: &str) {
        self.crew.note_refused(kind, "targets may not open channels of this type").await;
    }
}

impl client::Handler for Far {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let Err(why) = self.check(shown) else { return Ok(true) };
        let shown = shown.public_key().fingerprint(HashAlg::Sha256).to_string();
        *self.mismatch.lock().expect("no panic happens while the lock is held") =
            Some(Mismatch { shown, why });
        Ok(false)
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        channel: Channel<client::Msg>,
        address: &str,
        port: u32,
        originator_address: &str,
        originator_port: u32,
        reply: client::ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), russh::Error> {
        let listener = Listener::Port(address.to_owned(), port);
        let from = (originator_address.to_owned(), originator_port);
        let incoming = Incoming::Port { address: address.to_owned(), port, from };
        self.take(channel, reply, incoming, "forwarded-tcpip", move |link| link.listens(&listener)).await;
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        channel: Channel<client::Msg>,
        path: &str,
        reply: client::ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), russh::Error> {
        let listener = Listener::Socket(path.to_owned());
        let incoming = Incoming::Socket { path: path.to_owned() };
        let kind = "forwarded-streamlocal@openssh.com";
        self.take(channel, reply, incoming, kind, move |link| link.listens(&listener)).await;
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        channel: Channel<client::Msg>,
        reply: client::ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), russh::Error> {
        let kind = "auth-agent@openssh.com";
        self.take(channel, reply, Incoming::Agent, kind, |link| link.agent.load(Ordering::SeqCst)).await;
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        channel: Channel<client::Msg>,
        originator_address: &str,
        originator_port: u32,
        reply: client::ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), russh::Error> {
        let incoming = Incoming::X11 { from: (originator_address.to_owned(), originator_port) };
        self.take(channel, reply, incoming, "x11", |link| link.x11.load(Ordering::SeqCst)).await;
        Ok(())
    }

    async fn should_accept_unknown_server_channel(&mut self, _: russh::ChannelId, kind: &str) -> bool {
        self.refuse(kind).await;
        false
    }

    async fn server_channel_open_session(
        &mut self,
        _: Channel<client::Msg>,
        _reply: client::ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), russh::Error> {
        self.refuse("session").await;
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<client::Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _reply: client::ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), russh::Error> {
        self.refuse("direct-tcpip").await;
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _: Channel<client::Msg>,
        _: &str,
        _reply: client::ChannelOpenHandle,
        _: &mut client::Session,
    ) -> Result<(), russh::Error> {
        self.refuse("direct-streamlocal@openssh.com").await;
        Ok(())
    }
}
