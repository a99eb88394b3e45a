//! A gate, a target and a person, in one temporary folder.

mod person;
mod raw;
mod sshd;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use access::{Access, Resource};
use audit_log::{AuditLog, LogConfig};
use event::{Actor, Ambient, ManualClock, Record, Timestamp};
use gateway::{Door, Gateway, Limits, Protocol};
use identity::{AuthorityKind, Identity};
use recording::Recordings;
use store::tables::Sqlite;
use store::vault::Vault;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use person::{Person, key_of};
pub use sshd::Sshd;

/// How long anything that must happen may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A whole gate with one target, `web-1`, and one person, `alice`.
pub struct Bed {
    pub folder: TempDir,
    pub clock: Arc<ManualClock>,
    pub log: AuditLog,
    pub recordings: Recordings,
    pub identity: Identity,
    pub access: Access,
    pub gateway: Gateway,
    pub address: String,
    pub alice: Person,
    pub sshd: Sshd,
    ambient: Ambient,
    boot: access::ApiPermit,
    stop: watch::Sender<bool>,
}

/// What a server opens in its data folder.
pub struct Parts {
    pub log: AuditLog,
    pub recordings: Recordings,
    pub identity: Identity,
    pub access: Access,
    pub gateway: Gateway,
}

impl Parts {
    async fn open(folder: &Path, ambient: &Ambient) -> Parts {
        let entropy = ambient.clone();
        let fill: store::vault::RandomFill = Arc::new(move |bytes| entropy.fill(bytes));
        let vault = Arc::new(Vault::open(&folder.join("master.key"), &fill).unwrap());
        let tables = Arc::new(Sqlite::open(&folder.join("state.db")).unwrap());
        let config = LogConfig::new(folder.join("log"), "lodge.test/log");
        let log = AuditLog::open(config, &vault, ambient.clone()).unwrap();
        let recordings = Recordings::open(&folder.join("recordings"), ambient.clone()).unwrap();
        let identity = Identity::open(tables.clone(), vault, log.clone(), ambient.clone()).await.unwrap();
        let access = Access::open(tables, log.clone(), identity.clone(), ambient.clone()).await.unwrap();
        let gateway =
            Gateway::new(log.clone(), recordings.clone(), identity.clone(), access.clone(), ambient.clone());
        Parts { log, recordings, identity, access, gateway }
    }
}

