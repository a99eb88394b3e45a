//! Looking on while a session runs, and ending it: the right, the event, what the watched person is told, and the end of it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod bed;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bed::{Bed, Person, Run, Sshd, invite_of, own_account, wait_for};
use serde_json::Value;

/// A person at a terminal on a target.
struct Seat {
    ssh: Child,
    screen: PathBuf,
    session: String,
}

impl Seat {
    /// Logs in with a terminal, and waits until the session stands in the list.
    fn take(bed: &Bed, admin: &Person, person: &Person, target: &str) -> Seat {
        let screen = bed.path(&format!("{target}.screen"));
        let mut ssh = person.openssh("ssh");
        ssh.args(["-tt", &format!("{}@{target}", own_account()), "cat"]);
        let shown = File::create(&screen).unwrap();
        ssh.stdin(Stdio::piped()).stderr(shown.try_clone().unwrap()).stdout(shown);
        let ssh = ssh.spawn().unwrap();
        let session = wait_for(|| newest(admin, &format!("kind: session.command and target.name: {target}")));
        let mut seat = Seat { ssh, screen, session: session["session"].as_str().unwrap().to_owned() };
        seat.type_in("first words\n");
        wait_for(|| seat.shown().contains("first words").then_some(()));
        seat
    }

    fn type_in(&mut self, text: &str) {
        self.ssh.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.screen).unwrap()).into_owned()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = self.ssh.kill();
        let _ = self.ssh.wait();
    }
}

fn newest(admin: &Person, filter: &str) -> Option<Value> {
    let found = admin.run(&["audit", "search", filter, "--limit", "1", "--output", "ndjson"]);
    let row: Value = serde_json::from_str(found.ok().lines().next()?).ok()?;
    Some(row["event"].clone())
}

/// Makes the command with which somebody follows a session; the answer's head goes to `<to>.head`.
fn watch(bed: &Bed, watcher: &Person, path: &str, to: &Path) -> Command {
    let mut curl = Command::new("curl");
    curl.args(["-sN", "--max-time", "60", "-D"]).arg(to.with_extension("head")).arg("-o").arg(to);
    for (option, file) in [("--cacert", "ca.pem"), ("--cert", "tls.crt"), ("--key", "tls.key")] {
        curl.arg(option).arg(watcher.home.join(file));
    }
    curl.arg(format!("https://{}{path}", bed.facts.api)).stdin(Stdio::null());
    curl
}

fn head(to: &Path) -> String {
    fs::read_to_string(to.with_extension("head")).unwrap_or_default()
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |found| found.len())
}

/// A bed with people, a target, and a role whose people are not told.
fn furnished() -> (Bed, Person, Sshd) {
    let bed = Bed::start(env!("CARGO_BIN_EXE_lodge").as_ref());
    let admin = bed.admin();
    let sshd = bed.target(&admin, "web-1");
    (bed, admin, sshd)
}

fn joined(bed: &Bed, admin: &Person, name: &str, roles: &str) -> Person {
    bed.join(&invite_of(&admin.run(&["users", "add", name, "--roles", roles, "--output", "json"]).ok()))
}

