//! Why a filter cannot be read: what is wrong, where, and what was probably meant.

use std::fmt;
use std::ops::Range;

/// How many characters of the filter are drawn on each side of the mistake.
const MARGIN: usize = 40;

/// Why a filter cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    message: String,
    column: usize,
    length: usize,
    suggestions: Vec<String>,
    text: String,
}

impl FilterError {
    /// Points at the bytes `span` of `text`.
    pub(super) fn new(text: &str, span: Range<usize>, message: impl Into<String>) -> FilterError {
        let characters = |end: usize| text[..end].chars().count();
        let start = characters(span.start);
        FilterError {
            message: message.into(),
            column: start + 1,
            length: (characters(span.end) - start).max(1),
            suggestions: Vec::new(),
            text: excerpt(text, start),
        }
    }

    pub(super) fn suggesting(mut self, suggestions: Vec<String>) -> FilterError {
        self.suggestions = suggestions;
        self
    }

    /// Returns what is wrong, without the place and the suggestions.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns where it begins, in characters from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// Returns how many characters are concerned, at least 1.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Returns what could have been meant, the likeliest first.
    pub fn suggestions(&self) -> &[String] {
        &self.suggestions
    }

    /// Draws the filter with a mark under the mistake, then says what is wrong; three lines, safe for a terminal.
    pub fn render(&self) -> String {
        let skipped = self.column - 1 - (self.column - 1).min(MARGIN);
        let lead = if skipped > 0 { "… " } else { "" };
        let indent = lead.chars().count() + self.column - 1 - skipped;
        let room = self.text.chars().count().saturating_sub(self.column - 1 - skipped).max(1);
        let marks = "^".repeat(self.length.min(room));
        format!("{lead}{}\n{}{marks}\n{self}", self.text, " ".repeat(indent))
    }
}

/// Keeps what surrounds the mistake, each character one column wide where possible and none of them a control.
fn excerpt(text: &str, start: usize) -> String {
    let shown = text.chars().skip(start - start.min(MARGIN)).take(2 * MARGIN);
    shown.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.message)?;
        for (place, suggestion) in self.suggestions.iter().enumerate() {
            f.write_str(if place == 0 { "; did you mean " } else { " or " })?;
            write!(f, "`{suggestion}`")?;
        }
        Ok(())
    }
}

impl std::error::Error for FilterError {}

/// Quotes a piece of the filter for a message: short, and free of control characters.
pub(super) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(48).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(48).is_some() {
        short.push('…');
    }
    format!("`{short}`")
}
