//! The lines that a recording showed, each with the moment at which it appeared.
//!
//! For a terminal: the rows of its screen as they came to stand, and what scrolled past in between. A line that is being
//! typed is one line, from its first character on. For a command: its output, line by line. The command line itself is
//! a line too. What was typed is left out, since it may hold passwords.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use crate::error::RecordingError;
use crate::frame::{Frame, Timed};
use crate::reader::Reader;
use crate::terminal::Terminal;

/// A screen is looked at no more often than this.
const LOOK: Duration = Duration::from_millis(50);
/// The longest line that is kept, in bytes; the rest of a longer one begins another.
pub(crate) const LINE_LIMIT: usize = 4096;
/// More channels than this at once are read as commands are.
const MOST_TERMINALS: usize = 64;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it appeared, from the session's beginning.
    pub at: Duration,
    /// Number of the channel within the session.
    pub channel: u32,
    /// What it says: plain text without escape sequences.
    pub text: String,
}

/// Reads the lines of a recording, or of what there is of a running one, in about the order of their appearance.
pub(crate) struct Lines<'a> {
    reader: &'a mut Reader,
    channels: BTreeMap<u32, Shown>,
    ready: VecDeque<Line>,
}

impl Lines<'_> {
    /// Begins where the reader stands.
    pub(crate) fn of(reader: &mut Reader) -> Lines<'_> {
        Lines { reader, channels: BTreeMap::new(), ready: VecDeque::new() }
    }

    /// Returns the next line; `None` at the end.
    pub(crate) fn next_line(&mut self) -> Result<Option<Line>, RecordingError> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Ok(Some(line));
            }
            match self.reader.next_frame()? {
                Some(timed) => self.take(timed),
                None if self.channels.is_empty() => return Ok(None),
                None => {
                    for (channel, shown) in std::mem::take(&mut self.channels) {
                        self.finish(channel, shown);
                    }
                }
            }
        }
    }

    fn take(&mut self, Timed { offset, frame }: Timed) {
        let channel = frame.channel();
        let mut lines = Vec::new();
        match frame {
            Frame::Terminal { columns, rows, .. } if self.channels.len() < MOST_TERMINALS => {
                let screen = Shown::Screen(Box::new(Screen::new(columns, rows)));
                if let Some(before) = self.channels.insert(channel, screen) {
                    self.finish(channel, before);
                }
            }
            Frame::Command { command, .. } => split(&command, |text| lines.push((offset, text))),
            Frame::Output { bytes, .. } | Frame::ErrorOutput { bytes, .. } => {
                let shown = self.channels.entry(channel).or_insert_with(|| Shown::Output(Output::default()));
                shown.take(offset, &bytes, &mut lines);
            }
            Frame::Resize { columns, rows, .. } => {
                if let Some(Shown::Screen(screen)) = self.channels.get_mut(&channel) {
                    screen.look(&mut lines);
                    screen.terminal.resize(columns, rows);
                }
            }
            Frame::End { .. } => {
                if let Some(shown) = self.channels.remove(&channel) {
                    self.finish(channel, shown);
                }
            }
            Frame::Terminal { .. } | Frame::Input { .. } => {}
        }
        self.put(channel, lines);
    }

    fn finish(&mut self, channel: u32, shown: Shown) {
        let mut lines = Vec::new();
        shown.finish(&mut lines);
        self.put(channel, lines);
    }

    fn put(&mut self, channel: u32, lines: Moments) {
        self.ready.extend(lines.into_iter().map(|(at, text)| Line { at, channel, text }));
    }
}

/// Texts and their moments.
type Moments = Vec<(Duration, String)>;

/// How a channel is read.
enum Shown {
    Screen(Box<Screen>),
    Output(Output),
}

impl Shown {
    fn take(&mut self, offset: Duration, bytes: &[u8], lines: &mut Moments) {
        match self {
            Shown::Screen(screen) => screen.take(offset, bytes, lines),
            Shown::Output(output) => output.take(offset, bytes, lines),
        }
    }

    fn finish(self, lines: &mut Moments) {
        match self {
            Shown::Screen(mut screen) => {
                screen.look(lines);
                lines.extend(screen.standing.into_iter().map(|(text, row)| (row.since, text)));
            }
            Shown::Output(mut output) => output.end(lines),
        }
        lines.sort();
    }
}

