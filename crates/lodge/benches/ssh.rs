//! SSH through Lodge, recorded, beside a direct connection and `ssh -J` through another sshd, in one run.
//!
//! Stock OpenSSH at both ends, loopback, the same cipher everywhere. `--json` ends with one line for machines;
//! `--sessions N` holds another number of idle sessions; `--mib N` moves another amount.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

#[path = "../tests/bed/mod.rs"]
mod bed;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bed::{Bed, Person, Run, Sshd, own_account, wait_for};

const CIPHER: &str = "aes128-gcm@openssh.com";
const ROUND_TRIPS: usize = 3000;
const CONNECTIONS: usize = 21;
const PAIRS: usize = 5;

fn main() {
    let options = Options::read();
    let bed = Bed::start(Path::new(env!("CARGO_BIN_EXE_lodge")));
    let admin = bed.admin();
    let target = bed.target(&admin, "web-1");
    let account = own_account();
    let alice = bed.developer(&admin, "alice", &account);
    let paths = Paths::prepare(&bed, &alice, &target, &account);

    let mut figures = throughput(&paths, &bed, options.mib);
    figures.push(latency(&paths));
    figures.push(set_up(&paths));
    figures.extend(idle(&paths, &bed, options.sessions));
    report(&figures, options.json);
}

struct Options {
    json: bool,
    sessions: usize,
    mib: usize,
}

impl Options {
    fn read() -> Options {
        let words: Vec<String> = std::env::args().collect();
        let number = |name: &str, otherwise: usize| {
            let at = words.iter().position(|word| word == name);
            at.and_then(|at| words.get(at + 1)).and_then(|word| word.parse().ok()).unwrap_or(otherwise)
        };
        let json = words.iter().any(|word| word == "--json");
        Options { json, sessions: number("--sessions", 2000), mib: number("--mib", 1024) }
    }
}

/// The three ways to the same sshd.
struct Paths {
    lodge: Vec<String>,
    jump: Vec<String>,
    direct: Vec<String>,
    _jump_host: Sshd,
}

impl Paths {
    fn prepare(bed: &Bed, alice: &Person, target: &Sshd, account: &str) -> Paths {
        let key = bed.path("plain_key");
        Run::of(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key)).ok();
        let jump_host = Sshd::start(&bed.path("jump"), "");
        let public = fs::read(key.with_extension("pub")).expect("the key has a public half");
        fs::write(target.folder.join("authorized_keys"), &public).expect("a file can be written");
        fs::write(jump_host.folder.join("authorized_keys"), &public).expect("a file can be written");
        let known = bed.path("plain_known_hosts");
        let line = |sshd: &Sshd| format!("[127.0.0.1]:{} {}", sshd.port, sshd.host_key);
        fs::write(&known, line(target) + &line(&jump_host)).expect("a file can be written");
        let config = bed.path("plain_config");
        let text = format!(
            "Host *\n    User {account}\n    HostName 127.0.0.1\n    IdentityFile {}\n    IdentitiesOnly yes\n    UserKnownHostsFile {}\n    \
             Ciphers {CIPHER}\n    BatchMode yes\nHost direct\n    Port {}\nHost hop\n    Port {}\n",
            key.display(),
            known.display(),
            target.port,
            jump_host.port
        );
        fs::write(&config, text).expect("a file can be written");
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let plain = config.to_string_lossy().into_owned();
        let lodge = alice.config().to_string_lossy().into_owned();
        Paths {
            lodge: words(&["-F", &lodge, "-o", "BatchMode=yes", "-c", CIPHER, &format!("{account}@web-1")]),
            jump: words(&["-F", &plain, "-J", "hop", "direct"]),
            direct: words(&["-F", &plain, "direct"]),
            _jump_host: jump_host,
        }
    }
}

fn ssh(path: &[String], command: &str) -> Command {
    let mut ssh = Command::new("ssh");
    ssh.args(path).arg(command).env_remove("SSH_AUTH_SOCK").stderr(Stdio::null());
    ssh
}

/// One measured quantity, the larger or the smaller the better.
struct Figure {
    name: &'static str,
    unit: &'static str,
    lodge: f64,
    rivals: Vec<(&'static str, f64)>,
    goal: String,
    met: bool,
}

/// Moves random bytes, which no compression makes fewer, both ways; the paths take turns so that drift hits all alike.
fn throughput(paths: &Paths, bed: &Bed, mib: usize) -> Vec<Figure> {
    let file = random_file(bed, mib);
    let down = |path: &[String]| {
        let start = Instant::now();
        let mut child = ssh(path, &format!("cat {}", file.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("ssh runs");
        let moved = drain(child.stdout.take().expect("standard output is piped"));
        assert!(
            child.wait().expect("ssh ends").success() && moved == (mib as u64) << 20,
            "the stream broke off at {moved}"
        );
        mib as f64 / start.elapsed().as_secs_f64()
    };
    let up = |path: &[String]| {
        let start = Instant::now();
        let source = fs::File::open(&file).expect("the file is there");
        let out = ssh(path, "cat | wc -c").stdin(source).output().expect("ssh runs");
        assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), ((mib as u64) << 20).to_string());
        mib as f64 / start.elapsed().as_secs_f64()
    };
    vec![compare_speed("throughput down", paths, &down), compare_speed("throughput up", paths, &up)]
}

fn compare_speed(name: &'static str, paths: &Paths, measure: &dyn Fn(&[String]) -> f64) -> Figure {
    let (mut lodge, mut jump, mut direct) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        lodge.push(measure(&paths.lodge));
        jump.push(measure(&paths.jump));
        direct.push(measure(&paths.direct));
    }
    let (lodge, jump, direct) = (median(&mut lodge), median(&mut jump), median(&mut direct));
    let rivals = vec![("ssh -J", jump), ("direct", direct)];
    Figure {
        name,
        unit: "MiB/s",
        lodge,
        rivals,
        goal: "at least 0.9 x ssh -J".to_owned(),
        met: lodge >= 0.9 * jump,
    }
}

