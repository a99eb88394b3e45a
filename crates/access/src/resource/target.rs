//! Targets: servers that people reach through Lodge, and how each one's host key is checked.
//!
//! No target is trusted on first use: a target without a host key is refused before anyone can dial it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use ssh_key::{Algorithm, PublicKey};

use crate::names::{NameError, check_name, shorten};
use crate::one_or_many::Many;
use crate::selector::{SelectorError, check_labels};

/// Bits that an RSA host key must have at least.
const MIN_RSA_BITS: u32 = 2048;
/// Most keys that one target can pin.
const MAX_PINNED: usize = 16;

/// A server that people reach through Lodge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its name, by which people ask for it.
    pub name: String,
    /// What it is, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it listens: `host:port`, or `[address]:port` for IPv6.
    pub address: String,
    /// Its labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// How its host key is checked.
    pub host_key: HostKey,
}

/// How a target's host key is checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "HostKeyFields")]
pub enum HostKey {
    /// Signed by the host authority, for this principal.
    Authority {
        /// Name that the host certificate must carry.
        principal: String,
    },
    /// One of these keys, OpenSSH format.
    Pinned {
        /// The keys, without comments.
        keys: Vec<String>,
    },
}

/// A host key as it is written: one of the two.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostKeyFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authority: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pinned: Option<Pins>,
}

/// Pinned keys; one may be written without a list.
#[derive(Clone, Serialize)]
#[serde(transparent)]
struct Pins(Vec<String>);

impl<'de> Deserialize<'de> for Pins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pins, D::Error> {
        Many::<String>::deserialize(deserializer).map(|many| Pins(many.0))
    }
}

/// Why a target is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Its name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Its labels.
    #[error(transparent)]
    Labels(#[from] SelectorError),
    /// Its address.
    #[error("{0:?} is not an address; write `host:port`, such as `10.0.0.5:22` or `[2001:db8::5]:22`")]
    Address(String),
    /// No host key.
    #[error(
        "the target has no host key, and Lodge never trusts one on first use; put the line that the server itself \
         shows with `cat /etc/ssh/ssh_host_ed25519_key.pub` under `host_key: {{pinned: …}}` (`ssh-keyscan -t ed25519 {host}` \
         shows it too, but only a network that you trust makes that safe), or sign the server's key with the host \
         authority and write `host_key: {{authority: NAME}}`"
    )]
    NoHostKey {
        /// Host of the target's address.
        host: String,
    },
    /// Both ways.
    #[error("`host_key` takes either `authority` or `pinned`, not both")]
    TwoHostKeys,
    /// A name that no host certificate can carry.
    #[error("{0:?} cannot be the name in a host certificate; use a host name such as `web-1.example.com`")]
    Principal(String),
    /// A key that is none.
    #[error("{key:?} is not a host key that can be pinned: {why}")]
    Key {
        /// The line, shortened.
        key: String,
        /// What is wrong.
        why: String,
    },
    /// Too many keys.
    #[error("a target pins at most {MAX_PINNED} keys")]
    TooManyKeys,
}

impl Target {
    /// Checks what the types do not hold by themselves.
    pub fn check(&self) -> Result<(), TargetError> {
        check_name(&self.name)?;
        host_of(&self.address)?;
        Ok(check_labels(&self.labels)?)
    }

    /// Names the target in an event.
    pub fn in_event(&self) -> event::Target {
        event::Target {
            kind: "ssh".to_owned(),
            name: self.name.clone(),
            labels: self.labels.clone(),
            address: Some(self.address.clone()),
        }
    }
}

impl TryFrom<HostKeyFields> for HostKey {
    type Error = TargetError;

