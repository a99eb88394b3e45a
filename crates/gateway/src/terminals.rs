//! Terminals for pages of the console: what the API asks a protocol for.
//!
//! Decides nothing: whoever opens one speaks to the gate as any client does, and the gate authorises, records and cuts.

use std::future::Future;
use std::pin::Pin;

use event::{Origin, SessionId};
use identity::Authenticated;
use tokio::sync::mpsc;

/// An answer that takes a while.
pub type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Who wants to reach what, and from where.
pub struct Reach {
    /// Whose session it will be; by a login of the console.
    pub who: Authenticated,
    /// From where.
    pub origin: Origin,
    /// The target's name.
    pub target: String,
    /// Account on the target.
    pub login: String,
}

/// What opens terminals.
pub trait Terminals: Send + Sync {
    /// Opens a shell on a target; an error is a sentence for the person. Where the gate refuses, the terminal says so in the
    /// gate's own words, and ends.
    fn open(&self, reach: Reach, size: Size) -> Answer<Result<Terminal, String>>;
}

/// Characters in a row, and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a row.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

/// An open terminal. It ends when either end of it is dropped.
pub struct Terminal {
    /// Towards the target; bounded, so a target that does not read makes its sender wait.
    pub typed: mpsc::Sender<Typed>,
    /// From the target; bounded, so a page that does not read makes the target wait.
    pub shown: mpsc::Receiver<Shown>,
}

/// What a person does at a terminal.
#[derive(Debug)]
pub enum Typed {
    /// Keys.
    Keys(Vec<u8>),
    /// Another size.
    Size(Size),
}

/// What a terminal shows.
#[derive(Debug)]
pub enum Shown {
    /// Which session it is, which the gate has started.
    Session(SessionId),
    /// Output.
    Output(Vec<u8>),
    /// Its end, which nothing follows.
    End {
        /// The program's exit code, where it had one.
        exit_code: Option<u32>,
        /// What the gate said last, where it said something.
        why: Option<String>,
    },
}
