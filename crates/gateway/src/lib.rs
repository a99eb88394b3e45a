//! The gateway: what every protocol shares once someone is let in.
//!
//! A [`Session`] is started with a permit, which it spends. It writes its own beginning and end, owns its
//! recording, dials its target, and is cut from outside when a lock, a limit or a person says so. Protocols
//! translate bytes; they never decide, and they never write to the log or to a recording except through here.
//!
//! Invariant: between the durable `session.start` and the durable `session.end` a session stands in
//! [`Sessions`], and nothing is dialled outside of that span.
#![forbid(unsafe_code)]

mod connect;
mod core;
mod cut;
mod protocol;
mod recover;
mod registry;
mod rejection;
mod remote_files;
mod session;
mod supervise;
mod tape;
mod terminals;
mod turnstile;

pub use access::{Action, ActionRefusal, HostKey, Permit, RecordingMode, Refusal, SessionOptions, Target};
pub use connect::DialError;
pub use core::{Admission, Gateway};
pub use cut::{Cut, EndedBy};
pub use identity::{Authenticated, CertificateRefusal, Forwarding, IdentityError};
pub use protocol::{Door, Limits, Protocol, Serving};
pub use recording::Frame;
pub use recover::RecoverError;
pub use registry::{LiveSession, Sessions};
pub use remote_files::{Content, Entry, EntryKind, Folder, Reading, RemoteFileError, RemoteFiles};
pub use session::{Notices, Session, SessionError};
pub use terminals::{Answer, Reach, Shown, Size, Terminal, Terminals, Typed};
pub use turnstile::{Entered, TurnedAway, Turnstile, one_host};
