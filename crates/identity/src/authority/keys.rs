//! An authority's key: made from given randomness, sealed to be kept, opened to sign.
//!
//! SSH authorities sign with Ed25519, the X.509 authority with ECDSA P-256, which every TLS client knows.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use event::Ambient;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use ssh_key::private::{EcdsaKeypair, Ed25519Keypair};
use ssh_key::rand_core::{TryCryptoRng, TryRng};
use ssh_key::{EcdsaCurve, HashAlg, PrivateKey};
use store::vault::Vault;
use zeroize::Zeroizing;

use crate::authority::AuthorityKind;
use crate::certificate::{random_serial, set_validity};
use crate::error::IdentityError;
use crate::rows::{KeyRow, Sealed};

/// Life of the X.509 authority's own certificate. Rotation, not expiry, is what ends it.
const X509_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// An open key.
#[derive(Clone)]
pub(crate) enum AuthorityKey {
    Ssh(Arc<PrivateKey>),
    X509(Arc<X509Key>),
}

/// The X.509 authority's key and certificate.
pub(crate) struct X509Key {
    pub issuer: Issuer<'static, KeyPair>,
    pub certificate: CertificateDer<'static>,
    pub pem: String,
}

impl AuthorityKey {
    /// Makes a key, and the row that keeps it.
    pub fn make(
        kind: AuthorityKind,
        ambient: &Ambient,
        vault: &Vault,
    ) -> Result<(AuthorityKey, KeyRow), IdentityError> {
        let (key, secret) = match kind {
            AuthorityKind::X509 => make_x509(ambient)?,
            AuthorityKind::User | AuthorityKind::Host | AuthorityKind::Gate => make_ssh(ambient),
        };
        let public = key.public();
        let secret = Sealed(vault.seal(&sealed_name(kind, &public), &secret));
        Ok((key, KeyRow { public, secret, created: ambient.now() }))
    }

    /// Opens a kept key. The seal binds it to its kind and its public half.
    pub fn open(kind: AuthorityKind, row: &KeyRow, vault: &Vault) -> Result<AuthorityKey, IdentityError> {
        let secret = vault.unseal(&sealed_name(kind, &row.public), &row.secret.0)?;
        match kind {
            AuthorityKind::X509 => open_x509(&row.public, &secret),
            AuthorityKind::User | AuthorityKind::Host | AuthorityKind::Gate => {
                let seed: &[u8; 32] =
                    secret.as_slice().try_into().map_err(|_| unusable("the kept key has another length"))?;
                Ok(AuthorityKey::Ssh(Arc::new(PrivateKey::from(Ed25519Keypair::from_seed(seed)))))
            }
        }
    }

    /// Fingerprint of the public half: `SHA256:…`.
    pub fn fingerprint(&self) -> String {
        match self {
            AuthorityKey::Ssh(key) => key.fingerprint(HashAlg::Sha256).to_string(),
            AuthorityKey::X509(key) => spki_fingerprint(key.issuer.key()),
        }
    }

    /// The public half: an OpenSSH public key, or the certificate in PEM.
    pub fn public(&self) -> String {
        match self {
            AuthorityKey::Ssh(key) => {
                key.public_key().to_openssh().expect("an Ed25519 key can always be written")
            }
            AuthorityKey::X509(key) => key.pem.clone(),
        }
    }
}

/// Fingerprint of an X.509 public key, in the form that SSH uses.
pub(crate) fn spki_fingerprint(key: &impl PublicKeyData) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key.subject_public_key_info())))
}

fn sealed_name(kind: AuthorityKind, public: &str) -> String {
    format!("authority/{}/{}", kind.word(), public.trim_end())
}

fn unusable(why: impl ToString) -> IdentityError {
    IdentityError::Certificate(why.to_string())
}

fn make_ssh(ambient: &Ambient) -> (AuthorityKey, Zeroizing<Vec<u8>>) {
    let seed = Zeroizing::new(ambient.random::<32>());
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
    (AuthorityKey::Ssh(Arc::new(key)), Zeroizing::new(seed.to_vec()))
}

