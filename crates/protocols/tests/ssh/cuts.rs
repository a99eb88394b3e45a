//! Sessions that end before their time.

use std::process::Output;
use std::time::Duration;

use event::Record;
use tokio::task::JoinHandle;

use crate::bed::{Bed, Parts, events_of, run, stderr};

/// Starts a session that would last, and waits until its command runs.
async fn lasting(bed: &Bed) -> JoinHandle<Output> {
    let running = tokio::spawn(run(bed.ssh("web-1", &["echo up; sleep 300"])));
    bed.wait_for("session.command").await;
    running
}

/// What must be true of every session that was cut.
async fn assert_cut(bed: &Bed, running: JoinHandle<Output>, ended_by: &str, cause: Option<&str>) -> Record {
    let end = bed.wait_for("session.end").await;
    assert_eq!(end.body.detail["ended_by"], ended_by);
    assert!(end.body.detail["recording_root"].is_string(), "the recording was sealed");
    let terminated = bed.of_kind("session.terminated");
    assert_eq!(terminated.first().map(|event| event.body.detail["cause"].as_str().unwrap()), cause);
    let output = running.await.unwrap();
    assert_eq!(output.status.code(), Some(255), "{}", stderr(&output));
    assert!(stderr(&output).contains("session ended:"), "{}", stderr(&output));
    assert_eq!(bed.gateway.sessions().count(), 0);
    end
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_cuts_a_running_session() {
    let bed = Bed::new("{}").await;
    let running = lasting(&bed).await;
    bed.lock_alice().await;
    assert_cut(&bed, running, "locked", Some("lock")).await;
    let output = run(bed.ssh("web-1", &["id"])).await;
    assert!(!output.status.success(), "and nobody gets back in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_cuts_a_running_session() {
    let bed = Bed::new("{}").await;
    let running = lasting(&bed).await;
    bed.identity.logout(&event::Author::of(Bed::admin(), None), bed.alice.login).await.unwrap();
    assert_cut(&bed, running, "locked", Some("login")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_ends_a_session_in_their_own_name() {
    let bed = Bed::new("{}").await;
    let running = lasting(&bed).await;
    let live = bed.gateway.sessions().list().remove(0);
    assert_eq!((live.user.as_str(), live.target.as_str()), ("alice", "web-1"));
    assert!(bed.gateway.sessions().kill(live.id, Bed::admin(), "maintenance begins"));
    assert_cut(&bed, running, "terminated", Some("person")).await;
    let terminated = &bed.of_kind("session.terminated")[0];
    assert_eq!(terminated.actor.user, "boss");
    assert_eq!(terminated.reason.as_deref(), Some("maintenance begins"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_idles_is_cut() {
    let bed = Bed::new("{idle_timeout: 10m}").await;
    let running = lasting(&bed).await;
    let moving = tokio::spawn({
        let clock = bed.clock.clone();
        async move {
            // The watch notices movement at its visits; time passes until it has seen enough stillness.
            loop {
                clock.advance(Duration::from_secs(60));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    });
    assert_cut(&bed, running, "idle", Some("idle")).await;
    moving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_its_permit_runs_out() {
    let bed = Bed::new("{session_ttl: 20m}").await;
    let running = lasting(&bed).await;
    bed.clock.advance(Duration::from_secs(20 * 60));
    assert_cut(&bed, running, "expired", Some("expired")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_ends_sessions_and_seals_their_recordings() {
    let bed = Bed::new("{}").await;
    let running = lasting(&bed).await;
    bed.gateway.shutdown().await;
    assert_cut(&bed, running, "shutdown", None).await;
    let output = run(bed.ssh("web-1", &["id"])).await;
    assert!(stderr(&output).contains("shutting down"), "{}", stderr(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_dies_ends_the_session() {
    let bed = Bed::new("{}").await;
    let output = run(bed.ssh("web-1", &["kill -9 $PPID; sleep 60"])).await;
    assert!(!output.status.success());
    let end = bed.wait_for("session.end").await;
    assert_eq!(end.body.detail["ended_by"], "target");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_dies_ends_the_session() {
    let bed = Bed::new("{}").await;
    let mut client = bed.ssh("web-1", &["sleep 300"]).spawn().unwrap();
    bed.wait_for("session.command").await;
    client.kill().unwrap();
    client.wait().unwrap();
    let end = bed.wait_for("session.end").await;
    assert_eq!(end.body.detail["ended_by"], "client");
    assert_eq!(bed.of_kind("session.command_end").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_write_lets_nobody_in() {
    let bed = Bed::new("{}").await;
    let running = lasting(&bed).await;
    bed.log.shutdown();
    let output = run(bed.ssh("web-1", &["id"])).await;
    assert!(!output.status.success());
    // The running session cannot write its end either, and is cut when it next must write.
    bed.gateway.shutdown().await;
    assert!(!running.await.unwrap().status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_open_is_closed_at_the_next_start() {
    let bed = Bed::new("{}").await;
    let running = lasting(&bed).await;
    // The log goes first, so the session cannot write its end: as after a crash.
    bed.log.shutdown();
    bed.gateway.shutdown().await;
    running.await.unwrap();
    let Parts { gateway, log, .. } = bed.reopen().await;
    assert_eq!(gateway.recover().await.unwrap(), 1);
    let abandoned = events_of(&log).pop().unwrap();
    assert_eq!((abandoned.kind(), abandoned.actor.user.as_str()), ("session.abandoned", "alice"));
    assert_eq!(abandoned.body.detail["recording_saved"], true);
    assert_eq!(abandoned.target.unwrap().name, "web-1");
    assert_eq!(gateway.recover().await.unwrap(), 0, "it is closed once");
}
