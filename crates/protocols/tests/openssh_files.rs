//! The real `sftp` and `scp` talk to the real `sftp-server` and `scp` through the decoders.
//!
//! The client is told to run a bridge instead of `ssh`: two named pipes whose other ends are held here, where every
//! byte passes a decoder, as it does in the gateway. These tests need OpenSSH's client programs and its sftp-server.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that goes wrong")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use bytes::Bytes;
use event::Detail;
use event::kinds::file::Moved;
use expect_test::expect;
use protocols::ssh::file_tap::{FileFact, Step};
use protocols::ssh::{scp, sftp};
use sha2::{Digest, Sha256};

/// Either decoder, and what it said.
struct Tap {
    decoder: Option<Either>,
    facts: Vec<FileFact>,
}

enum Either {
    Sftp(Box<sftp::Decoder>),
    Scp(Box<scp::Decoder>),
}

impl Tap {
    fn client(&mut self, bytes: Bytes) -> Vec<Step> {
        match self.decoder.as_mut().unwrap() {
            Either::Sftp(decoder) => decoder.client(bytes).unwrap(),
            Either::Scp(decoder) => decoder.client(bytes).unwrap(),
        }
    }

    fn server(&mut self, bytes: Bytes) -> Vec<Step> {
        match self.decoder.as_mut().unwrap() {
            Either::Sftp(decoder) => decoder.server(bytes).unwrap(),
            Either::Scp(decoder) => decoder.server(bytes).unwrap(),
        }
    }

    fn finish(&mut self) -> Vec<FileFact> {
        match self.decoder.take().unwrap() {
            Either::Sftp(decoder) => decoder.finish(),
            Either::Scp(decoder) => decoder.finish(),
        }
    }
}

/// A folder with the bridge that stands in for `ssh`.
struct Bridge {
    folder: tempfile::TempDir,
}