/// The account under which the tests run, which is the one that they log in to.
pub fn me() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Bed {
    /// Builds a bed where alice's role has `options`, in YAML.
    pub async fn new(options: &str) -> Bed {
        Bed::with_limits(options, Limits::default()).await
    }

    pub async fn with_limits(options: &str, limits: Limits) -> Bed {
        let folder = tempfile::tempdir().unwrap();
        let start = Timestamp::EPOCH.plus(UNIX_EPOCH.elapsed().unwrap());
        let (ambient, clock) = Ambient::fixed(start, 7);
        let Parts { log, recordings, identity, access, gateway } = Parts::open(folder.path(), &ambient).await;
        let boot = access.boot_permit().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = watch::channel(false);
        let door = Door { listener, public_name: "gate.test".to_owned(), limits, stop: stopped };
        tokio::spawn(protocols::ssh::Ssh.serve(gateway.clone(), door));
        let alice = Person::join(&identity, &clock, folder.path(), "alice", &["ops"]).await;
        let sshd = Sshd::start(&identity, &folder.path().join("web-1"), "web-1.internal").await;
        let bed = Bed {
            folder,
            clock,
            log,
            recordings,
            identity,
            access,
            gateway,
            address,
            alice,
            sshd,
            ambient,
            boot,
            stop,
        };
        bed.apply(&format!(
            "{{kind: role, name: ops, allow: {{targets: web-1, logins: '{}'}}, options: {options}}}",
            me()
        ))
        .await;
        let address = bed.sshd.address.clone();
        bed.apply(&format!(
            "{{kind: target, name: web-1, address: '{address}', host_key: {{authority: web-1.internal}}}}"
        ))
        .await;
        bed
    }

    /// Applies resources, in YAML.
    pub async fn apply(&self, yaml: &str) {
        for resource in Resource::parse_all(yaml).unwrap() {
            self.access.apply(&self.boot, resource).await.unwrap();
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Options for `ssh`, `scp` and `sftp` through this gate as `person`.
    pub fn options(&self, person: &Person) -> Vec<String> {
        let known_hosts = self.path("known_hosts");
        if !known_hosts.exists() {
            let keys = self.identity.trusted_keys(AuthorityKind::Host);
            let lines: String =
                keys.iter().map(|key| format!("@cert-authority * {}\n", key.to_openssh().unwrap())).collect();
            std::fs::write(&known_hosts, lines).unwrap();
        }
        [
            format!("ProxyCommand={} {} %n", env!("CARGO_BIN_EXE_test-ssh-proxy"), self.address),
            format!("UserKnownHostsFile={}", known_hosts.display()),
            "GlobalKnownHostsFile=/dev/null".to_owned(),
            "StrictHostKeyChecking=yes".to_owned(),
            "BatchMode=yes".to_owned(),
            "IdentitiesOnly=yes".to_owned(),
            "IdentityAgent=none".to_owned(),
            format!("IdentityFile={}", person.key.display()),
            format!("CertificateFile={}", person.certificate.display()),
        ]
        .into_iter()
        .flat_map(|option| ["-o".to_owned(), option])
        .collect()
    }

    /// A stock client through this gate as alice.
    pub fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["-F", "none"]).args(self.options(&self.alice)).env("LC_ALL", "C");
        command
    }

    /// `ssh ME@TARGET ARGUMENTS` as alice.
    pub fn ssh(&self, target: &str, arguments: &[&str]) -> Command {
        let mut command = self.client("ssh");
        command.arg(format!("{}@{target}", me())).args(arguments).stdin(Stdio::null());
        command
    }

    /// All events so far.
    pub fn events(&self) -> Vec<Record> {
        events_of(&self.log)
    }

    /// Opens everything anew, as a start after a crash would; the log must have been shut down.
    pub async fn reopen(&self) -> Parts {
        Parts::open(self.folder.path(), &self.ambient).await
    }

    /// The events of one kind so far.
    pub fn of_kind(&self, kind: &str) -> Vec<Record> {
        self.events().into_iter().filter(|event| event.kind() == kind).collect()
    }

    /// Waits for an event of a kind.
    pub async fn wait_for(&self, kind: &str) -> Record {
        self.wait_for_that(kind, |_| true).await
    }

    /// Waits for an event of a kind that is as described.
    pub async fn wait_for_that(&self, kind: &str, is_it: impl Fn(&Record) -> bool) -> Record {
        let found = async {
            let mut follower = self.log.follow(0);
            loop {
                for entry in follower.next(100).await.unwrap() {
                    let record = Record::parse(&entry.payload).unwrap();
                    if record.kind() == kind && is_it(&record) {
                        return record;
                    }
                }
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(record) => record,
            Err(_) => panic!("no {kind}; there are: {:#?}", self.kinds()),
        }
    }

    /// The kinds of all events so far, with outcomes, for messages.
    pub fn kinds(&self) -> Vec<String> {
        self.events()
            .iter()
            .map(|event| format!("{} {:?} {:?}", event.kind(), event.outcome, event.reason))
            .collect()
    }

    /// Sets a lock that holds alice.
    pub async fn lock_alice(&self) {
        self.apply("{kind: lock, name: incident, user: alice, reason: 'laptop stolen'}").await;
    }

    pub fn admin() -> Actor {
        Actor::human("boss")
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// All events of a log so far.
pub fn events_of(log: &AuditLog) -> Vec<Record> {
    let mut events = Vec::new();
    while (events.len() as u64) < log.size() {
        let from = events.len() as u64;
        let entries = log.read(from..log.size()).unwrap();
        events.extend(entries.iter().map(|entry| Record::parse(&entry.payload).unwrap()));
    }
    events
}

/// Runs a program without holding up the gate, which lives in the same process.
pub async fn run(mut command: Command) -> Output {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    match tokio::time::timeout(PATIENCE, output).await {
        Ok(output) => output.unwrap(),
        Err(_) => panic!("the program did not end"),
    }
}

/// Runs a program that must succeed, and returns what it printed.
pub async fn succeed(command: Command) -> String {
    let shown = format!("{command:?}");
    let output = run(command).await;
    assert!(output.status.success(), "{shown}\n{}: {}", output.status, stderr(&output));
    stdout(&output)
}

/// Runs a program with input.
pub async fn run_with_input(mut command: Command, input: impl Into<Vec<u8>>) -> Output {
    use std::io::Write as _;
    let input = input.into();
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = tokio::task::spawn_blocking(move || {
        std::thread::spawn(move || {
            // The program may end without reading all of it.
            let _ = stdin.write_all(&input);
        });
        child.wait_with_output().unwrap()
    });
    match tokio::time::timeout(PATIENCE, output).await {
        Ok(output) => output.unwrap(),
        Err(_) => panic!("the program did not end"),
    }
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
