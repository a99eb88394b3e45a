//! Conversations made by hand, in every cut; hostile ones; and bytes that are no conversation at all.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::ssh::transcript::Side::{Client, Server};
use crate::ssh::transcript::{Side, Transcript, forwards_only_what_came, recut, run, story};

fn decoder(command: &str) -> Decoder {
    Decoder::new(ScpCommand::parse(command.as_bytes()).expect("the test's own command line"))
}

fn talk(lines: &[(Side, &str)]) -> Transcript {
    lines.iter().map(|(side, line)| (*side, line.as_bytes().to_vec())).collect()
}

fn check(command: &str, lines: &[(Side, &str)], expect: Expect) {
    expect.assert_eq(&story(decoder(command), &talk(lines)));
}

/// What clients say when folders are sent with their times.
const FOLDER: &[(Side, &str)] = &[
    (Server, "\0"),
    (Client, "T1700000000 0 1700000001 0\n"),
    (Server, "\0"),
    (Client, "D0755 0 logs\n"),
    (Server, "\0"),
    (Client, "C0640 5 a b.txt\n"),
    (Server, "\0"),
    (Client, "hello\0"),
    (Server, "\0"),
    (Client, "C0640 0 empty\n"),
    (Server, "\0"),
    (Client, "\0"),
    (Server, "\0"),
    (Client, "E\n"),
    (Server, "\0"),
];