    fn try_from(fields: HostKeyFields) -> Result<HostKey, TargetError> {
        match (fields.authority, fields.pinned) {
            (Some(principal), None) if is_host_name(&principal) => Ok(HostKey::Authority { principal }),
            (Some(principal), None) => Err(TargetError::Principal(shorten(&principal))),
            (None, Some(Pins(keys))) if keys.len() > MAX_PINNED => Err(TargetError::TooManyKeys),
            (None, Some(Pins(keys))) if !keys.is_empty() => {
                let keys = keys.iter().map(|key| plain_key(key)).collect::<Result<_, _>>()?;
                Ok(HostKey::Pinned { keys })
            }
            (Some(_), Some(_)) => Err(TargetError::TwoHostKeys),
            _ => Err(TargetError::NoHostKey { host: "HOST".to_owned() }),
        }
    }
}

impl From<HostKey> for HostKeyFields {
    fn from(key: HostKey) -> HostKeyFields {
        match key {
            HostKey::Authority { principal } => HostKeyFields { authority: Some(principal), pinned: None },
            HostKey::Pinned { keys } => HostKeyFields { authority: None, pinned: Some(Pins(keys)) },
        }
    }
}

impl<'de> Deserialize<'de> for HostKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<HostKey, D::Error> {
        HostKeyFields::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}

/// Reads a key line and writes it without its comment.
fn plain_key(line: &str) -> Result<String, TargetError> {
    let error = |why: &str| TargetError::Key { key: shorten(line), why: why.to_owned() };
    let mut key = PublicKey::from_openssh(line.trim()).map_err(|_| {
        error(
            "write one line of OpenSSH's format, such as `ssh-ed25519 AAAA…`, without a host name before it",
        )
    })?;
    match key.algorithm() {
        Algorithm::Ed25519 | Algorithm::Ecdsa { .. } => {}
        Algorithm::Rsa { .. } => {
            let bits = key.key_data().rsa().map_or(0, |rsa| rsa.key_size());
            if bits < MIN_RSA_BITS {
                return Err(error("RSA keys need at least 2048 bits"));
            }
        }
        _ => return Err(error("only Ed25519, ECDSA and RSA keys are taken")),
    }
    key.set_comment("");
    key.to_openssh().map_err(|_| error("it cannot be written back"))
}

/// Returns the host of `host:port`.
pub(crate) fn host_of(address: &str) -> Result<&str, TargetError> {
    let error = || TargetError::Address(shorten(address));
    let (host, port) = address.rsplit_once(':').ok_or_else(error)?;
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || port.starts_with('0') || port.parse::<u16>().is_err() {
        return Err(error());
    }
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return matches!(inner.parse(), Ok(IpAddr::V6(_))).then_some(inner).ok_or_else(error);
    }
    is_host_name(host).then_some(host).ok_or_else(error)
}

/// Says whether text is a host name (RFC 1123, underscores let pass) or an IPv4 address.
fn is_host_name(host: &str) -> bool {
    let label = |label: &str| {
        let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(inside)
    };
    host.len() <= 253 && host.split('.').all(label)
}

/// Reads a target that was stored, checking it again.
pub(crate) fn read_stored(json: &[u8]) -> Result<Target, serde_json::Error> {
    let target: Target = serde_json::from_slice(json)?;
    target.check().map_err(serde_json::Error::custom)?;
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_need_a_host_and_a_port() {
        for (good, host) in [
            ("web-1:22", "web-1"),
            ("10.0.0.5:2222", "10.0.0.5"),
            ("[::1]:22", "::1"),
            ("db.example.com:22", "db.example.com"),
        ] {
            assert_eq!(host_of(good).unwrap(), host);
        }
        for bad in [
            "",
            "web",
            ":22",
            "web:",
            "web:0",
            "web:022",
            "web:65536",
            "web:-1",
            "::1:22",
            "[::1]",
            "[web]:22",
            "a b:22",
            "-oX:22",
            "web/x:22",
            "web:22 ",
            "web..x:22",
            "user@web:22",
            "web:+22",
        ] {
            assert!(host_of(bad).is_err(), "{bad}");
        }
    }
}
