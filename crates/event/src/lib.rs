//! The words of the audit log: what an event says, and the language that asks about events.
//!
//! This crate does no input or output and reads no ambient clock. An event's JSON bytes are what the
//! log stores and hashes; they are made once, by [`Event::encode`], and never re-serialised.
#![forbid(unsafe_code)]

pub mod ambient;
pub mod catalogue;
pub mod envelope;
pub mod filter;
pub mod id;
pub mod ingested;
pub mod interval;
mod json;
pub mod kinds;
pub mod limits;
pub mod loggable;
mod members;
pub mod pick;
mod shape;
pub mod tables;
pub mod time;
pub mod view;

pub use ambient::{Ambient, Entropy, SeededEntropy};
pub use envelope::{
    Actor, ActorType, AnyDetail, Author, Decision, EncodedEvent, EncodedEventError, Event, Mfa, Origin,
    Outcome, Policy, Record, Source, Target,
};
pub use filter::{Filter, FilterContext, FilterError};
pub use id::{EventId, SessionId};
pub use ingested::Ingested;
pub use interval::Interval;
pub use kinds::Detail;
pub use pick::{Pick, Picker, Picks, Verbatim};
pub use time::{Clock, ManualClock, Timestamp};
pub use view::{RecordView, ViewError};
