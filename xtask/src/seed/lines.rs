//! The events themselves, one JSON line each.

use std::fmt::Write;

use super::instant::Instant;
use super::random::Random;
use super::{NEEDLES, PHRASE, RARE_ADDRESS, RARE_WORD};

/// 2026-05-01T00:00:00Z, in microseconds.
pub(super) const START: u64 = 1_777_593_600_000_000;
/// 60 days, in microseconds.
const SPAN: u64 = 60 * 86_400 * 1_000_000;

const FIRST_NAMES: &[&str] = &[
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kim", "lena",
    "mallory", "nina", "oscar", "peggy", "quentin", "rupert", "sybil", "trent", "ursula", "victor", "wendy",
    "xavier", "yves",
];
const LAST_NAMES: &[&str] = &[
    "abel", "baker", "castro", "dietrich", "evans", "fischer", "garcia", "huang", "ito", "jensen", "khan",
    "larsen", "moreau", "novak", "okafor", "petrov", "quinn", "rossi", "silva", "tanaka",
];
const NAMESPACES: &[&str] =
    &["prod", "staging", "payments", "search", "web", "kube-system", "monitoring", "data", "ci", "sandbox"];
const APPS: &[&str] = &[
    "checkout",
    "catalog",
    "ledger",
    "mailer",
    "gateway",
    "indexer",
    "reports",
    "session-store",
    "thumbnailer",
    "billing",
    "auth",
    "feature-flags",
];
const RESOURCES: &[(&str, &str)] = &[
    ("pods", ""),
    ("configmaps", ""),
    ("secrets", ""),
    ("services", ""),
    ("endpoints", ""),
    ("deployments", "apps"),
    ("replicasets", "apps"),
    ("jobs", "batch"),
    ("leases", "coordination.k8s.io"),
    ("ingresses", "networking.k8s.io"),
];
const VERBS: &[&str] = &[
    "get", "get", "get", "get", "list", "list", "list", "watch", "watch", "update", "update", "patch",
    "patch", "create", "create", "delete",
];
const ACCOUNTS: &[&str] =
    &["deployment-controller", "replicaset-controller", "scheduler", "prometheus", "argocd", "cert-manager"];
const COMMANDS: &[&str] = &[
    "systemctl status nginx",
    "journalctl -u checkout --since -1h",
    "df -h",
    "tail -n 200 /var/log/syslog",
    "docker ps --format json",
    "ps aux --sort=-%mem",
    "cat /etc/nginx/conf.d/default.conf",
    "top -b -n 1",
    "kubectl get nodes -o wide",
    "ss -tlnp",
    "du -sh /var/lib/postgresql",
    "uptime",
];
const TABLES: &[&str] =
    &["orders", "customers", "invoices", "payments", "line_items", "refunds", "audit_trail"];
const MESSAGES: &[&str] = &[
    "the members elected a new leader",
    "connection reset by peer",
    "quorum of the store reached",
    "lost connection to the primary",
    "retrying the request with back-off",
    "members of the pool were replaced",
];

/// Makes the lines one after the other.
pub struct Lines {
    random: Random,
    events: u64,
    made: u64,
    line: String,
    needles: [[u64; NEEDLES as usize]; 3],
}

/// What is hidden in a line.
#[derive(Clone, Copy, Default)]
struct Hidden {
    word: bool,
    phrase: bool,
    address: bool,
}

impl Lines {
    /// Begins the lines of a seed.
    pub fn new(events: u64, seed: u64) -> Lines {
        let mut random = Random::new(seed);
        let third = events / NEEDLES;
        let mut place = |number: usize| number as u64 * third + random.below(third);
        let needles = [0, 1, 2].map(|_| std::array::from_fn(&mut place));
        Lines { random, events, made: 0, line: String::with_capacity(4096), needles }
    }

    /// Makes the next line, its end included; `None` after the last.
    pub fn next_line(&mut self) -> Option<&str> {
        if self.made == self.events {
            return None;
        }
        let hides = |needle: usize| self.needles[needle].contains(&self.made);
        let hidden = Hidden { word: hides(0), phrase: hides(1), address: hides(2) };
        // Events lie evenly, moved a little within their own step, so that order and span are the same at any number.
        let step = SPAN / self.events;
        let time = START + self.made * step + self.random.below(step.max(1));
        self.line.clear();
        let result = match self.random.below(100) {
            0..60 => self.kubernetes(time, hidden),
            60..75 => self.session(time, hidden),
            75..90 => self.database(time, hidden),
            90..96 => self.login(time, hidden),
            _ => self.file(time, hidden),
        };
        result.expect("writing to a string cannot fail");
        self.made += 1;
        Some(&self.line)
    }

