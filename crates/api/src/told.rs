//! Errors in one sentence: what failed, then each cause once.
//!
//! Some messages hold their cause and some leave it to their source, so a chain that is simply joined says some causes
//! twice and one that is not joined keeps some to itself.

use std::error::Error;

/// Writes an error and what caused it, each cause once.
pub fn told(error: &(dyn Error + 'static)) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !holds(&told, &text) {
            told = format!("{told}: {text}");
        }
        cause = error.source();
    }
    told
}

/// Says whether a sentence holds a cause as a part of its own, not by accident inside of words.
fn holds(told: &str, cause: &str) -> bool {
    let begins = |at: usize| at == 0 || told[..at].ends_with([' ', ':', ';', '(']);
    let ends = |at: usize| at == told.len() || told[at..].starts_with([' ', ':', ';', ',', ')', '\n']);
    cause.is_empty() || told.match_indices(cause).any(|(at, _)| begins(at) && ends(at + cause.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Fault {
        #[error("cannot open /x: {source}; is the disk full?")]
        Says { source: std::io::Error },
        #[error("cannot open /x")]
        Keeps { source: std::io::Error },
        #[error(transparent)]
        Is(#[from] std::io::Error),
        #[error("cannot start: {0}")]
        Deep(#[from] Box<Fault>),
        #[error("cannot know")]
        Short {
            #[source]
            source: std::fmt::Error,
        },
    }

    fn refused() -> std::io::Error {
        std::io::Error::other("File exists (os error 17)")
    }

    #[test]
    fn every_cause_is_told_exactly_once() {
        for (fault, expected) in [
            (
                Fault::Says { source: refused() },
                "cannot open /x: File exists (os error 17); is the disk full?",
            ),
            (Fault::Keeps { source: refused() }, "cannot open /x: File exists (os error 17)"),
            (Fault::Is(refused()), "File exists (os error 17)"),
            (
                Fault::Deep(Box::new(Fault::Keeps { source: refused() })),
                "cannot start: cannot open /x: File exists (os error 17)",
            ),
            (
                Fault::Deep(Box::new(Fault::Says { source: refused() })),
                "cannot start: cannot open /x: File exists (os error 17); is the disk full?",
            ),
        ] {
            assert_eq!(told(&fault), expected);
        }
    }

    #[test]
    fn a_cause_is_not_taken_for_told_because_its_letters_are() {
        assert!(!holds("cannot know", "no"));
        assert!(!holds("cannot know", "know!"));
        assert!(holds("cannot know: no", "no"));
        let short = Fault::Short { source: std::fmt::Error };
        assert!(told(&short).starts_with("cannot know: "));
    }
}
