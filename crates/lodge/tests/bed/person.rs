//! A person with a laptop: a folder of keys, a password, an authenticator (`oathtool`).

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Run;

const PASSWORD: &str = "correct horse battery staple";

/// Somebody who has joined and signed in.
pub struct Person {
    program: PathBuf,
    /// The person's folder of keys and certificates.
    pub home: PathBuf,
    /// Key of the authenticator, base32.
    pub secret: String,
    /// What the invite's use printed, recovery codes among it.
    pub welcome: String,
}

impl Person {
    /// Uses an invite link as a person would: password twice, authenticator, next code.
    pub fn join(program: &Path, folder: &Path, invite: &str) -> Person {
        let codes = |secret: &str| format!("{}\n{}\n", code(secret, 0), code(secret, 1));
        let (person, ended) = Person::try_to_join(program, folder, invite, codes);
        assert!(ended, "joining failed:\n{}", person.welcome);
        person
    }

    /// As [`Person::join`], typing codes that are made of the authenticator's key; says whether that went well.
    pub fn try_to_join(
        program: &Path,
        folder: &Path,
        invite: &str,
        codes: impl Fn(&str) -> String,
    ) -> (Person, bool) {
        let home = tempfile::Builder::new()
            .prefix("person-")
            .tempdir_in(folder)
            .expect("a folder can be made")
            .keep();
        let mut command = Command::new(program);
        command
            .arg("--home")
            .arg(&home)
            .args(["login", "--no-agent", "--invite", invite])
            .env_remove("LODGE_HOME");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be started");
        let mut keyboard = child.stdin.take().expect("standard input is piped");
        let mut screen = BufReader::new(child.stderr.take().expect("standard error is piped"));
        writeln!(keyboard, "{PASSWORD}\n{PASSWORD}").expect("the program reads its passwords");
        let mut welcome = String::new();
        let secret = loop {
            let start = welcome.len();
            if screen.read_line(&mut welcome).unwrap_or(0) == 0 {
                panic!("no authenticator key was shown:\n{welcome}");
            }
            if let Some(secret) = welcome[start..].trim().strip_prefix("key: ") {
                break secret.trim().to_owned();
            }
        };
        keyboard.write_all(codes(&secret).as_bytes()).expect("the program reads its codes");
        drop(keyboard);
        std::io::Read::read_to_string(&mut screen, &mut welcome).expect("the program writes text");
        let output = child.wait_with_output().expect("a child can be waited for");
        (Person { program: program.to_owned(), home, secret, welcome }, output.status.success())
    }

    /// Makes a `lodge` command for this person.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--home")
            .arg(&self.home)
            .args(arguments)
            .env_remove("LODGE_HOME")
            .env_remove("SSH_AUTH_SOCK");
        command
    }

    /// Runs `lodge` as this person.
    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&mut self.command(arguments))
    }

    /// Makes a command of a stock OpenSSH program that goes through Lodge for every name, reachable or not.
    pub fn openssh(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.arg("-F").arg(self.config()).args(["-o", "BatchMode=yes"]).env_remove("SSH_AUTH_SOCK");
        command
    }

    /// Runs stock `ssh` through Lodge.
    pub fn ssh(&self, arguments: &[&str]) -> Run {
        Run::of(self.openssh("ssh").args(arguments))
    }

    /// The OpenSSH configuration that the login left, for every name instead of the targets that were reachable then.
    pub fn config(&self) -> PathBuf {
        let text = fs::read_to_string(self.home.join("ssh_config")).expect("a login leaves a configuration");
        let hosts = text.lines().find(|line| line.starts_with("Host ")).expect("it has a block of hosts");
        let path = self.home.join("ssh_config_for_all");
        fs::write(&path, text.replace(hosts, "Host *")).expect("a file can be written");
        path
    }

    /// The authenticator's code, `steps` of 30 seconds from now.
    pub fn code(&self, steps: i32) -> String {
        code(&self.secret, steps)
    }

    /// The password that every person here uses.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }
}

fn code(secret: &str, steps: i32) -> String {
    let when = format!("now + {} seconds", steps * 30);
    Run::of(Command::new("oathtool").args(["--totp", "--base32", "--now", &when, secret]))
        .ok()
        .trim()
        .to_owned()
}
