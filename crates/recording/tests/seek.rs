//! Seeking shows what straight replay shows, with keyframes and without.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Place, output, terminal};
use event::SessionId;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use recording::{Frame, PlayOptions, Player, Reader, Terminal};

/// Programs that use much of a terminal: a shell, a pager with a scroll region, an editor on the alternate screen.
fn busy_output() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z 世é]{1,60}\r\n",
        2 => "\x1b\\[[0-9]{1,2};[0-9]{1,2}H[a-z]{1,9}",
        2 => "\x1b\\[(1;3[0-7]|7|0)m[a-z]{1,9}",
        1 => "\x1b\\[[2-4];[6-9]r",
        1 => "\x1b\\[[0-3]?[JKLMPST@X]",
        1 => prop_oneof![Just("\x1b[?1049h"), Just("\x1b[?1049l"), Just("\x1b7"), Just("\x1b8"), Just("\x1bc")]
            .prop_map(str::to_owned),
        1 => Just("\x1b]0;a title that is cut in the mid".to_owned()),
        1 => Just("dle\x07".to_owned()),
        1 => Just("\x1b[3".to_owned()),
    ]
}

/// About two minutes on two terminals, in many chunks.
async fn busy_session(place: &Place) -> SessionId {
    let mut runner = TestRunner::deterministic();
    let (id, recorder) = place.start().await;
    recorder.write(terminal(0)).await.unwrap();
    recorder.write(terminal(1)).await.unwrap();
    for number in 0..1200u32 {
        place.clock.advance(Duration::from_millis(100));
        let text = busy_output().new_tree(&mut runner).unwrap().current();
        recorder.write(output(number % 2, &text)).await.unwrap();
        if number % 10 == 9 {
            // Bulk on a channel without a terminal fills chunks, so that there are many.
            recorder.write(Frame::Output { channel: 7, bytes: vec![b'.'; 120_000].into() }).await.unwrap();
        }
        if number % 250 == 249 {
            let (columns, rows) = (30 + number as u16 % 50, 8 + number as u16 % 7);
            recorder.write(Frame::Resize { channel: 0, columns, rows }).await.unwrap();
        }
    }
    recorder.seal().await.unwrap();
    id
}

fn screens(mut reader: Reader, at: Duration) -> Vec<(u32, String)> {
    let terminals = reader.seek(at).unwrap();
    let mut shown: Vec<_> =
        terminals.iter().map(|(channel, terminal)| (*channel, terminal.fingerprint())).collect();
    // And the frame after it is the first one later.
    let next = reader.next_frame().unwrap();
    shown.push((u32::MAX, format!("{next:?}")));
    shown
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seeking_equals_straight_replay() {
    let place = Place::new();
    let id = busy_session(&place).await;
    let open = || place.recordings.read(id).unwrap();
    // The first seek waits for nobody: it makes the keyframes where the background has not yet.
    open().seek(Duration::from_secs(60)).unwrap();
    let mut runner = TestRunner::deterministic();
    for _ in 0..25 {
        let at = Duration::from_millis((0u64..130_000).new_tree(&mut runner).unwrap().current());
        assert_eq!(screens(open(), at), screens(open().without_keyframes(), at), "at {at:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_and_damaged_keyframes_are_made_again() {
    let place = Place::new();
    let id = busy_session(&place).await;
    let keys = place.file(id, "keys");
    let at = Duration::from_secs(100);
    let open = || place.recordings.read(id).unwrap();
    let expected = screens(open().without_keyframes(), at);
    while !keys.exists() {
        // Made in the background after sealing.
        tokio::task::yield_now().await;
    }
    let whole = std::fs::read(&keys).unwrap();
    assert!(whole.len() > 2000, "there are keyframes");
    for damaged in [vec![], b"nonsense".to_vec(), whole[..whole.len() / 2].to_vec(), flipped(&whole)] {
        std::fs::write(&keys, damaged).unwrap();
        assert_eq!(screens(open(), at), expected);
    }
    std::fs::remove_file(&keys).unwrap();
    assert_eq!(screens(open(), at), expected);
    assert_eq!(std::fs::read(&keys).unwrap(), whole);
}

fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes
}

#[tokio::test]
async fn a_player_keeps_time_and_shortens_idleness() {
    let place = Place::new();
    let (id, _) = place.record(&common::session()).await;
    let options =
        PlayOptions { speed: 2.0, idle_limit: Some(Duration::from_secs(1)), ..PlayOptions::default() };
    let steps: Vec<_> =
        Player::new(place.recordings.read(id).unwrap(), &options).unwrap().map(Result::unwrap).collect();
    let delays: Vec<u128> = steps.iter().map(|step| step.delay.as_millis()).collect();
    assert_eq!(delays, [0, 50, 500, 5, 350, 500]);
    assert_eq!(steps[1].bytes, b"root@db-1:~# ", "the title is not passed on");
    assert_eq!(steps[4].size, Some((60, 12)));
}

#[tokio::test]
async fn a_player_that_starts_inside_draws_the_screen_first() {
    let place = Place::new();
    let (id, _) = place.record(&common::session()).await;
    let start = Duration::from_millis(1700);
    let mut player =
        Player::new(place.recordings.read(id).unwrap(), &PlayOptions { start, ..PlayOptions::default() })
            .unwrap();
    let opening = player.next_step().unwrap().unwrap();
    let (columns, rows) = opening.size.unwrap();
    let mut shown = Terminal::new(columns, rows);
    shown.feed(&opening.bytes, &mut Vec::new());
    assert_eq!(shown.text(), "root@db-1:~# ls\nbackups  café.txt\nroot@db-1:~#");
    assert_eq!(player.next_step().unwrap().unwrap().at, Duration::from_millis(2310));
}
