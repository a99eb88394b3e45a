//! A gate on a real log, vault, database and identity in a temporary folder, with a clock that the test moves.

#![allow(dead_code, reason = "not every test uses every part")]

use std::sync::Arc;
use std::time::Duration;

use access::{Access, Ask, Operation, Permit, Refusal, Resource};
use audit_log::{AuditLog, LogConfig};
use event::{Ambient, ManualClock, Origin, Record, Timestamp};
use identity::{Authenticated, Identity, LoginRequest, NewUser};
use secrecy::{ExposeSecret, SecretString};
use ssh_key::PrivateKey;
use ssh_key::private::Ed25519Keypair;
use store::tables::Sqlite;
use store::vault::{RandomFill, Vault};

pub const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
const PASSWORD: &str = "a long enough pass phrase";

/// Everything that stands behind the gate.
pub struct Gate {
    pub access: Access,
    pub identity: Identity,
    pub log: AuditLog,
    pub clock: Arc<ManualClock>,
    pub ambient: Ambient,
    folder: tempfile::TempDir,
}

pub fn origin() -> Origin {
    Origin { ip: "192.0.2.7".parse().unwrap(), port: Some(40_000), agent: None }
}

pub fn ask<'a>(target: &'a str, login: &'a str) -> Ask<'a> {
    Ask { protocol: "ssh", target, login, open_sessions: 0 }
}

pub fn operation(name: &str) -> Operation {
    Operation::all().find(|operation| operation.to_string() == name).unwrap()
}

pub fn resources(yaml: &str) -> Vec<Resource> {
    Resource::parse_all(&yaml.replace("KEY", KEY)).unwrap()
}

impl Gate {
    pub async fn open() -> Gate {
        let folder = tempfile::tempdir().unwrap();
        let (ambient, clock) = Ambient::fixed(Timestamp::from_micros(1_764_000_000_000_000), 7);
        Gate::open_in(folder, ambient, clock).await
    }

    async fn open_in(folder: tempfile::TempDir, ambient: Ambient, clock: Arc<ManualClock>) -> Gate {
        let entropy = ambient.clone();
        let random: RandomFill = Arc::new(move |bytes: &mut [u8]| entropy.fill(bytes));
        let vault = Arc::new(Vault::open(&folder.path().join("master.key"), &random).unwrap());
        let tables = Arc::new(Sqlite::open(&folder.path().join("state.db")).unwrap());
        let config = LogConfig::new(folder.path().join("log"), "gate.test/log");
        let log = AuditLog::open(config, &vault, ambient.clone()).unwrap();
        let identity = Identity::open(tables.clone(), vault, log.clone(), ambient.clone()).await.unwrap();
        let access = Access::open(tables, log.clone(), identity.clone(), ambient.clone()).await.unwrap();
        Gate { access, identity, log, clock, ambient, folder }
    }

    /// Closes everything and opens it again, as a restart does.
    pub async fn reopen(self) -> Gate {
        let Gate { access, identity, log, clock, ambient, folder } = self;
        log.shutdown();
        drop((access, identity, log));
        Gate::open_in(folder, ambient, clock).await
    }

    /// Lets a person join with these roles and log in.
    pub async fn person(&self, name: &str, roles: &[&str]) -> Authenticated {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let traits = [("logins".to_owned(), vec!["svc".to_owned(), "a,b".to_owned()])].into();
        let new = NewUser { name: name.to_owned(), roles, traits, disabled: false };
        let invite = self.identity.create_user(&event::Author::system("test"), new).await.unwrap();
        let enrolment = self.identity.begin_invite(&origin(), &invite.token, PASSWORD.into()).await.unwrap();
        let secret = totp_secret(&enrolment.uri);
        self.identity.finish_invite(&origin(), &invite.token, self.code(&secret)).await.unwrap();
        // A code is good once, so the login waits for the next.
        self.clock.advance(Duration::from_secs(30));
        let request = LoginRequest {
            user: name.to_owned(),
            password: PASSWORD.into(),
            code: self.code(&secret),
            origin: origin(),
            ssh_public_key: PrivateKey::from(Ed25519Keypair::from_seed(&[9; 32]))
                .public_key()
                .to_openssh()
                .unwrap(),
            tls_public_key: rcgen::KeyPair::generate().unwrap().public_key_pem(),
            ttl: Duration::from_secs(12 * 3600),
        };
        let grant = self.identity.login(request).await.unwrap();
        self.identity.verify_ssh_certificate(&grant.ssh_certificate, &origin()).await.unwrap()
    }

    fn code(&self, secret: &[u8]) -> SecretString {
        let step = self.ambient.now().as_unix_seconds() / 30;
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
        let tag = ring::hmac::sign(&key, &step.to_be_bytes());
        let at = usize::from(tag.as_ref()[19] & 15);
        let word = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", word % 1_000_000).into()
    }

    /// Applies documents as this person, each under its own permit.
    pub async fn apply(&self, who: &Authenticated, yaml: &str) {
        for resource in resources(yaml) {
            let permit =
                self.access.authorize_api(who, self.access.operation_of_apply(&resource)).await.unwrap();
            self.access.apply(&permit, resource).await.unwrap();
        }
    }

    pub async fn delete(&self, who: &Authenticated, kind: access::ResourceKind, name: &str) {
        let operation = Operation::new(kind.api_resource(), access::Verb::Delete).unwrap();
        let permit = self.access.authorize_api(who, operation).await.unwrap();
        self.access.delete(&permit, kind, name).await.unwrap();
    }

    pub async fn granted(&self, who: &Authenticated, target: &str, login: &str) -> Permit {
        self.access.authorize(who, ask(target, login)).await.unwrap()
    }

    pub async fn denied(&self, who: &Authenticated, target: &str, login: &str) -> (&'static str, String) {
        match self.access.authorize(who, ask(target, login)).await {
            Err(Refusal::Denied { code, why }) => (code, why),
            other => panic!("{other:?}"),
        }
    }

    /// All events so far, with their places in the log.
    pub fn events(&self) -> Vec<(u64, Record)> {
        let mut events = Vec::new();
        while (events.len() as u64) < self.log.size() {
            let entries = self.log.read(events.len() as u64..self.log.size()).unwrap();
            assert!(!entries.is_empty());
            let record = |entry: &audit_log::Entry| Record::parse(&entry.payload).unwrap();
            events.extend(entries.iter().map(|entry| (entry.position, record(entry))));
        }
        events
    }

    /// The newest event of a kind.
    pub fn newest(&self, kind: &str) -> Record {
        let newest =
            self.events().into_iter().map(|(_, record)| record).rfind(|record| record.kind() == kind);
        newest.unwrap_or_else(|| panic!("there is no {kind}"))
    }

    pub fn count(&self, kind: &str) -> usize {
        self.events().iter().filter(|(_, record)| record.kind() == kind).count()
    }
}

/// Reads the secret out of an authenticator's URI (RFC 4648 base32).
fn totp_secret(uri: &SecretString) -> Vec<u8> {
    let text = uri.expose_secret().split_once("secret=").unwrap().1;
    let mut bits = 0u64;
    let mut held = 0;
    let mut secret = Vec::new();
    for byte in text.bytes().take_while(u8::is_ascii_alphanumeric) {
        let value = if byte.is_ascii_digit() { byte - b'2' + 26 } else { byte - b'A' };
        bits = (bits << 5) | u64::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            secret.push((bits >> held) as u8);
        }
    }
    secret
}
