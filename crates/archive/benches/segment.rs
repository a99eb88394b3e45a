//! What a segment costs: CPU time to build it, bytes on disk, time to ask it.
//!
//! `cargo bench -p archive --bench segment -- [--rows N] [--folder FOLDER]`. Events are synthetic, about 1 KB each, and
//! always the same. Times per event are CPU time of the one thread that works, so that a busy machine changes them little;
//! those of questions are the best of some rounds.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use archive::{Blocks, Column, Growing, Part, ReadAt, RollupKey, Segment, SegmentWriter};
use audit_log::{Entry, Leaf, hash};
use bytes::Bytes;
use event::Timestamp;
use serde_json::{Value, json};

const START: i64 = 1_764_000_000_000_000;
const SHARE: usize = 4096;
const ROUNDS: u32 = 15;

/// A file that is read in ranges.
struct OnDisk(File);

impl ReadAt for OnDisk {
    fn len(&self) -> u64 {
        self.0.metadata().map_or(0, |metadata| metadata.len())
    }

    fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let mut bytes = vec![0; length];
        self.0.read_exact_at(&mut bytes, offset)?;
        Ok(bytes.into())
    }
}

/// CPU time of this thread, in seconds.
fn cpu() -> f64 {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    said.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or_default() / 1e9
}

/// A generator of numbers (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Small numbers far more often than large ones.
    fn skewed(&mut self, bound: u64) -> u64 {
        let (one, other) = (self.below(bound) + 1, self.below(bound) + 1);
        one * other / (bound + 1)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }

    fn uuid(&mut self, micros: i64) -> String {
        let (random, more) = (self.next(), self.next());
        let millis = micros as u64 / 1000;
        format!(
            "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
            millis >> 16,
            millis & 0xffff,
            random & 0xfff,
            0x8000 | (random >> 16 & 0x3fff),
            more & 0xffff_ffff_ffff
        )
    }
}

fn payload(dice: &mut Dice, at: usize) -> Vec<u8> {
    let micros = START + at as i64 * 40_000 + dice.below(30_000) as i64;
    let user = format!("user{:03}@example.com", dice.skewed(400));
    let address = format!("10.{}.{}.{}", dice.skewed(8), dice.skewed(60), dice.skewed(250));
    let target =
        format!("{}-{:03}.prod.example.com", dice.pick(&["db", "web", "cache", "worker"]), dice.skewed(300));
    let (kind, detail) = match dice.below(10) {
        0..=4 => ("kube.audit", cluster(dice, &user, &address, micros)),
        5 | 6 => ("session.command", command(dice)),
        7 => (
            "file.read",
            json!({ "path": format!("/var/lib/app/{}/part-{:05}.dat", dice.skewed(40), dice.below(90_000)),
            "bytes": dice.below(10_000_000), "sha256": format!("{:016x}{:016x}{:016x}{:016x}", dice.next(), dice.next(), dice.next(), dice.next()) }),
        ),
        8 => (
            "user.login",
            json!({ "method": "password", "identity_provider": "corp", "attempt": dice.below(4) }),
        ),
        _ => (
            "access.granted",
            json!({ "login": dice.pick(&["root", "deploy", "postgres"]), "certificate": dice.below(1 << 50) }),
        ),
    };
    let outcome = if dice.below(20) == 0 { "failure" } else { "success" };
    json!({
        "id": dice.uuid(micros), "time": Timestamp::from_micros(micros).to_string(), "kind": kind, "outcome": outcome,
        "actor": { "user": user, "type": "human", "roles": ["engineer", dice.pick(&["oncall", "dba", "viewer"])], "mfa": "totp" },
        "origin": { "ip": address, "port": 1024 + dice.below(60_000), "agent": "OpenSSH_9.6p1 Ubuntu-3ubuntu13.5" },
        "target": { "type": "host", "name": target, "labels": { "env": "prod", "team": dice.pick(&["core", "data", "edge"]) } },
        "session": format!("0197c5b2-0000-7000-8000-{:012x}", dice.skewed(5_000)),
        "source": { "type": "lodge", "name": "gate-1", "seq": at },
        "policy": { "decision": "allow", "roles": ["engineer"], "why": "role engineer allows login deploy on env prod" },
        "detail": detail,
    })
    .to_string()
    .into_bytes()
}

