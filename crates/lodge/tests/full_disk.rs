//! A disk that fills under live sessions, seen by everyone concerned: who works, who wants to begin, who must look.
#![allow(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

mod bed;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bed::{Bed, Person, Run, own_account, wait_for};
use serde_json::Value;

const MEBIBYTE: u64 = 1 << 20;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_lodge"))
}

/// Events that a filter finds, oldest first.
#[track_caller]
fn events(person: &Person, filter: &str) -> Vec<Value> {
    let found = person.run(&["audit", "search", filter, "--order", "oldest", "-o", "ndjson"]).ok();
    let row = |line: &str| serde_json::from_str::<Value>(line).expect("a row is JSON")["event"].clone();
    found.lines().map(row).collect()
}

/// What else lies on the disk.
struct Hog<'a>(&'a Bed);

impl Hog<'_> {
    fn free(&self) -> u64 {
        let said = Run::of(Command::new("df").args(["--output=avail", "-B1"]).arg(self.0.data())).ok();
        said.lines().last().unwrap().trim().parse().unwrap()
    }

    /// Grows until so many bytes are free.
    fn leave(&self, free: u64) {
        let more = self.free().saturating_sub(free);
        let mut file = fs::File::options().create(true).append(true).open(self.0.data().join("hog")).unwrap();
        file.write_all(&vec![1; usize::try_from(more).unwrap()]).unwrap();
    }

    fn go(&self) {
        fs::remove_file(self.0.data().join("hog")).unwrap();
    }
}

