//! Whoever may not in, and whatever is no client at all.

use std::process::Command;
use std::time::Duration;

use event::{Clock as _, Outcome};
use gateway::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::bed::{Bed, Person, Sshd, me, run, stderr, succeed};

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_no_role_allows_is_denied_with_words() {
    let bed = Bed::new("{}").await;
    let mut ssh = bed.client("ssh");
    ssh.args(["daemon@web-1", "id"]);
    let output = run(ssh).await;
    assert_eq!(output.status.code(), Some(255));
    assert!(stderr(&output).contains("lodge: access denied:"), "{}", stderr(&output));
    let denied = bed.wait_for("access.denied").await;
    assert_eq!((denied.outcome, denied.actor.user.as_str()), (Outcome::Denied, "alice"));
    assert!(bed.of_kind("session.start").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_target_is_denied_and_its_name_tells_nothing_before() {
    let bed = Bed::new("{}").await;
    let output = run(bed.ssh("web-9", &["id"])).await;
    assert_eq!(output.status.code(), Some(255));
    // The host certificate was fine: `ssh` would have complained otherwise.
    assert!(stderr(&output).contains("lodge: access denied:"), "{}", stderr(&output));
    bed.wait_for("access.denied").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_without_a_channel_is_told_by_disconnecting() {
    let bed = Bed::new("{}").await;
    let output = run(bed.ssh("web-9", &["-N"])).await;
    assert!(!output.status.success());
    assert!(stderr(&output).contains("access denied"), "{}", stderr(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_names_no_target_is_told_how_to() {
    let bed = Bed::new("{}").await;
    bed.options(&bed.alice);
    let (host, port) = bed.address.split_once(':').unwrap();
    let known_hosts = bed.path("known_hosts");
    let mut ssh = Command::new("ssh");
    ssh.args([
        "-F",
        "none",
        "-p",
        port,
        "-o",
        "BatchMode=yes",
        "-o",
        "HostKeyAlias=gate.test",
        "-o",
        "IdentityAgent=none",
    ])
    .args(["-o", &format!("UserKnownHostsFile={}", known_hosts.display()), "-o", "StrictHostKeyChecking=yes"])
    .args(["-i", bed.alice.key.to_str().unwrap()])
    .args(["-o", &format!("CertificateFile={}", bed.alice.certificate.display())])
    .args([&format!("{}@{host}", me()), "id"]);
    let output = run(ssh).await;
    assert_eq!(output.status.code(), Some(255));
    assert!(stderr(&output).matches("lodge ssh-config").count() >= 2, "{}", stderr(&output));
    assert!(bed.of_kind("session.start").is_empty());
}

async fn assert_not_let_in(bed: &Bed, person: &Person) -> event::Record {
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "none"]).args(bed.options(person)).args([&format!("{}@web-1", me()), "id"]);
    let output = run(ssh).await;
    assert_eq!(output.status.code(), Some(255));
    assert!(stderr(&output).contains("Permission denied (publickey)"), "{}", stderr(&output));
    let denied = bed.wait_for("cert.deny").await;
    assert_eq!(denied.outcome, Outcome::Denied);
    assert!(bed.of_kind("access.granted").is_empty());
    denied
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_refused_and_written() {
    let bed = Bed::new("{}").await;
    let now = bed.clock.now();
    bed.clock.set(now.minus(Duration::from_secs(3 * 3600)));
    let late = Person::join(&bed.identity, &bed.clock, bed.folder.path(), "late", &["ops"]).await;
    bed.clock.set(now);
    let denied = assert_not_let_in(&bed, &late).await;
    assert!(denied.reason.unwrap().contains("expired"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_authority_is_refused_and_written() {
    let bed = Bed::new("{}").await;
    let authority = bed.path("foreign");
    succeed(keygen(&["-q", "-t", "ed25519", "-N", "", "-f", authority.to_str().unwrap()])).await;
    let public = bed.alice.key.with_extension("pub");
    let key = crate::bed::key_of("alice");
    std::fs::write(&public, key.public_key().to_openssh().unwrap()).unwrap();
    let arguments = [
        "-q",
        "-s",
        authority.to_str().unwrap(),
        "-I",
        "alice",
        "-n",
        "alice",
        "-V",
        "+1h",
        public.to_str().unwrap(),
    ];
    succeed(keygen(&arguments)).await;
    let foreign = Person {
        login: bed.alice.login,
        key: bed.alice.key.clone(),
        certificate: bed.path("alice-key-cert.pub"),
    };
    let denied = assert_not_let_in(&bed, &foreign).await;
    assert_eq!(denied.body.detail["usage"], "ssh_user");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_key_is_refused_and_written() {
    let bed = Bed::new("{}").await;
    std::fs::remove_file(&bed.alice.certificate).unwrap();
    let denied = assert_not_let_in(&bed, &bed.alice).await;
    assert!(denied.body.detail["public_key"].as_str().unwrap().starts_with("SHA256:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_any_key_leaves_a_trace() {
    let bed = Bed::new("{}").await;
    std::fs::remove_file(&bed.alice.certificate).unwrap();
    std::fs::remove_file(&bed.alice.key).unwrap();
    assert_not_let_in(&bed, &bed.alice).await;
}

fn keygen(arguments: &[&str]) -> Command {
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(arguments);
    keygen
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_ends_its_own_connection_only() {
    let bed = Bed::new("{}").await;
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\0\0\0\0\0\0\0\0",
        b"SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x00\xff\xff",
        b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00",
    ] {
        let mut stream = TcpStream::connect(&bed.address).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // A reset is as clear an end as any.
        let _ = stream.read_to_end(&mut answer).await;
    }
    assert_eq!(succeed(bed.ssh("web-1", &["echo still here"])).await, "still here\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_dawdles_is_cut_after_the_login_grace() {
    let limits = Limits { login_grace: Duration::from_millis(300), ..Limits::default() };
    let bed = Bed::with_limits("{}", limits).await;
    for said in [&b""[..], b"\r\n\r\n\0\r\nQUIT", b"SSH-2.0-slow\r\n"] {
        let mut stream = TcpStream::connect(&bed.address).await.unwrap();
        stream.write_all(said).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_from_one_address_cannot_take_every_place() {
    let limits = Limits { unproven_per_address: 2, ..Limits::default() };
    let bed = Bed::with_limits("{}", limits).await;
    let mut idle = Vec::new();
    for _ in 0..2 {
        idle.push(TcpStream::connect(&bed.address).await.unwrap());
    }
    let mut third = TcpStream::connect(&bed.address).await.unwrap();
    assert_eq!(third.read(&mut [0; 1]).await.unwrap_or(0), 0, "dropped at once");
    drop(idle);
    assert_eq!(succeed(bed.ssh("web-1", &["echo in"])).await, "in\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_down_is_named_as_the_reason() {
    let mut bed = Bed::new("{}").await;
    bed.sshd.stop();
    let output = run(bed.ssh("web-1", &["id"])).await;
    assert_eq!(output.status.code(), Some(255));
    assert!(stderr(&output).contains("cannot reach web-1"), "{}", stderr(&output));
    let end = bed.wait_for("session.end").await;
    assert_eq!((end.outcome, &end.body.detail["ended_by"]), (Outcome::Failure, &"error".into()));
    assert!(end.reason.unwrap().contains("cannot reach web-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_with_another_host_key_is_refused_and_written() {
    let bed = Bed::new("{}").await;
    let address = &bed.sshd.address;
    for host_key in
        [format!("pinned: {}", Sshd::public_key("somebody else")), "authority: web-2.internal".to_owned()]
    {
        bed.apply(&format!("{{kind: target, name: web-1, address: '{address}', host_key: {{{host_key}}}}}"))
            .await;
        let output = run(bed.ssh("web-1", &["id"])).await;
        assert_eq!(output.status.code(), Some(255));
        assert!(stderr(&output).contains("web-1 is not who it should be"), "{}", stderr(&output));
    }
    let rejected = bed.wait_for("session.rejected").await;
    assert_eq!(rejected.body.detail["code"], "host_key_mismatch");
    assert!(bed.of_kind("session.command").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_host_key_is_accepted() {
    let bed = Bed::new("{}").await;
    let (address, key) = (&bed.sshd.address, Sshd::public_key("web-1.internal"));
    bed.apply(&format!("{{kind: target, name: web-1, address: '{address}', host_key: {{pinned: {key}}}}}"))
        .await;
    assert_eq!(succeed(bed.ssh("web-1", &["echo pinned"])).await, "pinned\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_sessions_than_the_role_allows_are_refused() {
    let bed = Bed::new("{max_sessions: 1}").await;
    let first = tokio::spawn(run(bed.ssh("web-1", &["sleep 60"])));
    bed.wait_for("session.command").await;
    let second = run(bed.ssh("web-1", &["id"])).await;
    assert_eq!(second.status.code(), Some(255));
    assert!(stderr(&second).contains("access denied"), "{}", stderr(&second));
    bed.gateway.shutdown().await;
    first.await.unwrap();
}
