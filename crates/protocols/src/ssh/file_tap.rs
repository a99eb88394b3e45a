//! What the file decoders hand to whoever forwards the bytes: steps, and the facts that must be lodged first.
//!
//! This is not a forwarder and does no input or output. The invariant: the bytes of the steps that one direction
//! returns, put end to end, are a prefix of the bytes that went in, unchanged; what is missing at the end is an
//! unfinished packet that the decoder keeps until the rest arrives. So whoever forwards steps, and only steps,
//! never lets an undecoded request through.

use bytes::{Bytes, BytesMut};
use event::Detail;

/// Says what a file operation did or is about to do.
#[derive(Clone, Debug, PartialEq)]
pub struct FileFact {
    /// The event's kind and detail.
    pub detail: Detail,
    /// Why it did not work, as the server said it; `None` for success and for an intent.
    pub failure: Option<String>,
}

impl FileFact {
    pub(super) fn done(detail: Detail) -> FileFact {
        FileFact { detail, failure: None }
    }

    pub(super) fn failed(detail: Detail, reason: impl Into<String>) -> FileFact {
        FileFact { detail, failure: Some(reason.into()) }
    }
}

/// What to do next with bytes of one direction. Steps are taken in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Forward these bytes at once.
    Pass(Bytes),
    /// Make every fact durable, then forward these bytes, and only then take the next step.
    Hold {
        /// The events to append, in order; never empty.
        facts: Vec<FileFact>,
        /// The bytes that wait for them.
        bytes: Bytes,
    },
}

impl Step {
    /// Returns the bytes that the step lets go.
    pub fn bytes(&self) -> &Bytes {
        match self {
            Step::Pass(bytes) | Step::Hold { bytes, .. } => bytes,
        }
    }
}

/// The start of a packet that has not wholly arrived.
#[derive(Debug, Default)]
pub(super) struct Carry {
    kept: BytesMut,
}

/// Walks over one slice of input and cuts it into steps, copying only packets that straddle two slices.
#[derive(Debug)]
pub(super) struct Cursor {
    source: Bytes,
    /// Start of the run of bytes that may pass but have not become a step yet.
    from: usize,
    at: usize,
    steps: Vec<Step>,
}

/// A packet's head: taken from the input, or put together from earlier slices.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) bytes: Bytes,
    carried: bool,
}

impl Cursor {
    pub(super) fn new(source: Bytes) -> Cursor {
        Cursor { source, from: 0, at: 0, steps: Vec::new() }
    }

    /// Returns the input that is still to be read.
    pub(super) fn rest(&self) -> &[u8] {
        &self.source[self.at..]
    }

    /// Takes a head of as many bytes as `need` asks for, or keeps what there is and returns `None`.
    ///
    /// `need` is asked again whenever more bytes are known; its answer for a longer prefix may be larger.
    pub(super) fn take<E>(
        &mut self,
        carry: &mut Carry,
        need: impl Fn(&[u8]) -> Result<usize, E>,
    ) -> Result<Option<Head>, E> {
        if carry.kept.is_empty() {
            let wanted = settle(self.rest(), &need)?;
            if wanted <= self.rest().len() {
                let bytes = self.source.slice(self.at..self.at + wanted);
                self.at += wanted;
                return Ok(Some(Head { bytes, carried: false }));
            }
        }
        loop {
            let wanted = need(&carry.kept)?;
            if wanted <= carry.kept.len() {
                return Ok(Some(Head { bytes: carry.kept.split().freeze(), carried: true }));
            }
            let more = (wanted - carry.kept.len()).min(self.rest().len());
            if more == 0 {
                return Ok(None);
            }
            self.flush(self.at);
            carry.kept.extend_from_slice(&self.source[self.at..self.at + more]);
            self.at += more;
            self.from = self.at;
        }
    }

    /// Lets a head go: at once, or after its facts.
    pub(super) fn release(&mut self, head: Head, facts: Vec<FileFact>) {
        match (head.carried, facts.is_empty()) {
            (false, true) => {}
            (true, true) => self.steps.push(Step::Pass(head.bytes)),
            (carried, false) => {
                if !carried {
                    self.flush(self.at - head.bytes.len());
                    self.from = self.at;
                }
                self.steps.push(Step::Hold { facts, bytes: head.bytes });
            }
        }
    }

    /// Takes up to `most` bytes of a packet's body. They pass unless [`Cursor::hold_last`] follows.
    pub(super) fn body(&mut self, most: u64) -> Bytes {
        let length = usize::try_from(most).unwrap_or(usize::MAX).min(self.rest().len());
        self.at += length;
        self.source.slice(self.at - length..self.at)
    }

    /// Makes the last `length` bytes that were taken wait for `facts`.
    pub(super) fn hold_last(&mut self, length: usize, facts: Vec<FileFact>) {
        self.flush(self.at - length);
        let bytes = self.source.slice(self.at - length..self.at);
        self.from = self.at;
        self.steps.push(Step::Hold { facts, bytes });
    }

    /// Returns the steps.
    pub(super) fn finish(mut self) -> Vec<Step> {
        self.flush(self.at);
        self.steps
    }

    /// Returns the facts of the steps, which will not be taken.
    pub(super) fn abandon(self) -> Vec<FileFact> {
        let held = self.steps.into_iter().filter_map(|step| match step {
            Step::Hold { facts, .. } => Some(facts),
            Step::Pass(_) => None,
        });
        held.flatten().collect()
    }

    fn flush(&mut self, to: usize) {
        if self.from < to {
            self.steps.push(Step::Pass(self.source.slice(self.from..to)));
        }
        self.from = to;
    }
}

/// Asks until the answer no longer grows with what is known.
fn settle<E>(known: &[u8], need: &impl Fn(&[u8]) -> Result<usize, E>) -> Result<usize, E> {
    let mut wanted = need(&[])?;
    while wanted <= known.len() {
        let next = need(&known[..wanted])?;
        if next <= wanted {
            break;
        }
        wanted = next;
    }
    Ok(wanted)
}
