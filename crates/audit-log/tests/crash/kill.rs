//! Starting this test binary once more as a victim, and killing it: at a system call, or after a while.
//!
//! The victim is a test of its own that is ignored in ordinary runs and told by the environment what to do, so that
//! nothing beside the test binary must be built. What it knows to be durable it appends to a file, one line in one
//! `writev`: a line that is there was said before the kill.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{IoSlice, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::time::Instant;

/// The calls at which a victim may be killed: all that change what a folder holds, or make it durable.
const CALLS: &str = "?write,?pwrite64,?writev,?fdatasync,?fsync,?syncfs,?rename,?renameat,?renameat2,?openat,\
                     ?ftruncate,?fallocate,?unlink,?unlinkat,?rmdir,?link,?linkat,?mkdir,?mkdirat,?flock";
/// A victim that runs longer hangs.
const LIMIT: Duration = Duration::from_secs(60);
/// Names the file that the victim says things into.
const SAID: &str = "LODGE_CRASH_SAID";

/// A kill point: the victim dies as one of its threads enters this call for the `count`th time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub call: &'static str,
    pub count: u64,
}

/// What the victim is told.
#[derive(Clone, Debug)]
pub struct Orders {
    /// Name of the ignored test that is the victim.
    pub test: &'static str,
    /// Environment for it.
    pub variables: Vec<(&'static str, String)>,
    /// Where it says things.
    pub said: PathBuf,
}

/// When to kill, or to harm.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// As it enters this call.
    At(Point),
    /// After a while.
    After(Duration),
    /// Not at all: this call fails with `EIO` instead, and is not made.
    FailedAt(Point),
}

/// How a victim ended.
pub struct Ended {
    /// False where it was done before the kill.
    pub killed: bool,
    /// The whole lines that it said.
    pub said: String,
}

/// Says why system calls cannot be counted here, or nothing.
pub fn missing_strace() -> Option<&'static str> {
    let works = Command::new("strace").args(["-f", "-qq", "-e", "trace=none", "true"]).output();
    match works {
        Ok(output) if output.status.success() => None,
        Ok(_) => Some("strace may not trace here"),
        Err(_) => Some("strace is not installed"),
    }
}

/// Runs a victim to its end and lists the points at which it could have been killed.
pub fn points(orders: &Orders) -> (Vec<Point>, String) {
    // strace counts by thread.
    let text = trace(orders, CALLS);
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for line in text.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let Some((call, _)) = rest.trim_start().split_once('(') else { continue };
        *counts.entry((call, thread)).or_default() += 1;
    }
    let mut most: BTreeMap<&str, u64> = BTreeMap::new();
    for ((call, _), count) in counts {
        let most = most.entry(call).or_default();
        *most = count.max(*most);
    }
    let mut points = Vec::new();
    for (call, most) in most {
        if let Some(call) = CALLS.split(',').map(|name| &name[1..]).find(|name| *name == call) {
            points.extend((1..=most).map(|count| Point { call, count }));
        }
    }
    (points, take_said(orders))
}

/// Runs a victim to its end; gives the calls of these names as strace shows them, with 32 bytes of each buffer in hex.
pub fn trace(orders: &Orders, calls: &str) -> String {
    let trace = orders.said.with_extension("strace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-xx", "-s", "32", "-e", "signal=none", "-e"]).arg(format!("trace={calls}"));
    let (status, errors) = wait(spawn(strace.arg("-o").arg(&trace), orders), orders, None);
    assert!(status.success(), "the victim fails even without being killed: {status}\n{errors}");
    fs::read_to_string(&trace).expect("strace writes its file")
}

/// Starts a victim and kills it.
pub fn kill(orders: &Orders, when: When) -> Ended {
    let (mut command, after) = match when {
        When::FailedAt(Point { call, count }) => {
            let mut strace = Command::new("strace");
            strace.args(["-f", "-qq", "-o", "/dev/null", "-e"]).arg(format!("trace={call}"));
            strace.arg("-e").arg(format!("inject={call}:error=EIO:when={count}"));
            (strace, None)
        }
        When::At(Point { call, count }) => {
            let mut strace = Command::new("strace");
            strace.args(["-f", "-qq", "-o", "/dev/null", "-e"]).arg(format!("trace={call}"));
            strace.arg("-e").arg(format!("inject={call}:signal=SIGKILL:when={count}"));
            (strace, None)
        }
        When::After(while_) => (Command::new("env"), Some(while_)),
    };
    let (status, errors) = wait(spawn(&mut command, orders), orders, after);
    let killed = std::os::unix::process::ExitStatusExt::signal(&status) == Some(9);
    assert!(
        killed || status.success(),
        "the victim failed of itself ({when:?}, {orders:?}): {status}\n{errors}"
    );
    Ended { killed, said: take_said(orders) }
}

fn spawn(command: &mut Command, orders: &Orders) -> Child {
    let this = std::env::current_exe().expect("a running program has a file");
    command.arg(this).args([orders.test, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    command.envs(orders.variables.iter().cloned()).env(SAID, &orders.said);
    let errors = File::create(errors(orders)).expect("a file beside the victim's");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
    command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"))
}

fn errors(orders: &Orders) -> PathBuf {
    orders.said.with_extension("errors")
}

/// Waits for the end of a victim, or brings it about after `after`.
fn wait(mut child: Child, orders: &Orders, after: Option<Duration>) -> (ExitStatus, String) {
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("our own child") {
            break status;
        }
        let ran = began.elapsed();
        if after.is_some_and(|after| ran >= after) {
            child.kill().expect("our own child");
            break child.wait().expect("our own child");
        }
        assert!(ran < LIMIT, "process {} still runs after {ran:?}: {orders:?}", child.id());
        std::thread::sleep(Duration::from_millis(1));
    };
    (status, fs::read_to_string(errors(orders)).unwrap_or_default())
}

/// Takes what was said since the last time; half a line at the end was not said.
fn take_said(orders: &Orders) -> String {
    let mut said = fs::read_to_string(&orders.said).unwrap_or_default();
    drop(fs::remove_file(&orders.said));
    said.truncate(said.rfind('\n').map_or(0, |at| at + 1));
    said
}

/// The victim's end of the file.
pub struct Speaker(File);

impl Speaker {
    /// Opens the file that the harness has named; nothing where this is no victim.
    pub fn open() -> Option<Speaker> {
        let path = std::env::var_os(SAID)?;
        let file = OpenOptions::new().create(true).append(true).open(Path::new(&path));
        Some(Speaker(file.expect("the harness names a file that can be written")))
    }

    /// Says a line.
    pub fn say(&mut self, line: &str) {
        let length = line.len() + 1;
        let written = self.0.write_vectored(&[IoSlice::new(line.as_bytes()), IoSlice::new(b"\n")]);
        assert_eq!(written.expect("the harness can be told"), length);
    }
}
