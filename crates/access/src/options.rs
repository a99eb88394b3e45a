//! Session options: what a role says, and what holds when several roles grant the same access.
//!
//! Each role is first made complete (an option that it does not mention takes its default), then the strictest value
//! of each option wins: the shortest time, the fewest sessions, the stricter recording, and a permission only
//! where every granting role gives it. Hence one more granting role can never widen an option.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::span::Span;
use crate::words::words;

/// How long a session may last where the role does not say.
pub const DEFAULT_SESSION_TTL: Duration = Duration::from_secs(8 * 3600);

words! {
    /// Whether a session's terminal is recorded.
    RecordingMode {
        /// Recorded; the session ends when recording fails.
        Required = "required",
        /// Recorded; the session goes on when recording fails, and an event says so.
        BestEffort = "best_effort",
        /// Not recorded; the events of the session are written all the same.
        Off = "off",
    }
}

/// Options as a role states them; what is not stated takes its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoleOptions {
    /// How long a session may last; default 8h, and never beyond the end of the login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_ttl: Option<Span>,
    /// Whether the terminal is recorded; default `required`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingMode>,
    /// Whether what is typed is recorded too, passwords included; default no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_input: Option<bool>,
    /// Whether people are told when somebody looks on while their session runs; default yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announce_watching: Option<bool>,
    /// Whether TCP ports and sockets may be forwarded; default no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_forwarding: Option<bool>,
    /// Whether the SSH agent may be forwarded; default no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_forwarding: Option<bool>,
    /// Whether X11 may be forwarded; default no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x11_forwarding: Option<bool>,
    /// Whether files may be moved by SFTP, SCP and rsync; default yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_transfer: Option<bool>,
    /// After how long without any traffic a session ends; default never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<Span>,
    /// How many sessions the user may have open at a time; default any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_sessions: Option<u32>,
}

/// Options in force for a session: the strictest of what the granting roles say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOptions {
    /// How long the session may last.
    #[serde(with = "lasting")]
    pub session_ttl: Duration,
    /// Whether the terminal is recorded.
    pub recording: RecordingMode,
    /// Whether what is typed is recorded too.
    pub record_input: bool,
    /// Whether people are told when somebody looks on while their session runs.
    pub announce_watching: bool,
    /// Whether TCP ports and sockets may be forwarded.
    pub port_forwarding: bool,
    /// Whether the SSH agent may be forwarded.
    pub agent_forwarding: bool,
    /// Whether X11 may be forwarded.
    pub x11_forwarding: bool,
    /// Whether files may be moved by SFTP, SCP and rsync.
    pub file_transfer: bool,
    /// After how long without any traffic the session ends.
    #[serde(with = "lasting_or_not")]
    pub idle_timeout: Option<Duration>,
    /// How many sessions the user may have open at a time, this one included.
    pub max_sessions: Option<u32>,
}

impl RoleOptions {
    /// Completes what is stated with the defaults.
    pub fn complete(&self) -> SessionOptions {
        SessionOptions {
            session_ttl: self.session_ttl.map_or(DEFAULT_SESSION_TTL, Span::duration),
            recording: self.recording.unwrap_or(RecordingMode::Required),
            record_input: self.record_input.unwrap_or(false),
            announce_watching: self.announce_watching.unwrap_or(true),
            port_forwarding: self.port_forwarding.unwrap_or(false),
            agent_forwarding: self.agent_forwarding.unwrap_or(false),
            x11_forwarding: self.x11_forwarding.unwrap_or(false),
            file_transfer: self.file_transfer.unwrap_or(true),
            idle_timeout: self.idle_timeout.map(Span::duration),
            max_sessions: self.max_sessions,
        }
    }
}

impl SessionOptions {
    /// Returns the strictest of both, option by option.
    pub fn strictest(self, other: SessionOptions) -> SessionOptions {
        SessionOptions {
            session_ttl: self.session_ttl.min(other.session_ttl),
            // The modes are listed strictest first.
            recording: self.recording.min(other.recording),
            record_input: self.record_input || other.record_input,
            // Looking on unseen is what a role must ask for, and then no other role undoes it.
            announce_watching: self.announce_watching && other.announce_watching,
            port_forwarding: self.port_forwarding && other.port_forwarding,
            agent_forwarding: self.agent_forwarding && other.agent_forwarding,
            x11_forwarding: self.x11_forwarding && other.x11_forwarding,
            file_transfer: self.file_transfer && other.file_transfer,
            idle_timeout: least(self.idle_timeout, other.idle_timeout),
            max_sessions: least(self.max_sessions, other.max_sessions),
        }
    }

    /// Says whether no option is wider than in `other`.
    pub fn within(&self, other: &SessionOptions) -> bool {
        self.clone().strictest(other.clone()) == *self
    }
}

/// The smaller limit, where none means unlimited.
fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

mod lasting {
    use super::*;
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        Span::new(*duration).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        Span::deserialize(deserializer).map(Span::duration)
    }
}

mod lasting_or_not {
    use super::*;
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(Span::new).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<Span>::deserialize(deserializer)?.map(Span::duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: u64) -> Option<Span> {
        Some(Span::new(Duration::from_secs(hours * 3600)))
    }

    #[test]
    fn defaults_record_and_forward_nothing() {
        let options = RoleOptions::default().complete();
        assert_eq!(options.session_ttl, DEFAULT_SESSION_TTL);
        assert_eq!(options.recording, RecordingMode::Required);
        assert!(options.file_transfer && !options.record_input && options.announce_watching);
        assert!(!options.port_forwarding && !options.agent_forwarding && !options.x11_forwarding);
        assert_eq!((options.idle_timeout, options.max_sessions), (None, None));
    }

    #[test]
    fn the_strictest_value_of_each_option_wins() {
        let wide = RoleOptions {
            session_ttl: hours(12),
            recording: Some(RecordingMode::Off),
            port_forwarding: Some(true),
            agent_forwarding: Some(true),
            x11_forwarding: Some(true),
            max_sessions: Some(9),
            ..RoleOptions::default()
        };
        let narrow = RoleOptions {
            session_ttl: hours(2),
            recording: Some(RecordingMode::BestEffort),
            record_input: Some(true),
            announce_watching: Some(false),
            agent_forwarding: Some(true),
            file_transfer: Some(false),
            idle_timeout: hours(1),
            max_sessions: Some(2),
            ..RoleOptions::default()
        };
        let both = wide.complete().strictest(narrow.complete());
        assert_eq!(both.session_ttl, Duration::from_secs(7200));
        assert_eq!(both.recording, RecordingMode::BestEffort);
        assert!(both.record_input, "input is recorded where any granting role asks for it");
        assert!(!both.announce_watching, "one role that lets people be watched unseen is enough");
        assert!(
            both.agent_forwarding && !both.port_forwarding && !both.x11_forwarding && !both.file_transfer
        );
        assert_eq!(both.idle_timeout, Some(Duration::from_secs(3600)));
        assert_eq!(both.max_sessions, Some(2));
        assert_eq!(both, narrow.complete().strictest(wide.complete()));
        assert!(both.within(&wide.complete()) && both.within(&narrow.complete()));
        assert!(!wide.complete().within(&narrow.complete()));
    }

    #[test]
    fn options_read_back_as_they_were_written() {
        let options = RoleOptions { idle_timeout: hours(1), ..RoleOptions::default() }.complete();
        let json = serde_json::to_value(&options).unwrap();
        assert_eq!(json["session_ttl"], "8h");
        assert_eq!(json["idle_timeout"], "1h");
        assert_eq!(serde_json::from_value::<SessionOptions>(json).unwrap(), options);
    }
}
