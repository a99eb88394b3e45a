//! The bed in which journeys, demo and benchmark run: a real `lodge serve`, a real `sshd`, people with real authenticators.
//!
//! Everything listens on loopback and is stopped by process id when the bed goes.
#![allow(dead_code, reason = "each journey uses its own part of the bed")]

mod person;
mod screen;
mod sshd;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

pub use person::Person;
pub use sshd::Sshd;

use screen::Screen;

/// How often a starting program is looked at, 50 ms apart.
const PATIENCE: u32 = 600;

/// A running Lodge with a folder of its own.
pub struct Bed {
    program: PathBuf,
    server: Option<Child>,
    settings: Vec<String>,
    /// Where it listens, and the first admin's invite.
    pub facts: Facts,
    /// Goes before the folder that it is mounted in.
    disk: Option<Disk>,
    folder: tempfile::TempDir,
}

/// A small disk in memory; unmounted when dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: &Path, mebibytes: u32) -> Option<Disk> {
        let options = format!("size={mebibytes}m,mode=700");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(folder).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Disk(folder.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// What the server says once it listens.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The API, `address:port`.
    pub api: String,
    /// The SSH gate, `address:port`.
    pub ssh: String,
    /// Metrics and health, `address:port`.
    pub metrics: String,
    /// The first admin's invite link.
    pub invite: Option<String>,
}

/// What a program printed and how it ended.
#[derive(Clone, Debug)]
pub struct Run {
    /// Exit code; -1 after a signal.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Run {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Run {
        let output = command
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Run {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails the journey unless the program ended with 0; returns what it printed.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self.out
    }

    /// Fails the journey if the program ended with 0; returns its standard error.
    #[track_caller]
    pub fn refused(self) -> String {
        assert_ne!(self.code, 0, "{}\n{}", self.out, self.err);
        self.err
    }
}

impl Bed {
    /// Starts a server with nothing configured but its folder and its ports.
    pub fn start(program: &Path) -> Bed {
        Bed::start_with(program, &[])
    }

    /// Starts a server with lines of configuration of one's own.
    pub fn start_with(program: &Path, settings: &[&str]) -> Bed {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let settings = settings.iter().map(|line| (*line).to_owned()).collect();
        let facts = Facts::default();
        let program = program.to_owned();
        let mut bed = Bed { program, server: None, settings, facts, disk: None, folder };
        bed.resume();
        bed
    }

    /// As [`Bed::start_with`], with the data folder on a disk of its own, of so many mebibytes. Nothing where that cannot be
    /// mounted.
    pub fn start_on_disk(program: &Path, settings: &[&str], mebibytes: u32) -> Option<Bed> {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let data = folder.path().join("data");
        fs::create_dir(&data).expect("a folder can be made");
        let disk = Disk::mount(&data, mebibytes)?;
        let settings = settings.iter().map(|line| (*line).to_owned()).collect();
        let facts = Facts::default();
        let program = program.to_owned();
        let mut bed = Bed { program, server: None, settings, facts, disk: Some(disk), folder };
        bed.resume();
        Some(bed)
    }

    /// Starts the server, on what an earlier one left.
    pub fn resume(&mut self) {
        self.resume_with(&[]);
    }

    /// Starts the server with further arguments, on what an earlier one left.
    pub fn resume_with(&mut self, arguments: &[&str]) {
        let ready = self.path("ready.json");
        let _ = fs::remove_file(&ready);
        fs::write(self.path("lodge.toml"), self.settings.join("\n"))
            .expect("the configuration can be written");
        let messages = File::options()
            .create(true)
            .append(true)
            .open(self.path("server.log"))
            .expect("a log can be made");
        let mut command = self.serve();
        command.args(arguments).arg("--ready-file").arg(&ready).stdin(Stdio::null()).stderr(messages);
        let mut server = command.spawn().expect("the server can be started");
        let text = wait_for(|| {
            let ended = server.try_wait().expect("a child can be asked");
            assert!(ended.is_none(), "the server ended: {}", self.messages());
            fs::read_to_string(&ready).ok()
        });
        self.server = Some(server);
        let facts: serde_json::Value = serde_json::from_str(&text).expect("the ready file is JSON");
        let word = |name: &str| facts[name].as_str().unwrap_or_default().to_owned();
        let invite = facts["invite"].as_str().map(str::to_owned);
        self.facts = Facts { api: word("api"), ssh: word("ssh"), metrics: word("metrics"), invite };
    }

