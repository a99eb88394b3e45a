//! HTTPS: TLS with an optional client certificate, whose holder proves possession here and is verified in full,
//! with an event when refused, by `identity` at every request.
//!
//! Not every answer comes from a handler: a request that is not HTTP, or whose address or headers are longer than hyper
//! takes, is answered by hyper itself with a bare 400, 414 or 431. It has no body and no request id, and hyper has no place
//! to give it one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use gateway::Turnstile;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::DigitallySignedStruct;
use rustls::DistinguishedName;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// How long a client may take for the TLS handshake and for each request's headers.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections that may be open at once, and those of one host among them.
const MAX_CONNECTIONS: usize = 4096;
const MAX_CONNECTIONS_PER_HOST: usize = 256;

/// How long a connection without a client certificate may stay without a request.
const ANONYMOUS_PATIENCE: Duration = Duration::from_secs(30);

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Network address.
    pub address: SocketAddr,
    /// Client certificate (DER), possession proved, everything else still to be verified.
    pub certificate: Option<Arc<[u8]>>,
}

/// Serves the API until `shutdown` says true, then lets running requests end for a while. No connection is left when it
/// returns.
pub async fn serve(
    listener: TcpListener,
    tls: watch::Receiver<Arc<rustls::ServerConfig>>,
    router: Router,
    mut shutdown: watch::Receiver<bool>,
) {
    let turnstile = Turnstile::new(MAX_CONNECTIONS, MAX_CONNECTIONS_PER_HOST);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = ordered(&mut shutdown) => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, or the client left: waiting a little beats spinning.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let place = match turnstile.enter(address.ip()) {
            Ok(place) => place,
            Err(why) => {
                tracing::warn!(%address, %why, "a connection to the API was dropped");
                continue;
            }
        };
        let acceptor = TlsAcceptor::from(tls.borrow().clone());
        let (router, shutdown) = (router.clone(), shutdown.clone());
        connections.spawn(async move {
            connection(stream, address, acceptor, router, shutdown).await;
            drop(place);
        });
    }
    // Each ends by itself, within its patience.
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    acceptor: TlsAcceptor,
    router: Router,
    mut shutdown: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let handshake = tokio::time::timeout(PATIENCE, acceptor.accept(stream));
    let stream = tokio::select! {
        shaken = handshake => match shaken {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::debug!(%address, %error, "no TLS handshake"),
            Err(_) => return tracing::debug!(%address, "TLS handshake took too long"),
        },
        () = ordered(&mut shutdown) => return,
    };
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let peer = Peer { address, certificate: certificate.map(|certificate| Arc::from(certificate.as_ref())) };
    let (requests, mut running) = watch::channel(0);
    let anonymous = peer.certificate.is_none();
    let service = tower::service_fn(move |mut request: Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let (router, counted) = (router.clone(), Counted::new(requests.clone()));
        async move {
            let answer = router.oneshot(request.map(axum::body::Body::new)).await;
            drop(counted);
            answer
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .keep_alive_interval(Some(PATIENCE * 3));
    let connection =
        builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection);
    tokio::select! {
        result = connection.as_mut() => {
            if let Err(error) = result {
                tracing::debug!(%address, %error, "a connection ended");
            }
        }
        () = ordered(&mut shutdown) => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(PATIENCE, connection).await;
        }
        () = unused(&mut running), if anonymous => {
            tracing::debug!(%address, "a connection without a client certificate was not used");
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(PATIENCE, connection).await;
        }
    }
}

/// A request that is being answered.
struct Counted(watch::Sender<usize>);

impl Counted {
    fn new(requests: watch::Sender<usize>) -> Counted {
        requests.send_modify(|count| *count += 1);
        Counted(requests)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Waits until no request was made for a while.
async fn unused(running: &mut watch::Receiver<usize>) {
    loop {
        if running.wait_for(|count| *count == 0).await.is_err() {
            return std::future::pending().await;
        }
        match tokio::time::timeout(ANONYMOUS_PATIENCE, running.changed()).await {
            Err(_) => return,
            Ok(Ok(())) => {}
            Ok(Err(_)) => return std::future::pending().await,
        }
    }
}

/// Waits until the end is ordered, or nobody is left who could order it.
async fn ordered(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// Makes the TLS configuration: TLS 1.2 and 1.3, ALPN `h2` and `http/1.1`, client certificates asked for.
pub fn tls_config(
    chain: Vec<CertificateDer<'static>>,
    key: rustls::pki_types::PrivateKeyDer<'static>,
) -> Result<rustls::ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = PossessionOnly { algorithms: provider.signature_verification_algorithms };
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Checks that the client holds its certificate's key, and leaves everything else to `identity`.
///
/// A certificate that is expired or of another authority must reach `identity`, so that the refusal is an event and
/// the client reads a sentence, not a TLS alert. No handler treats the bare certificate as proof of anything.
#[derive(Debug)]
struct PossessionOnly {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for PossessionOnly {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Poll;

    /// Says whether the future is ready after so much time of a paused clock.
    async fn ready_after(time: Duration, unused: &mut (impl Future<Output = ()> + Unpin)) -> bool {
        tokio::time::advance(time).await;
        std::future::poll_fn(|context| Poll::Ready(std::pin::Pin::new(&mut *unused).poll(context).is_ready()))
            .await
    }

    #[tokio::test(start_paused = true)]
    async fn an_anonymous_connection_ends_when_it_is_not_used() {
        let (requests, mut running) = watch::channel(0);
        let mut unused = Box::pin(unused(&mut running));
        assert!(!ready_after(Duration::ZERO, &mut unused).await);
        let request = Counted::new(requests.clone());
        assert!(!ready_after(ANONYMOUS_PATIENCE * 2, &mut unused).await, "a request runs");
        drop(request);
        assert!(!ready_after(ANONYMOUS_PATIENCE / 2, &mut unused).await);
        drop(Counted::new(requests.clone()));
        assert!(!ready_after(ANONYMOUS_PATIENCE / 2, &mut unused).await, "it was used in between");
        assert!(!ready_after(ANONYMOUS_PATIENCE / 2, &mut unused).await);
        assert!(ready_after(ANONYMOUS_PATIENCE, &mut unused).await);
    }
}
