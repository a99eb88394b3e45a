//! Conversations made by hand, in every cut; hostile ones; and bytes that are no conversation at all.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::ssh::file_tap::FileFact;
use crate::ssh::transcript::Side::{Client, Server};
use crate::ssh::transcript::{Transcript, forwards_only_what_came, recut, run, story};

/// Builds a packet field by field.
struct Packet(Vec<u8>);

fn packet(kind: u8) -> Packet {
    Packet(vec![kind])
}

impl Packet {
    fn u32(mut self, value: u32) -> Packet {
        self.0.extend(value.to_be_bytes());
        self
    }

    fn u64(mut self, value: u64) -> Packet {
        self.0.extend(value.to_be_bytes());
        self
    }

    fn string(self, value: impl AsRef<[u8]>) -> Packet {
        let value = value.as_ref();
        let mut packet = self.u32(u32::try_from(value.len()).unwrap());
        packet.0.extend(value);
        packet
    }

    fn done(self) -> Vec<u8> {
        let mut bytes = u32::try_from(self.0.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend(self.0);
        bytes
    }
}

fn agreed() -> Transcript {
    vec![(Client, packet(wire::INIT).u32(3).done()), (Server, packet(wire::VERSION).u32(3).done())]
}

fn after_agreement(rest: Transcript) -> Transcript {
    [agreed(), rest].concat()
}

fn open(id: u32, path: &str, flags: u32) -> Vec<u8> {
    packet(wire::OPEN).u32(id).string(path).u32(flags).u32(0).done()
}

fn handle(id: u32, handle: &str) -> Vec<u8> {
    packet(wire::HANDLE).u32(id).string(handle).done()
}

fn close(id: u32, handle: &str) -> Vec<u8> {
    packet(wire::CLOSE).u32(id).string(handle).done()
}

fn read(id: u32, handle: &str, offset: u64, length: u32) -> Vec<u8> {
    packet(wire::READ).u32(id).string(handle).u64(offset).u32(length).done()
}

fn write(id: u32, handle: &str, offset: u64, content: &[u8]) -> Vec<u8> {
    packet(wire::WRITE).u32(id).string(handle).u64(offset).string(content).done()
}

fn content(id: u32, content: &[u8]) -> Vec<u8> {
    packet(wire::DATA).u32(id).string(content).done()
}

fn status(id: u32, code: u32, message: &str) -> Vec<u8> {
    packet(wire::STATUS).u32(id).u32(code).string(message).string("").done()
}

fn path_request(kind: u8, id: u32, path: &str) -> Vec<u8> {
    packet(kind).u32(id).string(path).done()
}

fn check(transcript: Transcript, expect: Expect) {
    expect.assert_eq(&story(Decoder::new(), &after_agreement(transcript)));
}

const READ: u32 = 1;
const WRITE: u32 = 2 | 8 | 16;

#[test]
fn an_upload_is_announced_before_it_is_opened_and_stated_when_closed() {
    check(
        vec![
            (Client, open(1, "/srv/a", WRITE)),
            (Server, handle(1, "h")),
            (Client, write(2, "h", 0, b"hello ")),
            (Client, write(3, "h", 6, b"world")),
            (Server, [status(2, 0, ""), status(3, 0, "")].concat()),
            (Client, close(4, "h")),
            (Server, status(4, 0, "")),
        ],
        expect![[r#"
            Client pass 9
            Server pass 9
            Client hold 27 for
              file.open Opened { path: "/srv/a", protocol: "sftp", flags: ["write", "create", "truncate"] }
            Server pass 14
            Client pass 32
            Client pass 31
            Server pass 42
            Client pass 14
            Server hold 21 for
              file.upload Moved { path: "/srv/a", protocol: "sftp", direction: "upload", bytes: 11, sha256: Some("b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"), contiguous: true }
        "#]],
    );
}

#[test]
fn a_download_is_stated_even_when_answers_overtake_each_other() {
    check(
        vec![
            (Client, open(1, "/srv/a", READ)),
            (Server, handle(1, "h")),
            (Client, [read(2, "h", 0, 6), read(3, "h", 6, 100), read(4, "h", 106, 100)].concat()),
            (Server, content(3, b"world")),
            (Server, status(4, wire::END_OF_FILE, "End of file")),
            (Server, content(2, b"hello ")),
            (Client, close(5, "h")),
            (Server, status(5, 0, "")),
        ],
        expect![[r#"
            Client pass 9
            Server pass 9
            Client pass 27
            Server hold 14 for
              file.open Opened { path: "/srv/a", protocol: "sftp", flags: ["read"] }
            Client pass 78
            Server pass 18
            Server pass 32
            Server pass 19
            Client pass 14
            Server hold 21 for
              file.download Moved { path: "/srv/a", protocol: "sftp", direction: "download", bytes: 11, sha256: Some("b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"), contiguous: true }
        "#]],
    );
}

#[test]
fn a_refused_change_is_stated_twice_as_intent_and_as_failure() {
    check(
        vec![
            (Client, path_request(wire::REMOVE, 1, "/etc/passwd")),
            (Server, status(1, 3, "Permission denied")),
            (Client, open(2, "/etc/shadow", WRITE)),
            (Server, status(2, 3, "")),
            (Client, open(3, "/root/x", READ)),
            (Server, status(3, 2, "No such file")),
            (Client, open(4, "/full/x", WRITE)),
            (Server, handle(4, "h")),
            (Client, write(5, "h", 0, b"hello")),
            (Server, status(5, 4, "No space left on device")),
            (Client, close(6, "h")),
            (Server, status(6, 0, "")),
        ],
        expect![[r#"
            Client pass 9
            Server pass 9
            Client hold 24 for
              file.remove Named { path: "/etc/passwd", operation: "remove" }
            Server hold 38 for
              file.remove FAILED "Permission denied" Named { path: "/etc/passwd", operation: "remove" }
            Client hold 32 for
              file.open Opened { path: "/etc/shadow", protocol: "sftp", flags: ["write", "create", "truncate"] }
            Server hold 21 for
              file.open FAILED "Permission denied" Opened { path: "/etc/shadow", protocol: "sftp", flags: ["write", "create", "truncate"] }
            Client pass 28
            Server hold 33 for
              file.open FAILED "No such file" Opened { path: "/root/x", protocol: "sftp", flags: ["read"] }
            Client hold 28 for
              file.open Opened { path: "/full/x", protocol: "sftp", flags: ["write", "create", "truncate"] }
            Server pass 14
            Client pass 31
            Server pass 44
            Client pass 14
            Server hold 21 for
              file.upload FAILED "No space left on device" Moved { path: "/full/x", protocol: "sftp", direction: "upload", bytes: 5, sha256: Some("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"), contiguous: true }
        "#]],
    );
}

#[test]
fn every_kind_of_change_waits_for_its_event() {
    let attributes = |packet: Packet| packet.u32(0x8d).u64(9).u32(0o100_640).u32(7).u32(8).u32(0).done();
    let two = |kind: u8, id: u32| packet(kind).u32(id).string("/a").string("/b").done();
    let extended = |id: u32, name: &str| packet(wire::EXTENDED).u32(id).string(name);
    check(
        vec![
            (Client, packet(wire::MKDIR).u32(1).string("/d").u32(0).done()),
            (Client, path_request(wire::RMDIR, 2, "/d")),
            (Client, two(wire::RENAME, 3)),
            (Client, two(wire::SYMLINK, 4)),
            (Client, attributes(packet(wire::SETSTAT).u32(5).string("/a"))),
            (Client, extended(6, "posix-rename@openssh.com").string("/a").string("/b").done()),
            (Client, extended(7, "hardlink@openssh.com").string("/a").string("/b").done()),
            (Client, attributes(extended(8, "lsetstat@openssh.com").string("/a"))),
            (Client, extended(9, "never-heard@example.com").string("/a").done()),
            (Server, (1..9).flat_map(|id| status(id, 0, "")).collect()),
            (Server, packet(wire::EXTENDED_REPLY).u32(9).done()),
            (Client, open(10, "/a", READ | WRITE)),
            (Server, handle(10, "h")),
            (Client, attributes(packet(wire::FSETSTAT).u32(11).string("h"))),
            (Client, extended(12, "copy-data").string("h").u64(0).u64(0).string("h").u64(0).done()),
            (Client, extended(13, "fsync@openssh.com").string("h").done()),
            (Server, (11..14).flat_map(|id| status(id, 0, "")).collect()),
            (Client, close(14, "h")),
            (Server, status(14, 0, "")),
        ],
        expect![[r#"
            Client pass 9
            Server pass 9
            Client hold 19 for
              file.create_folder Named { path: "/d", operation: "mkdir" }
            Client hold 15 for
              file.remove_folder Named { path: "/d", operation: "rmdir" }
            Client hold 21 for
              file.rename Linked { path: "/a", new_path: "/b", operation: "rename" }
            Client hold 21 for
              file.link Linked { path: "/a", new_path: "/b", operation: "symlink" }
            Client error: sftp packet of type 9 cannot be read at its attribute flags
            end: file.create_folder FAILED "the session ended before the server answered" Named { path: "/d", operation: "mkdir" }
            end: file.remove_folder FAILED "the session ended before the server answered" Named { path: "/d", operation: "rmdir" }
            end: file.rename FAILED "the session ended before the server answered" Linked { path: "/a", new_path: "/b", operation: "rename" }
            end: file.link FAILED "the session ended before the server answered" Linked { path: "/a", new_path: "/b", operation: "symlink" }
        "#]],
    );
}

#[test]
fn the_answer_to_a_question_waits_for_its_event() {
    let extended = |id: u32, name: &str| packet(wire::EXTENDED).u32(id).string(name);
    let name = |id: u32| packet(wire::NAME).u32(id).u32(1).string("/x").string("/x").u32(0).done();
    check(
        vec![
            (Client, path_request(wire::REALPATH, 1, ".")),
            (Server, name(1)),
            (Client, path_request(wire::STAT, 2, "/a")),
            (Server, packet(wire::ATTRS).u32(2).u32(0).done()),
            (Client, path_request(wire::LSTAT, 3, "/b")),
            (Server, status(3, 2, "No such file")),
            (Client, path_request(wire::OPENDIR, 4, "/d")),
            (Server, handle(4, "d")),
            (Client, path_request(wire::READDIR, 5, "d")),
            (Server, name(5)),
            (Client, path_request(wire::READDIR, 6, "d")),
            (Server, status(6, 1, "")),
            (Client, close(7, "d")),
            (Server, status(7, 0, "")),
            (Client, extended(8, "statvfs@openssh.com").string("/").done()),
            (Server, packet(wire::EXTENDED_REPLY).u32(8).u64(0).done()),
            (Client, extended(9, "limits@openssh.com").done()),
            (Server, packet(wire::EXTENDED_REPLY).u32(9).u64(0).done()),
        ],
        expect![[r#"
            Client pass 9
            Server pass 9
            Client pass 14
            Server hold 9 for
              file.stat Named { path: ".", operation: "realpath" }
            Server pass 20
            Client pass 15
            Server hold 9 for
              file.stat Named { path: "/a", operation: "stat" }
            Server pass 4
            Client pass 15
            Server hold 33 for
              file.stat FAILED "No such file" Named { path: "/b", operation: "lstat" }
            Client pass 15
            Server hold 14 for
              file.list Named { path: "/d", operation: "opendir" }
            Client pass 14
            Server pass 29
            Client pass 14
            Server pass 21
            Client pass 14
            Server pass 21
            Client pass 37
            Server hold 9 for
              file.extended Extended { name: "statvfs@openssh.com", path: Some("/"), bytes: 37 }
            Server pass 8
            Client pass 31
            Server pass 17
        "#]],
    );
}

#[test]
fn what_is_open_or_unanswered_at_the_end_is_stated_as_failed() {
    check(
        vec![
            (Client, open(1, "/a", WRITE)),
            (Server, handle(1, "h")),
            (Client, write(2, "h", 0, b"hello")),
            (Client, path_request(wire::REMOVE, 3, "/b")),
        ],
        expect![[r#"
            Client pass 9
            Server pass 9
            Client hold 23 for
              file.open Opened { path: "/a", protocol: "sftp", flags: ["write", "create", "truncate"] }
            Server pass 14
            Client pass 31
            Client hold 15 for
              file.remove Named { path: "/b", operation: "remove" }
            end: file.remove FAILED "the session ended before the server answered" Named { path: "/b", operation: "remove" }
            end: file.upload FAILED "the session ended before the file was closed" Moved { path: "/a", protocol: "sftp", direction: "upload", bytes: 5, sha256: Some("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"), contiguous: true }
        "#]],
    );
}

#[test]
fn content_out_of_place_has_no_digest_but_is_counted() {
    let upload = |flags: u32, writes: &[(u64, &[u8])]| {
        let mut transcript = vec![(Client, open(1, "/a", flags)), (Server, handle(1, "h"))];
        for (id, (offset, bytes)) in (2..).zip(writes) {
            transcript.push((Client, write(id, "h", *offset, bytes)));
            transcript.push((Server, status(id, 0, "")));
        }
        transcript.extend([(Client, close(99, "h")), (Server, status(99, 0, ""))]);
        let outcome = run(Decoder::new(), &after_agreement(transcript));
        match outcome.facts.last().map(|fact| fact.detail.clone()) {
            Some(event::Detail::FileUpload(moved)) => (moved.bytes, moved.sha256.is_some(), moved.contiguous),
            other => panic!("no upload but {other:?}"),
        }
    };
    assert_eq!(upload(WRITE, &[]), (0, true, true), "an empty file");
    assert_eq!(upload(WRITE, &[(5, b"world"), (0, b"hello")]), (10, false, false), "below the first offset");
    assert_eq!(upload(WRITE, &[(0, b"he"), (5, b"world"), (2, b"llo")]), (10, true, true), "a late part");
    assert_eq!(upload(WRITE, &[(0, b"he"), (3, b"lo")]), (4, false, false), "a gap");
    assert_eq!(upload(WRITE, &[(0, b"hello"), (3, b"lo")]), (7, false, false), "an overlap");
    assert_eq!(upload(WRITE, &[(7, b"hello"), (12, b"!")]), (6, true, false), "a resumed upload");
    assert_eq!(upload(WRITE | 4, &[(0, b"hello")]), (5, true, false), "an append");
    assert_eq!(upload(WRITE, &[(u64::MAX, b"hello")]), (5, false, false), "past the end of numbers");
}

#[test]
fn chunks_that_overtake_are_kept_only_up_to_the_window() {
    let chunk = vec![7; 256 << 10];
    let mut decoder = Decoder::new();
    let mut transcript = after_agreement(vec![(Client, open(1, "/a", WRITE)), (Server, handle(1, "h"))]);
    for id in 2..60u32 {
        transcript.push((Client, write(id, "h", u64::from(id) * chunk.len() as u64, &chunk)));
    }
    transcript[4] = (Client, write(2, "h", 0, b""));
    for (side, bytes) in transcript {
        let bytes = bytes::Bytes::from(bytes);
        match side {
            Client => decoder.client(bytes).unwrap(),
            Server => decoder.server(bytes).unwrap(),
        };
    }
    let facts = decoder.finish();
    assert!(matches!(
        &facts[..],
        [FileFact { detail: event::Detail::FileUpload(moved), .. }]
            if moved.sha256.is_none() && moved.bytes == 57 * chunk.len() as u64
    ));
}

#[test]
fn what_cannot_be_attributed_ends_the_channel() {
    let fails = |transcript: Transcript| run(Decoder::new(), &transcript).error.unwrap_or_default();
    let after = |transcript: Transcript| fails(after_agreement(transcript));
    let long = |kind: u8, length: u32| [length.to_be_bytes().as_slice(), &[kind], &[0; 20]].concat();
    let failures = [
        fails(vec![(Client, path_request(wire::REMOVE, 1, "/a"))]),
        fails(vec![
            (Client, packet(wire::INIT).u32(6).done()),
            (Server, packet(wire::VERSION).u32(6).done()),
        ]),
        after(vec![(Client, packet(wire::INIT).u32(3).done())]),
        after(vec![(Client, open(1, "/a", WRITE)), (Client, write(2, "h", 0, b"x"))]),
        after(vec![
            (Client, path_request(wire::REMOVE, 1, "/a")),
            (Client, path_request(wire::REMOVE, 1, "/b")),
        ]),
        after(vec![(Server, status(1, 0, ""))]),
        after(vec![(Client, path_request(wire::REMOVE, 1, "/a")), (Server, handle(1, "h"))]),
        after(vec![(Client, open(1, "/a", READ)), (Server, status(1, 0, ""))]),
        after(vec![(Client, packet(21).u32(1).done())]),
        after(vec![(Server, packet(106).u32(1).done())]),
        after(vec![(Client, long(wire::REMOVE, MAX_REQUEST_BYTES as u32))]),
        after(vec![(Client, long(wire::WRITE, MAX_PACKET_BYTES as u32 + 1))]),
        after(vec![(Server, long(wire::HANDLE, MAX_REPLY_BYTES as u32))]),
        after(vec![(Client, packet(wire::REMOVE).u32(1).u32(99).done())]),
        after(vec![(Client, packet(wire::CLOSE).u32(1).string([0; 257]).done())]),
        after(vec![(Client, vec![0, 0, 0, 0, 3])]),
    ];
    expect![[r#"
        sftp packets came out of order: the version must be agreed once, and first
        the server speaks sftp version 6, and only version 3 can be recorded
        sftp packets came out of order: the version must be agreed once, and first
        sftp request 2 names a handle that is not open
        sftp request id 1 is used again before its answer
        the server answered sftp request 1, which was not asked
        the server's answer to sftp request 1 does not fit the request
        the server's answer to sftp request 1 does not fit the request
        sftp packet type 21 is no request of version 3
        sftp packet type 106 is no reply of version 3
        sftp packet of 262148 bytes is longer than is taken; use smaller requests
        sftp packet of 1048577 bytes is longer than is taken; use smaller requests
        sftp packet of 65540 bytes is longer than is taken; use smaller requests
        sftp packet of type 13 cannot be read at its path
        sftp packet of type 4 cannot be read at its handle
        sftp packet of type 3 cannot be read at its type"#]]
    .assert_eq(&failures.join("\n"));
}

#[test]
fn a_closed_handle_cannot_be_written() {
    let transcript = after_agreement(vec![
        (Client, open(1, "/a", WRITE)),
        (Server, handle(1, "h")),
        (Client, close(2, "h")),
        (Client, write(3, "h", 0, b"x")),
    ]);
    assert_eq!(run(Decoder::new(), &transcript).error, Some(SftpError::UnknownHandle(3).to_string()));
}

#[test]
fn after_an_error_nothing_is_decoded_but_what_happened_is_stated() {
    let mut decoder = Decoder::new();
    for (side, bytes) in after_agreement(vec![(Client, path_request(wire::REMOVE, 1, "/a"))]) {
        match side {
            Client => decoder.client(bytes.into()).unwrap(),
            Server => decoder.server(bytes.into()).unwrap(),
        };
    }
    let both = [status(1, 3, "Permission denied"), status(9, 0, "")].concat();
    assert_eq!(decoder.server(both.into()), Err(SftpError::Unasked(9)));
    assert_eq!(decoder.client(agreed().remove(0).1.into()), Err(SftpError::Stopped));
    assert_eq!(decoder.finish()[0].failure.as_deref(), Some("Permission denied"));
}

#[test]
fn unanswered_requests_and_open_handles_are_limited() {
    let mut transcript = agreed();
    transcript.extend((0..=4096).map(|id| (Client, path_request(wire::STAT, id, "/a"))));
    assert_eq!(run(Decoder::new(), &transcript).error, Some(SftpError::TooManyRequests.to_string()));

    let mut transcript = agreed();
    for id in 0..=4096 {
        transcript.push((Client, open(id, "/a", READ)));
        transcript.push((Server, handle(id, &id.to_string())));
    }
    assert_eq!(run(Decoder::new(), &transcript).error, Some(SftpError::TooManyHandles.to_string()));

    let long = "x".repeat(4096);
    let mut transcript = agreed();
    transcript.extend((0..=2048).map(|id| (Client, path_request(wire::STAT, id, &long))));
    assert_eq!(run(Decoder::new(), &transcript).error, Some(SftpError::TooManyRequests.to_string()));
}

/// A conversation with a bit of everything.
fn rich() -> Transcript {
    let big = vec![42; 5000];
    after_agreement(vec![
        (Client, [path_request(wire::REALPATH, 1, "."), path_request(wire::LSTAT, 2, "/ä")].concat()),
        (Server, packet(wire::NAME).u32(1).u32(1).string("/home").string("").u32(0).done()),
        (Server, status(2, 2, "No such file")),
        (Client, [open(3, "/up", WRITE), open(4, "/down", READ)].concat()),
        (Server, [handle(4, "b"), handle(3, "a")].concat()),
        (Client, [write(5, "a", 0, &big), read(6, "b", 0, 3000), write(7, "a", 5000, b"tail")].concat()),
        (Client, [read(8, "b", 3000, 3000), read(9, "b", 6000, 3000)].concat()),
        (Server, [status(5, 0, ""), content(8, &big[..3000]), status(7, 0, "")].concat()),
        (Server, [content(6, &big[..3000]), content(9, b"")].concat()),
        (Client, [close(10, "a"), path_request(wire::REMOVE, 11, "/x"), close(12, "b")].concat()),
        (Server, [status(10, 0, ""), status(11, 3, "Permission denied"), status(12, 0, "")].concat()),
        (Client, path_request(wire::RMDIR, 13, "/left")),
    ])
}

#[test]
fn the_rich_conversation_runs_through() {
    let outcome = run(Decoder::new(), &rich());
    assert_eq!(outcome.error, None);
    assert_eq!(outcome.facts.len(), 9);
    assert_eq!(outcome.at_end.len(), 1);
}

fn garbage() -> impl Strategy<Value = Transcript> {
    let side = prop_oneof![Just(Client), Just(Server)];
    proptest::collection::vec((side, proptest::collection::vec(any::<u8>(), 0..200)), 0..20)
}

/// Packets whose frame is right and whose fields are not.
fn framed_garbage() -> impl Strategy<Value = Transcript> {
    let kind = prop_oneof![0..22u8, 100..107u8, 200..202u8];
    let small = prop_oneof![Just(0u8), Just(1), Just(2), Just(b'h'), any::<u8>()];
    let fields = proptest::collection::vec(small, 0..60);
    let side = prop_oneof![Just(Client), Just(Server)];
    let packets = (side, kind, fields).prop_map(|(side, kind, fields)| {
        let mut packet = packet(kind);
        packet.0.extend(fields);
        (side, packet.done())
    });
    proptest::collection::vec(packets, 0..20).prop_map(after_agreement)
}

proptest! {
    #[test]
    fn every_cut_of_a_conversation_gives_the_same_facts(cut in recut(rich())) {
        prop_assert_eq!(run(Decoder::new(), &cut), run(Decoder::new(), &rich()));
    }

    #[test]
    fn arbitrary_bytes_never_panic(garbage in prop_oneof![garbage(), framed_garbage()]) {
        let outcome = run(Decoder::new(), &garbage);
        prop_assert!(forwards_only_what_came(&outcome, &garbage));
        let garbage = after_agreement(garbage);
        let outcome = run(Decoder::new(), &garbage);
        prop_assert!(forwards_only_what_came(&outcome, &garbage));
    }

    #[test]
    fn a_damaged_conversation_never_panics(cut in recut(rich()), at in any::<prop::sample::Index>(), xor in 1u8..) {
        let mut damaged = cut;
        let piece = at.index(damaged.len());
        damaged[piece].1[0] ^= xor;
        let outcome = run(Decoder::new(), &damaged);
        prop_assert!(forwards_only_what_came(&outcome, &damaged));
    }
}
