//! The gate as a server: who the client is, and what it opens.
//!
//! Nothing here waits for the target, save the global requests, whose answers carry no name and so must be
//! given in order; everything else runs in tasks of its own, so that one channel never holds up another.

use std::convert::Infallible;

use event::kinds::{cert, forward};
use event::{Actor, Detail, Event, Origin};
use gateway::{Action, Authenticated, Gateway};
use russh::keys::{Certificate, HashAlg};
use russh::server::{self, Auth, VerifiedPublicKey};
use russh::{Channel, ChannelOpenFailure};
use tokio::sync::oneshot;

use super::channel;
use super::crew::{Crew, NoPlace};
use super::forward::{self as forwards, Destination};
use super::link::{Link, Listener};

/// Handles what a client says.
pub(super) struct Near {
    gateway: Gateway,
    origin: Origin,
    banner: Option<String>,
    crew: Crew,
    /// Who showed a certificate, and as which account.
    who: Option<(Authenticated, String)>,
    proven: Option<oneshot::Sender<Proven>>,
    attempt: Attempt,
    _gone: oneshot::Sender<Infallible>,
}

/// A client that has proved who it is.
pub(super) struct Proven {
    pub(super) who: Authenticated,
    /// The account on the target that it wants.
    pub(super) login: String,
    pub(super) handle: server::Handle,
}

/// How far a client got in proving who it is; a failure is written once.
enum Attempt {
    /// It has not tried.
    None,
    /// It tried as this account, and nothing was written yet.
    Unwritten(String),
    /// What happened was written.
    Written,
}

impl Near {
    pub(super) fn new(
        gateway: Gateway,
        origin: Origin,
        banner: Option<String>,
        crew: Crew,
        proven: oneshot::Sender<Proven>,
        gone: oneshot::Sender<Infallible>,
    ) -> Near {
        Near {
            gateway,
            origin,
            banner,
            crew,
            who: None,
            proven: Some(proven),
            attempt: Attempt::None,
            _gone: gone,
        }
    }

    /// Makes the event of a client that showed no certificate.
    fn without_certificate(&self, login: &str, public_key: Option<String>) -> Event {
        let detail = Detail::CertDeny(cert::Refused {
            usage: "ssh_user".to_owned(),
            serial: None,
            key_id: None,
            public_key,
        });
        Event::new(self.gateway.ambient(), Actor::unknown(login), detail)
            .denied("no certificate was shown; sign in with `lodge login` to get one")
            .from_origin(Some(self.origin.clone()))
    }

    /// Runs a channel in a task of its own, or refuses it.
    async fn spawn<F>(
        &self,
        kind: &str,
        reply: server::ChannelOpenHandle,
        serve: impl FnOnce(server::ChannelOpenHandle) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let place = match self.crew.channel() {
            Ok(place) => place,
            // Dropping the reply refuses the channel.
            Err(NoPlace::Ending) => return,
            Err(NoPlace::Full) => {
                reply.reject(ChannelOpenFailure::ResourceShortage).await;
                return self.crew.note_refused(kind, "the connection has too many channels open").await;
            }
        };
        let serving = serve(reply);
        tokio::spawn(async move {
            let _place = place;
            serving.await;
        });
    }

    /// Decides on a listener, writes it down, and asks the target for it. Returns the port.
    async fn listen(&self, listener: Listener) -> Option<u32> {
        let link = self.crew.awaited().link().await.ok()?;
        let action = match &listener {
            Listener::Port(host, port) => Action::RemoteForward { host: host.clone(), port: *port },
            Listener::Socket(path) => Action::RemoteSocketForward { path: path.clone() },
        };
        link.session.authorize(&action).await.ok()?;
        link.session.event(listen_detail(&listener, false)).await.ok()?;
        let (listener, port) = match ask_to_listen(&link, &listener).await {
            Ok(listening) => listening,
            Err(error) => {
                let why = format!("the target does not listen: {error}");
                let _ = link.session.event_failed(listen_detail(&listener, false), why).await;
                return None;
            }
        };
        link.listeners.lock().expect("no panic happens while the lock is held").insert(listener);
        Some(port)
    }

