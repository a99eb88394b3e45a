//! Exports, as they look.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Place, output, session, terminal};
use expect_test::{Expect, expect};
use recording::{Format, Frame, export};

async fn check(frames: Vec<(u64, Frame)>, format: Format, channel: Option<u32>, expected: Expect) {
    let place = Place::new();
    let (id, _) = place.record(&frames).await;
    let mut out = Vec::new();
    export(&mut place.recordings.read(id).unwrap(), format, channel, &mut out).unwrap();
    expected.assert_eq(&String::from_utf8(out).unwrap());
}

#[tokio::test]
async fn asciicast_v2_of_the_terminal() {
    check(session(), Format::AsciicastV2, None, expect![[r#"
        {"version":2,"width":40,"height":10,"timestamp":1764000000,"title":"alice: root@db-1","env":{"TERM":"xterm-256color"}}
        [0.100000, "o", "root@db-1:~# "]
        [1.600000, "o", "ls\r\n"]
        [1.610000, "o", "\u001b[0m\u001b[1;34mbackups\u001b[0m  café.txt\r\nroot@db-1:~# "]
        [2.310000, "r", "60x12"]
        [7.391000, "i", "exit\r"]
        [7.441000, "o", "exit\r\n"]
    "#]]).await;
}

#[tokio::test]
async fn asciicast_v3_of_the_terminal() {
    check(session(), Format::AsciicastV3, None, expect![[r#"
        {"version":3,"term":{"cols":40,"rows":10,"type":"xterm-256color"},"timestamp":1764000000,"title":"alice: root@db-1"}
        [0.100000, "o", "root@db-1:~# "]
        [1.500000, "o", "ls\r\n"]
        [0.010000, "o", "\u001b[0m\u001b[1;34mbackups\u001b[0m  café.txt\r\nroot@db-1:~# "]
        [0.700000, "r", "60x12"]
        [5.081000, "i", "exit\r"]
        [0.050000, "o", "exit\r\n"]
        [0.002000, "x", "0"]
    "#]]).await;
}

#[tokio::test]
async fn asciicast_v3_of_a_command() {
    check(session(), Format::AsciicastV3, Some(1), expect![[r#"
        {"version":3,"term":{"cols":80,"rows":24},"timestamp":1764000000,"title":"alice: root@db-1","command":"id; echo \u001b oops >&2"}
        [7.330000, "o", "uid=0(root)\r\n"]
        [0.000000, "o", "ops �\r\n"]
        [0.001000, "x", "3"]
    "#]]).await;
}

#[tokio::test]
async fn text_of_all_channels() {
    check(session(), Format::Text, None, expect![[r#"
        # session 019ab697-e800-770d-b259-e4e1cb631c66 of alice as root on db-1 (ssh), 2025-11-24T16:00:00.000000Z
        # channel 0: terminal xterm-256color, 40x10
        # channel 1: command: id; echo ^[ oops >&2
        uid=0(root)
        ^[ oops \xff
        # channel 1: ended with exit code 3
        # channel 0
        root@db-1:~# ls
        backups  café.txt
        root@db-1:~# exit
        # channel 0: ended with exit code 0
    "#]]).await;
}

#[tokio::test]
async fn json_of_all_frames() {
    let place = Place::new();
    let (id, seal) = place.record(&session()).await;
    let mut out = Vec::new();
    export(&mut place.recordings.read(id).unwrap(), Format::Json, None, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    // How many chunks there are depends on how fast the machine is, so the seal is looked at apart.
    let (frames, last) = text.trim_end().rsplit_once('\n').unwrap();
    expect![[r#"
        {"login":"root","protocol":"ssh","session":"019ab697-e800-770d-b259-e4e1cb631c66","started":"2025-11-24T16:00:00.000000Z","target":"db-1","type":"header","user":"alice"}
        {"channel":0,"columns":40,"offset_us":0,"rows":10,"term":"xterm-256color","type":"terminal"}
        {"channel":0,"offset_us":100000,"text":"\u001b]0;root@db-1: ~\u0007root@db-1:~# ","type":"output"}
        {"channel":0,"offset_us":1600000,"text":"ls\r\n","type":"output"}
        {"channel":0,"offset_us":1610000,"text":"\u001b[0m\u001b[01;34mbackups\u001b[0m  café.txt\r\nroot@db-1:~# ","type":"output"}
        {"channel":0,"columns":60,"offset_us":2310000,"rows":12,"type":"resize"}
        {"channel":1,"command":"id; echo \u001b oops >&2","offset_us":7310000,"type":"command"}
        {"channel":1,"offset_us":7330000,"text":"uid=0(root)\n","type":"output"}
        {"base64":"GyBvb3BzIP8K","channel":1,"offset_us":7330000,"type":"error_output"}
        {"channel":1,"exit_code":3,"offset_us":7331000,"type":"end"}
        {"channel":0,"offset_us":7391000,"text":"exit\r","type":"input"}
        {"channel":0,"offset_us":7441000,"text":"exit\r\n","type":"output"}
        {"channel":0,"exit_code":0,"offset_us":7443000,"type":"end"}"#]].assert_eq(frames);
    let last: serde_json::Value = serde_json::from_str(last).unwrap();
    let root: String = seal.root.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((last["type"].as_str(), last["root"].as_str()), (Some("seal"), Some(root.as_str())));
    assert_eq!((last["frames"].as_u64(), last["truncated"].as_bool()), (Some(12), Some(false)));
}

#[tokio::test]
async fn text_keeps_what_was_cleared_scrolled_away_or_on_the_alternate_screen() {
    let mut frames = vec![(0, terminal(0))];
    for number in 1..=14 {
        frames.push((1, output(0, &format!("line {number}\r\n"))));
    }
    frames.push((1, output(0, "before clear\r\n\x1b[H\x1b[2J\x1b[3J")));
    frames.push((1, output(0, "$ vi\r\n\x1b[?1049h\x1b[2J\x1b[Hedited text\x1b[5;1H~\x1b[?1049l$ exit\r\n")));
    check(frames, Format::Text, None, expect![[r#"
        # session 019ab697-e800-770d-b259-e4e1cb631c66 of alice as root on db-1 (ssh), 2025-11-24T16:00:00.000000Z
        # channel 0: terminal xterm-256color, 40x10
        line 1
        line 2
        line 3
        line 4
        line 5
        line 6
        line 7
        line 8
        line 9
        line 10
        line 11
        line 12
        line 13
        line 14
        before clear
        edited text



        ~
        $ vi
        $ exit
    "#]]).await;
}

#[tokio::test]
async fn an_empty_recording_exports_to_headers() {
    check(
        vec![],
        Format::AsciicastV3,
        None,
        expect![[r#"
        {"version":3,"term":{"cols":80,"rows":24},"timestamp":1764000000,"title":"alice: root@db-1"}
    "#]],
    )
    .await;
    check(vec![], Format::Text, None, expect![[r#"
        # session 019ab697-e800-770d-b259-e4e1cb631c66 of alice as root on db-1 (ssh), 2025-11-24T16:00:00.000000Z
    "#]]).await;
}

#[tokio::test]
async fn a_channel_that_was_not_recorded_is_refused_with_those_that_were() {
    let place = Place::new();
    let (id, _) = place.record(&session()).await;
    for format in [Format::AsciicastV2, Format::AsciicastV3, Format::Text, Format::Json] {
        let mut out = Vec::new();
        let error = export(&mut place.recordings.read(id).unwrap(), format, Some(99), &mut out).unwrap_err();
        assert_eq!(error.to_string(), "the recording has no channel 99; it has channels 0, 1");
        assert!(out.is_empty());
    }
    let options = recording::PlayOptions { channel: Some(99), ..Default::default() };
    let player = recording::Player::new(place.recordings.read(id).unwrap(), &options);
    assert!(matches!(player.err(), Some(recording::RecordingError::NoChannel { .. })));
}

#[tokio::test]
async fn a_line_that_never_ends_is_written_piece_by_piece() {
    let text = "x".repeat(100);
    let frames = std::iter::once((0, terminal(0)));
    let frames: Vec<_> = frames.chain((0..3000).map(|_| (1, output(0, &text)))).collect();
    let place = Place::new();
    let (id, _) = place.record(&frames).await;
    let mut out = Vec::new();
    export(&mut place.recordings.read(id).unwrap(), Format::Text, None, &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    let shown: Vec<&str> = out.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(shown.concat().matches('x').count(), 300_000);
    assert!(shown.len() > 4 && shown.iter().all(|line| line.len() < 70_000));
}
