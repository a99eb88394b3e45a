//! Access: roles, targets and locks; [`Access::authorize`] decides, records, and returns a [`Permit`].
//!
//! Says what someone may do, never who they are: that is `identity`. Decisions are pure functions of a [`Snapshot`] and the
//! asker's facts ([`decide`]); recording them is a step of its own, and no permit exists without its receipt.
#![forbid(unsafe_code)]

mod access;
mod action;
mod api_permit;
mod authorize;
mod change;
mod decide;
mod ending;
mod error;
mod explain;
mod guard;
mod login;
mod names;
mod network;
mod one_or_many;
mod operation;
mod options;
mod permit;
mod preset;
mod resource;
mod rows;
mod scope;
mod selector;
mod snapshot;
mod span;
mod trace;
mod users;
mod words;

pub use access::Access;
pub use action::{Action, ActionRefusal};
pub use api_permit::ApiPermit;
pub use change::{Applied, ChangesHeld, Listed};
pub use decide::{Ask, Decision, Denial, Grant, code, decide};
pub use ending::{Cause, Ending};
pub use error::{AccessError, Refusal};
pub use explain::{Explanation, ReachableTarget, explain};
pub use login::{Login, LoginError, Traits, Values};
pub use names::{NameError, check_name, is_login};
pub use network::{Network, NetworkError};
pub use operation::{ApiResource, Operation, Verb};
pub use options::{DEFAULT_SESSION_TTL, RecordingMode, RoleOptions, SessionOptions};
pub use permit::Permit;
pub use preset::{PRESETS, is_preset};
pub use resource::{
    ApiRule, Choice, HostKey, Lock, LockError, Locked, MAX_DOCUMENTS, MAX_TEXT_BYTES, Resource,
    ResourceError, ResourceKind, Role, RoleError, Rule, Side, Target, TargetError, UserDocument,
};
pub use scope::LogScope;
pub use selector::{Selector, SelectorError};
pub use snapshot::{Snapshot, Subject};
pub use span::{Span, SpanError};
pub use trace::{LockFinding, RuleFinding, RuleName};
