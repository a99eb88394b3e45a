//! Cutting a stream of packets into the slices that a network might deliver.

use bytes::Bytes;
use libfuzzer_sys::arbitrary::{self, Arbitrary};

/// Which side of a channel speaks.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client, whose bytes go to the server.
    Client,
    /// The server, whose bytes go to the client.
    Server,
}

/// Cuts bytes in two at a place of the fuzzer's choosing; most are left whole.
pub fn cut(bytes: Vec<u8>, at: u8) -> impl Iterator<Item = Bytes> {
    let mut bytes = Bytes::from(bytes);
    let at = usize::from(at.saturating_sub(128)).min(bytes.len());
    let first = bytes.split_to(at);
    [first, bytes].into_iter().filter(|piece| !piece.is_empty())
}

/// What went into one direction and what came out: what comes out must be a prefix of what went in.
#[derive(Debug, Default)]
pub struct Direction {
    taken: Vec<u8>,
    forwarded: Vec<u8>,
}

impl Direction {
    /// Notes bytes that go in.
    pub fn takes(&mut self, bytes: &[u8]) {
        self.taken.extend_from_slice(bytes);
    }

    /// Notes bytes that come out.
    ///
    /// # Panics
    /// When they are not those that came next.
    pub fn forwards(&mut self, bytes: &[u8]) {
        let from = self.forwarded.len();
        assert_eq!(self.taken.get(from..from + bytes.len()), Some(bytes), "forwarded what did not come");
        self.forwarded.extend_from_slice(bytes);
    }
}