fn random_file(bed: &Bed, mib: usize) -> PathBuf {
    let path = bed.path("random");
    let mut out = fs::File::create(&path).expect("a file can be made");
    let mut state = 0x1234_5678_9abc_def1_u64;
    let mut block = vec![0_u8; 1 << 20];
    for _ in 0..mib {
        for word in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        out.write_all(&block).expect("a file can be written");
    }
    path
}

fn drain(mut from: impl Read) -> u64 {
    let mut buffer = vec![0; 1 << 20];
    let mut moved = 0;
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 {
            break;
        }
        moved += count as u64;
    }
    moved
}

/// Sends a byte through a remote `cat` and waits until it is back.
fn latency(paths: &Paths) -> Figure {
    let measure = |path: &[String]| {
        let mut child =
            ssh(path, "cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("ssh runs");
        let (mut to, mut from) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let mut times: Vec<f64> = (0..ROUND_TRIPS)
            .map(|_| {
                let start = Instant::now();
                to.write_all(b"x").expect("ssh reads");
                from.read_exact(&mut [0]).expect("ssh writes");
                start.elapsed().as_secs_f64() * 1000.0
            })
            .collect();
        drop(to);
        let _ = child.wait();
        median(&mut times)
    };
    let (lodge, jump, direct) = (measure(&paths.lodge), measure(&paths.jump), measure(&paths.direct));
    let goal = "at most 0.2 ms more than direct".to_owned();
    let rivals = vec![("ssh -J", jump), ("direct", direct)];
    Figure { name: "round trip, median", unit: "ms", lodge, rivals, goal, met: lodge - direct <= 0.2 }
}

fn set_up(paths: &Paths) -> Figure {
    let measure = |path: &[String]| {
        let once = |_| {
            let start = Instant::now();
            assert!(ssh(path, "true").stdin(Stdio::null()).status().expect("ssh runs").success());
            start.elapsed().as_secs_f64() * 1000.0
        };
        median(&mut (0..CONNECTIONS).map(once).collect::<Vec<f64>>())
    };
    let (lodge, jump, direct) = (measure(&paths.lodge), measure(&paths.jump), measure(&paths.direct));
    let rivals = vec![("ssh -J", jump), ("direct", direct)];
    Figure {
        name: "connection set-up, median",
        unit: "ms",
        lodge,
        rivals,
        goal: "none set".to_owned(),
        met: true,
    }
}

/// Holds many idle recorded sessions and looks at the memory of `lodge serve`.
fn idle(paths: &Paths, bed: &Bed, wanted: usize) -> Vec<Figure> {
    let before = resident_kib(bed.server_id());
    let mut clients: Vec<Child> = Vec::new();
    for _ in 0..wanted {
        let child = ssh(&paths.lodge, "echo here; exec sleep 100000")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.expect("ssh runs");
        // One at a time: this measures memory, not how fast a crowd can log in.
        let mut here = [0; 5];
        if child.stdout.take().is_none_or(|mut out| out.read_exact(&mut here).is_err()) {
            break;
        }
        clients.push(child);
    }
    std::thread::sleep(Duration::from_secs(2));
    let held = clients.iter_mut().filter_map(|child| child.try_wait().ok()).filter(Option::is_none).count();
    let after = resident_kib(bed.server_id());
    let each = (after.saturating_sub(before)) as f64 / held.max(1) as f64;
    for child in &mut clients {
        let _ = child.kill();
        let _ = child.wait();
    }
    let held_goal = format!("{wanted} held");
    vec![
        Figure {
            name: "idle sessions held",
            unit: "sessions",
            lodge: held as f64,
            rivals: Vec::new(),
            goal: held_goal,
            met: held == wanted,
        },
        Figure {
            name: "memory per idle session",
            unit: "KiB",
            lodge: each,
            rivals: Vec::new(),
            goal: "at most 1024 KiB".to_owned(),
            met: held > 0 && each <= 1024.0,
        },
    ]
}

fn resident_kib(process: u32) -> u64 {
    let status = wait_for(|| fs::read_to_string(format!("/proc/{process}/status")).ok());
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").trim().parse().unwrap_or(0)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn report(figures: &[Figure], json: bool) {
    println!("{:<28} {:>10} {:>10} {:>10} {:>9}  goal", "figure", "lodge", "ssh -J", "direct", "unit");
    for figure in figures {
        let rival = |name: &str| {
            let found = figure.rivals.iter().find(|(rival, _)| *rival == name);
            found.map_or_else(|| "-".to_owned(), |(_, value)| format!("{value:.3}"))
        };
        let met = if figure.met { "met" } else { "missed" };
        println!(
            "{:<28} {:>10.3} {:>10} {:>10} {:>9}  {}: {met}",
            figure.name,
            figure.lodge,
            rival("ssh -J"),
            rival("direct"),
            figure.unit,
            figure.goal
        );
    }
    if json {
        let figures: Vec<serde_json::Value> = figures
            .iter()
            .map(|figure| {
                let rivals: serde_json::Map<String, serde_json::Value> =
                    figure.rivals.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
                serde_json::json!({
                    "name": figure.name, "unit": figure.unit, "lodge": figure.lodge,
                    "rivals": rivals, "goal": figure.goal, "met": figure.met,
                })
            })
            .collect();
        println!("{}", serde_json::json!({ "bench": "ssh", "figures": figures }));
    }
}
