//! Shells and commands.

use event::{Outcome, Record};
use recording::Frame;

use crate::bed::{Bed, me, run, run_with_input, stderr, stdout, succeed};

fn detail<'a>(event: &'a Record, field: &str) -> &'a serde_json::Value {
    &event.body.detail[field]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_on_the_target_and_leaves_its_whole_story() {
    let bed = Bed::new("{}").await;
    let output = run(bed.ssh("web-1", &["echo out; echo err >&2; exit 7"])).await;
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
    assert_eq!((stdout(&output).as_str(), stderr(&output).as_str()), ("out\n", "err\n"));

    let end = bed.wait_for("session.end").await;
    assert_eq!(detail(&end, "ended_by"), "client");
    let kinds: Vec<String> = bed
        .events()
        .iter()
        .filter(|event| event.session == end.session || event.kind() == "access.granted")
        .map(|event| event.kind().to_owned())
        .collect();
    let story = [
        "access.granted",
        "session.start",
        "cert.issue",
        "session.command",
        "session.command_end",
        "recording.sealed",
        "session.end",
    ];
    let mut kinds = kinds.into_iter().filter(|kind| story.contains(&kind.as_str())).collect::<Vec<_>>();
    kinds.dedup();
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).filter(|kind| *kind != "cert.issue").collect();
    let story: Vec<&str> = story.into_iter().filter(|kind| *kind != "cert.issue").collect();
    assert_eq!(kinds, story);

    let command = &bed.of_kind("session.command")[0];
    assert_eq!(detail(command, "command"), "echo out; echo err >&2; exit 7");
    assert_eq!(command.actor.user, "alice");
    assert_eq!(command.target.as_ref().unwrap().name, "web-1");
    let ended = &bed.of_kind("session.command_end")[0];
    assert_eq!(detail(ended, "exit_code"), 7);
    assert_eq!((detail(ended, "stdout_bytes"), detail(ended, "stderr_bytes")), (&4.into(), &4.into()));
    let sealed = &bed.of_kind("recording.sealed")[0];
    assert_eq!(detail(sealed, "root"), detail(&end, "recording_root"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_on_a_terminal_is_recorded() {
    let bed = Bed::new("{}").await;
    let mut ssh = bed.client("ssh");
    ssh.args(["-tt", &format!("{}@web-1", me())]).env("TERM", "xterm-256color");
    let output = run_with_input(ssh, "echo colormatic-$((40+2))\nexit\n").await;
    assert!(stdout(&output).contains("colormatic-42"), "{}{}", stdout(&output), stderr(&output));
    let end = bed.wait_for("session.end").await;
    let shell = &bed.of_kind("session.shell")[0];
    assert_eq!(detail(shell, "terminal"), "xterm-256color");
    let frames = recorded(&bed, &end);
    assert!(
        matches!(&frames[0], Frame::Terminal { term, .. } if term == "xterm-256color"),
        "{:?}",
        frames[0]
    );
    let text: Vec<u8> = frames
        .iter()
        .filter_map(|frame| if let Frame::Output { bytes, .. } = frame { Some(bytes.clone()) } else { None })
        .flatten()
        .collect();
    assert!(String::from_utf8_lossy(&text).contains("colormatic-42"));
    assert!(
        !frames.iter().any(|frame| matches!(frame, Frame::Input { .. })),
        "input only where the role asks"
    );
    assert!(matches!(frames.last(), Some(Frame::End { exit_code: Some(0), .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn input_is_recorded_where_the_role_asks() {
    let bed = Bed::new("{record_input: true}").await;
    let output = run_with_input(stdin_open(&bed, &["cat"]), "typed words").await;
    assert_eq!(stdout(&output), "typed words");
    let end = bed.wait_for("session.end").await;
    let frames = recorded(&bed, &end);
    assert!(frames.contains(&Frame::Input { channel: 2, bytes: (&b"typed words"[..]).into() }), "{frames:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_command_and_is_told() {
    let bed = Bed::new("{}").await;
    let output = run(bed.ssh("web-1", &["kill -TERM $$; sleep 60"])).await;
    assert!(!output.status.success());
    let ended = bed.wait_for("session.command_end").await;
    assert_eq!(detail(&ended, "signal"), "TERM");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_in_both_directions_at_once_does_not_stall() {
    let bed = Bed::new("{recording: off}").await;
    let megabytes: Vec<u8> = (0..16 << 20).map(|at: u32| (at % 251) as u8).collect();
    let output = run_with_input(stdin_open(&bed, &["cat"]), megabytes.clone()).await;
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(output.stdout == megabytes, "{} bytes came back", output.stdout.len());
    let end = bed.wait_for("session.end").await;
    assert_eq!(detail(&end, "bytes_in"), 16 << 20);
    assert_eq!(detail(&end, "bytes_out"), 16 << 20);
    assert!(detail(&end, "recording_root").is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_never_reads_its_input_still_answers() {
    let bed = Bed::new("{}").await;
    // More input than both windows hold, and more output than one window, while the input stands.
    let output = run_with_input(
        stdin_open(&bed, &["head -c 8000000 /dev/zero | wc -c; head -c 6000000 /dev/zero"]),
        vec![b'x'; 24 << 20],
    )
    .await;
    assert!(stdout(&output).starts_with("8000000\n"), "{}", stderr(&output));
    assert_eq!(output.stdout.len(), 6_000_008);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_channels_share_a_connection_and_one_session() {
    let bed = Bed::new("{}").await;
    let control = bed.path("control");
    let mut master = bed.client("ssh");
    master.args(["-M", "-N", "-f", "-S"]).arg(&control).arg(format!("{}@web-1", me()));
    // The master stays behind; its output must not hold the pipe open.
    master
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    assert!(tokio::task::spawn_blocking(move || master.status().unwrap()).await.unwrap().success());
    for word in ["one", "two"] {
        let mut ssh = bed.client("ssh");
        ssh.arg("-S").arg(&control).arg(format!("{}@web-1", me())).arg(format!("echo {word}"));
        assert_eq!(succeed(ssh).await, format!("{word}\n"));
    }
    let mut exit = bed.client("ssh");
    exit.arg("-S").arg(&control).args(["-O", "exit"]).arg(format!("{}@web-1", me()));
    run(exit).await;
    bed.wait_for("session.end").await;
    assert_eq!(bed.of_kind("session.start").len(), 1);
    assert_eq!(bed.of_kind("session.command").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_language_is_passed_on_and_other_variables_are_refused() {
    let bed = Bed::new("{}").await;
    let mut ssh = bed.client("ssh");
    ssh.args(["-o", "SetEnv=LC_TIME=C LD_PRELOAD=/tmp/evil.so", &format!("{}@web-1", me()), "echo $LC_TIME"]);
    assert_eq!(succeed(ssh).await, "C\n");
    let request = bed.wait_for_that("session.request", |event| detail(event, "request") == "env").await;
    assert_eq!(detail(&request, "value"), "LC_TIME=C");
    let rejected = bed.wait_for("session.rejected").await;
    assert_eq!(
        (detail(&rejected, "action"), detail(&rejected, "value")),
        (&"env".into(), &"LD_PRELOAD".into())
    );
    assert_eq!(rejected.outcome, Outcome::Denied);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_ends_their_own_recording_with_a_long_command() {
    let bed = Bed::new("{recording: best_effort}").await;
    let command = format!("echo seen; # {}", "x".repeat(127_500));
    assert_eq!(succeed(bed.ssh("web-1", &[&command])).await, "seen\n");
    let end = bed.wait_for("session.end").await;
    assert!(bed.of_kind("recording.truncated").is_empty(), "{:#?}", bed.kinds());
    let frames = recorded(&bed, &end);
    assert!(frames.contains(&Frame::Output { channel: 2, bytes: (&b"seen\n"[..]).into() }));
    assert_eq!(detail(&bed.of_kind("session.command")[0], "command"), &command, "the event has all of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_cannot_begin_is_told_once_where_it_is_best_effort() {
    let bed = Bed::new("{recording: best_effort}").await;
    std::fs::remove_dir_all(bed.path("recordings")).unwrap();
    assert_eq!(succeed(bed.ssh("web-1", &["echo on"])).await, "on\n");
    let end = bed.wait_for("session.end").await;
    assert_eq!((end.outcome, detail(&end, "recording_root")), (Outcome::Success, &serde_json::Value::Null));
    let told = bed.of_kind("recording.truncated");
    assert_eq!(told.len(), 1);
    assert!(told[0].reason.as_ref().unwrap().starts_with("the recording could not begin"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_prepares_a_program_is_refused_and_written_once_it_runs() {
    let bed = Bed::new("{}").await;
    let client = bed.raw("web-1").await;
    let mut channel = client.channel_open_session().await.unwrap();
    channel.exec(true, "sleep 300").await.unwrap();
    channel.set_env(true, "LC_TIME", "late").await.unwrap();
    channel.request_pty(true, "late-term", 80, 24, 0, 0, &[]).await.unwrap();
    let mut answers = Vec::new();
    while answers.len() < 3 {
        match channel.wait().await.unwrap() {
            russh::ChannelMsg::Success => answers.push(true),
            russh::ChannelMsg::Failure => answers.push(false),
            _ => {}
        }
    }
    assert_eq!(answers, [true, false, false]);
    for (request, value) in [("env", "LC_TIME=late"), ("pty-req", "late-term")] {
        let refused = bed.wait_for_that("session.request", |event| detail(event, "request") == request).await;
        assert_eq!((refused.outcome, detail(&refused, "value")), (Outcome::Denied, &value.into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_given_only_so_many_variables() {
    let bed = Bed::new("{}").await;
    let client = bed.raw("web-1").await;
    let channel = client.channel_open_session().await.unwrap();
    for round in 0..65 {
        channel.set_env(false, "LC_TIME", round.to_string()).await.unwrap();
    }
    channel.exec(true, "true").await.unwrap();
    bed.wait_for("session.command").await;
    let denied = |event: &&Record| event.outcome == Outcome::Denied;
    let requests = bed.of_kind("session.request");
    assert_eq!((requests.len(), requests.iter().filter(denied).count()), (65, 1));
}

fn stdin_open(bed: &Bed, arguments: &[&str]) -> std::process::Command {
    bed.ssh("web-1", arguments)
}

fn recorded(bed: &Bed, end: &Record) -> Vec<Frame> {
    let mut reader = bed.recordings.read(end.session.unwrap()).unwrap();
    std::iter::from_fn(|| reader.next_frame().unwrap()).map(|timed| timed.frame).collect()
}