impl Bridge {
    fn new() -> Bridge {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(Command::new("mkfifo").args([at("up"), at("down")]).status().unwrap().success());
        // The last argument is the command that a server's shell would run. When the server is done, so is the
        // bridge, as `ssh` is: the client waits for that.
        let script = format!(
            "#!/bin/sh\nfor command; do :; done\nprintf %s \"$command\" > '{command}'\nexec 3<&0\n\
             cat <&3 > '{up}' &\nup=$!\ncat < '{down}'\nkill $up 2> /dev/null\nexit 0\n",
            command = at("command").display(),
            down = at("down").display(),
            up = at("up").display(),
        );
        fs::write(at("bridge"), script).unwrap();
        fs::set_permissions(at("bridge"), fs::Permissions::from_mode(0o755)).unwrap();
        Bridge { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Carries everything between the client's bridge and a server, through the decoder; returns the facts.
    fn carry(&self, start: impl FnOnce(&str) -> (Child, Either)) -> Vec<FileFact> {
        let down = File::options().write(true).open(self.path("down")).unwrap();
        let up = File::open(self.path("up")).unwrap();
        let (mut server, decoder) = start(&fs::read_to_string(self.path("command")).unwrap_or_default());
        let tap = Arc::new(Mutex::new(Tap { decoder: Some(decoder), facts: Vec::new() }));
        let (to_server, from_server) = (server.stdin.take().unwrap(), server.stdout.take().unwrap());
        let client = {
            let tap = tap.clone();
            thread::spawn(move || pump(up, to_server, &tap, Tap::client))
        };
        pump(from_server, down, &tap, Tap::server);
        client.join().unwrap();
        server.wait().unwrap();
        let mut tap = tap.lock().unwrap();
        let rest = tap.finish();
        assert_eq!(rest, [], "everything was closed and answered");
        std::mem::take(&mut tap.facts)
    }
}

fn pump(mut from: impl Read, mut to: impl Write, tap: &Mutex<Tap>, take: fn(&mut Tap, Bytes) -> Vec<Step>) {
    let mut buffer = vec![0; 50_000];
    loop {
        let length = from.read(&mut buffer).unwrap();
        if length == 0 {
            return;
        }
        let steps = {
            let mut tap = tap.lock().unwrap();
            let steps = take(&mut tap, Bytes::copy_from_slice(&buffer[..length]));
            for step in &steps {
                if let Step::Hold { facts, .. } = step {
                    tap.facts.extend(facts.iter().cloned());
                }
            }
            steps
        };
        for step in steps {
            // The other side may be gone; the test then fails on what it left undone.
            if to.write_all(step.bytes()).and_then(|()| to.flush()).is_err() {
                return;
            }
        }
    }
}

fn piped(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

fn sftp_server() -> &'static str {
    let places =
        ["/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server"];
    places.into_iter().find(|place| Path::new(place).exists()).expect("install OpenSSH's sftp-server")
}

/// Runs `sftp` with a batch of commands.
fn sftp(bridge: &Bridge, batch: &str) -> Vec<FileFact> {
    fs::write(bridge.path("batch"), batch).unwrap();
    let client = Command::new("sftp")
        .arg("-b")
        .arg(bridge.path("batch"))
        .arg("-D")
        .arg(bridge.path("bridge"))
        .current_dir(bridge.folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let facts = bridge.carry(|_| {
        let server = piped(Command::new(sftp_server()).current_dir(bridge.folder.path()));
        (server, Either::Sftp(Box::new(sftp::Decoder::new())))
    });
    assert!(client.wait_with_output().unwrap().status.success());
    facts
}

/// Runs `scp` in its old form; `from` and `to` may begin with `host:`.
fn scp(bridge: &Bridge, arguments: &[&str]) -> Vec<FileFact> {
    let client = Command::new("scp")
        .args(["-q", "-O", "-S"])
        .arg(bridge.path("bridge"))
        .args(arguments)
        .current_dir(bridge.folder.path())
        .spawn()
        .unwrap();
    let facts = bridge.carry(|command| {
        let decoder = scp::Decoder::new(scp::ScpCommand::parse(command.as_bytes()).unwrap());
        let server = piped(Command::new("sh").arg("-c").arg(command).current_dir(bridge.folder.path()));
        (server, Either::Scp(Box::new(decoder)))
    });
    assert!(client.wait_with_output().unwrap().status.success());
    facts
}

/// Ten megabytes and a bit, no two blocks of them alike.
fn big() -> Vec<u8> {
    (0..10_500_000u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn moved(facts: &[FileFact], wanted: &str) -> Vec<(String, u64, Option<String>, bool)> {
    let each = |fact: &FileFact| match &fact.detail {
        Detail::FileUpload(moved) | Detail::FileDownload(moved) if moved.direction == wanted => {
            assert_eq!(fact.failure, None);
            let Moved { path, bytes, sha256, contiguous, .. } = moved.clone();
            Some((path, bytes, sha256, contiguous))
        }
        _ => None,
    };
    facts.iter().filter_map(each).collect()
}

fn kinds(facts: &[FileFact]) -> Vec<String> {
    let name = |fact: &FileFact| match &fact.failure {
        None => fact.detail.kind().to_owned(),
        Some(reason) => format!("{} failed: {reason}", fact.detail.kind()),
    };
    facts.iter().map(name).filter(|name| !name.starts_with("file.stat")).collect()
}

#[test]
fn every_sftp_operation_of_openssh_is_seen() {
    let bridge = Bridge::new();
    fs::write(bridge.path("local"), b"hello").unwrap();
    let facts = sftp(
        &bridge,
        "mkdir d\nput -p local d/a\nrename d/a d/b\nchmod 600 d/b\nln -s b d/link\nln d/b d/hard\n\
         ls -l d\ndf d\n-get d/missing\nget d/b back\nrm d/link\nrm d/hard\nrm d/b\n-rmdir /proc\nrmdir d\n",
    );
    assert_eq!(fs::read(bridge.path("back")).unwrap(), b"hello");
    assert!(!bridge.path("d").exists());
    expect![[r#"
        file.create_folder
        file.open
        file.set_attributes
        file.upload
        file.rename
        file.set_attributes
        file.link
        file.link
        file.list
        file.extended
        file.extended
        file.open
        file.download
        file.remove
        file.remove
        file.remove
        file.remove_folder
        file.remove_folder failed: Failure
        file.remove_folder"#]]
    .assert_eq(&kinds(&facts).join("\n"));
}

#[test]
fn the_digest_of_a_big_file_is_that_of_the_file_both_ways() {
    let bridge = Bridge::new();
    let content = big();
    fs::write(bridge.path("local"), &content).unwrap();
    let facts = sftp(&bridge, "put local remote\nget remote back\n");
    assert!(fs::read(bridge.path("back")).unwrap() == content);
    let expected = (content.len() as u64, Some(sha256(&content)), true);
    for direction in ["upload", "download"] {
        let [(path, bytes, digest, contiguous)] = &moved(&facts, direction)[..] else {
            panic!("not one {direction}")
        };
        assert!(path.ends_with("/remote"));
        assert_eq!((*bytes, digest.clone(), *contiguous), expected);
    }
}

#[test]
fn a_resumed_upload_has_the_digest_of_what_moved() {
    let bridge = Bridge::new();
    let content = big();
    fs::write(bridge.path("local"), &content).unwrap();
    fs::write(bridge.path("remote"), &content[..1_000_000]).unwrap();
    let facts = sftp(&bridge, "reput local remote\n");
    assert!(fs::read(bridge.path("remote")).unwrap() == content);
    let [(_, bytes, digest, contiguous)] = &moved(&facts, "upload")[..] else { panic!("not one upload") };
    assert_eq!((*bytes, digest.clone()), (9_500_000, Some(sha256(&content[1_000_000..]))));
    assert!(!contiguous);
}

#[test]
fn scp_in_its_old_form_is_followed_both_ways() {
    let bridge = Bridge::new();
    let content = big();
    fs::create_dir_all(bridge.path("tree/inner")).unwrap();
    fs::create_dir(bridge.path("remote")).unwrap();
    fs::write(bridge.path("tree/inner/big file"), &content).unwrap();
    fs::write(bridge.path("tree/empty"), b"").unwrap();

    let up = scp(&bridge, &["-r", "-p", "tree", "host:remote/"]);
    assert!(fs::read(bridge.path("remote/tree/inner/big file")).unwrap() == content);
    let mut uploads = moved(&up, "upload");
    uploads.sort();
    let empty = ("remote/tree/empty".to_owned(), 0, Some(sha256(b"")), true);
    let big = ("remote/tree/inner/big file".to_owned(), content.len() as u64, Some(sha256(&content)), true);
    assert_eq!(uploads, [empty, big]);
    let folders = up.iter().filter(|fact| matches!(fact.detail, Detail::FileCreateFolder(_)));
    assert_eq!(folders.count(), 2);

    let bridge_back = Bridge::new();
    fs::rename(bridge.path("remote/tree"), bridge_back.path("tree")).unwrap();
    let down = scp(&bridge_back, &["-r", "host:tree", "back"]);
    assert!(fs::read(bridge_back.path("back/inner/big file")).unwrap() == content);
    let mut downloads = moved(&down, "download");
    downloads.sort();
    let expected = [
        ("tree/empty".to_owned(), 0, Some(sha256(b"")), true),
        ("tree/inner/big file".to_owned(), content.len() as u64, Some(sha256(&content)), true),
    ];
    assert_eq!(downloads, expected);
}

#[test]
fn what_scp_is_refused_is_a_failure() {
    let bridge = Bridge::new();
    fs::write(bridge.path("local"), b"hello").unwrap();
    let client = Command::new("scp")
        .args(["-q", "-O", "-S"])
        .arg(bridge.path("bridge"))
        .args(["local", "host:missing/place"])
        .current_dir(bridge.folder.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let facts = bridge.carry(|command| {
        let decoder = scp::Decoder::new(scp::ScpCommand::parse(command.as_bytes()).unwrap());
        let mut server = Command::new("sh");
        server.arg("-c").arg(command).current_dir(bridge.folder.path()).stderr(Stdio::null());
        (piped(&mut server), Either::Scp(Box::new(decoder)))
    });
    assert!(!client.wait_with_output().unwrap().status.success());
    expect![[r#"
        file.open
        file.open failed: scp: missing/place: No such file or directory"#]]
    .assert_eq(&kinds(&facts).join("\n"));
}