fn make_x509(ambient: &Ambient) -> Result<(AuthorityKey, Zeroizing<Vec<u8>>), IdentityError> {
    let (pair, pkcs8) = make_p256(ambient)?;
    let serial = random_serial(ambient);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    // Two authorities are trusted during a rotation, and clients tell them apart by name.
    let name = format!("Lodge certificate authority {}", hex(&serial.to_bytes()[..4]));
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(serial);
    set_validity(&mut params, ambient.now().minus(crate::CLOCK_SKEW), ambient.now().plus(X509_LIFE));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&pair).map_err(unusable)?;
    let key = open_x509(&certificate.pem(), &pkcs8)?;
    Ok((key, pkcs8))
}

fn open_x509(pem: &str, pkcs8: &[u8]) -> Result<AuthorityKey, IdentityError> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(unusable)?;
    let issuer = Issuer::from_ca_cert_der(&certificate, key_pair(pkcs8)?).map_err(unusable)?;
    Ok(AuthorityKey::X509(Arc::new(X509Key { issuer, certificate, pem: pem.to_owned() })))
}

fn key_pair(pkcs8: &[u8]) -> Result<KeyPair, IdentityError> {
    let der = PrivatePkcs8KeyDer::from(pkcs8);
    KeyPair::from_pkcs8_der_and_sign_algo(&der, &rcgen::PKCS_ECDSA_P256_SHA256).map_err(unusable)
}

/// PKCS #8 (RFC 5958) around an RFC 5915 private key on P-256: everything before the 32 bytes of the scalar,
const PKCS8_BEFORE_SCALAR: &[u8] = &[
    0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01,
    0x04, 0x20,
];
/// and what stands between it and the 65 bytes of the uncompressed point.
const PKCS8_BEFORE_POINT: &[u8] = &[0xa1, 0x44, 0x03, 0x42, 0x00];

/// Makes an ECDSA P-256 key from given randomness; ring and rcgen would only take the operating system's.
pub(crate) fn make_p256(ambient: &Ambient) -> Result<(KeyPair, Zeroizing<Vec<u8>>), IdentityError> {
    let pair = EcdsaKeypair::random(&mut AmbientRng(ambient), EcdsaCurve::NistP256).map_err(unusable)?;
    let parts = [PKCS8_BEFORE_SCALAR, pair.private_key_bytes(), PKCS8_BEFORE_POINT, pair.public_key_bytes()];
    let pkcs8 = Zeroizing::new(parts.concat());
    Ok((key_pair(&pkcs8)?, pkcs8))
}

/// Passes given randomness to what asks for `rand_core`'s.
struct AmbientRng<'a>(&'a Ambient);

impl TryRng for AmbientRng<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.0.random()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.0.random()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for AmbientRng<'_> {}

pub(crate) use base16ct::lower::encode_string as hex;

#[cfg(test)]
mod tests {
    use super::*;
    use event::Timestamp;

    #[test]
    fn a_kept_key_opens_only_for_its_own_kind_and_public_half() {
        let folder = tempfile::tempdir().unwrap();
        let (ambient, _) = Ambient::fixed(Timestamp::from_micros(1_764_000_000_000_000), 1);
        let random = {
            let ambient = ambient.clone();
            Arc::new(move |bytes: &mut [u8]| ambient.fill(bytes)) as _
        };
        let vault = Vault::open(&folder.path().join("master.key"), &random).unwrap();
        for kind in AuthorityKind::ALL {
            let (key, row) = AuthorityKey::make(kind, &ambient, &vault).unwrap();
            assert_eq!(AuthorityKey::open(kind, &row, &vault).unwrap().fingerprint(), key.fingerprint());
            let other = if kind == AuthorityKind::User { AuthorityKind::Gate } else { AuthorityKind::User };
            assert!(AuthorityKey::open(other, &row, &vault).is_err(), "{kind} as {other}");
            let (_, second) = AuthorityKey::make(kind, &ambient, &vault).unwrap();
            let swapped = KeyRow { public: second.public, ..row };
            assert!(AuthorityKey::open(kind, &swapped, &vault).is_err());
        }
    }
}