    fn user(&mut self) -> String {
        let number = self.random.skewed(500) as usize;
        let (first, last) = (FIRST_NAMES[number % FIRST_NAMES.len()], LAST_NAMES[number / FIRST_NAMES.len()]);
        format!("{first}.{last}@example.com")
    }

    fn address(&mut self, hidden: Hidden) -> String {
        if hidden.address {
            return RARE_ADDRESS.to_owned();
        }
        let number = self.random.skewed(3000);
        format!("10.{}.{}.{}", number >> 9, (number >> 4) & 31, number & 15)
    }

    /// Writes a UUID; version 7 where a time is given.
    fn uuid(&mut self, time: Option<u64>) -> String {
        let (high, low) = (self.random.next(), self.random.next() >> 2 | 1 << 63);
        let high = match time {
            Some(micros) => (micros / 1000) << 16 | 0x7000 | high & 0xFFF,
            None => high & !0xF000 | 0x4000,
        };
        let (a, b, c) = (high >> 32, high >> 16 & 0xFFFF, high & 0xFFFF);
        format!("{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xFFFF_FFFF_FFFF)
    }

    /// Writes the id of a session that began at most ten minutes before.
    fn session_of(&mut self, time: u64) -> String {
        let before = self.random.below(600_000_000);
        self.uuid(Some(time.saturating_sub(before)))
    }

    /// Writes the words that hide a needle, or everyday ones.
    fn message(&mut self, hidden: Hidden) -> String {
        let mut text = self.random.pick(MESSAGES).to_owned();
        if hidden.word {
            text = format!("{text}; theme {RARE_WORD} restored");
        }
        if hidden.phrase {
            text = format!("{text}: {PHRASE}");
        }
        text
    }

    /// Writes the envelope's beginning, up to and without `detail`.
    fn envelope(
        &mut self,
        time: u64,
        kind: &str,
        outcome: &str,
        actor: (&str, &str),
        address: &str,
    ) -> std::fmt::Result {
        let id = self.uuid(Some(time));
        let (user, actor_type) = actor;
        write!(
            self.line,
            r#"{{"id":"{id}","time":"{}","kind":"{kind}","outcome":"{outcome}","actor":{{"user":"{user}","type":"{actor_type}"}},"origin":{{"ip":"{address}"}}"#,
            Instant(time)
        )
    }

    fn kubernetes(&mut self, time: u64, hidden: Hidden) -> std::fmt::Result {
        let machine = self.random.chance(550);
        let user = if machine {
            format!("system:serviceaccount:kube-system:{}", self.random.pick(ACCOUNTS))
        } else {
            self.user()
        };
        let verb = self.random.pick(VERBS);
        let (resource, group) = RESOURCES[self.random.skewed(RESOURCES.len() as u64) as usize];
        let namespace = NAMESPACES[self.random.skewed(NAMESPACES.len() as u64) as usize];
        let app = self.random.pick(APPS);
        let name = format!(
            "{app}-{:08x}-{:05x}",
            self.random.skewed(1 << 12) * 2_654_435_761 % (1 << 32),
            self.random.below(1 << 20)
        );
        let code = match self.random.below(1000) {
            0..15 => 403,
            15..30 => 404,
            30..35 => 409,
            _ if verb == "create" => 201,
            _ => 200,
        };
        let outcome = match code {
            403 => "denied",
            404.. => "failure",
            _ => "success",
        };
        let address = self.address(hidden);
        let cluster = self.random.pick(&["kube-eu-1", "kube-us-1"]);
        let message = self.message(hidden);
        let audit_id = self.uuid(None);
        let kind = if machine { "machine" } else { "human" };
        self.envelope(time, "kube.audit", outcome, (&user, kind), &address)?;
        let path = if group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{group}/v1") };
        let (groups, agent) = if machine {
            (
                r#""system:serviceaccounts","system:authenticated""#,
                "controller/v1.33.4 (linux/amd64) kubernetes/5c6b1d2",
            )
        } else {
            (r#""engineering","system:authenticated""#, "kubectl/v1.33.4 (darwin/arm64) kubernetes/5c6b1d2")
        };
        let decision = if code == 403 { "forbid" } else { "allow" };
        let received = Instant(time.saturating_sub(self.random.below(40_000)));
        writeln!(
            self.line,
            concat!(
                r#","target":{{"type":"kubernetes","name":"{cluster}"}},"source":{{"type":"kubernetes","name":"{cluster}","seq":{seq}}},"#,
                r#""detail":{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","#,
                r#""auditID":"{audit_id}","stage":"ResponseComplete","requestURI":"{path}/namespaces/{namespace}/{resource}/{name}","verb":"{verb}","#,
                r#""user":{{"username":"{user}","groups":[{groups}]}},"sourceIPs":["{address}"],"userAgent":"{agent}","#,
                r#""objectRef":{{"resource":"{resource}","namespace":"{namespace}","name":"{name}","apiGroup":"{group}","apiVersion":"v1"}},"#,
                r#""responseStatus":{{"metadata":{{}},"code":{code},"message":"{message}"}},"requestReceivedTimestamp":"{received}","stageTimestamp":"{stage}","#,
                r#""annotations":{{"authorization.k8s.io/decision":"{decision}","#,
                r#""authorization.k8s.io/reason":"RBAC: decided by ClusterRoleBinding \"{app}-operators\""}}}}}}"#
            ),
            cluster = cluster,
            seq = self.made,
            audit_id = audit_id,
            path = path,
            namespace = namespace,
            resource = resource,
            name = name,
            verb = verb,
            user = user,
            groups = groups,
            address = address,
            agent = agent,
            group = group,
            code = code,
            message = message,
            received = received,
            stage = Instant(time),
            decision = decision,
            app = app,
        )
    }

    fn session(&mut self, time: u64, hidden: Hidden) -> std::fmt::Result {
        let (user, address) = (self.user(), self.address(hidden));
        let target = format!("{}-{}", self.random.pick(APPS), self.random.below(12));
        let session = self.session_of(time);
        let message = self.message(hidden);
        let channel = self.random.below(4);
        let (kind, detail) = match self.random.below(10) {
            0..2 => {
                let granted = self.uuid(Some(time));
                (
                    "session.start",
                    format!(
                        r#""protocol":"ssh","login":"deploy","recording":"required","record_input":false,"granted_by":"{granted}","granted_at":{}"#,
                        self.made
                    ),
                )
            }
            2..4 => {
                let root = format!(
                    "{:016x}{:016x}{:016x}{:016x}",
                    self.random.next(),
                    self.random.next(),
                    self.random.next(),
                    self.random.next()
                );
                let (duration, out) = (self.random.below(3_600_000), self.random.below(4 << 20));
                (
                    "session.end",
                    format!(
                        r#""duration_ms":{duration},"bytes_in":{},"bytes_out":{out},"recording_root":"{root}","ended_by":"client""#,
                        out / 40
                    ),
                )
            }
            4..8 => {
                let command = self.random.pick(COMMANDS);
                (
                    "session.command",
                    format!(r#""channel":{channel},"command":"{command}","terminal":"xterm-256color""#),
                )
            }
            _ => (
                "session.command_end",
                format!(
                    r#""channel":{channel},"exit_code":{},"signal":null,"stdin_bytes":0,"stdout_bytes":{},"stderr_bytes":{}"#,
                    u64::from(self.random.chance(80)),
                    self.random.below(90_000),
                    self.random.skewed(900)
                ),
            ),
        };
        self.envelope(time, kind, "success", (&user, "human"), &address)?;
        write!(
            self.line,
            r#","target":{{"type":"ssh","name":"{target}","labels":{{"env":"prod","team":"platform","region":"eu-central-1"}},"address":"{target}.internal:22"}},"#
        )?;
        write!(
            self.line,
            r#""session":"{session}","policy":{{"decision":"allow","roles":["access","on-call"],"#
        )?;
        write!(self.line, r#""why":"the role access allows the login deploy on targets with env: prod"}},"#)?;
        writeln!(self.line, r#""detail":{{{detail},"note":"{message}"}}}}"#)
    }

    fn database(&mut self, time: u64, hidden: Hidden) -> std::fmt::Result {
        let (user, address) = (self.user(), self.address(hidden));
        let (table, other) = (self.random.pick(TABLES), self.random.pick(TABLES));
        let database = self.random.pick(&["shop", "warehouse", "crm", "ledger"]);
        let session = self.session_of(time);
        let message = self.message(hidden);
        let failed = self.random.chance(12);
        let (rows, millis) = (self.random.skewed(5000), self.random.skewed(900_000));
        let (number, limit) = (self.random.below(10_000_000), self.random.below(500) + 1);
        let outcome = if failed { "failure" } else { "success" };
        self.envelope(time, "database.query", outcome, (&user, "human"), &address)?;
        if failed {
            write!(self.line, r#","reason":"ERROR: permission denied for table {table} (42501)""#)?;
        }
        write!(
            self.line,
            r#","target":{{"type":"postgres","name":"{database}-primary","labels":{{"env":"prod","engine":"postgresql-17"}},"#
        )?;
        write!(self.line, r#""address":"{database}-primary.internal:5432"}},"#)?;
        write!(
            self.line,
            r#""session":"{session}","detail":{{"protocol":"postgres","database":"{database}","#
        )?;
        write!(self.line, r#""statement":"SELECT a.id, a.created_at, b.total, b.currency "#)?;
        write!(
            self.line,
            r#"FROM {table} a JOIN {other} b ON b.{table}_id = a.id WHERE a.customer_id = $1 AND a.state <> $2 ORDER BY a.created_at DESC LIMIT {limit}","#
        )?;
        writeln!(
            self.line,
            r#""parameters":["{number}","cancelled"],"rows":{rows},"duration_us":{millis},"note":"{message}","application":"reports-{limit}"}}}}"#
        )
    }

    fn login(&mut self, time: u64, hidden: Hidden) -> std::fmt::Result {
        let failed = self.random.chance(150);
        let user = if failed && self.random.chance(500) { "root".to_owned() } else { self.user() };
        let address = if failed && !hidden.address {
            format!("198.51.{}.{}", 100 + self.random.below(4), self.random.skewed(250))
        } else {
            self.address(hidden)
        };
        let login = self.uuid(Some(time));
        let message = self.message(hidden);
        let outcome = if failed { "failure" } else { "success" };
        self.envelope(
            time,
            "user.login",
            outcome,
            (&user, if failed { "unknown" } else { "human" }),
            &address,
        )?;
        if failed {
            write!(self.line, r#","reason":"the password or the code is wrong ({message})""#)?;
            writeln!(
                self.line,
                r#","detail":{{"user":"{user}","method":"password+totp","login":null,"expires":null}}}}"#
            )
        } else {
            let expires = Instant(time + 12 * 3_600_000_000);
            writeln!(
                self.line,
                r#","detail":{{"user":"{user}","method":"password+totp","login":"{login}","expires":"{expires}","note":"{message}"}}}}"#
            )
        }
    }

    fn file(&mut self, time: u64, hidden: Hidden) -> std::fmt::Result {
        let (user, address) = (self.user(), self.address(hidden));
        let target = format!("{}-{}", self.random.pick(APPS), self.random.below(12));
        let session = self.session_of(time);
        let kind = self.random.pick(&["file.download", "file.upload", "file.list"]);
        let digest = format!(
            "{:016x}{:016x}{:016x}{:016x}",
            self.random.next(),
            self.random.next(),
            self.random.next(),
            self.random.next()
        );
        let (app, bytes, day) = (self.random.pick(APPS), self.random.skewed(1 << 28), self.random.below(365));
        let message = self.message(hidden);
        self.envelope(time, kind, "success", (&user, "human"), &address)?;
        write!(
            self.line,
            r#","target":{{"type":"ssh","name":"{target}","labels":{{"env":"prod","team":"platform"}},"address":"{target}.internal:22"}},"#
        )?;
        write!(self.line, r#""session":"{session}","#)?;
        write!(
            self.line,
            r#""detail":{{"protocol":"sftp","path":"/srv/{app}/exports/day-{day}/part-{:05}.csv.gz","bytes":{bytes},"#,
            bytes % 1000
        )?;
        writeln!(self.line, r#""sha256":"{digest}","complete":true,"note":"{message}"}}}}"#)
    }
}