/// A session whose target says again what it is told.
struct Echo {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Echo {
    fn start(person: &Person, at: &str) -> Echo {
        let mut command = person.openssh("ssh");
        command.args([at, "cat"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Echo { child, lines }
    }

    /// Waits for the end, which the client must not have brought about; says whether it was a good one.
    fn ended_well(&mut self) -> bool {
        wait_for(|| self.child.try_wait().unwrap()).success()
    }

    fn say(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
        assert_eq!(self.lines.next().unwrap().unwrap(), line);
    }
}

/// What `/readyz` answers.
fn readiness(bed: &Bed) -> String {
    Run::of(Command::new("curl").args(["-s", &format!("http://{}/readyz", bed.facts.metrics)])).ok()
}

#[test]
fn a_disk_that_fills_refuses_what_begins_and_leaves_whoever_must_look_their_eyes() {
    let settings = ["[log]", "reserve_mib = 16"];
    let Some(mut bed) = Bed::start_on_disk(program(), &settings, 128) else {
        return eprintln!("skipped: mounting a small tmpfs needs root");
    };
    let admin = bed.admin();
    let account = own_account();
    let _sshd = bed.target(&admin, "web-1");
    let alice = bed.developer(&admin, "alice", &account);
    let at = format!("{account}@web-1");
    let mut running = Echo::start(&alice, &at);
    running.say("before");
    let session = events(&admin, "kind: session.start")[0]["session"].as_str().unwrap().to_owned();

    Hog(&bed).leave(12 * MEBIBYTE);
    let told = wait_for(|| Some(readiness(&bed)).filter(|text| text.contains("nearly full")));
    assert!(told.contains(&bed.data().join("log").display().to_string()), "{told}");
    assert!(told.contains(&(48 * MEBIBYTE).to_string()), "reserve and ballast must be free: {told}");

    // What begins is refused, and changes are; the reason is told.
    let refused = alice.ssh(&[&at, "true"]).refused();
    assert!(refused.contains("nearly full"), "{refused}");
    let refused = admin.run(&["users", "add", "bob", "--roles", "access"]).refused();
    assert!(refused.contains("nearly full"), "{refused}");
    // What runs goes on, recorded; whoever must look can look, and step in.
    running.say("while it is full");
    assert_eq!(events(&admin, "kind: log.full").len(), 1);
    assert_eq!(admin.run(&["sessions", "ls", "-o", "json"]).ok().matches(&session).count(), 1);
    assert!(admin.run(&["audit", "verify"]).ok().contains("intact"));
    wait_for(|| {
        let shown = admin.run(&["play", &session, "--format", "text"]).ok();
        shown.contains("while it is full").then_some(())
    });
    enters_with_a_recovery_code(&bed, &admin);
    let lock = bed.path("lock.yaml");
    fs::write(&lock, "kind: lock\nname: nobody\nuser: nobody\nreason: the disk is full\n").unwrap();
    admin.run(&["apply", "-f", &lock.to_string_lossy()]).ok();
    alice.run(&["logout"]).ok();
    assert!(!running.ended_well(), "a login that has ended takes its sessions along");
    assert_eq!(wait_for(|| events(&admin, "kind: session.end").pop())["detail"]["ended_by"], "locked");

    Hog(&bed).go();
    wait_for(|| (readiness(&bed) == "ready\n").then_some(()));
    let bob = bed.developer(&admin, "bob", &account);
    bob.ssh(&[&at, "true"]).ok();

    // Once nothing but the last room is left, running sessions are cut, and even that is recorded.
    let mut running = Echo::start(&bob, &at);
    running.say("before it is full again");
    Hog(&bed).leave(12 * MEBIBYTE);
    wait_for(|| readiness(&bed).contains("nearly full").then_some(()));
    Hog(&bed).leave(4 * MEBIBYTE);
    assert!(!running.ended_well());
    let refused = admin.run(&["audit", "search"]).refused();
    assert!(refused.contains("nearly full"), "the last room is for what ends: {refused}");
    Hog(&bed).go();
    wait_for(|| (readiness(&bed) == "ready\n").then_some(()));
    let cut = events(&admin, "kind: session.terminated").pop().unwrap();
    assert_eq!(cut["detail"]["cause"], "log");
    let session = cut["session"].as_str().unwrap();
    for kind in ["recording.sealed", "session.end"] {
        assert_eq!(events(&admin, &format!("kind: {kind} and session: {session}")).len(), 1, "{kind}");
    }
    let shown = admin.run(&["play", session, "--format", "text"]).ok();
    assert!(shown.contains("before it is full again"), "{shown}");
    assert_eq!(events(&admin, "kind: log.full").len(), 2);
    bob.ssh(&[&at, "true"]).ok();

    // A start on a disk without a free byte lets whoever must look look, too.
    bed.stop();
    Hog(&bed).leave(0);
    bed.resume();
    bed.follow(&admin);
    assert_eq!(events(&admin, "kind: log.full").len(), 3);
    bed.stop();
    let key = fs::read_to_string(admin.home.join("log.vkey")).unwrap();
    let log = bed.data().join("log").display().to_string();
    assert!(admin.run(&["audit", "verify", "--folder", &log, "--key", key.trim()]).ok().contains("intact"));
}

#[test]
fn a_file_that_fills_the_disk_is_refused_at_once_with_the_cause() {
    let settings = ["[log]", "reserve_mib = 16"];
    let Some(bed) = Bed::start_on_disk(program(), &settings, 128) else {
        return eprintln!("skipped: mounting a small tmpfs needs root");
    };
    let admin = bed.admin();
    // The hog leaves room for some batches and not for all.
    Hog(&bed).leave(60 * MEBIBYTE);
    let (large, small) = (bed.path("large.log"), bed.path("small.log"));
    let line = |number: u32| format!("{{\"n\":{number},\"text\":\"{}\"}}\n", "x".repeat(1000));
    fs::write(&large, (0..60_000).map(line).collect::<String>()).unwrap();
    fs::write(&small, "{\"other\":1}\n").unwrap();
    let (large, small) = (large.to_str().unwrap(), small.to_str().unwrap());
    let arguments = ["ingest", "file", "--source", "ndjson", large, small];
    let run = admin.run(&arguments);
    assert_eq!(run.code, 1, "{}", run.err);
    let folder = bed.data().join("log").display().to_string();
    for part in ["nearly full", &folder, "run the same command again", "one more file was not begun"] {
        assert!(run.err.contains(part), "{part:?} is not in {}", run.err);
    }
    let told = [run.out.as_str(), &run.err].concat();
    assert_eq!(told.matches("nearly full").count(), 1, "it is told once: {told}");
    assert!(!told.contains("another place"), "{told}");
    assert!(!run.out.contains(" 0 B"), "what was taken is told: {}", run.out);

    Hog(&bed).go();
    wait_for(|| (readiness(&bed) == "ready\n").then_some(()));
    admin.run(&["ingest", "file", "--source", "ndjson", small]).ok();
}

/// The code of the authenticator was used moments ago, so a recovery code it is.
fn enters_with_a_recovery_code(bed: &Bed, person: &Person) {
    let is_code = |line: &&str| line.len() > 8 && line.contains('-') && !line.contains(' ');
    let code = person.welcome.lines().map(str::trim).rfind(is_code);
    let code = code.unwrap_or_else(|| panic!("no recovery code in\n{}", person.welcome));
    let server = format!("https://{}", bed.facts.api);
    let fingerprint = person.run(&["ca", "export", "fingerprint"]).ok();
    let home = bed.path("elsewhere");
    let mut command = Command::new(program());
    command.arg("--home").arg(&home).args([
        "login",
        "--no-agent",
        "--server",
        &server,
        "--ca",
        fingerprint.trim(),
    ]);
    command.args(["--user", "admin", "--code", code]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", person.password()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
