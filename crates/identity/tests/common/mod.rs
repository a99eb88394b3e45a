//! An identity on a real log, vault and database in a temporary folder, with a clock that the test moves.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "every file of tests uses a part of this, and tests may unwrap"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use audit_log::{AuditLog, LogConfig};
use event::{Actor, Ambient, Author, ManualClock, Origin, Record, Timestamp};
use identity::{Identity, Invite, LoginError, LoginGrant, LoginRequest, NewUser};
use secrecy::{ExposeSecret, SecretString};
use ssh_key::PrivateKey;
use ssh_key::private::Ed25519Keypair;
use store::tables::{Row, Sqlite, TableError, Tables, Write};
use store::vault::{RandomFill, Vault};

pub const PASSWORD: &str = "correct horse battery staple";

pub struct House {
    pub identity: Identity,
    pub log: AuditLog,
    pub clock: Arc<ManualClock>,
    pub ambient: Ambient,
    pub folder: tempfile::TempDir,
    pub disk: Disk,
}

pub fn origin() -> Origin {
    Origin::of("192.0.2.7:40000".parse::<SocketAddr>().unwrap())
}

pub fn admin() -> Author {
    Author::of(Actor::human("root"), Some(origin()))
}

pub async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let start = Timestamp::from_micros(1_764_000_000_000_000);
    let (ambient, clock) = Ambient::fixed(start, 1);
    let (identity, log, disk) = open(folder.path(), &ambient).await;
    House { identity, log, clock, ambient, folder, disk }
}

async fn open(folder: &Path, ambient: &Ambient) -> (Identity, AuditLog, Disk) {
    let random = ambient.clone();
    let random: RandomFill = Arc::new(move |bytes: &mut [u8]| random.fill(bytes));
    let vault = Arc::new(Vault::open(&folder.join("master.key"), &random).unwrap());
    let disk = Disk::default();
    let tables = Breakable { sqlite: Sqlite::open(&folder.join("state.db")).unwrap(), disk: disk.clone() };
    let config = LogConfig::new(folder.join("log"), "lodge.test/log");
    let log = AuditLog::open(config, &vault, ambient.clone()).unwrap();
    let identity = Identity::open(Arc::new(tables), vault, log.clone(), ambient.clone()).await.unwrap();
    (identity, log, disk)
}

/// Says whether the database's disk still takes writes.
#[derive(Clone, Default)]
pub struct Disk(Arc<AtomicBool>);

impl Disk {
    pub fn fill(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A database whose disk can be full.
struct Breakable {
    sqlite: Sqlite,
    disk: Disk,
}

impl Tables for Breakable {
    fn get(&self, table: &'static str, key: &str) -> Result<Option<Row>, TableError> {
        self.sqlite.get(table, key)
    }

    fn scan(&self, table: &'static str, prefix: &str) -> Result<Vec<Row>, TableError> {
        self.sqlite.scan(table, prefix)
    }

    fn commit(&self, writes: &[Write]) -> Result<(), TableError> {
        if self.disk.0.load(Ordering::SeqCst) {
            return Err(TableError::Storage("the disk is full".to_owned()));
        }
        self.sqlite.commit(writes)
    }
}

impl House {
    /// Closes everything and opens it again, as a restart does.
    pub async fn reopen(self) -> House {
        let House { identity, log, clock, ambient, folder, .. } = self;
        drop(identity);
        log.shutdown();
        drop(log);
        let (identity, log, disk) = open(folder.path(), &ambient).await;
        House { identity, log, clock, ambient, folder, disk }
    }

    /// All events so far.
    pub fn events(&self) -> Vec<Record> {
        let mut events = Vec::new();
        while (events.len() as u64) < self.log.size() {
            let entries = self.log.read(events.len() as u64..self.log.size()).unwrap();
            events.extend(entries.iter().map(|entry| Record::parse(&entry.payload).unwrap()));
        }
        events
    }

    /// The events of one kind.
    pub fn events_of(&self, kind: &str) -> Vec<Record> {
        self.events().into_iter().filter(|event| event.kind() == kind).collect()
    }

    pub fn newest(&self, kind: &str) -> Record {
        self.events_of(kind).pop().unwrap_or_else(|| panic!("there is no {kind}"))
    }

    pub async fn invite(&self, name: &str, roles: &[&str]) -> Invite {
        let roles = roles.iter().map(|&role| role.to_owned()).collect();
        let new = NewUser { name: name.to_owned(), roles, traits: Default::default(), disabled: false };
        self.identity.create_user(&admin(), new).await.unwrap()
    }

    /// Accepts an invite and returns the person's authenticator and recovery codes.
    pub async fn accept(&self, invite: &Invite) -> (Authenticator, Vec<SecretString>) {
        let enrolment = self.identity.begin_invite(&origin(), &invite.token, PASSWORD.into()).await.unwrap();
        let authenticator = Authenticator::scan(&enrolment.uri);
        let code = authenticator.code(self.ambient.now());
        let codes = self.identity.finish_invite(&origin(), &invite.token, code).await.unwrap();
        self.clock.advance(Duration::from_secs(30));
        (authenticator, codes.codes)
    }

    pub async fn join(&self, name: &str, roles: &[&str]) -> (Authenticator, Vec<SecretString>) {
        let invite = self.invite(name, roles).await;
        self.accept(&invite).await
    }

    pub async fn try_login(
        &self,
        user: &str,
        password: &str,
        code: SecretString,
    ) -> Result<LoginGrant, LoginError> {
        self.identity.login(request(user, password, code)).await
    }

    /// Signs in, and lets the code's time step pass.
    pub async fn login(&self, user: &str, authenticator: &Authenticator) -> LoginGrant {
        let grant = self.try_login(user, PASSWORD, authenticator.code(self.ambient.now())).await.unwrap();
        self.clock.advance(Duration::from_secs(30));
        grant
    }
}

pub fn request(user: &str, password: &str, code: SecretString) -> LoginRequest {
    LoginRequest {
        user: user.to_owned(),
        password: password.into(),
        code,
        origin: origin(),
        ssh_public_key: ssh_key(2).public_key().to_openssh().unwrap(),
        tls_public_key: tls_key().public_key_pem(),
        ttl: Duration::from_secs(3600),
    }
}

pub fn ssh_key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

pub fn tls_key() -> rcgen::KeyPair {
    rcgen::KeyPair::generate().unwrap()
}

/// An authenticator app: reads the URI, shows codes. Written apart from the code under test.
pub struct Authenticator {
    secret: Vec<u8>,
}

impl Authenticator {
    pub fn scan(uri: &SecretString) -> Authenticator {
        let text = uri.expose_secret().split_once("secret=").unwrap().1;
        let text = text.split('&').next().unwrap();
        let bits: String = text
            .bytes()
            .map(|byte| if byte.is_ascii_digit() { byte - b'2' + 26 } else { byte - b'A' })
            .map(|value| format!("{value:05b}"))
            .collect();
        let secret = bits
            .as_bytes()
            .chunks_exact(8)
            .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap());
        Authenticator { secret: secret.collect() }
    }

    pub fn code(&self, now: Timestamp) -> SecretString {
        let step = now.as_micros() / 30_000_000;
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret);
        let tag = ring::hmac::sign(&key, &step.to_be_bytes());
        let at = usize::from(tag.as_ref()[19] & 15);
        let word = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", word % 1_000_000).into()
    }
}
