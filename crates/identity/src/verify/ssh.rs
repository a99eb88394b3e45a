//! A person's SSH certificate: everything about it that can be known without asking who is signed in.

use std::net::IpAddr;

use event::{SessionId, Timestamp};
use ipnet::IpNet;
use ssh_key::certificate::CertType;
use ssh_key::{Certificate, PublicKey};

use super::{CertificateRefusal, parse_key_id, signed_by_one_of, within_window};
use crate::certificate::from_unix_seconds;
use crate::certificate::ssh::{EXTENSIONS, strong_enough};
use crate::names::UserName;
use crate::{CLOCK_SKEW, MAX_CERTIFICATE_LIFE};

/// The fewest random bytes that keep an authority from signing what an attacker chose.
const MIN_NONCE_BYTES: usize = 16;

/// What an SSH certificate says, once everything about it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshClaims {
    /// Whose it is.
    pub user: UserName,
    /// The login that it belongs to.
    pub login: SessionId,
    /// Its serial number.
    pub serial: u64,
    /// When it ends.
    pub expires: Timestamp,
}

/// Examines a person's certificate completely: type, authority, signature, window, length of life, key, key id,
/// principal, every critical option and every extension. Whether the login still stands is asked elsewhere.
pub fn examine_ssh_certificate(
    certificate: &Certificate,
    trusted: &[PublicKey],
    now: Timestamp,
    from: IpAddr,
) -> Result<SshClaims, CertificateRefusal> {
    if certificate.cert_type() != CertType::User {
        return Err(CertificateRefusal::WrongType);
    }
    signed_by_one_of(certificate, trusted)?;
    if certificate.nonce().len() < MIN_NONCE_BYTES {
        return Err(CertificateRefusal::Malformed("its nonce is too short"));
    }
    if certificate.serial() == 0 {
        return Err(CertificateRefusal::Malformed("it has no serial number"));
    }
    within_window(certificate, now)?;
    let longest = MAX_CERTIFICATE_LIFE.as_secs() + CLOCK_SKEW.as_secs();
    if certificate.valid_before() - certificate.valid_after() > longest {
        return Err(CertificateRefusal::TooLong);
    }
    if !strong_enough(certificate.public_key()) {
        return Err(CertificateRefusal::WeakKey);
    }
    let (user, login) = parse_key_id(certificate.key_id())?;
    // Exactly one: an empty list would mean everyone.
    if certificate.valid_principals() != [user.as_str()] {
        return Err(CertificateRefusal::Principal);
    }
    check_critical_options(certificate, from)?;
    check_extensions(certificate)?;
    Ok(SshClaims {
        user,
        login,
        serial: certificate.serial(),
        expires: from_unix_seconds(certificate.valid_before()),
    })
}

/// Honours `source-address`, and refuses `force-command` and everything else: what is critical and not honoured must
/// not be passed over.
fn check_critical_options(certificate: &Certificate, from: IpAddr) -> Result<(), CertificateRefusal> {
    for (name, value) in certificate.critical_options().iter() {
        match name.as_str() {
            "source-address" if allows(value, from) => {}
            "source-address" => return Err(CertificateRefusal::SourceAddress),
            other => return Err(CertificateRefusal::CriticalOption(other.to_owned())),
        }
    }
    Ok(())
}

/// Whether a comma-separated list of addresses and networks holds `from`. A list with an unreadable part holds nothing.
fn allows(list: &str, from: IpAddr) -> bool {
    let parse =
        |part: &str| part.parse::<IpNet>().ok().or_else(|| part.parse::<IpAddr>().ok().map(IpNet::from));
    let networks: Option<Vec<IpNet>> = list.split(',').map(parse).collect();
    networks.is_some_and(|networks| networks.iter().any(|network| network.contains(&from.to_canonical())))
}

fn check_extensions(certificate: &Certificate) -> Result<(), CertificateRefusal> {
    for (name, value) in certificate.extensions().iter() {
        if !EXTENSIONS.contains(&name.as_str()) || !value.is_empty() {
            return Err(CertificateRefusal::Extension(name.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
