//! A running server: its listeners, its tasks, its end.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use api::Services;
use event::{Ambient, Author};
use gateway::{Door, Limits};
use identity::{ADMIN_ROLE, NewUser};
use protocols::PROTOCOLS;
use store::tables::Tables;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::metrics::Metrics;
use crate::{Config, memory, tls, wiring};

/// A running server.
pub struct Server {
    /// Where the API listens.
    pub api: SocketAddr,
    /// Where the SSH gate listens.
    pub ssh: SocketAddr,
    /// Where metrics and health are served.
    pub metrics: SocketAddr,
    /// Invite link of the first admin, while nobody has used it.
    pub invite: Option<String>,
    services: Arc<Services>,
    tables: Arc<dyn Tables>,
    sealer: archive::Sealer,
    stop: watch::Sender<bool>,
    /// What runs until it is cut.
    tasks: JoinSet<()>,
    /// What ends by itself once `stop` says so.
    doors: JoinSet<()>,
}

/// How long an ordered end waits for requests that are being answered, and for changes that are being made.
const PATIENCE: Duration = Duration::from_secs(15);

impl Server {
    /// Starts everything; it listens when this returns.
    pub async fn start(config: &Config, ambient: Ambient) -> Result<Server> {
        // Listeners come first: whoever finds a port taken has changed nothing.
        let api_listener = bind(config.api.listen, "the API").await?;
        let ssh_listener = bind(config.ssh.listen, "the SSH gate").await?;
        let metrics_listener = bind(config.metrics.listen, "metrics").await?;
        let (api, ssh) = (api_listener.local_addr()?, ssh_listener.local_addr()?);
        let metrics = metrics_listener.local_addr()?;
        let wiring::Built { services, tables, sealer } =
            wiring::build(config, &ambient, api.port(), ssh.port()).await?;
        let invite =
            services.identity.first_admin_invite().await.context("cannot make the first admin's invite")?;
        let fingerprint = services.identity.x509_fingerprint();
        let invite = invite.map(|invite| services.facts.invite_link(&invite.token.expose(), &fingerprint));

        let (stop, stopping) = watch::channel(false);
        let (mut tasks, mut doors) = (JoinSet::new(), JoinSet::new());
        tasks.spawn(memory::keep(tables.clone(), services.log.clone()));
        let names = api_names(config);
        let (tls_sender, tls) = watch::channel(tls::configuration(&services.identity, &names).await?);
        tasks.spawn(tls::renew(services.identity.clone(), names, tls_sender));
        let router = api::router(services.clone(), config.api.requests_per_second);
        doors.spawn(api::listen::serve(api_listener, tls, router, stopping.clone()));
        let figures = Metrics::new(&services, ambient).router();
        tasks.spawn(async move {
            if let Err(error) = axum::serve(metrics_listener, figures).await {
                tracing::error!(%error, "metrics are no longer served");
            }
        });
        let mut listeners = vec![("ssh", ssh_listener)];
        for protocol in PROTOCOLS {
            let Some(at) = listeners.iter().position(|(name, _)| *name == protocol.name()) else { continue };
            let (_, listener) = listeners.swap_remove(at);
            let limits = Limits { unproven: config.ssh.max_unproven, ..Limits::default() };
            let door =
                Door { listener, public_name: config.public_host.clone(), limits, stop: stopping.clone() };
            let serving = protocol.serve(services.gateway.clone(), door);
            doors.spawn(async move {
                if let Err(error) = serving.await {
                    tracing::error!(%error, "a gate stopped listening");
                }
            });
        }
        Ok(Server { api, ssh, metrics, invite, services, tables, sealer, stop, tasks, doors })
    }

    /// Stops taking connections, ends every session with its recording sealed, lets requests and changes come to their end,
    /// and closes the log.
    pub async fn stop(mut self) -> Result<()> {
        self.stop.send_replace(true);
        self.services.gateway.shutdown().await;
        let answered = async { while self.doors.join_next().await.is_some() {} };
        if tokio::time::timeout(PATIENCE, answered).await.is_err() {
            tracing::warn!("requests were still being answered; they are cut");
        }
        self.doors.shutdown().await;
        // A change goes on without its caller, and must not lose the log between its event and its commit.
        let (access, identity) = (&self.services.access, &self.services.identity);
        let held = async { (access.hold_changes().await, identity.hold_changes().await) };
        let held = tokio::time::timeout(PATIENCE, held).await;
        if held.is_err() {
            tracing::error!("a change was still being made; the log may hold its event without its effect");
        }
        self.tasks.shutdown().await;
        let (log, tables, mut sealer) = (self.services.log.clone(), self.tables.clone(), self.sealer);
        let closed = tokio::task::spawn_blocking(move || {
            // What is being sealed is given up; the log keeps its entries.
            sealer.stop();
            log.shutdown();
            memory::remember(tables.as_ref(), &log)
        });
        closed.await.context("cannot close the audit log")?
    }

    /// Makes a further admin and returns the invite link: the way back in when nobody can administer any more. Whoever may
    /// run the server on its data folder may do this; it is an event like any other.
    pub async fn invite_admin(&self, name: &str) -> Result<String> {
        let new = NewUser {
            name: name.to_owned(),
            roles: vec![ADMIN_ROLE.to_owned()],
            traits: BTreeMap::new(),
            disabled: false,
        };
        let invite = self.services.identity.create_user(&Author::system("rescue"), new).await;
        let invite = invite.with_context(|| format!("cannot make the admin {name}"))?;
        let fingerprint = self.services.identity.x509_fingerprint();
        Ok(self.services.facts.invite_link(&invite.token.expose(), &fingerprint))
    }

    /// Waits until the audit log fails, after which going on would be acting unrecorded.
    pub async fn log_failed(&self) {
        let mut look = tokio::time::interval(Duration::from_millis(500));
        while !self.services.log.health().failed {
            look.tick().await;
        }
    }
}

async fn bind(address: SocketAddr, what: &str) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} for {what}; is it taken?"))
}

fn api_names(config: &Config) -> Vec<String> {
    let mut names = vec![config.public_host.clone()];
    let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    for name in config.api.names.iter().cloned().chain(own) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