fn cluster(dice: &mut Dice, user: &str, address: &str, micros: i64) -> Value {
    let verb = dice.pick(&["get", "list", "watch", "update", "patch", "create", "delete"]);
    let resource = dice.pick(&["pods", "configmaps", "secrets", "deployments", "leases"]);
    let namespace = format!("team-{}", dice.skewed(40));
    let name = format!("service-{}-{:08x}", dice.skewed(200), dice.next() as u32);
    json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": dice.uuid(micros),
        "stage": "ResponseComplete", "requestURI": format!("/api/v1/namespaces/{namespace}/{resource}/{name}"), "verb": verb,
        "user": { "username": user, "groups": ["system:authenticated", "engineers"] }, "sourceIPs": [address],
        "userAgent": "kubectl/v1.31.2 (linux/amd64) kubernetes/5864a46",
        "objectRef": { "resource": resource, "namespace": namespace, "name": name, "apiVersion": "v1",
            "resourceVersion": dice.below(1 << 40).to_string() },
        "responseStatus": { "metadata": {}, "code": 200 },
        "requestReceivedTimestamp": Timestamp::from_micros(micros).to_string(),
        "annotations": { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "RBAC: allowed by RoleBinding" },
    })
}

fn command(dice: &mut Dice) -> Value {
    let file = format!(
        "/etc/{}/conf.d/{:04}.conf",
        dice.pick(&["nginx", "postgresql", "haproxy"]),
        dice.below(5000)
    );
    let command = match dice.below(4) {
        0 => format!("vim {file}"),
        1 => format!("psql -h db-{} -c 'select * from orders where id = {}'", dice.below(20), dice.next()),
        2 => format!("journalctl -u app-{} --since '{} minutes ago'", dice.below(90), dice.below(500)),
        _ => format!("sudo systemctl restart app-{}.service", dice.below(90)),
    };
    json!({ "command": command, "cwd": format!("/home/user{}", dice.skewed(400)), "exit_code": dice.below(3), "pid": dice.below(1 << 22),
        "terminal": "xterm-256color", "environment": { "LANG": "en_US.UTF-8", "SHELL": "/bin/bash" } })
}

fn entry(dice: &mut Dice, at: usize) -> Entry {
    let payload = payload(dice, at);
    let mut salt = [0; 16];
    salt[..8].copy_from_slice(&dice.next().to_le_bytes());
    salt[8..].copy_from_slice(&dice.next().to_le_bytes());
    let time = Timestamp::from_micros(START + at as i64 * 40_000 + 30_000 + dice.below(5000) as i64);
    let commitment = hash::commitment(&salt, &payload);
    Entry {
        position: at as u64,
        leaf: Leaf { time, source: "gate-1".to_owned(), seq: at as u64, commitment },
        salt,
        payload,
    }
}

/// The best of some rounds, in milliseconds; the kernel counts CPU time too coarsely for what is this short.
#[expect(clippy::disallowed_methods, reason = "a program of its own that measures")]
fn best(mut work: impl FnMut()) -> f64 {
    let round = |_| {
        let start = std::time::Instant::now();
        work();
        start.elapsed().as_secs_f64() * 1e3
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}

struct Nothing;

impl archive::Entries for Nothing {
    fn read(&self, _: std::ops::Range<u64>) -> Result<Vec<Entry>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Vec::new())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let value =
        |name: &str| arguments.iter().position(|one| one == name).and_then(|at| arguments.get(at + 1));
    let rows: usize = value("--rows").map_or(Ok(131_072), |rows| rows.parse())?;
    let folder = value("--folder").map_or_else(std::env::temp_dir, PathBuf::from);
    let path = folder.join(format!("segment-bench-{}.parquet", std::process::id()));
    let outcome = run(rows, &path);
    let _ = std::fs::remove_file(&path);
    outcome
}

