//! What Lodge says of itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a client needs before it can trust and reach this Lodge. Public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Trust {
    /// Name or address under which Lodge is reached.
    pub public_host: String,
    /// Port of the SSH gate.
    pub ssh_port: u16,
    /// X.509 authorities, PEM; compare the fingerprint before trusting them.
    pub x509_authorities: String,
    /// Fingerprint of the first X.509 authority, `sha256:<hex>` of its DER.
    pub x509_fingerprint: String,
    /// SSH host authorities, OpenSSH public keys; what `@cert-authority` lines name.
    pub ssh_host_authorities: Vec<String>,
    /// SSH gate authorities, OpenSSH public keys; what targets put in `TrustedUserCAKeys`.
    pub ssh_gate_authorities: Vec<String>,
    /// The log's verifier key (C2SP signed-note).
    pub log_key: String,
}

impl Trust {
    /// Writes the `known_hosts` lines that make OpenSSH trust the host authorities for every host; see `sshd(8)`.
    pub fn known_hosts(&self) -> String {
        self.ssh_host_authorities.iter().map(|key| format!("@cert-authority * {key}\n")).collect()
    }
}

/// How this Lodge is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Release.
    pub version: String,
    /// Name of this node.
    pub node: String,
    /// Who is asking.
    pub user: String,
    /// Roles of who is asking.
    pub roles: Vec<String>,
    /// When the caller's certificate ends, RFC 3339.
    #[schema(value_type = String, format = DateTime)]
    pub expires: event::Timestamp,
    /// Sessions that are open now.
    pub live_sessions: u64,
    /// The audit log.
    pub log: LogStatus,
}

/// How the audit log is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogStatus {
    /// Durable entries.
    pub entries: u64,
    /// Entries under the newest published checkpoint.
    pub checkpoint_size: u64,
    /// When that checkpoint was made.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub checkpoint_time: Option<event::Timestamp>,
    /// Bytes that wait for their sync.
    pub queued_bytes: u64,
    /// Bytes on disk.
    pub stored_bytes: u64,
    /// Bytes free on the log's disk.
    pub free_bytes: u64,
    /// `ok`, `full` or `failed`.
    pub state: String,
}
