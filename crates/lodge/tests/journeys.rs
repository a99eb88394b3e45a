//! Whole journeys with stock programs: from login to offline proof.
#![allow(clippy::unwrap_used, reason = "a journey that cannot go on has failed")]

mod bed;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use bed::{Bed, Person, Run, own_account, wait_for};
use serde_json::Value;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_lodge"))
}

/// Events that a filter finds, oldest first.
#[track_caller]
fn events(person: &Person, filter: &str) -> Vec<Value> {
    let found =
        person.run(&["audit", "search", filter, "--order", "oldest", "--limit", "1000", "-o", "ndjson"]).ok();
    let row = |line: &str| serde_json::from_str::<Value>(line).expect("a row is JSON")["event"].clone();
    found.lines().map(row).collect()
}

#[track_caller]
fn one(person: &Person, filter: &str) -> Value {
    let found = events(person, filter);
    assert_eq!(found.len(), 1, "{filter}: {found:#?}");
    found.into_iter().next().expect("there is one")
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn sha256(path: &Path) -> String {
    let out = Run::of(Command::new("sha256sum").arg(path)).ok();
    out.split_whitespace().next().expect("sha256sum prints a hash").to_owned()
}

#[test]
fn a_server_says_where_everything_lies() {
    let bed = Bed::start(program());
    let said = bed.messages();
    let data = bed.data().display().to_string();
    for part in
        [&data, &format!("{data}/master.key"), &format!("{data}/archive"), &text(&bed.path("lodge.toml"))]
    {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}

#[test]
fn a_wrong_code_is_asked_for_again_and_an_invite_is_used_up_by_joining_alone() {
    let bed = Bed::start(program());
    let invite = bed.facts.invite.clone().unwrap();
    let code = |secret: &str| Run::of(Command::new("oathtool").args(["--totp", "--base32", secret])).ok();
    let join = |codes: &dyn Fn(&str) -> String| {
        Person::try_to_join(program(), &bed.path(""), &invite, |secret| codes(secret))
    };
    let (nobody, joined) = join(&|_| "000000\n000000\n000000\n".to_owned());
    assert!(!joined && nobody.welcome.contains("the invite can be used again"), "{}", nobody.welcome);
    // Joining needs one right code, and the login behind it the next; here that one never comes.
    let (late, joined) = join(&|secret| format!("000000\n{}000000\n000000\n000000\n", code(secret)));
    assert!(!joined && late.welcome.contains("lodge login --server https://"), "{}", late.welcome);
    assert!(late.welcome.contains("recovery codes") && late.welcome.contains("used up"), "{}", late.welcome);
    let run = late.run(&["logout"]);
    assert!(run.code == 3 && run.err.contains("nobody is signed in"), "{}", run.err);
}

#[test]
fn everything_that_a_person_does_is_found_replayed_and_proved() {
    let bed = Bed::start(program());
    let admin = bed.admin();
    let account = own_account();
    let _sshd = bed.target(&admin, "web-1");
    let alice = bed.developer(&admin, "alice", &account);
    let at = format!("{account}@web-1");

    // An exec keeps its exit code and its two streams apart.
    let run = alice.ssh(&[&at, "echo out; echo err >&2; exit 7"]);
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (7, "out\n", "err\n"));
    let command = one(&admin, "kind: session.command and detail.command: *exit*7*");
    assert_eq!(command["actor"]["user"], "alice");
    assert_eq!(command["target"]["name"], "web-1");
    let session = command["session"].as_str().expect("a command belongs to a session").to_owned();
    let end = one(&admin, &format!("kind: session.command_end and session: {session}"));
    assert_eq!(end["detail"]["exit_code"], 7);
    assert_eq!(end["detail"]["stdout_bytes"], 4);
    assert_eq!(end["detail"]["stderr_bytes"], 4);

    // The recording's root is in the log twice, and the recording is what it commits to.
    let sealed = one(&admin, &format!("kind: recording.sealed and session: {session}"));
    let ended = one(&admin, &format!("kind: session.end and session: {session}"));
    assert_eq!(sealed["detail"]["root"], ended["detail"]["recording_root"]);
    let root = sealed["detail"]["root"].as_str().expect("a seal has a root");
    assert!(admin.run(&["play", &session, &format!("--verify={root}")]).ok().contains(root));
    let wrong = "0".repeat(64);
    assert_eq!(admin.run(&["play", &session, &format!("--verify={wrong}")]).code, 4);
    assert!(admin.run(&["play", &session, "--format", "text"]).ok().contains("err"));
    assert!(admin.run(&["play", &session, "--format", "asciicast"]).ok().starts_with("{\"version\":3"));

    // Files: what moved, with its hash, through scp (both protocols), sftp, rsync and git.
    let file = bed.path("figures.bin");
    fs::write(&file, (0..300_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>()).unwrap();
    for (flags, name) in [(&[][..], "by-sftp"), (&["-O"][..], "by-scp")] {
        let remote = bed.path(name);
        Run::of(alice.openssh("scp").args(flags).arg(&file).arg(format!("{at}:{}", remote.display()))).ok();
        let back = bed.path(&format!("{name}-back"));
        Run::of(alice.openssh("scp").args(flags).arg(format!("{at}:{}", remote.display())).arg(&back)).ok();
        assert_eq!(sha256(&file), sha256(&back));
        for kind in ["file.upload", "file.download"] {
            let moved = one(&admin, &format!("kind: {kind} and detail.path: *{name}*"));
            assert_eq!(moved["detail"]["sha256"], sha256(&file), "{kind} {name}");
            assert_eq!(moved["detail"]["bytes"], 1_200_000);
        }
    }
    let batch = bed.path("batch");
    let folder = bed.path("made-by-sftp");
    fs::write(
        &batch,
        format!(
            "mkdir {0}\nput {1} {0}/a\nrename {0}/a {0}/b\nrm {0}/b\nrmdir {0}\n",
            folder.display(),
            file.display()
        ),
    )
    .unwrap();
    Run::of(alice.openssh("sftp").arg("-b").arg(&batch).arg(&at)).ok();
    for kind in ["file.create_folder", "file.rename", "file.remove", "file.remove_folder"] {
        assert!(!events(&admin, &format!("kind: {kind} and *made-by-sftp*")).is_empty(), "{kind}");
    }
    let synced = bed.path("synced");
    let shell = format!("ssh -F {} -o BatchMode=yes", text(&alice.config()));
    Run::of(
        Command::new("rsync")
            .args(["-a", "-e", &shell])
            .arg(&file)
            .arg(format!("{at}:{}/", synced.display())),
    )
    .ok();
    assert_eq!(sha256(&file), sha256(&synced.join("figures.bin")));
    assert!(!events(&admin, "kind: session.command and detail.command: rsync*").is_empty());
    git_through_lodge(&bed, &alice, &at, &shell);

    // A shell on a terminal, with what it showed.
    let shown = shell_session(&alice, &at, "stty size; echo colormatic; exit\n");
    assert!(shown.contains("colormatic"), "{shown}");
    let shell = one(&admin, "kind: session.shell");
    let session = shell["session"].as_str().expect("a shell belongs to a session");
    assert!(admin.run(&["play", session, "--format", "text"]).ok().contains("colormatic"));
    let found = admin.run(&["sessions", "search", "colormatic", "--output", "json"]).ok();
    let found: Value = serde_json::from_str(&found).unwrap();
    assert!(found.as_array().unwrap().iter().any(|line| line["session"] == session), "{found}");
    let viewed = format!("kind: recording.viewed and session: {session} and detail.format: search");
    assert_eq!(events(&admin, &viewed).len(), 1, "seeing a line of a recording is viewing it");

    prove_and_verify(&bed, &admin, command["id"].as_str().expect("an event has an id"));
}

fn git_through_lodge(bed: &Bed, alice: &Person, at: &str, shell: &str) {
    let origin = bed.path("origin.git");
    let git = |folder: &Path, arguments: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C")
            .arg(folder)
            .args(["-c", "user.name=alice", "-c", "user.email=alice@example.com"])
            .args(arguments);
        Run::of(git.env("GIT_SSH_COMMAND", shell)).ok()
    };
    fs::create_dir(&origin).unwrap();
    git(&origin, &["init", "-q", "--bare", "-b", "main"]);
    let clone = bed.path("clone");
    git(&bed.path("."), &["clone", "-q", &format!("{at}:{}", origin.display()), &text(&clone)]);
    fs::write(clone.join("file"), "content\n").unwrap();
    git(&clone, &["add", "file"]);
    git(&clone, &["commit", "-q", "-m", "first"]);
    git(&clone, &["push", "-q", "origin", "HEAD:main"]);
    assert!(git(&origin, &["log", "--oneline", "main"]).contains("first"));
    let _ = alice;
}

fn shell_session(person: &Person, at: &str, script: &str) -> String {
    let mut ssh = person.openssh("ssh");
    ssh.args(["-tt", at]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = ssh.spawn().unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    String::from_utf8_lossy(&child.wait_with_output().unwrap().stdout).into_owned()
}

fn prove_and_verify(bed: &Bed, admin: &Person, id: &str) {
    let key = admin.run(&["ca", "export", "log-key"]).ok().trim().to_owned();
    let stranger = bed.path("stranger");
    let offline = |arguments: &[&str]| {
        let mut command = Command::new(program());
        Run::of(command.arg("--home").arg(&stranger).args(["audit", "verify", "--key", &key]).args(arguments))
    };
    let proof = bed.path("proof.json");
    fs::write(&proof, admin.run(&["audit", "prove", id]).ok()).unwrap();
    assert!(offline(&["--proof", &text(&proof)]).ok().contains("genuine"));
    let forged = fs::read_to_string(&proof).unwrap().replace("alice", "mallo");
    fs::write(&proof, forged).unwrap();
    assert_eq!(offline(&["--proof", &text(&proof)]).code, 4);
    fs::write(&proof, "garbage").unwrap();
    let run = offline(&["--proof", &text(&proof)]);
    assert_eq!(run.code, 2, "{}", run.err);
    assert!(run.err.contains("proof.json"), "{}", run.err);
    assert_eq!(offline(&["--bundle", &text(&proof)]).code, 2);

    let bundle = bed.path("bundle.ndjson");
    admin.run(&["audit", "export", "--file", &text(&bundle)]).ok();
    assert!(offline(&["--bundle", &text(&bundle)]).ok().contains("intact"));
    let other = Bed::start(program());
    let other_key = other.admin().run(&["ca", "export", "log-key"]).ok();
    let own_log = text(&bed.data().join("log"));
    for what in [["--bundle", &text(&bundle)], ["--folder", &own_log]] {
        let run = admin.run(&[&["audit", "verify", "--key", other_key.trim()][..], &what].concat());
        assert_eq!(run.code, 2, "{what:?}: {}{}", run.out, run.err);
        for key in [&key, other_key.trim()] {
            let id = key.splitn(3, '+').take(2).collect::<Vec<_>>().join("+");
            assert!(run.err.contains(&id), "{id} is not named: {}", run.err);
        }
    }
    let lines: Vec<String> = fs::read_to_string(&bundle).unwrap().lines().map(str::to_owned).collect();
    let without_one: Vec<&str> =
        lines.iter().enumerate().filter(|(at, _)| *at != 5).map(|(_, line)| line.as_str()).collect();
    fs::write(&bundle, without_one.join("\n")).unwrap();
    assert_eq!(offline(&["--bundle", &text(&bundle)]).code, 4);

    assert!(admin.run(&["audit", "verify"]).ok().contains("intact"));
    assert!(offline(&["--folder", &text(&bed.data().join("log")), "--live"]).ok().contains("intact"));
}

#[test]
fn what_is_not_allowed_is_refused_and_recorded() {
    let bed = Bed::start(program());
    let admin = bed.admin();
    let account = own_account();
    let _sshd = bed.target(&admin, "web-1");
    let alice = bed.developer(&admin, "alice", &account);

    let refused = alice.ssh(&["nobody-else@web-1", "id"]).refused();
    assert!(refused.contains("denied"), "{refused}");
    let denied = one(&admin, "kind: access.denied and detail.protocol: ssh");
    assert_eq!(denied["outcome"], "denied");
    assert_eq!(denied["detail"]["login"], "nobody-else");
    assert!(denied["reason"].is_string());

    // The API is closed to her too, and says so with an event and exit code 3.
    for arguments in
        [&["audit", "search"][..], &["users", "ls"], &["get", "roles"], &["sessions", "ls"], &["ca", "ls"]]
    {
        assert_eq!(alice.run(arguments).code, 3, "{arguments:?}");
    }
    assert_eq!(events(&admin, "kind: access.denied and detail.protocol: api and actor.user: alice").len(), 5);

    // Without a login there is nothing at all.
    let nobody = bed.path("nobody");
    let run = Run::of(Command::new(program()).arg("--home").arg(&nobody).args(["audit", "search"]));
    assert_eq!(run.code, 3, "{}", run.err);

    // Forwarding is off unless a role says otherwise.
    let run =
        alice.ssh(&["-o", "ExitOnForwardFailure=yes", "-W", "127.0.0.1:1", &format!("{account}@web-1")]);
    assert_ne!(run.code, 0);
    assert!(!events(&admin, "kind: forward.denied").is_empty());
}

#[test]
fn a_lock_cuts_running_sessions_and_refuses_new_ones() {
    let bed = Bed::start(program());
    let admin = bed.admin();
    let account = own_account();
    let _sshd = bed.target(&admin, "web-1");
    let alice = bed.developer(&admin, "alice", &account);
    let at = format!("{account}@web-1");

    let mut running = alice.openssh("ssh");
    running
        .args([&at, "echo here; sleep 600"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = running.spawn().unwrap();
    running.stdout.take().unwrap().read_exact(&mut [0; 5]).unwrap();
    let lock = bed.path("lock.yaml");
    fs::write(&lock, "kind: lock\nname: alice-is-out\nuser: alice\nreason: stolen laptop\n").unwrap();
    admin.run(&["apply", "-f", &text(&lock)]).ok();
    assert!(!running.wait().unwrap().success());

    let cut = wait_for(|| events(&admin, "kind: session.terminated").into_iter().next());
    assert_eq!(cut["detail"]["cause"], "lock");
    let end = wait_for(|| events(&admin, "kind: session.end").into_iter().next());
    assert_eq!(end["detail"]["ended_by"], "locked");
    alice.ssh(&[&at, "true"]).refused();
    assert_eq!(one(&admin, "kind: access.denied and detail.protocol: ssh")["detail"]["code"], "locked");

    admin.run(&["delete", "lock", "alice-is-out"]).ok();
    alice.ssh(&[&at, "true"]).ok();
}

#[test]
fn an_auditor_reads_everything_and_reaches_nothing() {
    let bed = Bed::start(program());
    let admin = bed.admin();
    let account = own_account();
    let _sshd = bed.target(&admin, "web-1");
    let alice = bed.developer(&admin, "alice", &account);
    alice.ssh(&[&format!("{account}@web-1"), "echo colormatic"]).ok();
    let invite = admin.run(&["users", "add", "vera", "--roles", "auditor", "-o", "json"]).ok();
    let vera = bed.join(&bed::invite_of(&invite));

    let command = one(&vera, "kind: session.command");
    let session = command["session"].as_str().unwrap();
    assert!(vera.run(&["play", session, "--format", "text"]).ok().contains("colormatic"));
    vera.run(&["audit", "prove", command["id"].as_str().unwrap()]).ok();
    vera.run(&["audit", "verify"]).ok();
    vera.ssh(&[&format!("{account}@web-1"), "true"]).refused();
    assert_eq!(vera.run(&["users", "add", "eve", "--roles", "admin"]).code, 3);
    assert_eq!(vera.run(&["sessions", "kill", session]).code, 3);

    // Reading is an action too.
    for kind in ["audit.searched", "recording.viewed", "audit.proved", "audit.verified"] {
        assert!(!events(&admin, &format!("kind: {kind} and actor.user: vera")).is_empty(), "{kind}");
    }
}

#[test]
fn a_killed_server_keeps_what_it_acknowledged() {
    let mut bed = Bed::start(program());
    let admin = bed.admin();
    let account = own_account();
    let _sshd = bed.target(&admin, "web-1");
    let alice = bed.developer(&admin, "alice", &account);

    let mut running = alice.openssh("ssh");
    running.args([&format!("{account}@web-1"), "echo colormatic; sleep 600"]);
    let mut running =
        running.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    running.stdout.take().unwrap().read_exact(&mut [0; 11]).unwrap();
    let session = one(&admin, "kind: session.start")["session"].as_str().unwrap().to_owned();
    // What was shown is on disk a second later at most; then the power goes.
    wait_for(|| admin.run(&["play", &session, "--format", "text"]).ok().contains("colormatic").then_some(()));
    bed.kill();
    let _ = running.kill();
    let _ = running.wait();

    bed.resume();
    bed.follow(&admin);
    let abandoned = one(&admin, "kind: session.abandoned");
    assert_eq!(abandoned["session"], session.as_str());
    one(&admin, &format!("kind: recording.truncated and session: {session}"));
    assert!(admin.run(&["play", &session, "--format", "text"]).ok().contains("colormatic"));
    assert!(admin.run(&["audit", "verify"]).ok().contains("intact"));
    let opened = events(&admin, "kind: log.opened");
    assert_eq!(opened.len(), 2);
    assert_eq!(opened[1]["detail"]["clean"], false);
}

#[test]
fn a_folder_that_was_tampered_with_is_refused() {
    let mut bed = Bed::start(program());
    let admin = bed.admin();
    bed.stop();
    let copy = |from: &Path, to: &Path| Run::of(Command::new("cp").arg("-a").arg(from).arg(to)).ok();
    let data = bed.data();
    let (log, older, newer) = (data.join("log"), bed.path("older"), bed.path("newer"));
    copy(&log, &older);
    bed.resume();
    bed.stop();
    copy(&log, &newer);
    let put = |from: &Path| {
        fs::remove_dir_all(&log).unwrap();
        copy(from, &log);
    };

    put(&older);
    let refused = bed.refused_start();
    assert!(refused.contains("are missing") && refused.contains("--accept-rollback"), "{refused}");
    put(&newer);
    fs::remove_file(log.join("checkpoint")).unwrap();
    assert!(bed.refused_start().contains("no checkpoint"));
    for part in ["wal", "tile"] {
        fs::remove_dir_all(log.join(part)).unwrap();
    }
    assert!(bed.refused_start().contains("are missing"));
    put(&newer);
    fs::rename(data.join("master.key"), bed.path("master.key")).unwrap();
    assert!(bed.refused_start().contains("restore the key"));
    fs::rename(bed.path("master.key"), data.join("master.key")).unwrap();
    Run::of(Command::new("chmod").arg("755").arg(&data)).ok();
    assert!(bed.refused_start().contains("chmod 700"));
    Run::of(Command::new("chmod").arg("700").arg(&data)).ok();

    // Nothing was harmed by trying, and the signed end of the log is where it was.
    bed.resume();
    let key = fs::read_to_string(log.join("log.vkey")).unwrap();
    admin.run(&["audit", "verify", "--folder", &text(&log), "--key", key.trim(), "--live"]).ok();
}

#[test]
fn an_older_log_that_was_restored_on_purpose_is_opened_on_order_and_says_so() {
    let mut bed = Bed::start(program());
    let admin = bed.admin();
    bed.stop();
    let copy = |from: &Path, to: &Path| Run::of(Command::new("cp").arg("-a").arg(from).arg(to)).ok();
    let (log, older) = (bed.data().join("log"), bed.path("older"));
    copy(&log, &older);
    bed.resume();
    bed.follow(&admin);
    admin.run(&["audit", "search"]).ok();
    bed.stop();
    fs::remove_dir_all(&log).unwrap();
    copy(&older, &log);
    assert!(bed.refused_start().contains("lodge serve --accept-rollback"));
    bed.resume_with(&["--accept-rollback"]);
    bed.follow(&admin);
    let told = one(&admin, "kind: log.rolled_back");
    assert!(told["detail"]["lost"].as_u64().unwrap() > 0, "{told}");
    assert!(admin.run(&["audit", "verify"]).ok().contains("intact"));
    bed.stop();
    // It was an order for one start, and from then on the log is the remembered one.
    bed.resume();
    bed.follow(&admin);
    one(&admin, "kind: log.rolled_back");
}

#[test]
fn a_damaged_state_is_refused_and_the_way_on_is_named() {
    let mut bed = Bed::start(program());
    bed.admin();
    bed.kill();
    let path = bed.data().join("state.db-wal");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let refused = bed.refused_start();
    assert!(refused.contains("has lost changes") && refused.contains("restore"), "{refused}");
    assert!(fs::read(&path).unwrap() == bytes, "the evidence is changed");
}

#[test]
fn a_fresh_state_beside_a_used_log_is_refused() {
    let mut bed = Bed::start(program());
    let admin = bed.admin();
    for _ in 0..70 {
        admin.run(&["audit", "search", "--limit", "1"]).ok();
    }
    bed.stop();
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        let _ = fs::remove_file(bed.data().join(name));
    }
    assert!(bed.refused_start().contains("state.db"));
}

#[test]
fn nobody_shuts_everyone_out_and_whoever_runs_the_server_gets_back_in() {
    let mut bed = Bed::start_with(program(), &["[messages]", "level = \"error\""]);
    assert!(bed.messages().contains("first admin's invite"), "an invite is shown at every level");
    let admin = bed.admin();
    bed.apply(&admin, "kind: role\nname: noapi\ndeny: { from: 0.0.0.0/0 }\n").ok();
    for out in [
        bed.apply(&admin, "kind: user\nname: admin\nroles: [admin, noapi]\n"),
        admin.run(&["users", "set", "admin", "--roles", "access"]),
        admin.run(&["users", "set", "admin", "--disabled", "true"]),
        admin.run(&["users", "rm", "admin"]),
    ] {
        let refused = out.refused();
        assert!(refused.contains("lodge serve --invite-admin"), "{refused}");
    }
    let denied = events(&admin, "kind: access.denied and detail.code: last_administrator");
    assert_eq!(denied.len(), 4);
    assert!(denied.iter().all(|event| event["target"]["name"] == "admin" && event["outcome"] == "denied"));

    // Whoever has lost password and authenticator is let in again from the server.
    bed.stop();
    bed.resume_with(&["--invite-admin", "rescuer"]);
    let invite = wait_for(|| {
        let messages = bed.messages();
        let line = messages.lines().find(|line| line.contains("invite of the admin rescuer"))?;
        line.split_whitespace().last().map(str::to_owned)
    });
    let rescuer = bed.join(&invite);
    rescuer.run(&["users", "reset", "admin"]).ok();
    rescuer.run(&["users", "rm", "admin"]).ok();
    rescuer.run(&["users", "rm", "rescuer"]).refused();
}

#[test]
fn what_cannot_be_meant_is_refused_in_words() {
    let bed = Bed::start(program());
    let admin = bed.admin();
    let account = own_account();
    let _sshd = bed.target(&admin, "web-1");
    let alice = bed.developer(&admin, "alice", &account);
    alice.ssh(&[&format!("{account}@web-1"), "echo here"]).ok();
    let session = wait_for(|| events(&admin, "kind: session.end").into_iter().next());
    let session = session["session"].as_str().unwrap();

    let channels = "the recording has no channel 99; it has channel";
    let said = |arguments: &[&str]| admin.run(arguments).refused();
    for form in [&[][..], &["--format", "text"], &["--format", "json"]] {
        let arguments = [&["play", session, "--channel", "99"][..], form].concat();
        assert!(said(&arguments).contains(channels), "{form:?}");
    }
    assert!(said(&["audit", "search", "--limit", "0"]).contains("1 or more"));
    assert!(said(&["sessions", "ls", "--limit", "0"]).contains("1 or more"));
    assert!(said(&["audit", "tail", "-n", "0"]).contains("-f"));
    let range = said(&["audit", "search", "--since", "2026-02-01", "--until", "2026-01-01"]);
    assert!(range.contains("is not before"), "{range}");
    assert!(said(&["audit", "search", "--since", "9999-12-31"]).contains("before 9999-12-31"));
    for later in ["9999-12-30", "now+1y"] {
        let run = admin.run(&["audit", "search", "--since", later]);
        assert!(run.code == 0 && run.err.contains("lies in the future"), "{}", run.err);
    }
    assert!(!admin.run(&["audit", "search", "--since", "now-1h"]).err.contains("future"));

    // Each cause is told once.
    let once = |text: &str, part: &str| assert_eq!(text.matches(part).count(), 1, "{text}");
    let stranger = Run::of(Command::new(program()).arg("--home").arg(bed.path("stranger")).arg("login"));
    once(&stranger.refused(), "--invite LINK");
    once(&said(&["play", "--file", "/nowhere.rec"]), "No such file or directory");
    once(&said(&["apply", "-f", "/nowhere.yaml"]), "No such file or directory");
    fs::create_dir(bed.path("taken")).unwrap();
    once(&said(&["play", session, "--save", &text(&bed.path("taken"))]), "cannot write");
    fs::write(bed.path("lodge.toml"), "[api]\nnames = [\"a b\"]\n").unwrap();
    let names = Run::of(
        Command::new(program())
            .args(["serve", "--config", &text(&bed.path("lodge.toml"))])
            .arg("--data-dir")
            .arg(bed.path("other")),
    );
    once(&names.refused(), "a b");

    let role = said(&["users", "add", "eve", "--roles", "acess"]);
    assert!(role.contains("no role `acess`; did you mean `access`?"), "{role}");
    assert!(said(&["users", "set", "alice", "--roles", "nosuch"]).contains("no role `nosuch`"));
    for empty in ["", "# nothing yet\n", "---\n"] {
        let said = bed.apply(&admin, empty).refused();
        assert!(said.contains("there is no resource in it"), "{said}");
    }
    bed.apply(&admin, "{kind: user, name: eve, roles: newcomers}\n---\n{kind: role, name: newcomers}\n").ok();
}

#[test]
fn a_message_level_that_hides_everything_is_refused() {
    for level in ["", "inof"] {
        let mut bed = Bed::start(program());
        bed.stop();
        fs::write(bed.path("lodge.toml"), format!("[messages]\nlevel = {level:?}\n")).unwrap();
        assert!(bed.refused_start().contains("`messages.level`"));
    }
}

#[test]
fn x11_is_forwarded_where_a_role_allows_it_and_counted() {
    let bed = Bed::start(program());
    let admin = bed.admin();
    let account = own_account();
    let _sshd = bed.target(&admin, "web-1");
    let screen = bed.screen();
    let at = format!("{account}@web-1");
    let draw = |person: &Person, command: &str| {
        Run::of(screen.show(person.openssh("ssh").args(["-X", &at, command])))
    };

    let role = format!(
        "{{kind: role, name: screens, allow: {{logins: {account}, labels: {{env: test}}}}, options: {{x11_forwarding: true}}}}"
    );
    bed.apply(&admin, &role).ok();
    let made = admin.run(&["users", "add", "xenia", "--roles", "screens", "-o", "json"]).ok();
    let xenia = bed.join(&bed::invite_of(&made));
    let shown = draw(&xenia, "xdpyinfo").ok();
    assert!(shown.contains("name of display:    localhost:"), "{shown}");
    assert!(shown.contains("640x480 pixels"), "it is the client's screen: {shown}");
    let closed = wait_for(|| events(&admin, "kind: forward.close").into_iter().next());
    let opened = one(&admin, "kind: forward.open");
    for event in [&opened, &closed] {
        assert_eq!(event["detail"]["direction"], "x11");
        assert_eq!(event["actor"]["user"], "xenia");
        assert_eq!(event["target"]["name"], "web-1");
    }
    // The connection's setup alone is answered with more than the client's screen is told.
    for bytes in ["bytes_in", "bytes_out"] {
        assert!(closed["detail"][bytes].as_u64().unwrap() > 0, "{closed}");
    }

    let alice = bed.developer(&admin, "alice", &account);
    let refused = draw(&alice, "echo display=$DISPLAY; xdpyinfo");
    assert_ne!(refused.code, 0);
    assert!(refused.out.starts_with("display=\n"), "{}", refused.out);
    assert!(refused.err.contains("X11 forwarding request failed"), "{}", refused.err);
    let denied = one(&admin, "kind: (session.rejected or forward.denied) and actor.user: alice");
    assert_eq!(denied["outcome"], "denied");
    assert_eq!(denied["detail"]["code"], "x11_forwarding");
    assert_eq!(events(&admin, "kind: forward.open").len(), 1);
}

#[test]
fn a_stop_in_order_seals_recordings_and_a_start_finds_nothing_to_mend() {
    let mut bed = Bed::start(program());
    let admin = bed.admin();
    let account = own_account();
    let _sshd = bed.target(&admin, "web-1");
    let alice = bed.developer(&admin, "alice", &account);
    let mut running = alice.openssh("ssh");
    running
        .args([&format!("{account}@web-1"), "echo here; sleep 600"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut running = running.spawn().unwrap();
    running.stdout.take().unwrap().read_exact(&mut [0; 5]).unwrap();
    bed.stop();
    assert!(!running.wait().unwrap().success());
    let key = fs::read_to_string(admin.home.join("log.vkey")).unwrap();
    let log = text(&bed.data().join("log"));
    assert!(admin.run(&["audit", "verify", "--folder", &log, "--key", key.trim()]).ok().contains("intact"));
    let sealed = fs::read_dir(bed.data().join("recordings")).unwrap().flatten().map(|entry| entry.path());
    assert!(sealed.into_iter().all(|path| path.extension().is_none_or(|extension| extension != "part")));
}

#[test]
fn a_server_with_a_signed_host_key_is_known_by_its_name() {
    let bed = Bed::start(program());
    let admin = bed.admin();
    let account = own_account();
    let sshd = bed.target(&admin, "web-1");
    let alice = bed.developer(&admin, "alice", &account);

    let key = text(&sshd.folder.join("host_key.pub"));
    let certificate = admin.run(&["ca", "sign-host", "--name", "web-1.internal", &key]).ok();
    sshd.certify(&certificate);
    let target = text(&bed.path("web-1.yaml"));
    let by_authority = |name: &str| {
        let yaml = format!(
            "kind: target\nname: web-1\naddress: 127.0.0.1:{}\nlabels: {{env: test}}\nhost_key:\n  authority: {name}\n",
            sshd.port
        );
        fs::write(&target, yaml).unwrap();
        admin.run(&["apply", "-f", &target]).ok();
    };
    let at = format!("{account}@web-1");
    by_authority("another.internal");
    alice.ssh(&[&at, "true"]).refused();
    by_authority("web-1.internal");
    alice.ssh(&[&at, "true"]).ok();
    let signed =
        one(&admin, "kind: cert.issue and detail.principals: web-1.internal and not detail.usage: ssh_gate");
    assert_eq!(signed["policy"]["decision"], "allow", "the rule that let the admin sign is in the event");
}

#[test]
fn an_apply_that_is_refused_in_part_changes_nothing() {
    let bed = Bed::start(program());
    let admin = bed.admin();
    let file = text(&bed.path("three.yaml"));
    let yaml = "kind: user\nname: carol\n---\nkind: role\nname: first\n---\nkind: role\nname: admin\n";
    fs::write(&file, yaml).unwrap();
    let refused = admin.run(&["apply", "-f", &file]);
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("admin"), "{}", refused.err);
    assert!(!admin.run(&["get", "roles"]).ok().contains("first"));
    assert!(!admin.run(&["users", "ls"]).ok().contains("carol"));

    // Whoever may not change users is told that, and nothing of which roles there are.
    let alice = bed.developer(&admin, "alice", "nobody");
    fs::write(&file, "kind: user\nname: mallory\nroles: [acces]\n").unwrap();
    let refused = alice.run(&["apply", "-f", &file]);
    assert_eq!(refused.code, 3, "{}", refused.err);
    assert!(!refused.err.contains("acces"), "{}", refused.err);
    one(&admin, "kind: access.denied and actor.user: alice and detail.login: users.create");

    admin.run(&["users", "add", "dave", "--roles", "access"]).ok();
    let made = one(&admin, "kind: user.create and target.name: dave");
    assert_eq!(made["policy"]["decision"], "allow", "{made}");
}

#[test]
fn an_authority_is_rotated_while_people_work() {
    let bed = Bed::start(program());
    let admin = bed.admin();
    let account = own_account();
    let sshd = bed.target(&admin, "web-1");
    let alice = bed.developer(&admin, "alice", &account);
    let at = format!("{account}@web-1");

    admin.run(&["ca", "rotate", "gate", "prepare"]).ok();
    fs::write(sshd.folder.join("trusted"), admin.run(&["ca", "export", "sshd"]).ok()).unwrap();
    alice.ssh(&[&at, "true"]).ok();
    admin.run(&["ca", "rotate", "gate", "overlap"]).ok();
    alice.ssh(&[&at, "true"]).ok();
    admin.run(&["ca", "rotate", "gate", "complete"]).ok();
    fs::write(sshd.folder.join("trusted"), admin.run(&["ca", "export", "sshd"]).ok()).unwrap();
    alice.ssh(&[&at, "true"]).ok();

    // Withdrawing the user authority's old key ends what it signed.
    admin.run(&["ca", "rotate", "user", "overlap"]).ok();
    alice.ssh(&[&at, "true"]).ok();
    admin.run(&["ca", "rotate", "user", "complete"]).ok();
    alice.ssh(&[&at, "true"]).refused();
    assert!(!events(&admin, "kind: cert.deny and detail.usage: ssh_user").is_empty());
    assert_eq!(events(&admin, "kind: authority.rotate").len(), 5);
}

#[test]
fn passwords_codes_and_invites_are_checked() {
    let bed = Bed::start(program());
    let admin = bed.admin();
    let invite = admin.run(&["users", "add", "bob", "--roles", "access", "-o", "json"]).ok();
    let invite = bed::invite_of(&invite);
    let bob = bed.join(&invite);
    assert!(bob.welcome.contains("recovery codes"));

    // An invite works once.
    let again = login(&bed, &["--invite", &invite], "another long password\nanother long password\n");
    assert!(again.refused().contains("invite"));
    // A wrong password, a wrong code and an unknown user look the same.
    let server = format!("https://{}", bed.facts.api);
    let fingerprint = admin.run(&["ca", "export", "fingerprint"]).ok().trim().to_owned();
    let common = ["--server", &server, "--ca", &fingerprint];
    let mut said = Vec::new();
    for (user, password, code) in [
        ("bob", "wrong password", bob.code(2)),
        ("bob", bob.password(), "000000".to_owned()),
        ("carol", "whatever", bob.code(2)),
    ] {
        let arguments: Vec<&str> = common.iter().copied().chain(["--user", user, "--code", &code]).collect();
        let refused = login(&bed, &arguments, &format!("{password}\n")).refused();
        said.push(refused.replace(&format!("sign in as {user}:"), "sign in:"));
    }
    assert!(said.iter().all(|line| *line == said[0]), "{said:?}");
    assert_eq!(events(&admin, "kind: user.login and outcome: failure").len(), 3);
    // A server whose authority is another is refused before anything is sent.
    let other = format!("sha256:{}", "0".repeat(64));
    let refused =
        login(&bed, &["--server", &server, "--ca", &other, "--user", "bob", "--code", "1"], "x\n").refused();
    assert!(refused.contains("somebody may be in between"), "{refused}");
    // Signing out ends the certificates everywhere.
    let copy = bed.path("copied-home");
    Run::of(Command::new("cp").arg("-r").arg(&bob.home).arg(&copy)).ok();
    bob.run(&["logout"]).ok();
    let stolen = Run::of(Command::new(program()).arg("--home").arg(&copy).arg("targets"));
    assert_eq!(stolen.code, 3, "{}", stolen.err);
}

fn login(bed: &Bed, arguments: &[&str], typed: &str) -> Run {
    let home = bed.path("somebody");
    let mut command = Command::new(program());
    command.arg("--home").arg(&home).args(["login", "--no-agent"]).args(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The program may refuse before it reads.
    let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn ssh_audit_finds_no_failure() {
    let Some(ssh_audit) = std::env::var_os("LODGE_SSH_AUDIT") else {
        eprintln!("ssh-audit is not here; `cargo xtask test` brings it");
        return;
    };
    let bed = Bed::start(program());
    let (host, port) = bed.facts.ssh.split_once(':').unwrap();
    let mut audit = Command::new("python3");
    audit
        .args(["-m", "ssh_audit.ssh_audit", "--no-colors", "--skip-rate-test", "-p", port, host])
        .env("PYTHONPATH", ssh_audit);
    let run = Run::of(&mut audit);
    assert!(run.out.contains("(kex)"), "{}{}", run.out, run.err);
    let failures: Vec<&str> = run.out.lines().filter(|line| line.contains("[fail]")).collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn garbage_and_silence_on_every_port_do_no_harm() {
    let bed = Bed::start(program());
    let admin = bed.admin();
    let silent: Vec<TcpStream> = [&bed.facts.api, &bed.facts.ssh]
        .iter()
        .flat_map(|at| (0..20).map(|_| TcpStream::connect(at.as_str()).unwrap()))
        .collect();
    for address in [&bed.facts.api, &bed.facts.ssh, &bed.facts.metrics] {
        for garbage in [
            &b"\0\0\0\0\0\0\0\0"[..],
            b"GET / HTTP/1.1\r\n\r\n",
            &[0xff; 70_000],
            b"\r\n\r\n\0\r\nQUIT\n!\x11\x0c\x00\x00",
        ] {
            let mut stream = TcpStream::connect(address.as_str()).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
            let _ = stream.write_all(garbage);
            let _ = stream.read(&mut [0; 1024]);
        }
    }
    admin.run(&["status"]).ok();
    drop(silent);
    let ready =
        Run::of(Command::new("curl").args(["-sf", &format!("http://{}/readyz", bed.facts.metrics)])).ok();
    assert_eq!(ready, "ready\n");
    let metrics =
        Run::of(Command::new("curl").args(["-sf", &format!("http://{}/metrics", bed.facts.metrics)])).ok();
    assert!(metrics.contains("lodge_log_entries"), "{metrics}");
}

#[test]
fn no_secret_stands_in_the_messages_or_the_log() {
    let bed = Bed::start_with(program(), &["[messages]", "level = \"trace\""]);
    let admin = bed.admin();
    let messages = bed.messages();
    let mut log = Vec::new();
    for entry in fs::read_dir(bed.data().join("log/wal")).unwrap().flatten() {
        log.extend(fs::read(entry.path()).unwrap());
    }
    let log = String::from_utf8_lossy(&log);
    for secret in [admin.password(), &admin.secret, "PRIVATE KEY"] {
        assert!(!messages.contains(secret), "a secret is in the messages");
        assert!(!log.contains(secret), "a secret is in the log");
    }
}
