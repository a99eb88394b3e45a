//! Files: SFTP, both kinds of `scp`, and rsync.

use std::process::Command;

use event::Record;

use crate::bed::{Bed, me, run, stderr, succeed};

fn copy(bed: &Bed, old_protocol: &[&str], from: &str, to: &str) -> Command {
    let mut scp = bed.client("scp");
    scp.args(old_protocol).args(["-q", from, to]);
    scp
}

fn hash(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn assert_moved(event: &Record, path: &str, protocol: &str, bytes: &[u8]) {
    let detail = &event.body.detail;
    assert_eq!(detail["path"], path);
    assert_eq!(detail["protocol"], protocol);
    assert_eq!(detail["bytes"], bytes.len());
    assert_eq!(detail["sha256"], hash(bytes));
}

async fn both_ways(flags: &[&str], protocol: &str) {
    let bed = Bed::new("{}").await;
    let content = vec![0xa5; 300_000];
    let (local, remote, back) = (bed.path("local"), bed.path("remote"), bed.path("back"));
    std::fs::write(&local, &content).unwrap();
    let there = format!("{}@web-1:{}", me(), remote.display());
    succeed(copy(&bed, flags, local.to_str().unwrap(), &there)).await;
    assert!(std::fs::read(&remote).unwrap() == content);
    let upload = bed.wait_for("file.upload").await;
    // By the old protocol the target alone knows whether the path is a folder that takes the file.
    let shown = remote.display().to_string() + if protocol == "scp" { "[/local]" } else { "" };
    assert_moved(&upload, &shown, protocol, &content);

    succeed(copy(&bed, flags, &there, back.to_str().unwrap())).await;
    assert!(std::fs::read(&back).unwrap() == content);
    let download = bed.wait_for("file.download").await;
    assert_moved(&download, remote.to_str().unwrap(), protocol, &content);
}

#[tokio::test(flavor = "multi_thread")]
async fn scp_over_sftp_names_what_moved_with_its_hash() {
    both_ways(&["-s"], "sftp").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scp_by_the_old_protocol_names_what_moved_with_its_hash() {
    both_ways(&["-O"], "scp").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sftp_batch_leaves_one_event_for_each_operation() {
    let bed = Bed::new("{}").await;
    let folder = bed.path("there");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(bed.path("note"), b"a note").unwrap();
    let batch = format!(
        "cd {0}\nmkdir sub\nput {1} sub/a\nrename sub/a sub/b\nsymlink b sub/c\nchmod 600 sub/b\nls sub\nrm sub/b\nrm sub/c\nrmdir sub\n",
        folder.display(),
        bed.path("note").display(),
    );
    std::fs::write(bed.path("batch"), batch).unwrap();
    let mut sftp = bed.client("sftp");
    sftp.arg("-b").arg(bed.path("batch")).arg(format!("{}@web-1", me()));
    succeed(sftp).await;
    bed.wait_for("session.end").await;
    for kind in [
        "session.subsystem",
        "file.create_folder",
        "file.open",
        "file.upload",
        "file.rename",
        "file.link",
        "file.set_attributes",
        "file.list",
        "file.remove",
        "file.remove_folder",
    ] {
        assert!(!bed.of_kind(kind).is_empty(), "no {kind} among {:#?}", bed.kinds());
    }
    assert_eq!(bed.of_kind("file.remove").len(), 2);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rsync_runs_and_its_command_is_written() {
    let bed = Bed::new("{}").await;
    let (from, to) = (bed.path("from"), bed.path("to"));
    std::fs::create_dir(&from).unwrap();
    std::fs::write(from.join("big"), vec![7; 3 << 20]).unwrap();
    std::fs::write(from.join("small"), b"x").unwrap();
    let shell = format!("ssh -F none {}", quoted(&bed.options(&bed.alice)));
    let mut rsync = Command::new("rsync");
    rsync.args(["-a", "-e", &shell]).arg(format!("{}/", from.display()));
    rsync.arg(format!("{}@web-1:{}", me(), to.display()));
    succeed(rsync).await;
    assert_eq!(std::fs::read(to.join("big")).unwrap().len(), 3 << 20);
    bed.wait_for("session.end").await;
    let command = &bed.of_kind("session.command")[0];
    assert!(command.body.detail["command"].as_str().unwrap().starts_with("rsync --server"));
    let ended = &bed.of_kind("session.command_end")[0];
    assert!(ended.body.detail["stdin_bytes"].as_u64().unwrap() > 3 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn file_transfer_is_refused_in_every_shape_where_the_role_says_no() {
    let bed = Bed::new("{file_transfer: false}").await;
    std::fs::write(bed.path("local"), b"secret").unwrap();
    let there = format!("{}@web-1:{}", me(), bed.path("remote").display());
    for flags in [&["-s"], &["-O"]] {
        let output = run(copy(&bed, flags, bed.path("local").to_str().unwrap(), &there)).await;
        assert!(!output.status.success());
        assert!(stderr(&output).contains("file transfer is not allowed"), "{}", stderr(&output));
    }
    assert!(!bed.path("remote").exists());
    bed.wait_for_that("session.rejected", |event| event.body.detail["code"] == "file_transfer").await;
}

/// Makes an SFTP packet: its length, its type, its fields.
fn packet(kind: u8, fields: &[&[u8]]) -> Vec<u8> {
    let body = [&[kind][..], &fields.concat()].concat();
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// Reads one SFTP packet: its type and the rest.
fn reply(from: &mut impl std::io::Read) -> (u8, Vec<u8>) {
    let mut length = [0; 4];
    from.read_exact(&mut length).unwrap();
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    from.read_exact(&mut body).unwrap();
    (body[0], body.split_off(1))
}

/// Opens many files, writes and closes them all at once, and dies at the first answer.
fn upload_and_vanish(mut ssh: Command, files: u32, folder: &std::path::Path) {
    use std::io::Write as _;
    use std::process::Stdio;
    let mut client = ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut to, mut from) = (client.stdin.take().unwrap(), client.stdout.take().unwrap());
    to.write_all(&packet(1, &[&3_u32.to_be_bytes()])).unwrap();
    assert_eq!(reply(&mut from).0, 2);
    let mut blast = Vec::new();
    for id in 0..files {
        let path = string(folder.join(format!("file-{id}")).to_str().unwrap().as_bytes());
        // Write and create, without attributes.
        let open = packet(3, &[&id.to_be_bytes(), &path, &0x0a_u32.to_be_bytes(), &0_u32.to_be_bytes()]);
        to.write_all(&open).unwrap();
        let (kind, body) = reply(&mut from);
        assert_eq!(kind, 102, "a handle");
        let handle = &body[4..];
        let write = [&(1000 + id).to_be_bytes()[..], handle, &0_u64.to_be_bytes(), &string(b"content")];
        blast.extend(packet(6, &write));
        blast.extend(packet(4, &[&(2000 + id).to_be_bytes(), handle]));
    }
    to.write_all(&blast).unwrap();
    reply(&mut from);
    client.kill().unwrap();
    client.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_of_a_client_that_vanishes_are_all_written() {
    const FILES: u32 = 100;
    let bed = Bed::new("{}").await;
    let folder = bed.path("there");
    std::fs::create_dir(&folder).unwrap();
    let mut ssh = bed.client("ssh");
    ssh.args(["-s", &format!("{}@web-1", me()), "sftp"]);
    let vanishing = tokio::task::spawn_blocking(move || upload_and_vanish(ssh, FILES, &folder));
    vanishing.await.unwrap();
    bed.wait_for("session.end").await;
    let uploads = bed.of_kind("file.upload");
    let paths: std::collections::BTreeSet<&str> =
        uploads.iter().map(|event| event.body.detail["path"].as_str().unwrap()).collect();
    assert_eq!((uploads.len(), paths.len()), (FILES as usize, FILES as usize), "{:#?}", bed.kinds());
}

/// Words for rsync's `-e`, which splits at blanks and knows quotes.
fn quoted(words: &[String]) -> String {
    words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ")
}
