//! For tests: conversations of two sides, cut up in any way, run through a decoder.

use std::fmt::Write as _;

use bytes::Bytes;
use proptest::prelude::*;

use super::file_tap::{FileFact, Step};
use super::{scp, sftp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

/// What each side says, in order.
pub(super) type Transcript = Vec<(Side, Vec<u8>)>;

/// Either decoder.
pub(super) trait Tap {
    fn take(&mut self, side: Side, bytes: Bytes) -> Result<Vec<Step>, String>;
    fn end(self) -> Vec<FileFact>;
}

macro_rules! tap {
    ($decoder:ty) => {
        impl Tap for $decoder {
            fn take(&mut self, side: Side, bytes: Bytes) -> Result<Vec<Step>, String> {
                match side {
                    Side::Client => self.client(bytes),
                    Side::Server => self.server(bytes),
                }
                .map_err(|error| error.to_string())
            }

            fn end(self) -> Vec<FileFact> {
                self.finish()
            }
        }
    };
}

tap!(sftp::Decoder);
tap!(scp::Decoder);

/// What came of a conversation.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Outcome {
    pub(super) facts: Vec<FileFact>,
    pub(super) at_end: Vec<FileFact>,
    pub(super) to_server: Vec<u8>,
    pub(super) to_client: Vec<u8>,
    pub(super) error: Option<String>,
}

/// Runs a conversation up to its end or its first error.
pub(super) fn run(mut tap: impl Tap, transcript: &Transcript) -> Outcome {
    let mut outcome = Outcome::default();
    for (side, bytes) in transcript {
        match tap.take(*side, Bytes::copy_from_slice(bytes)) {
            Ok(steps) => steps.into_iter().for_each(|step| outcome.take(*side, step)),
            Err(error) => {
                outcome.error = Some(error);
                break;
            }
        }
    }
    outcome.at_end = tap.end();
    outcome
}

impl Outcome {
    fn take(&mut self, side: Side, step: Step) {
        match side {
            Side::Client => self.to_server.extend_from_slice(step.bytes()),
            Side::Server => self.to_client.extend_from_slice(step.bytes()),
        }
        if let Step::Hold { facts, .. } = step {
            assert!(!facts.is_empty(), "a hold without a fact");
            self.facts.extend(facts);
        }
    }
}

/// Writes every step and fact, one a line.
pub(super) fn story(mut tap: impl Tap, transcript: &Transcript) -> String {
    let mut story = String::new();
    for (side, bytes) in transcript {
        match tap.take(*side, Bytes::copy_from_slice(bytes)) {
            Ok(steps) => steps.iter().for_each(|step| tell(&mut story, *side, step)),
            Err(error) => {
                writeln!(story, "{side:?} error: {error}").unwrap();
                break;
            }
        }
    }
    for fact in tap.end() {
        writeln!(story, "end: {}", line(&fact)).unwrap();
    }
    story
}

fn tell(story: &mut String, side: Side, step: &Step) {
    match step {
        Step::Pass(bytes) => writeln!(story, "{side:?} pass {}", bytes.len()).unwrap(),
        Step::Hold { facts, bytes } => {
            writeln!(story, "{side:?} hold {} for", bytes.len()).unwrap();
            facts.iter().for_each(|fact| writeln!(story, "  {}", line(fact)).unwrap());
        }
    }
}

fn line(fact: &FileFact) -> String {
    let failure = fact.failure.as_ref().map_or(String::new(), |reason| format!(" FAILED {reason:?}"));
    let detail = format!("{:?}", fact.detail);
    let fields = detail.split_once('(').map_or(detail.as_str(), |(_, fields)| fields);
    format!("{}{failure} {}", fact.detail.kind(), fields.trim_end_matches(')'))
}

/// Joins what one side says in a row and cuts it anew, at random places.
pub(super) fn recut(transcript: Transcript) -> impl Strategy<Value = Transcript> {
    let mut joined: Transcript = Vec::new();
    for (side, bytes) in transcript {
        match joined.last_mut() {
            Some((last, before)) if *last == side => before.extend(bytes),
            _ => joined.push((side, bytes)),
        }
    }
    let pieces = proptest::collection::vec(prop_oneof![1..4usize, 1..40usize, 1..2000usize], 1..60);
    pieces.prop_map(move |sizes| {
        let mut sizes = sizes.into_iter().cycle();
        let mut cut = Vec::new();
        for (side, bytes) in &joined {
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let size = sizes.next().unwrap_or(1).min(rest.len());
                cut.push((*side, rest[..size].to_vec()));
                rest = &rest[size..];
            }
        }
        cut
    })
}

/// Checks that forwarded bytes are a prefix of the bytes that came.
pub(super) fn forwards_only_what_came(outcome: &Outcome, transcript: &Transcript) -> bool {
    let said = |wanted: Side| -> Vec<u8> {
        transcript.iter().filter(|(side, _)| *side == wanted).flat_map(|(_, bytes)| bytes.clone()).collect()
    };
    said(Side::Client).starts_with(&outcome.to_server) && said(Side::Server).starts_with(&outcome.to_client)
}
