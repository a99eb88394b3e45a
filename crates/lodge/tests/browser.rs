//! The console in a real Chromium, on a real Lodge. `cargo xtask test` builds the console and says where Chromium is.

mod bed;

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bed::{Bed, Person, Run, invite_of, own_account};

/// Where a journey takes place.
struct Place {
    bed: Bed,
    admin: Person,
    chromium: OsString,
}

impl Place {
    /// Starts a Lodge; says that the journey is passed over where there is no browser.
    fn start() -> Option<Place> {
        let Some(chromium) = std::env::var_os("LODGE_CHROMIUM") else {
            eprintln!("passed over: LODGE_CHROMIUM is not set");
            return None;
        };
        let bed = Bed::start(env!("CARGO_BIN_EXE_lodge").as_ref());
        let admin = bed.admin();
        Some(Place { bed, admin, chromium })
    }

    /// Makes a user; returns their invite.
    fn invite(&self, name: &str, roles: &str) -> String {
        invite_of(&self.admin.run(&["users", "add", name, "--roles", roles, "--output", "json"]).ok())
    }

    /// Runs a journey of `web/e2e` for ada, who has these roles.
    fn journey(&self, name: &str, roles: &str, more: &[(&str, &str)]) {
        let invite = self.invite("ada", roles);
        self.walk(name, &[&[("LODGE_INVITE", invite.as_str())], more].concat());
    }

    /// Runs a journey of `web/e2e` for ada, whose invite is among what it is told.
    fn walk(&self, name: &str, told: &[(&str, &str)]) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/e2e").join(name);
        let mut node = Command::new("node");
        node.arg(script).env("LODGE_CHROMIUM", &self.chromium).env("LODGE_USER", "ada");
        node.env("LODGE_URL", format!("https://{}", self.bed.facts.api));
        node.envs(told.iter().copied());
        let run = Run::of(&mut node);
        assert!(run.code == 0, "{}\n{}", run.out, run.err);
    }
}

#[test]
fn an_invited_auditor_searches_and_proves() {
    let Some(place) = Place::start() else { return };
    place.journey("investigate.mjs", "auditor", &[]);
}

#[test]
fn a_terminal_is_used_and_its_recording_watched() {
    let Some(place) = Place::start() else { return };
    let _sshd = place.bed.target(&place.admin, "web-1");
    let account = own_account();
    let role =
        format!("kind: role\nname: web\nallow:\n  - logins: [{account}]\n    labels: {{ env: test }}\n");
    place.bed.apply(&place.admin, &role).ok();
    // The account's own home folder is used, under a name that nobody else has there.
    let file = format!("lodge-journey-{}", std::process::id());
    place.journey("terminal.mjs", "web,auditor", &[("LODGE_LOGIN", &account), ("LODGE_FOLDER", &file)]);
}

#[test]
fn roles_are_changed_read_and_missed() {
    let Some(place) = Place::start() else { return };
    let _sshd = place.bed.target(&place.admin, "web-1");
    place
        .bed
        .apply(
            &place.admin,
            "kind: role\nname: nothing\nallow:\n  - logins: [nobody]\n    labels: { env: nowhere }\n",
        )
        .ok();
    let (vera, nora) = (place.invite("vera", "auditor"), place.invite("nora", "nothing"));
    place.journey("access.mjs", "admin", &[("LODGE_VERA", &vera), ("LODGE_NORA", &nora)]);
}

/// With `LODGE_PICTURES` each page is kept as a picture, with `LODGE_SEED` of a log that holds these events too, of which those
/// from `LODGE_SINCE` to `LODGE_UNTIL` are shown.
#[test]
fn pages_are_for_everybody() {
    let Some(place) = Place::start() else { return };
    let (bed, admin) = (&place.bed, &place.admin);
    let _sshd = bed.target(admin, "web-1");
    let account = own_account();
    let role = "kind: role\nname: developer\ndescription: Staging freely\nallow:\n  - logins: [deploy]\n    labels: { env: [staging, test] }\noptions:\n  session_ttl: 8h\n";
    let lock = "kind: lock\nname: incident-42\nuser: mallory\nreason: laptop stolen\n";
    bed.apply(admin, &format!("{role}---\n{lock}")).ok();
    let alice = bed.developer(admin, "alice", &account);
    let at = format!("{account}@web-1");
    let mut shell = seated(&alice, &at, &[]);
    for line in ["ls -l /etc | head -20", "uptime", "echo 'the colormatic is ready'", "df -h /", "exit"] {
        // Nothing is waited for: the recording gets a length.
        std::thread::sleep(std::time::Duration::from_millis(400));
        writeln!(shell.stdin.as_mut().expect("it is piped"), "{line}").expect("ssh reads what is typed");
    }
    shell.wait().expect("it ends");
    let mut live = seated(&alice, &at, &["top"]);
    if let Some(seed) = std::env::var_os("LODGE_SEED") {
        admin.run(&["ingest", "file", "--source", "ndjson", &seed.to_string_lossy()]).ok();
    }
    let traits = [
        "users",
        "add",
        "ada",
        "--roles",
        "admin,access",
        "--trait",
        &format!("logins={account}"),
        "-o",
        "json",
    ];
    let invite = invite_of(&admin.run(&traits).ok());
    place.walk("pages.mjs", &[("LODGE_INVITE", &invite), ("LODGE_LOGIN", &account)]);
    live.kill().expect("it runs");
    live.wait().expect("it ends");
}

/// Starts `ssh` with a terminal on the target, and a pipe for what is typed.
fn seated(person: &Person, at: &str, command: &[&str]) -> Child {
    let mut ssh = person.openssh("ssh");
    ssh.args(["-tt", at]).args(command);
    ssh.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("ssh runs")
}