#[test]
fn an_upload_is_announced_before_its_record_goes_on() {
    check(
        "scp -r -p -d -t /srv",
        FOLDER,
        expect![[r#"
        Server pass 1
        Client pass 27
        Server pass 1
        Client hold 13 for
          file.create_folder Named { path: "/srv/logs", operation: "scp folder" }
          file.set_attributes Attributes { path: "/srv/logs", attributes: {"atime": "1700000001", "mtime": "1700000000", "permissions": "0755"} }
        Server pass 1
        Client hold 16 for
          file.open Opened { path: "/srv/logs/a b.txt", protocol: "scp", flags: ["write", "create", "truncate"] }
          file.set_attributes Attributes { path: "/srv/logs/a b.txt", attributes: {"permissions": "0640"} }
        Server pass 1
        Client pass 6
        Server hold 1 for
          file.upload Moved { path: "/srv/logs/a b.txt", protocol: "scp", direction: "upload", bytes: 5, sha256: Some("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"), contiguous: true }
        Client hold 14 for
          file.open Opened { path: "/srv/logs/empty", protocol: "scp", flags: ["write", "create", "truncate"] }
          file.set_attributes Attributes { path: "/srv/logs/empty", attributes: {"permissions": "0640"} }
        Server pass 1
        Client pass 1
        Server hold 1 for
          file.upload Moved { path: "/srv/logs/empty", protocol: "scp", direction: "upload", bytes: 0, sha256: Some("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), contiguous: true }
        Client pass 2
        Server pass 1
    "#]],
    );
}

#[test]
fn a_download_waits_for_its_events() {
    check(
        "scp -r -f /var/logs",
        &[
            (Client, "\0"),
            (Server, "D0755 0 logs\n"),
            (Client, "\0"),
            (Server, "C0640 5 a\n"),
            (Client, "\0"),
            (Server, "hel"),
            (Server, "lo\0"),
            (Client, "\0"),
            (Server, "\u{1}scp: /var/logs/b: Permission denied\n"),
            (Server, "E\n"),
            (Client, "\0"),
        ],
        expect![[r#"
            Client pass 1
            Server hold 13 for
              file.list Named { path: "/var/logs", operation: "scp folder" }
            Client pass 1
            Server hold 10 for
              file.open Opened { path: "/var/logs/a", protocol: "scp", flags: ["read"] }
            Client pass 1
            Server pass 3
            Server pass 3
            Client hold 1 for
              file.download Moved { path: "/var/logs/a", protocol: "scp", direction: "download", bytes: 5, sha256: Some("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"), contiguous: true }
            Server hold 37 for
              file.open FAILED "scp: /var/logs/b: Permission denied" Opened { path: "/var/logs", protocol: "scp", flags: ["read"] }
            Server pass 2
            Client pass 1
        "#]],
    );
}

#[test]
fn refusals_and_broken_content_are_failures() {
    check(
        "scp -t /srv/x",
        &[
            (Server, "\0"),
            (Client, "C0640 5 a\n"),
            (Server, "\u{1}scp: /srv/x: Permission denied\n"),
            (Client, "C0640 5 b\n"),
            (Server, "\0"),
            (Client, "hello"),
            (Client, "\u{1}scp: b: Input/output error\n"),
            (Server, "\0"),
            (Client, "C0640 5 c\n"),
            (Server, "\0"),
            (Client, "hello"),
            (Server, "\u{1}scp: /srv/x: No space left on device\n"),
            (Client, "\0"),
        ],
        expect![[r#"
            Server pass 1
            Client hold 10 for
              file.open Opened { path: "/srv/x[/a]", protocol: "scp", flags: ["write", "create", "truncate"] }
            Server hold 32 for
              file.open FAILED "scp: /srv/x: Permission denied" Opened { path: "/srv/x[/a]", protocol: "scp", flags: ["write", "create", "truncate"] }
            Client hold 10 for
              file.open Opened { path: "/srv/x[/b]", protocol: "scp", flags: ["write", "create", "truncate"] }
            Server pass 1
            Client pass 5
            Client pass 28
            Server hold 1 for
              file.upload FAILED "scp: b: Input/output error" Moved { path: "/srv/x[/b]", protocol: "scp", direction: "upload", bytes: 5, sha256: Some("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"), contiguous: true }
            Client hold 10 for
              file.open Opened { path: "/srv/x[/c]", protocol: "scp", flags: ["write", "create", "truncate"] }
            Server pass 1
            Client pass 5
            Server pass 38
            Client hold 1 for
              file.upload FAILED "scp: /srv/x: No space left on device" Moved { path: "/srv/x[/c]", protocol: "scp", direction: "upload", bytes: 5, sha256: Some("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"), contiguous: true }
        "#]],
    );
    check(
        "scp -f /missing",
        &[(Client, "\0"), (Server, "\u{1}scp: /missing: No such file\n")],
        expect![[r#"
            Client pass 1
            Server hold 29 for
              file.open FAILED "scp: /missing: No such file" Opened { path: "/missing", protocol: "scp", flags: ["read"] }
        "#]],
    );
    check(
        "scp -d -t /missing",
        &[(Server, "\u{1}scp: /missing: No such file\n")],
        expect![[r#"
        Server hold 29 for
          file.open FAILED "scp: /missing: No such file" Opened { path: "/missing", protocol: "scp", flags: ["write", "create", "truncate"] }
    "#]],
    );
}

#[test]
fn what_is_under_way_at_the_end_is_stated_as_failed() {
    check(
        "scp -t /srv/",
        &[(Server, "\0"), (Client, "C0640 5 a\n"), (Server, "\0"), (Client, "hel")],
        expect![[r#"
            Server pass 1
            Client hold 10 for
              file.open Opened { path: "/srv/a", protocol: "scp", flags: ["write", "create", "truncate"] }
            Server pass 1
            Client pass 3
            end: file.upload FAILED "the session ended before the file was complete" Moved { path: "/srv/a", protocol: "scp", direction: "upload", bytes: 3, sha256: Some("d6a81f224bbf2f7c22baddbd5d40730eb20cfb0b3d74e10cab61788214caceb1"), contiguous: true }
        "#]],
    );
    check(
        "scp -t /srv/",
        &[(Server, "\0"), (Client, "C0640 5 a\n")],
        expect![[r#"
        Server pass 1
        Client hold 10 for
          file.open Opened { path: "/srv/a", protocol: "scp", flags: ["write", "create", "truncate"] }
        end: file.open FAILED "the session ended before the record was answered" Opened { path: "/srv/a", protocol: "scp", flags: ["write", "create", "truncate"] }
    "#]],
    );
}

#[test]
fn a_sink_may_answer_early() {
    check(
        "scp -f a*",
        &[(Client, "\0\0\0"), (Server, "C0640 5 ab\nhello\0")],
        expect![[r#"
        Client pass 3
        Server hold 11 for
          file.open Opened { path: "*/ab", protocol: "scp", flags: ["read"] }
        Server pass 5
        Server hold 1 for
          file.download Moved { path: "*/ab", protocol: "scp", direction: "download", bytes: 5, sha256: Some("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"), contiguous: true }
    "#]],
    );
}

#[test]
fn a_record_that_cannot_be_followed_ends_the_channel() {
    let fails = |lines: &[(Side, &str)]| {
        let lines: Vec<_> = [&[(Server, "\0")], lines].concat();
        run(decoder("scp -r -t /srv"), &talk(&lines)).error.unwrap_or_default()
    };
    let failures = [
        fails(&[(Client, "C0640 5 a\nhello")]),
        fails(&[(Client, "C0640 5 ../a\n")]),
        fails(&[(Client, "D0755 0 ..\n")]),
        fails(&[(Client, "C0640 5 \n")]),
        fails(&[(Client, "C640 5 a\n")]),
        fails(&[(Client, "C0648 5 a\n")]),
        fails(&[(Client, "C0640 -5 a\n")]),
        fails(&[(Client, "C0640 9223372036854775808 a\n")]),
        fails(&[(Client, "T1 0 1\n")]),
        fails(&[(Client, "E\n")]),
        fails(&[(Client, "X\n")]),
        fails(&[(Client, "\n")]),
        fails(&[(Client, &format!("C0640 5 {}\n", "a".repeat(3000)))]),
    ];
    expect![[r#"
        scp source went on before the answer to its record; wait for it, or use sftp
        scp record names "../a", which is no plain file name
        scp record names "..", which is no plain file name
        scp record names "", which is no plain file name
        scp record cannot be read at its mode
        scp record cannot be read at its mode
        scp record cannot be read at its size
        scp record cannot be read at its size
        scp record cannot be read at its microseconds
        scp source left a folder that it had not entered
        scp record cannot be read at its type
        scp record cannot be read at its type
        scp line is longer than 2047 bytes"#]]
    .assert_eq(&failures.join("\n"));
}

#[test]
fn an_error_keeps_what_happened_and_drops_what_was_only_announced() {
    let upload = talk(&[(Server, "\0"), (Client, "C0640 5 a\nhello")]);
    let outcome = run(decoder("scp -t /srv/"), &upload);
    assert!(outcome.at_end.iter().all(|fact| fact.failure.is_some()));

    let download =
        talk(&[(Client, "\0"), (Server, "C0640 0 a\n"), (Client, "\0"), (Server, "\u{1}gone\nX\n")]);
    let outcome = run(decoder("scp -f /srv/a"), &download);
    assert_eq!(outcome.error, Some(ScpError::NotAwaited.to_string()));
    assert_eq!(outcome.at_end.len(), 1);

    let answered = talk(&[(Client, "\0"), (Server, "\u{1}no such file\nX\n")]);
    let outcome = run(decoder("scp -f /srv/a"), &answered);
    assert_eq!(outcome.at_end[0].failure.as_deref(), Some("no such file"));
}

#[test]
fn answers_sent_ahead_are_limited() {
    let ahead = vec![(Client, vec![0; MAX_EARLY_ANSWERS + 2])];
    assert_eq!(run(decoder("scp -f a"), &ahead).error, Some(ScpError::TooManyAnswers.to_string()));
}

#[test]
fn folders_cannot_nest_without_end() {
    let mut lines = vec![(Server, b"\0".to_vec())];
    for _ in 0..40 {
        lines.push((Client, format!("D0755 0 {}\n", "a".repeat(2000)).into_bytes()));
        lines.push((Server, b"\0".to_vec()));
    }
    assert_eq!(run(decoder("scp -r -t /srv"), &lines).error, Some(ScpError::TooDeep.to_string()));
}

#[test]
fn paths_are_named_as_far_as_they_can_be_known() {
    let path = |command: &str, name: &str| {
        let (source, sink) = if command.contains("-t") { (Client, Server) } else { (Server, Client) };
        let lines = talk(&[(sink, "\0"), (source, &format!("C0640 0 {name}\n"))]);
        match &run(decoder(command), &lines).facts[0].detail {
            event::Detail::FileOpen(opened) => opened.path.clone(),
            other => panic!("no open but {other:?}"),
        }
    };
    let paths = [
        path("scp -t .", "a"),
        path("scp -t /srv/", "a"),
        path("scp -d -t /srv", "a"),
        path("scp -t /srv", "a"),
        path("scp -f /srv/a", "a"),
        path("scp -f /srv/a/", "a"),
        path("scp -f /srv/a /tmp/b", "b"),
        path("scp -f /srv/a /tmp/a", "a"),
        path("scp -f /srv/*.txt", "a.txt"),
    ];
    expect![[r#"
        ./a
        /srv/a
        /srv/a
        /srv[/a]
        /srv/a
        /srv/a
        /tmp/b
        */a
        */a.txt"#]]
    .assert_eq(&paths.join("\n"));
}

proptest! {
    #[test]
    fn every_cut_of_a_conversation_gives_the_same_facts(cut in recut(talk(FOLDER))) {
        let decoder = || decoder("scp -r -p -t /srv");
        prop_assert_eq!(run(decoder(), &cut), run(decoder(), &talk(FOLDER)));
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        cut in recut(talk(FOLDER)),
        garbage in proptest::collection::vec(any::<u8>(), 0..300),
        at in any::<prop::sample::Index>(),
        command in prop_oneof![Just("scp -t x"), Just("scp -f x")],
    ) {
        let mut damaged = cut;
        let piece = at.index(damaged.len());
        damaged[piece].1 = garbage;
        let outcome = run(decoder(command), &damaged);
        prop_assert!(forwards_only_what_came(&outcome, &damaged));
    }
}
