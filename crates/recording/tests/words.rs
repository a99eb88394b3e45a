//! Words are found in what a recording showed, with the moment at which they appeared.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Place, output, session, terminal};
use event::{Filter, FilterContext, Timestamp};
use expect_test::{Expect, expect};
use proptest::prelude::*;
use recording::Frame;

fn filter(text: &str) -> Filter {
    Filter::parse(text, &FilterContext::utc(Timestamp::EPOCH)).unwrap()
}

fn found(place: &Place, id: event::SessionId, text: &str) -> Vec<String> {
    let lines = place.recordings.search(id, &filter(text), usize::MAX).unwrap();
    let shown = |line: &recording::Line| {
        format!("{} ms, channel {}: {}", line.at.as_millis(), line.channel, line.text)
    };
    lines.iter().map(shown).collect()
}

async fn check(frames: Vec<(u64, Frame)>, text: &str, expected: Expect) {
    let place = Place::new();
    let (id, _) = place.record(&frames).await;
    expected.assert_eq(&(found(&place, id, text).join("\n") + "\n"));
}

#[tokio::test]
async fn every_line_is_found_with_its_moment() {
    check(
        session(),
        "",
        expect![[r#"
            7310 ms, channel 1: id; echo   oops >&2
            7330 ms, channel 1: uid=0(root)
            7330 ms, channel 1:   oops �
            100 ms, channel 0: root@db-1:~# exit
            100 ms, channel 0: root@db-1:~# ls
            1600 ms, channel 0: backups  café.txt
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_line_that_was_typed_letter_by_letter_is_one_line() {
    let typed = "kubectl delete ns prod".chars().map(|c| (120, output(0, &c.to_string())));
    let frames = std::iter::once((0, terminal(0))).chain(typed).collect();
    check(
        frames,
        "delete",
        expect![[r#"
               120 ms, channel 0: kubectl delete ns prod
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_scrolled_past_and_what_a_program_drew_over_are_found() {
    let listing =
        (0..500).fold(String::new(), |all, number| all + "line number " + &number.to_string() + "\r\n");
    let frames = vec![
        (0, terminal(0)),
        (1000, output(0, &listing)),
        (2000, output(0, "\x1b[2J\x1b[H~ secret plan in an editor")),
        (9000, output(0, "\x1b[2J\x1b[Hnothing here")),
    ];
    check(
        frames.clone(),
        "\"number 77\" or plan",
        expect![[r#"
          1000 ms, channel 0: line number 77
          3000 ms, channel 0: ~ secret plan in an editor
    "#]],
    )
    .await;
}

#[tokio::test]
async fn escape_sequences_hide_no_word() {
    let frames = vec![(0, terminal(0)), (50, output(0, "the pass\x1b[31mword\x1b[0m is\x1b[5Cxyzzy\r\n"))];
    check(
        frames,
        "password and xyzzy",
        expect![[r#"
                50 ms, channel 0: the password is     xyzzy
        "#]],
    )
    .await;
}

#[tokio::test]
async fn the_derived_file_may_be_lost_or_damaged() {
    let place = Place::new();
    let (id, _) = place.record(&session()).await;
    let whole = found(&place, id, "café");
    assert_eq!(whole.len(), 1);
    let file = place.file(id, "words");
    // It is made in the background once a recording is sealed.
    while !file.exists() {
        tokio::task::yield_now().await;
    }
    let bytes = std::fs::read(&file).unwrap();
    for cut in (0..bytes.len()).step_by(7) {
        std::fs::write(&file, &bytes[..cut]).unwrap();
        assert_eq!(found(&place, id, "café"), whole, "cut at {cut}");
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        std::fs::write(&file, damaged).unwrap();
        assert_eq!(found(&place, id, "café"), whole, "byte {at}");
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(found(&place, id, "café"), whole);
}

#[tokio::test]
async fn a_running_recording_is_searched_as_far_as_it_goes() {
    let place = Place::new();
    let (id, recorder) = place.start().await;
    recorder.write(terminal(0)).await.unwrap();
    recorder.write(output(0, "rm -rf /srv\r\n")).await.unwrap();
    let mut durable = recorder.durable();
    while durable.frames() < 2 {
        durable.grown().await.unwrap();
    }
    assert_eq!(found(&place, id, "\"rm -rf\"").len(), 1);
}

#[tokio::test]
async fn a_search_ends_when_enough_was_seen() {
    let place = Place::new();
    let (id, _) = place.record(&session()).await;
    let seen = place.recordings.search(id, &filter(""), 1).unwrap().len();
    assert_eq!(seen, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_word_of_a_commands_output_is_found(words in prop::collection::vec("[a-z]{3,9}", 1..60), breaks in prop::collection::vec(1_usize..30, 0..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let place = Place::new();
            let text = words.join("\n") + "\n";
            let mut frames = vec![(0, Frame::Command { channel: 0, command: "cat".into() })];
            let mut rest = text.as_str();
            for at in breaks.iter().copied().chain([usize::MAX]) {
                let (head, tail) = rest.split_at(at.min(rest.len()));
                if !head.is_empty() { frames.push((10, output(0, head))); }
                rest = tail;
            }
            let (id, _) = place.record(&frames).await;
            for word in &words {
                prop_assert!(!found(&place, id, &format!("\"{word}\"")).is_empty(), "{}", word);
            }
            Ok(())
        })?;
    }
}