    /// Makes the command that starts the server.
    fn serve(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["serve", "--public-host", "127.0.0.1"]);
        for listener in ["--api-listen", "--ssh-listen", "--metrics-listen"] {
            command.args([listener, "127.0.0.1:0"]);
        }
        command.arg("--config").arg(self.path("lodge.toml")).arg("--data-dir").arg(self.data());
        command
    }

    /// Starts the server where it must refuse to start; returns what it says.
    #[track_caller]
    pub fn refused_start(&self) -> String {
        Run::of(&mut self.serve()).refused()
    }

    /// Ends the server in order.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            signal(&server, "TERM");
            let status = server.wait().expect("a child can be waited for");
            assert!(status.success(), "the server ended with {status}: {}", self.messages());
        }
    }

    /// Kills the server as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().expect("a child can be killed");
            server.wait().expect("a child can be waited for");
        }
    }

    /// The server's process id.
    pub fn server_id(&self) -> u32 {
        self.server.as_ref().map_or(0, Child::id)
    }

    /// The server's data folder.
    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// A path in the bed's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the server wrote on standard error.
    pub fn messages(&self) -> String {
        fs::read_to_string(self.path("server.log")).unwrap_or_default()
    }

    /// Lets the first admin join.
    pub fn admin(&self) -> Person {
        let invite = self.facts.invite.clone().expect("a fresh server invites its first admin");
        self.join(&invite)
    }

    /// Lets somebody join by an invite link, and sign in.
    pub fn join(&self, invite: &str) -> Person {
        Person::join(&self.program, self.folder.path(), invite)
    }

    /// Tells a person's program where the server listens now.
    pub fn follow(&self, person: &Person) {
        let path = person.home.join("profile.json");
        let profile = fs::read_to_string(&path).expect("a login leaves a profile");
        let mut profile: serde_json::Value = serde_json::from_str(&profile).expect("a profile is JSON");
        profile["server"] = format!("https://{}", self.facts.api).into();
        // At once: a program of the person's may be reading it.
        let unfinished = person.home.join("profile.unfinished");
        fs::write(&unfinished, profile.to_string()).expect("a file can be written");
        fs::rename(&unfinished, &path).expect("a file can be renamed");
    }

    /// Starts an sshd that trusts this Lodge's gate, and makes it a target.
    pub fn target(&self, admin: &Person, name: &str) -> Sshd {
        let sshd = Sshd::start(&self.path(name), &admin.run(&["ca", "export", "sshd"]).ok());
        let yaml = self.path(&format!("{name}.yaml"));
        let text = format!(
            "kind: target\nname: {name}\naddress: 127.0.0.1:{}\nlabels: {{ env: test, team: web }}\nhost_key:\n  pinned:\n    - {}\n",
            sshd.port,
            sshd.host_key.trim()
        );
        fs::write(&yaml, text).expect("a file can be written");
        admin.run(&["apply", "-f", &yaml.to_string_lossy()]).ok();
        sshd
    }

    /// Makes a user with the preset role `access` and the logins given, and lets that person join.
    pub fn developer(&self, admin: &Person, name: &str, logins: &str) -> Person {
        let logins = format!("logins={logins}");
        let made =
            admin.run(&["users", "add", name, "--roles", "access", "--trait", &logins, "-o", "json"]).ok();
        self.join(&invite_of(&made))
    }

    /// Starts an X server, as one stands on a person's desk.
    pub fn screen(&self) -> Screen {
        Screen::start(self.folder.path())
    }

    /// Applies documents as this person would, from a file.
    pub fn apply(&self, person: &Person, yaml: &str) -> Run {
        let file = self.path("applied.yaml");
        fs::write(&file, yaml).expect("a file can be written");
        person.run(&["apply", "-f", &file.to_string_lossy()])
    }

    /// Leaves the server running and its folder in place.
    pub fn keep(mut self) -> PathBuf {
        self.server = None;
        let folder =
            std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a temporary folder can be made"));
        folder.keep()
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the server's messages:\n{}", self.messages());
        }
        self.kill();
    }
}

/// Takes the invite link out of what `lodge users add -o json` printed.
pub fn invite_of(json: &str) -> String {
    let invite: serde_json::Value = serde_json::from_str(json).expect("an invite is JSON");
    invite["url"].as_str().expect("an invite has a link").to_owned()
}

/// The account that sshd can open without being root: one's own.
pub fn own_account() -> String {
    Run::of(Command::new("id").arg("-un")).ok().trim().to_owned()
}

/// Looks again and again until there is something.
pub fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..PATIENCE {
        if let Some(found) = look() {
            return found;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("it did not come about in {} s", PATIENCE / 20);
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status();
    assert!(matches!(sent, Ok(status) if status.success()), "cannot signal the server");
}

/// Finds a port that nobody uses.
pub fn free_port() -> io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
