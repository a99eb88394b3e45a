//! Which event is meant: people copy its id from its JSON, or its position from a table.

use std::fmt;
use std::str::FromStr;

use event::EventId;

/// Which event is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one that has this id.
    Id(EventId),
    /// The one at this position in the log.
    Position(u64),
}

/// A text that names no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "neither an event's id, like 019d3a3c-5d6c-7a1b-8c2d-0123456789ab, nor its position in the log, like 1234 or #1234"
)]
pub struct WhichError;

impl From<EventId> for Which {
    fn from(id: EventId) -> Which {
        Which::Id(id)
    }
}

/// Reads an id, or a position with or without `#` before it. No id is as short as a position.
impl FromStr for Which {
    type Err = WhichError;

    fn from_str(text: &str) -> Result<Which, WhichError> {
        let text = text.trim();
        let digits = text.strip_prefix('#').unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() < 32 {
            return digits.parse().map(Which::Position).map_err(|_| WhichError);
        }
        text.parse().map(Which::Id).map_err(|_| WhichError)
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Which::Id(id) => write!(f, "id: {id}"),
            Which::Position(position) => write!(f, "position: {position}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_positions_are_told_apart() {
        let id = "019d3a3c-5d6c-7a1b-8c2d-0123456789ab";
        assert_eq!(id.parse(), Ok(Which::Id(id.parse().unwrap())));
        let digits = "12345678901234567890123456789012";
        assert_eq!(
            digits.parse(),
            Ok(Which::Id(digits.parse().unwrap())),
            "an id may be written without lines"
        );
        for text in ["0", "1234", "#1234", " #18446744073709551615 "] {
            let position = text.trim().trim_start_matches('#').parse().unwrap();
            assert_eq!(text.parse(), Ok(Which::Position(position)), "{text}");
        }
        for text in ["", "#", "##1", "-1", "1.5", "18446744073709551616", "alice", "019d3a3c", "#019d3a3c"] {
            assert_eq!(text.parse::<Which>(), Err(WhichError), "{text}");
        }
    }
}