/// A terminal's screen and the rows that stand on it.
struct Screen {
    terminal: Terminal,
    drawn: Vec<u8>,
    /// The rows as they were when the screen was last looked at.
    standing: HashMap<String, Row>,
    looked: Duration,
    unseen: bool,
}

/// Where a row stands, and since when.
#[derive(Clone, Copy)]
struct Row {
    number: usize,
    since: Duration,
}

impl Screen {
    fn new(columns: u16, rows: u16) -> Screen {
        let mut terminal = Terminal::new(columns, rows);
        terminal.keep_lines();
        let (standing, looked) = (HashMap::new(), Duration::ZERO);
        Screen { terminal, drawn: Vec::new(), standing, looked, unseen: false }
    }

    fn take(&mut self, offset: Duration, bytes: &[u8], lines: &mut Moments) {
        // What stood before a pause is looked at before something new may take its place.
        if self.unseen && offset.saturating_sub(self.looked) >= LOOK {
            self.look(lines);
        }
        if !self.unseen {
            self.looked = offset;
        }
        self.drawn.clear();
        self.terminal.feed(bytes, &mut self.drawn);
        self.unseen = true;
    }

    /// Compares the screen with what stood on it: rows that are gone become lines, and so do those that scrolled past.
    fn look(&mut self, lines: &mut Moments) {
        if !std::mem::take(&mut self.unseen) {
            return;
        }
        let offset = self.looked;
        let before = std::mem::take(&mut self.standing);
        for text in self.terminal.take_lines() {
            // One that stood on the screen before is told below, with its own moment.
            if !text.is_empty() && !before.contains_key(&text) {
                split(&text, |text| lines.push((offset, text)));
            }
        }
        let mut places: HashMap<usize, &str> = HashMap::new();
        for (text, row) in &before {
            places.insert(row.number, text);
        }
        // Rows of which one now at the same place is the continuation.
        let mut grown: HashSet<String> = HashSet::new();
        let text = self.terminal.text();
        for (number, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            let beginning = places.get(&number).filter(|old| text.starts_with(**old)).copied();
            grown.extend(beginning.map(str::to_owned));
            let known = before.get(text).or_else(|| before.get(beginning?));
            let since = known.map_or(offset, |row| row.since);
            self.standing.entry(text.to_owned()).or_insert(Row { number, since });
        }
        let is_gone = |text: &String| !self.standing.contains_key(text) && !grown.contains(text);
        let gone = before.iter().filter(|(text, _)| is_gone(text));
        let mut gone: Moments = gone.map(|(text, row)| (row.since, text.clone())).collect();
        gone.sort();
        for (at, text) in gone {
            split(&text, |text| lines.push((at, text)));
        }
    }
}

/// A command's output.
#[derive(Default)]
struct Output {
    partial: Vec<u8>,
    since: Duration,
}

impl Output {
    fn take(&mut self, offset: Duration, mut bytes: &[u8], lines: &mut Moments) {
        while !bytes.is_empty() {
            if self.partial.is_empty() {
                self.since = offset;
            }
            let room = LINE_LIMIT - self.partial.len();
            let end = bytes.iter().take(room).position(|byte| *byte == b'\n');
            let taken = end.map_or(bytes.len().min(room), |end| end + 1);
            self.partial.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if end.is_some() || self.partial.len() >= LINE_LIMIT {
                self.end(lines);
            }
        }
    }

    fn end(&mut self, lines: &mut Moments) {
        split(&String::from_utf8_lossy(&self.partial), |text| lines.push((self.since, text)));
        self.partial.clear();
    }
}

/// Cuts a text into lines of a length that is kept, with blanks in the place of control characters.
fn split(text: &str, mut each: impl FnMut(String)) {
    let blank = |c: char| if c.is_control() { ' ' } else { c };
    for line in text.lines() {
        let line: String = line.chars().map(blank).collect();
        let mut rest = line.trim_end();
        if rest.is_empty() {
            continue;
        }
        while rest.len() > LINE_LIMIT {
            let (head, tail) = rest.split_at(rest.floor_char_boundary(LINE_LIMIT));
            each(head.to_owned());
            rest = tail;
        }
        each(rest.to_owned());
    }
}