    async fn withdraw(&self, listener: Listener) -> bool {
        let Ok(link) = self.crew.awaited().link().await else { return false };
        if !link.listeners.lock().expect("no panic happens while the lock is held").remove(&listener) {
            return false;
        }
        if link.session.event(listen_detail(&listener, true)).await.is_err() {
            return false;
        }
        let withdrawn = match &listener {
            Listener::Port(host, port) => link.far.cancel_tcpip_forward(host, *port).await,
            Listener::Socket(path) => link.far.cancel_streamlocal_forward(path).await,
        };
        if let Err(error) = &withdrawn {
            let why = format!("the target does not stop listening: {error}");
            let _ = link.session.event_failed(listen_detail(&listener, true), why).await;
        }
        withdrawn.is_ok()
    }
}

/// Asks the target to listen; where it chose the port, the listener that comes back has it.
async fn ask_to_listen(link: &Link, listener: &Listener) -> Result<(Listener, u32), russh::Error> {
    match listener {
        Listener::Port(host, asked) => {
            let given = link.far.tcpip_forward(host.as_str(), *asked).await?;
            let port = if *asked == 0 { given } else { *asked };
            Ok((Listener::Port(host.clone(), port), port))
        }
        Listener::Socket(path) => {
            link.far.streamlocal_forward(path.as_str()).await?;
            Ok((listener.clone(), 0))
        }
    }
}

fn listen_detail(listener: &Listener, cancelled: bool) -> Detail {
    let (host, port) = match listener {
        Listener::Port(host, port) => (host.clone(), Some(*port)),
        Listener::Socket(path) => (path.clone(), None),
    };
    Detail::ForwardListen(forward::Listen { host, port, cancelled })
}

impl Drop for Near {
    fn drop(&mut self) {
        // A client that tried and went away without showing a certificate leaves a trace too.
        let Attempt::Unwritten(login) = &self.attempt else { return };
        let (event, gateway) = (self.without_certificate(login, None), self.gateway.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { gateway.event(&event).await });
        }
    }
}

impl server::Handler for Near {
    type Error = russh::Error;

    async fn authentication_banner(&mut self) -> Result<Option<String>, russh::Error> {
        Ok(self.banner.take())
    }