#[test]
fn a_session_is_watched_to_its_end_and_its_person_is_told() {
    let (bed, admin, _sshd) = furnished();
    let alice = bed.developer(&admin, "alice", &own_account());
    let mut seat = Seat::take(&bed, &admin, &alice, "web-1");
    let path = format!("/v1/sessions/{}/watch", seat.session);

    // Whoever may play recordings may not for that look on, by any way.
    let vera = joined(&bed, &admin, "vera", "auditor");
    let refused = bed.path("refused");
    for way in [
        path.clone(),
        format!("/v1/recordings/{}/file", seat.session),
        format!("/v1/recordings/{}/export?format=text", seat.session),
    ] {
        Run::of(&mut watch(&bed, &vera, &way, &refused)).ok();
        assert!(head(&refused).contains(" 403 "), "{way}: {}", head(&refused));
        let denied = newest(&admin, "kind: access.denied and actor.user: vera").unwrap();
        assert!(denied["reason"].as_str().unwrap().contains("sessions.watch"), "{denied}");
    }
    let found = vera.run(&["sessions", "search", "first"]).ok();
    assert!(!found.contains("first words"), "{found}");
    assert!(!seat.shown().contains("watching"), "{}", seat.shown());

    let seen = bed.path("seen");
    let mut watching = watch(&bed, &admin, &path, &seen).spawn().unwrap();
    wait_for(|| seat.shown().contains("lodge: admin is watching this session").then_some(()));
    let event = newest(&admin, "kind: session.watched and outcome: success").unwrap();
    assert_eq!(event["detail"]["told"], true, "{event}");
    assert_eq!((&event["session"], &event["actor"]["user"]), (&seat.session.clone().into(), &"admin".into()));
    wait_for(|| (size(&seen) > 0).then_some(()));
    assert!(head(&seen).contains("lodge-watched-told: true"), "{}", head(&seen));
    let so_far = size(&seen);
    seat.type_in("more words\n");
    wait_for(|| (size(&seen) > so_far).then_some(()));

    let reason = ["sessions", "kill", &seat.session, "--reason", "that is the wrong database"];
    assert_eq!(vera.run(&reason).code, 3);
    admin.run(&reason).ok();
    assert!(watching.wait().unwrap().success(), "the stream came to its end");
    let told = wait_for(|| seat.shown().contains("wrong database").then(|| seat.shown()));
    assert!(told.contains("cut by admin: that is the wrong database"), "{told}");
    let ended = newest(&admin, "kind: session.terminated").unwrap();
    assert!(ended["reason"].as_str().unwrap().ends_with("that is the wrong database"), "{ended}");

    // What was watched is the recording itself, seal and all.
    let text = |way: &[&str]| admin.run(&[&["play", "--format", "text"], way].concat()).ok();
    let (watched, kept) = (text(&["--file", &seen.to_string_lossy()]), text(&[&seat.session]));
    assert!(
        watched == kept && kept.contains("more words") && kept.contains("admin is watching"),
        "{watched}"
    );
    admin.run(&["play", "--file", &seen.to_string_lossy(), "--verify"]).ok();

    Run::of(&mut watch(&bed, &admin, &path, &refused)).ok();
    assert!(head(&refused).contains(" 404 "), "{}", head(&refused));
    wait_for(|| newest(&admin, "kind: session.watched and outcome: failure"));
}

#[test]
fn a_role_lets_its_people_be_watched_unseen_and_a_lock_ends_the_watching() {
    let (bed, admin, _sshd) = furnished();
    let role = format!(
        "kind: role\nname: unseen\nallow:\n  - logins: [{}]\n    labels: {{ env: test }}\noptions:\n  announce_watching: false\n",
        own_account()
    );
    let watchers = "kind: role\nname: watchers\nallow:\n  - api:\n      - resources: [sessions]\n        verbs: [watch, list, read]\n      - resources: [log]\n        verbs: [read]\n";
    bed.apply(&admin, &format!("{role}---\n{watchers}")).ok();
    let mallory = joined(&bed, &admin, "mallory", "unseen");
    let wanda = joined(&bed, &admin, "wanda", "watchers");
    let mut seat = Seat::take(&bed, &admin, &mallory, "web-1");

    let seen = bed.path("seen");
    let path = format!("/v1/sessions/{}/watch", seat.session);
    let mut watching = watch(&bed, &wanda, &path, &seen).spawn().unwrap();
    wait_for(|| (size(&seen) > 0).then_some(()));
    assert!(head(&seen).contains("lodge-watched-told: false"), "{}", head(&seen));
    let event = newest(&admin, "kind: session.watched").unwrap();
    assert_eq!(event["detail"]["told"], false, "{event}");

    bed.apply(&admin, "kind: lock\nname: wanda\nuser: wanda\nreason: a test\n").ok();
    assert!(!watching.wait().unwrap().success(), "a stream that is cut does not pass for a whole one");
    seat.type_in("unseen words\n");
    wait_for(|| seat.shown().contains("unseen words").then_some(()));
    assert!(!seat.shown().contains("watching"), "{}", seat.shown());
}
