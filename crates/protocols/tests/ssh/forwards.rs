//! Forwarded connections: TCP both ways, sockets, the agent.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use event::Outcome;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener, UnixStream};

use crate::bed::{Bed, me, run, run_with_input, stderr, stdout, succeed};

const FORWARDING: &str = "{port_forwarding: true, agent_forwarding: true}";

/// Serves connections by sending back what comes; returns the port.
async fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
                let _ = write.shutdown().await;
            });
        }
    });
    port
}

/// Connects to a socket as soon as someone listens on it.
async fn connect(socket: &Path) -> UnixStream {
    loop {
        match UnixStream::connect(socket).await {
            Ok(stream) => return stream,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// A background client, stopped when dropped.
struct Background(Child);

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_forward_is_two_events_with_its_bytes() {
    let bed = Bed::new(FORWARDING).await;
    let port = echo().await;
    let destination = format!("127.0.0.1:{port}");
    let mut ssh = bed.client("ssh");
    ssh.args(["-W", &destination, &format!("{}@web-1", me())]);
    let megabytes = vec![b'z'; 5 << 20];
    let output = run_with_input(ssh, megabytes.clone()).await;
    assert!(output.stdout == megabytes, "{} bytes, {}", output.stdout.len(), stderr(&output));
    let open = bed.wait_for("forward.open").await;
    let close = bed.wait_for("forward.close").await;
    assert_eq!(open.body.detail["direction"], "local");
    assert_eq!((&open.body.detail["host"], &open.body.detail["port"]), (&"127.0.0.1".into(), &port.into()));
    assert_eq!(close.body.detail["bytes_in"], 5 << 20);
    assert_eq!(close.body.detail["bytes_out"], 5 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forward_to_a_closed_port_fails_with_the_targets_reason() {
    let bed = Bed::new(FORWARDING).await;
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mut ssh = bed.client("ssh");
    ssh.args(["-W", &format!("127.0.0.1:{port}"), &format!("{}@web-1", me())]);
    let output = run_with_input(ssh, "").await;
    assert!(stderr(&output).to_lowercase().contains("connect failed"), "{}", stderr(&output));
    bed.wait_for_that("forward.close", |event| event.reason.is_some()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forwards_are_refused_and_written_where_the_role_says_no() {
    let bed = Bed::new("{}").await;
    let mut ssh = bed.client("ssh");
    ssh.args(["-W", "127.0.0.1:9", &format!("{}@web-1", me())]);
    let output = run_with_input(ssh, "").await;
    assert!(stderr(&output).contains("port forwarding is not allowed"), "{}", stderr(&output));
    let denied = bed.wait_for("forward.denied").await;
    assert_eq!((&denied.body.detail["direction"], &denied.body.detail["port"]), (&"local".into(), &9.into()));

    let mut ssh = bed.client("ssh");
    ssh.args([
        "-o",
        "ExitOnForwardFailure=yes",
        "-R",
        "127.0.0.1:0:127.0.0.1:9",
        &format!("{}@web-1", me()),
        "true",
    ]);
    assert!(!run(ssh).await.status.success());
    bed.wait_for_that("forward.denied", |event| event.body.detail["direction"] == "remote").await;
    assert!(bed.of_kind("forward.open").is_empty() && bed.of_kind("forward.listen").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_forward_brings_connections_back() {
    let bed = Bed::new(FORWARDING).await;
    let port = echo().await;
    let remote = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let script = format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{remote}; echo across >&3; head -n1 <&3'");
    let mut ssh = bed.client("ssh");
    ssh.args(["-R", &format!("127.0.0.1:{remote}:127.0.0.1:{port}"), &format!("{}@web-1", me()), &script]);
    assert_eq!(succeed(ssh).await, "across\n");
    let listen = bed.wait_for("forward.listen").await;
    assert_eq!(listen.body.detail["port"], remote);
    let open = bed.wait_for("forward.open").await;
    assert_eq!(open.body.detail["direction"], "remote");
    bed.wait_for("forward.close").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_the_target_refuses_is_written_as_failed() {
    let bed = Bed::new(FORWARDING).await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    for listener in [format!("127.0.0.1:{port}"), "/nowhere/at/all.sock".to_owned()] {
        let mut ssh = bed.client("ssh");
        ssh.args(["-o", "ExitOnForwardFailure=yes", "-R", &format!("{listener}:127.0.0.1:9")]);
        ssh.args([&format!("{}@web-1", me()), "true"]);
        assert!(!run(ssh).await.status.success());
        let host = listener.strip_suffix(&format!(":{port}")).unwrap_or(&listener);
        let failed = bed.wait_for_that("forward.listen", |event| {
            event.outcome == Outcome::Failure && event.body.detail["host"] == host
        });
        assert!(failed.await.reason.unwrap().starts_with("the target does not listen"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_socket_is_named_by_its_direction() {
    let bed = Bed::new("{}").await;
    let mut ssh = bed.client("ssh");
    ssh.args(["-o", "ExitOnForwardFailure=yes", "-R", "/tmp/mine.sock:127.0.0.1:9"]);
    ssh.args([&format!("{}@web-1", me()), "true"]);
    assert!(!run(ssh).await.status.success());
    let denied = bed.wait_for("forward.denied").await;
    assert_eq!(denied.body.detail["direction"], "remote_socket");
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_are_forwarded() {
    let bed = Bed::new(FORWARDING).await;
    let (near, far) = (bed.path("near.sock"), bed.path("far.sock"));
    let listener = UnixListener::bind(&far).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"from the socket").await.unwrap();
    });
    let mut ssh = bed.client("ssh");
    ssh.args(["-N", "-L", &format!("{}:{}", near.display(), far.display()), &format!("{}@web-1", me())]);
    let _client = Background(ssh.stdin(Stdio::null()).spawn().unwrap());
    let mut text = String::new();
    connect(&near).await.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "from the socket");
    let close = bed.wait_for("forward.close").await;
    assert_eq!(close.body.detail["direction"], "local_socket");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_forward_does_not_hold_up_the_others() {
    let bed = Bed::new(FORWARDING).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let flood = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move { while stream.write_all(&[b'f'; 65536]).await.is_ok() {} });
        }
    });
    let (control, near) = (bed.path("control"), bed.path("near.sock"));
    let mut ssh = bed.client("ssh");
    ssh.args(["-M", "-N", "-S"]).arg(&control);
    ssh.args(["-L", &format!("{}:127.0.0.1:{flood}", near.display()), &format!("{}@web-1", me())]);
    let _client = Background(ssh.stdin(Stdio::null()).spawn().unwrap());
    // Connected and never read from: everything on the way fills up.
    let _stalled = connect(&near).await;
    bed.wait_for("forward.open").await;
    for round in 0..3 {
        let mut ssh = bed.client("ssh");
        ssh.arg("-S").arg(&control).args([&format!("{}@web-1", me()), "head -c 3000000 /dev/zero | wc -c"]);
        assert_eq!(succeed(ssh).await, "3000000\n", "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_is_forwarded_where_the_role_allows_it() {
    for (options, visible) in [(FORWARDING, true), ("{}", false)] {
        let bed = Bed::new(options).await;
        let socket = bed.path("agent.sock");
        let agent = Command::new("ssh-agent").args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).spawn();
        let _agent = Background(agent.unwrap());
        drop(connect(&socket).await);
        let mut add = Command::new("ssh-add");
        succeed_in(add.arg("-q").arg(&bed.alice.key).env("SSH_AUTH_SOCK", &socket)).await;
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-A", "-o", &format!("IdentityAgent={}", socket.display())]);
        ssh.args(bed.options(&bed.alice)).args([&format!("{}@web-1", me()), "ssh-add -l"]);
        let output = run(ssh).await;
        assert_eq!(stdout(&output).contains("(ED25519)"), visible, "{}", stderr(&output));
        if visible {
            let open = bed.wait_for("forward.open").await;
            assert_eq!(open.body.detail["direction"], "agent");
        } else {
            let denied = bed.wait_for("forward.denied").await;
            assert_eq!(denied.body.detail["direction"], "agent");
        }
    }
}

async fn succeed_in(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}");
}
