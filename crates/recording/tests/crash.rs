//! A writer that is killed loses nothing that it knew to be durable.

#![allow(clippy::unwrap_used)]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use common::Place;
use recording::Frame;

#[test]
fn a_killed_writer_loses_nothing_durable() {
    let built = std::env::current_exe().unwrap();
    let writer = built.parent().unwrap().with_file_name("examples").join("recording_writer");
    if !writer.exists() {
        eprintln!("skipped: the example recording_writer is not built; run all targets of this crate");
        return;
    }
    for kill_after in [1, 2, 3] {
        let place = Place::new();
        let mut child =
            Command::new(&writer).arg(place.folder.path()).arg("700").stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let id = first.strip_prefix("session ").unwrap().parse().unwrap();
        let mut durable = 0;
        for line in lines.by_ref().take(kill_after) {
            durable = line.unwrap().strip_prefix("durable ").unwrap().parse().unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let recovered = place.recordings.recover().unwrap();
        let seal = recovered[0].seal.clone().unwrap();
        assert!(seal.truncated && seal.frames >= durable, "{seal:?}, of which {durable} were durable");
        let mut number = 0u64;
        for timed in place.recordings.read(id).unwrap() {
            let Frame::Output { bytes, .. } = timed.unwrap().frame else { panic!("only output was written") };
            assert!(bytes.starts_with(format!("{number} ").as_bytes()), "frame {number} is another");
            number += 1;
        }
        assert_eq!(number, seal.frames);
        assert_eq!(place.recordings.read(id).unwrap().verify().unwrap(), seal);
    }
}
