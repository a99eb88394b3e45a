//! The API server's own TLS certificate: made once, kept sealed, renewed when names, authority or age ask for it.

use std::net::IpAddr;
use std::time::Duration;

use event::{Actor, Detail, Event};
use rcgen::string::Ia5String;
use rcgen::{ExtendedKeyUsagePurpose, SanType};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::tls::{self, TlsRequest};
use crate::CLOCK_SKEW;
use crate::authority::keys::make_p256;
use crate::change::Change;
use crate::directory::{API, RowChange};
use crate::error::IdentityError;
use crate::identity::{Identity, Inner};
use crate::names::{NameError, Principal};
use crate::rows::{Sealed, ServerRow};

/// Life of the certificate; it is renewed when half of it is gone.
const LIFE: Duration = Duration::from_secs(30 * 24 * 3600);
const SEALED_NAME: &str = "server_certificate/api";

/// A TLS server's certificate chain and key.
pub struct ServerCertificate {
    /// The certificate, then the authority's own, in PEM. The authority's is sent so that a client that knows only its
    /// fingerprint, from an invite, can recognise it.
    pub chain_pem: String,
    key: Zeroizing<Vec<u8>>,
}

impl ServerCertificate {
    /// The chain as `rustls` takes it.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(self.chain_pem.as_bytes()).filter_map(Result::ok).collect()
    }

    /// The private key as `rustls` takes it.
    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.to_vec()).into()
    }
}

impl std::fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerCertificate").field("chain_pem", &self.chain_pem).finish_non_exhaustive()
    }
}

impl Identity {
    /// The certificate for the API under these names, DNS names or IP addresses; the first one is its subject.
    ///
    /// Cheap while nothing changed, so ask again now and then: it is renewed when half of its life is gone, and when
    /// the X.509 authority was rotated.
    pub async fn api_server_certificate(&self, names: &[String]) -> Result<ServerCertificate, IdentityError> {
        let inner = self.inner();
        let turn = inner.turn().await;
        if let Some(kept) = inner.kept_server_certificate(names)? {
            return Ok(kept);
        }
        let (row, made, event) = inner.make_server_certificate(names)?;
        inner.perform(turn, Change::default().event(event).row(RowChange::Server(Box::new(row)))).await?;
        Ok(made)
    }
}

impl Inner {
    fn kept_server_certificate(&self, names: &[String]) -> Result<Option<ServerCertificate>, IdentityError> {
        let authority = self.authorities.load().of(crate::AuthorityKind::X509).signing.fingerprint();
        let row = self.directory().server.get(API).map(|kept| kept.row.clone());
        let fresh = |row: &ServerRow| {
            row.names == names && row.authority == authority && self.ambient.now() < row.renew_at
        };
        let Some(row) = row.filter(fresh) else { return Ok(None) };
        let key = self.vault.unseal(SEALED_NAME, &row.key.0)?;
        Ok(Some(ServerCertificate { chain_pem: row.chain, key }))
    }

    fn make_server_certificate(
        &self,
        names: &[String],
    ) -> Result<(ServerRow, ServerCertificate, Event), IdentityError> {
        let authorities = self.authorities.load();
        let authority = authorities.x509_signer();
        let (pair, key) = make_p256(&self.ambient)?;
        let now = self.ambient.now();
        let request = TlsRequest {
            common_name: names.first().map_or("lodge", String::as_str),
            names: names.iter().map(|name| server_name(name)).collect::<Result<_, _>>()?,
            usage: ExtendedKeyUsagePurpose::ServerAuth,
            valid_after: now.minus(CLOCK_SKEW),
            valid_before: now.plus(LIFE),
        };
        let certificate = tls::sign(request, &pair, authority, &self.ambient, None)?;
        let chain_pem = format!("{}{}", certificate.pem, authority.pem);
        let row = ServerRow {
            names: names.to_vec(),
            chain: chain_pem.clone(),
            key: Sealed(self.vault.seal(SEALED_NAME, &key)),
            authority: authorities.of(crate::AuthorityKind::X509).signing.fingerprint(),
            renew_at: now.plus(LIFE / 2),
        };
        let event = Event::new(&self.ambient, Actor::system("api"), Detail::CertIssue(certificate.issued));
        Ok((row, ServerCertificate { chain_pem, key }, event))
    }
}

fn server_name(name: &str) -> Result<SanType, IdentityError> {
    if let Ok(ip) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(ip));
    }
    let name: Principal = name.parse().map_err(|error: NameError| IdentityError::name(name)(error))?;
    Ok(SanType::DnsName(Ia5String::try_from(String::from(name)).expect("a principal is ASCII")))
}