fn run(rows: usize, path: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut dice = Dice(7);
    let mut writer = SegmentWriter::new(io::BufWriter::new(File::create(path)?), "bench", 0)?;
    let mut growing = Growing::new(0, Arc::new(Nothing));
    let (mut building, mut grown, mut bytes) = (0.0, 0.0, 0);
    for start in (0..rows).step_by(SHARE) {
        let entries: Vec<Entry> = (start..rows.min(start + SHARE)).map(|at| entry(&mut dice, at)).collect();
        bytes += entries.iter().map(|entry| entry.payload.len()).sum::<usize>();
        let before = cpu();
        entries.iter().try_for_each(|entry| writer.push(entry))?;
        building += cpu() - before;
        if start < 131_072 {
            let before = cpu();
            entries.iter().for_each(|entry| growing.push(entry));
            grown += cpu() - before;
        }
    }
    let before = cpu();
    let (_, index) = writer.finish()?;
    let finishing = cpu() - before;
    let data = std::fs::metadata(path)?.len();
    let each = |total: f64| total / rows as f64;
    println!("events                        {rows}, {:.0} bytes each", each(bytes as f64));
    println!(
        "building, µs/event            {:.2} (of it at the end {:.2})",
        each((building + finishing) * 1e6),
        each(finishing * 1e6)
    );
    println!("growing, µs/event             {:.2}", grown * 1e6 / rows.min(131_072) as f64);
    println!("data, bytes/event             {:.1}", each(data as f64));
    println!("index, bytes/event            {:.1}", each(index.len() as f64));
    ask(path, index.into(), rows)?;
    let snapshot = growing.snapshot();
    println!("growing: snapshot, ms         {:.3}", best(|| drop(growing.snapshot())));
    println!("growing: token, ms            {:.3}", best(|| drop(snapshot.holding(&["delete"]))));
    println!("growing: roll-up by hour, ms  {:.2}", best(|| drop(snapshot.rollup(RollupKey::Hour))));
    Ok(())
}

fn ask(path: &std::path::Path, index: Bytes, rows: usize) -> Result<(), Box<dyn std::error::Error>> {
    let data: Arc<dyn ReadAt> = Arc::new(OnDisk(File::open(path)?));
    let open = || Segment::open(data.clone(), Some(Arc::new(index.clone()) as _), "bench");
    println!("opening, ms                   {:.2}", best(|| drop(open())));
    let segment = open()?;
    let all = Blocks::all(segment.block_count());
    for column in [Column::Kind, Column::User, Column::Target] {
        let first = best(|| drop(open().and_then(|segment| segment.keys(column, &all))));
        let warm = best(|| drop(segment.keys(column, &all)));
        println!("column {:22} {warm:.2} ms, {first:.2} ms with opening", column.name());
    }
    println!("column time, ms               {:.2}", best(|| drop(segment.times(&all))));
    let mut one = Blocks::none(segment.block_count());
    one.insert(segment.block_count() / 2);
    println!("column kind, one block, ms    {:.3}", best(|| drop(segment.keys(Column::Kind, &one))));
    let middle = (segment.block_count() / 2 * 256) as u32;
    let block: Vec<u32> = (middle..rows.min(middle as usize + 256) as u32).collect();
    println!("payloads of one block, ms     {:.3}", best(|| drop(segment.entries(&block))));
    println!("one event, ms                 {:.3}", best(|| drop(segment.entries(&[middle]))));
    let rare = middle.to_string();
    for token in ["delete", "nowhere", rare.as_str()] {
        let found = segment.holding(&[token])?.len();
        println!("token {token:12} {:.3} ms, {found} blocks", best(|| drop(segment.holding(&[token]))));
    }
    println!("roll-up by hour, ms           {:.2}", best(|| drop(segment.rollup(RollupKey::Hour))));
    println!(
        "roll-up of users, ms          {:.2}",
        best(|| drop(segment.rollup(RollupKey::Total(Column::User))))
    );
    let before = cpu();
    let mut next = 0;
    while next < rows as u64 {
        next += segment.read(next..rows as u64)?.len() as u64;
    }
    println!("sealed entries, µs/event      {:.2}", (cpu() - before) * 1e6 / rows as f64);
    let before = cpu();
    Segment::rebuild_index(&data, "bench")?;
    println!("index anew, µs/event          {:.2}", (cpu() - before) * 1e6 / rows as f64);
    Ok(())
}