    async fn auth_none(&mut self, user: &str) -> Result<Auth, russh::Error> {
        if matches!(self.attempt, Attempt::None) {
            self.attempt = Attempt::Unwritten(user.to_owned());
        }
        Ok(Auth::reject())
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, russh::Error> {
        if !matches!(self.attempt, Attempt::Written) {
            self.attempt = Attempt::Written;
            let fingerprint = key.public_key.fingerprint(HashAlg::Sha256).to_string();
            // The answer is no whether or not it could be written.
            let _ = self.gateway.event(&self.without_certificate(user, Some(fingerprint))).await;
        }
        Ok(Auth::reject())
    }

    async fn auth_certificate_invalid(
        &mut self,
        _: &str,
        certificate: &Certificate,
    ) -> Result<(), russh::Error> {
        self.attempt = Attempt::Written;
        // Asked for its event, which says what is wrong. Whatever it says, the answer stays no.
        let _ = self.gateway.identity().verify_ssh_certificate(certificate, &self.origin).await;
        Ok(())
    }

    async fn auth_openssh_certificate(
        &mut self,
        user: &str,
        certificate: &Certificate,
    ) -> Result<Auth, russh::Error> {
        self.attempt = Attempt::Written;
        match self.gateway.identity().verify_ssh_certificate(certificate, &self.origin).await {
            Ok(who) => {
                self.who = Some((who, user.to_owned()));
                Ok(Auth::Accept)
            }
            Err(_) => Ok(Auth::reject()),
        }
    }

    async fn auth_succeeded(&mut self, session: &mut server::Session) -> Result<(), russh::Error> {
        let (Some((who, login)), Some(proven)) = (self.who.take(), self.proven.take()) else {
            return Err(russh::Error::Inconsistent);
        };
        // Nobody listens any more when the login grace is over, and the connection is being cut.
        let _ = proven.send(Proven { who, login, handle: session.handle() });
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<server::Msg>,
        reply: server::ChannelOpenHandle,
        _: &mut server::Session,
    ) -> Result<(), russh::Error> {
        let awaited = self.crew.awaited().clone();
        self.spawn("session", reply, |reply| channel::session(awaited, channel, reply)).await;
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<server::Msg>,
        host: &str,
        port: u32,
        originator_address: &str,
        originator_port: u32,
        reply: server::ChannelOpenHandle,
        _: &mut server::Session,
    ) -> Result<(), russh::Error> {
        let from = (originator_address.to_owned(), originator_port);
        let destination = Destination::Port { host: host.to_owned(), port, from };
        let awaited = self.crew.awaited().clone();
        let serve = |reply| forwards::outgoing(awaited, channel, reply, destination);
        self.spawn("direct-tcpip", reply, serve).await;
        Ok(())
    }

    async fn channel_open_direct_streamlocal(
        &mut self,
        channel: Channel<server::Msg>,
        path: &str,
        reply: server::ChannelOpenHandle,
        _: &mut server::Session,
    ) -> Result<(), russh::Error> {
        let destination = Destination::Socket { path: path.to_owned() };
        let awaited = self.crew.awaited().clone();
        let serve = |reply| forwards::outgoing(awaited, channel, reply, destination);
        self.spawn("direct-streamlocal@openssh.com", reply, serve).await;
        Ok(())
    }

    async fn channel_open_x11(
        &mut self,
        _: Channel<server::Msg>,
        _: &str,
        _: u32,
        _reply: server::ChannelOpenHandle,
        _: &mut server::Session,
    ) -> Result<(), russh::Error> {
        self.unknown_channel_open("x11").await
    }

    async fn channel_open_forwarded_tcpip(
        &mut self,
        _: Channel<server::Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _reply: server::ChannelOpenHandle,
        _: &mut server::Session,
    ) -> Result<(), russh::Error> {
        self.unknown_channel_open("forwarded-tcpip").await
    }

    async fn unknown_channel_open(&mut self, name: &str) -> Result<(), russh::Error> {
        self.crew.note_refused(name, "clients may not open channels of this type").await;
        Ok(())
    }

    async fn unknown_global_request(&mut self, name: &str) -> Result<(), russh::Error> {
        // Keep-alives say nothing and come without end.
        if !name.starts_with("keepalive@") {
            self.crew.note_refused(name, "the gate passes on no request that it does not know").await;
        }
        Ok(())
    }

    async fn tcpip_forward(
        &mut self,
        address: &str,
        port: &mut u32,
        _: &mut server::Session,
    ) -> Result<bool, russh::Error> {
        let given = self.listen(Listener::Port(address.to_owned(), *port)).await;
        *port = given.unwrap_or(*port);
        Ok(given.is_some())
    }

    async fn cancel_tcpip_forward(
        &mut self,
        address: &str,
        port: u32,
        _: &mut server::Session,
    ) -> Result<bool, russh::Error> {
        Ok(self.withdraw(Listener::Port(address.to_owned(), port)).await)
    }

    async fn streamlocal_forward(
        &mut self,
        path: &str,
        _: &mut server::Session,
    ) -> Result<bool, russh::Error> {
        Ok(self.listen(Listener::Socket(path.to_owned())).await.is_some())
    }

    async fn cancel_streamlocal_forward(
        &mut self,
        path: &str,
        _: &mut server::Session,
    ) -> Result<bool, russh::Error> {
        Ok(self.withdraw(Listener::Socket(path.to_owned())).await)
    }
}
