//! What the gate speaks: algorithms, windows, limits of both its sides.
//!
//! Only algorithms without known weakness; compression off, since it leaks what it compresses. Strict key
//! exchange (the answer to Terrapin, CVE-2023-48795) is offered on both sides.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use gateway::HostKey;
use russh::keys::{Algorithm, Certificate, EcdsaCurve, HashAlg, PrivateKey, PublicKey};
use russh::{Limits, MethodKind, MethodSet, Preferred, SshId, cipher, client, compression, kex, mac, server};

/// Bytes of a channel that one side may have on the way before the other has taken them. As OpenSSH has it.
const WINDOW: u32 = 2 << 20;
/// Bytes of data in a packet; what OpenSSH sends at most.
const PACKET: u32 = 32 << 10;
/// Messages of a channel that may wait. Data is bounded by the window already; this bounds the number of
/// tiny packets, and is high so that one channel's do not hold up the others.
const CHANNEL_QUEUE: usize = 4096;
const EVENT_QUEUE: usize = 16;
const KEEPALIVE: Duration = Duration::from_secs(30);
const UNANSWERED_KEEPALIVES: usize = 3;
/// Certificates and keys that a client may try; an agent may hold several.
const TRIES: usize = 20;

const CIPHERS: &[cipher::Name] = &[cipher::AES_256_GCM, cipher::AES_128_GCM, cipher::CHACHA20_POLY1305];
const MACS: &[mac::Name] = &[mac::HMAC_SHA512_ETM, mac::HMAC_SHA256_ETM];
const PLAIN: &[compression::Name] = &[compression::NONE];

/// Gives the terms on which a client is served: the gate's key, certified for the name that was asked for.
pub(super) fn for_clients(key: PrivateKey, certificate: Certificate) -> Arc<server::Config> {
    const KEX: &[kex::Name] = &[
        kex::MLKEM768X25519_SHA256,
        kex::CURVE25519,
        kex::CURVE25519_PRE_RFC_8731,
        kex::EXTENSION_SUPPORT_AS_SERVER,
        kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER,
    ];
    Arc::new(server::Config {
        server_id: SshId::Standard(Cow::Borrowed("SSH-2.0-Lodge")),
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        // There is no secret to guess, so nothing is won by answering slowly.
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![key],
        certificates: vec![certificate],
        limits: limits(),
        window_size: WINDOW,
        maximum_packet_size: PACKET,
        channel_buffer_size: CHANNEL_QUEUE,
        event_buffer_size: EVENT_QUEUE,
        // Also what clients may sign with; of host keys there is but the one.
        preferred: preferred(KEX, signatures(), Vec::new()),
        max_auth_attempts: TRIES,
        inactivity_timeout: None,
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: UNANSWERED_KEEPALIVES,
        relay: true,
        nodelay: true,
    })
}

/// Gives the terms on which the gate speaks to a target whose host key is checked as `host_key` says.
pub(super) fn for_target(host_key: &HostKey) -> Arc<client::Config> {
    const KEX: &[kex::Name] = &[
        kex::MLKEM768X25519_SHA256,
        kex::CURVE25519,
        kex::CURVE25519_PRE_RFC_8731,
        kex::EXTENSION_SUPPORT_AS_CLIENT,
        kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
    ];
    let (keys, certificates) = match host_key {
        // Bare keys are listed too: a target without a certificate shall be refused with that reason.
        HostKey::Authority { .. } => (signatures(), signatures()),
        HostKey::Pinned { keys } => (pinned_signatures(keys), Vec::new()),
    };
    Arc::new(client::Config {
        client_id: SshId::Standard(Cow::Borrowed("SSH-2.0-Lodge")),
        limits: limits(),
        window_size: WINDOW,
        maximum_packet_size: PACKET,
        channel_buffer_size: CHANNEL_QUEUE,
        preferred: preferred(KEX, keys, certificates),
        inactivity_timeout: None,
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: UNANSWERED_KEEPALIVES,
        relay: true,
        nodelay: true,
        ..client::Config::default()
    })
}

fn limits() -> Limits {
    // RFC 4253, section 9: after a gigabyte or an hour.
    Limits::new(1 << 30, 1 << 30, Duration::from_secs(3600))
}

fn preferred(
    kex: &'static [kex::Name],
    key: Vec<Algorithm>,
    host_key_certificates: Vec<Algorithm>,
) -> Preferred {
    Preferred {
        kex: Cow::Borrowed(kex),
        key: Cow::Owned(key),
        host_key_certificates: Cow::Owned(host_key_certificates),
        cipher: Cow::Borrowed(CIPHERS),
        mac: Cow::Borrowed(MACS),
        compression: Cow::Borrowed(PLAIN),
    }
}

fn signatures() -> Vec<Algorithm> {
    vec![
        Algorithm::Ed25519,
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
        Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
        Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
    ]
}

/// Asks for the kinds of the pinned keys only, so that a target with several keys shows one of them.
fn pinned_signatures(keys: &[String]) -> Vec<Algorithm> {
    let pinned: Vec<Algorithm> =
        keys.iter().filter_map(|key| PublicKey::from_openssh(key).ok()).map(|key| key.algorithm()).collect();
    let is_pinned = |algorithm: &Algorithm| match algorithm {
        Algorithm::Rsa { .. } => pinned.iter().any(|pinned| matches!(pinned, Algorithm::Rsa { .. })),
        other => pinned.contains(other),
    };
    signatures().into_iter().filter(is_pinned).collect()
}
