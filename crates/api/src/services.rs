//! What the handlers call.

use std::path::PathBuf;
use std::sync::Arc;

use access::{Access, ApiPermit, ApiResource, Operation, Refusal, Verb};
use archive::Archive;
use audit_log::AuditLog;
use event::{Ambient, Detail, SessionId};
use gateway::{Gateway, RemoteFiles, Terminals};
use identity::{Authenticated, Identity};
use ingest::Ingest;
use query::Query;
use recording::Recordings;

use crate::Problem;
use crate::caller::Caller;

/// The crates below, as one server has wired them.
pub struct Services {
    /// The audit log.
    pub log: AuditLog,
    /// What has left it.
    pub archive: Arc<Archive>,
    /// Search over it.
    pub query: Query,
    /// Questions in SQL.
    #[cfg(feature = "sql")]
    pub sql: sql::Engine,
    /// Recordings.
    pub recordings: Recordings,
    /// People and certificates.
    pub identity: Identity,
    /// Roles, targets, locks.
    pub access: Access,
    /// Live sessions.
    pub gateway: Gateway,
    /// Terminals for pages of the console.
    pub terminals: Arc<dyn Terminals>,
    /// Files on targets for pages of the console.
    pub remote_files: Arc<dyn RemoteFiles>,
    /// What other systems report.
    pub ingest: Ingest,
    /// Time and randomness.
    pub ambient: Ambient,
    /// What this server says of itself.
    pub facts: Facts,
}

/// What a server says of itself.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Release.
    pub version: String,
    /// Name of this node.
    pub node: String,
    /// Name or address under which clients reach it.
    pub public_host: String,
    /// Port of the API.
    pub api_port: u16,
    /// Port of the SSH gate.
    pub ssh_port: u16,
    /// Folder of the audit log, for verification.
    pub log_folder: PathBuf,
}

impl Facts {
    /// Writes the link that `lodge login --invite` takes. The fingerprint stands behind `#`, so it is never sent.
    pub fn invite_link(&self, token: &str, fingerprint: &str) -> String {
        let host = if self.public_host.contains(':') {
            format!("[{}]", self.public_host)
        } else {
            self.public_host.clone()
        };
        format!("https://{host}:{}/invite/{token}#{fingerprint}", self.api_port)
    }
}

impl Services {
    /// Asks whether the caller may do this; a refusal is in the log before it is answered.
    pub async fn permit(
        &self,
        caller: &Caller,
        resource: ApiResource,
        verb: Verb,
    ) -> Result<ApiPermit, Problem> {
        let operation = Operation::new(resource, verb).ok_or_else(|| Problem::inside("no such operation"))?;
        Ok(self.access.authorize_api(&caller.who, operation).await?)
    }

    /// Asks questions of the log for the permit's holder, who is left no more than a share of the places in which searches run.
    pub fn asking(&self, permit: &ApiPermit) -> Query {
        self.query.asked_by(&permit.actor().user)
    }

    /// Records what the permit's holder does.
    pub async fn record(&self, permit: &ApiPermit, detail: Detail) -> Result<(), Problem> {
        self.log.append(&permit.author().event(&self.ambient, detail)).await?;
        Ok(())
    }

    /// Records what the permit's holder tried, and why it came to nothing.
    pub async fn record_failed(&self, permit: &ApiPermit, detail: Detail, why: &str) -> Result<(), Problem> {
        self.log.append(&permit.author().event(&self.ambient, detail).failed(why)).await?;
        Ok(())
    }

    /// Records what the permit's holder does with a session.
    pub async fn record_of_session(
        &self,
        permit: &ApiPermit,
        detail: Detail,
        session: SessionId,
    ) -> Result<(), Problem> {
        self.log.append(&permit.author().event(&self.ambient, detail).in_session(session)).await?;
        Ok(())
    }

    /// Says what of the API `who` would be allowed now. Permits nothing.
    pub fn allowed(&self, who: &Authenticated) -> Vec<String> {
        let allowed = Operation::all().filter(|operation| self.access.would_authorize_api(who, *operation));
        allowed.map(|operation| operation.to_string()).collect()
    }

    /// Says whether the caller would be allowed this now. Permits nothing.
    pub fn may(&self, caller: &Caller, resource: ApiResource, verb: Verb) -> bool {
        let operation = Operation::new(resource, verb);
        operation.is_some_and(|operation| self.access.would_authorize_api(&caller.who, operation))
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        match refusal {
            Refusal::Denied { code, why } => Problem::forbidden(code, why),
            Refusal::Log(error) => error.into(),
            Refusal::State(why) => Problem::inside(&why),
        }
    }
}
