//! The model of a recorded terminal: what its screen showed at one moment.
//!
//! It sees what a viewer sees, which is what the sanitiser passes on. The emulator behind it is fenced in: sizes
//! are clamped, and should it fail on some stream, the screen starts empty again and the reader goes on.

use std::fmt::Write as _;
use std::num::NonZeroU16;
use std::panic::{AssertUnwindSafe, catch_unwind};

use vt100::{Parser, Screen};

use crate::sanitise::{DrawingState, Sanitiser};

const COLUMNS: (u16, u16) = (2, 1000);
/// Fewer than three rows leave no room for the scroll region that `Shape::of` probes with.
const ROWS: (u16, u16) = (3, 500);

/// The longest line that is kept back until its end leaves the screen, in bytes.
const LINE_LIMIT: usize = 64 * 1024;

/// A recorded terminal's screen.
pub struct Terminal {
    sanitiser: Sanitiser,
    model: Parser<Scrolled>,
}

/// What a keyframe stores of one terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub columns: u16,
    pub rows: u16,
    pub state: DrawingState,
    /// What draws the screen on an empty terminal of this size.
    pub drawing: Vec<u8>,
}

/// Collects the lines that leave the screen at the top, for those who ask.
#[derive(Default)]
struct Scrolled {
    keep: bool,
    text: String,
    /// How much of the text was looked through for a line's end, and has none.
    searched: usize,
    state: vt100::capture::BasicFormattedCaptureState,
}

impl vt100::Callbacks for Scrolled {
    fn on_scroll(&mut self, row: vt100::capture::RowContents<'_>, _alternate: bool) {
        if self.keep {
            let _ = row.write_formatted_basic(&mut self.text, &mut self.state);
        }
    }
}

impl Terminal {
    /// Makes an empty terminal of this size.
    pub fn new(columns: u16, rows: u16) -> Terminal {
        Terminal { sanitiser: Sanitiser::new(), model: empty(columns, rows, Scrolled::default()) }
    }

    /// Takes what the target wrote; appends what of it draws to `drawn`.
    pub fn feed(&mut self, output: &[u8], drawn: &mut Vec<u8>) {
        let from = drawn.len();
        self.sanitiser.feed(output, drawn);
        self.draw(&drawn[from..]);
    }

    /// Changes the size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let (rows, columns) = size(columns, rows);
        self.fenced(|model| model.set_size(rows, columns));
    }

    /// Returns what the screen shows, as plain text without trailing blanks.
    pub fn text(&self) -> String {
        let contents = self.model.screen().contents();
        contents.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    /// Returns its width and height.
    pub fn size(&self) -> (u16, u16) {
        let (rows, columns) = self.model.screen().size();
        (columns.get(), rows.get())
    }

    /// Returns bytes that draw this screen on an empty terminal of the same size.
    pub fn drawing(&self) -> Vec<u8> {
        draw_screen(self.model.screen())
    }

    /// Returns everything that later output could make visible, in a form to compare.
    pub fn fingerprint(&self) -> String {
        format!("{} {:?}", fingerprint(self.model.screen()), self.sanitiser.state())
    }

    /// Gives up the screen and keeps the sanitiser, to go on with the stream.
    pub(crate) fn into_sanitiser(self) -> Sanitiser {
        self.sanitiser
    }

    /// Sanitises without drawing.
    pub(crate) fn sanitise(&mut self, output: &[u8], drawn: &mut Vec<u8>) {
        self.sanitiser.feed(output, drawn);
    }

    /// Draws what was sanitised.
    pub(crate) fn draw(&mut self, drawn: &[u8]) {
        self.fenced(|model| model.process(drawn));
    }

    pub(crate) fn screen(&self) -> &Screen {
        self.model.screen()
    }

    /// From now on keeps the lines that leave the screen, for `take_lines`.
    pub(crate) fn keep_lines(&mut self) {
        self.model.callbacks_mut().keep = true;
    }

    /// Returns the lines that have left the screen, as plain text; the last may be unfinished, so it is kept back, unless it
    /// is longer than any line that a person wrote.
    pub(crate) fn take_lines(&mut self) -> Vec<String> {
        let Scrolled { text, searched, .. } = self.model.callbacks_mut();
        // What was kept back before has no end in it: looking again at each step would never end on one endless line.
        let end = text.as_bytes()[*searched..].iter().rposition(|byte| *byte == b'\n');
        let taken = match end {
            Some(end) => text.drain(..=*searched + end).collect::<String>(),
            None if text.len() > LINE_LIMIT => std::mem::take(text),
            None => String::new(),
        };
        *searched = text.len();
        plain(&taken)
    }

    /// Returns what is kept back and what the screen shows now, as plain text.
    pub(crate) fn take_screen(&mut self) -> Vec<String> {
        let (screen, lines) = self.model.screen_and_callbacks_mut();
        let mut text = std::mem::take(&mut lines.text);
        lines.searched = 0;
        let range = vt100::capture::BasicFormattedCaptureRange::Full(&mut lines.state);
        let _ = screen.write_contents_formatted_basic(&mut text, range);
        text.push('\n');
        lines.state = Default::default();
        plain(&text)
    }

    /// Returns a snapshot, or `None` at a moment when none would restore exactly this terminal.
    pub(crate) fn snapshot(&self) -> Option<Snapshot> {
        if !self.sanitiser.at_rest() {
            return None;
        }
        let (columns, rows) = self.size();
        let snapshot = Snapshot { columns, rows, state: self.sanitiser.state(), drawing: self.drawing() };
        (Terminal::restore(&snapshot).fingerprint() == self.fingerprint()).then_some(snapshot)
    }

    /// Makes the terminal that a snapshot was taken of.
    pub(crate) fn restore(snapshot: &Snapshot) -> Terminal {
        let mut terminal = Terminal::new(snapshot.columns, snapshot.rows);
        terminal.sanitiser = Sanitiser::at(snapshot.state);
        terminal.draw(&snapshot.drawing);
        terminal
    }

    fn fenced(&mut self, work: impl FnOnce(&mut Parser<Scrolled>)) {
        let model = &mut self.model;
        if catch_unwind(AssertUnwindSafe(|| work(model))).is_err() {
            let (columns, rows) = self.size();
            let lines = std::mem::take(self.model.callbacks_mut());
            self.model = empty(columns, rows, lines);
        }
    }
}

/// Turns screen rows with colours into plain lines, without trailing blanks.
fn plain(rows: &str) -> Vec<String> {
    let text: String = vt100::capture::basic_formatted_to_plain(rows).collect();
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}

fn size(columns: u16, rows: u16) -> (NonZeroU16, NonZeroU16) {
    let within = |number: u16, (least, most)| NonZeroU16::new(number.clamp(least, most)).expect("not 0");
    (within(rows, ROWS), within(columns, COLUMNS))
}

fn empty(columns: u16, rows: u16, lines: Scrolled) -> Parser<Scrolled> {
    let (rows, columns) = size(columns, rows);
    Parser::new_with_callbacks(rows, columns, 0, lines)
}

/// Returns the screen as it would be after `bytes`.
fn after(screen: &Screen, bytes: &[u8]) -> Screen {
    let (rows, columns) = screen.size();
    let mut probe = Parser::new(rows, columns, 0);
    *probe.screen_mut() = screen.clone();
    probe.process(bytes);
    probe.screen().clone()
}

/// What the emulator does not tell of a screen, found out by trying on a copy.
#[derive(Debug, PartialEq, Eq)]
struct Shape {
    region: (u16, u16),
    origin: bool,
    saved: (u16, u16),
    saved_origin: bool,
    saved_attributes: String,
}

impl Shape {
    fn of(screen: &Screen) -> Shape {
        let saved = after(screen, b"\x1b8");
        Shape {
            region: (
                after(screen, b"\x1b[?6h").cursor_position().0,
                after(screen, b"\x1b[?6h\x1b[9999;1H").cursor_position().0,
            ),
            origin: in_origin_mode(screen),
            saved: saved.cursor_position(),
            saved_origin: in_origin_mode(&saved),
            saved_attributes: saved.attributes_formatted(),
        }
    }

    /// Returns bytes that put the cursor at a place, in the present origin mode.
    fn cursor(&self, (row, column): (u16, u16), origin: bool) -> String {
        let top = if origin { self.region.0 } else { 0 };
        format!("\x1b[{};{}H", row.saturating_sub(top) + 1, column + 1)
    }
}

fn in_origin_mode(screen: &Screen) -> bool {
    after(screen, b"\x1b[2;3r\x1b[1;1H").cursor_position().0 == 1
}

/// Splits a screen into its normal and its alternate one.
fn both(screen: &Screen) -> (Screen, Screen) {
    match screen.alternate_screen() {
        true => (after(screen, b"\x1b[?47l"), screen.clone()),
        false => (screen.clone(), after(screen, b"\x1b[?47h")),
    }
}

/// Counts the lines that have left the normal screen, as far as growing it again could bring back blank ones.
fn scrolled_off(normal: &Screen) -> u16 {
    let (rows, columns) = normal.size();
    let mut taller = normal.clone();
    let more = NonZeroU16::new(rows.get() + ROWS.1).expect("not 0");
    taller.set_size(more, columns);
    taller.cursor_position().0.saturating_sub(normal.cursor_position().0)
}

fn fingerprint(screen: &Screen) -> String {
    let (normal, alternate) = both(screen);
    let mut out = format!(
        "{:?} {} {} {:?} {:?}",
        screen.size(),
        screen.alternate_screen(),
        scrolled_off(&normal),
        screen.attributes_formatted(),
        screen.hide_cursor(),
    );
    for half in [normal, alternate] {
        let _ = write!(
            out,
            " {:?} {:?} {:?}",
            half.cursor_position(),
            Shape::of(&half),
            half.contents_formatted()
        );
    }
    out
}

/// Returns bytes that draw both screens, with the state that later output depends on.
fn draw_screen(screen: &Screen) -> Vec<u8> {
    let (normal, alternate) = both(screen);
    let (rows, columns) = screen.size();
    let mut out = String::new();
    let scrolled = scrolled_off(&normal);
    if scrolled > 0 {
        let _ = write!(out, "\x1b[{rows};1H{}", "\n".repeat(scrolled.into()));
    }
    if screen.alternate_screen() {
        draw_half(&normal, &mut out);
        out.push_str("\x1b[?47h");
        draw_half(&alternate, &mut out);
    } else {
        let blank = both(Parser::new(rows, columns, 0).screen()).1;
        if alternate.contents_formatted() != after(&blank, b"").contents_formatted() {
            out.push_str("\x1b[?47h");
            draw_half(&alternate, &mut out);
            out.push_str("\x1b[?47l");
        }
        draw_half(&normal, &mut out);
    }
    out.push_str(&screen.attributes_formatted());
    out.into_bytes()
}

fn draw_half(half: &Screen, out: &mut String) {
    let shape = Shape::of(half);
    let (rows, _) = half.size();
    out.push_str(&half.contents_formatted());
    if shape.region != (0, rows.get() - 1) {
        let _ = write!(out, "\x1b[{};{}r", shape.region.0 + 1, shape.region.1 + 1);
    }
    if shape.saved_origin {
        out.push_str("\x1b[?6h");
    }
    let _ = write!(out, "{}{}\x1b7", shape.cursor(shape.saved, shape.saved_origin), shape.saved_attributes);
    if shape.origin != shape.saved_origin {
        out.push_str(if shape.origin { "\x1b[?6h" } else { "\x1b[?6l" });
    }
    if shape.origin {
        out.push_str(&shape.cursor(half.cursor_position(), true));
    } else {
        out.push_str("\x1b[m");
        out.push_str(&half.cursor_state_formatted());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fed(output: &[u8]) -> Terminal {
        let mut terminal = Terminal::new(20, 5);
        terminal.feed(output, &mut Vec::new());
        terminal
    }

    #[test]
    fn a_snapshot_holds_what_does_not_show() {
        for output in [
            &b"one\r\ntwo\x1b[1;31mred"[..],
            b"shell\x1b[?1049h\x1b[2Jeditor\x1b[2;4r\x1b[3;1H",
            b"a\r\nb\r\nc\r\nd\r\ne\r\nf\r\ng",
            b"\x1b[2;3r\x1b[?6hin origin mode",
            b"\x1b[3;7H\x1b[4m\x1b7\x1b[m\x1b[1;1Hx",
            b"exactly twenty chars",
            b"twenty-five characters long",
            b"\x1b[?25l\x1b(0lqqk",
        ] {
            let terminal = fed(output);
            let snapshot = terminal.snapshot().unwrap_or_else(|| panic!("no snapshot of {output:?}"));
            let mut restored = Terminal::restore(&snapshot);
            let mut terminal = terminal;
            let rest = b"q\x1b8!\n\n\x1b[?1049lmore\r\nlines\x1b[5;1H\n\nend";
            terminal.feed(rest, &mut Vec::new());
            restored.feed(rest, &mut Vec::new());
            assert_eq!(restored.fingerprint(), terminal.fingerprint(), "{output:?}");
        }
    }

    #[test]
    fn no_snapshot_is_taken_inside_a_sequence() {
        assert_eq!(fed(b"text\x1b[1").snapshot(), None);
    }

    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            3 => "[a-z 世é]{1,12}".prop_map(String::into_bytes),
            2 => "[\r\n\t\x08]".prop_map(String::into_bytes),
            4 => "\x1b\\[[0-9]{0,2}(;[0-9]{1,2})?[A-HJKLMPSTXdmrbsu@`]".prop_map(String::into_bytes),
            2 => "\x1b\\[\\?(6|7|25|47|1049)[hl]".prop_map(String::into_bytes),
            2 => "\x1b[78DEMc]".prop_map(String::into_bytes),
            1 => any::<Vec<u8>>(),
        ];
        prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn a_restored_terminal_goes_on_the_same(before in stream(), later in stream(), columns: u16, rows in 0u16..60) {
            let mut terminal = fed(&before);
            if let Some(snapshot) = terminal.snapshot() {
                let mut restored = Terminal::restore(&snapshot);
                for terminal in [&mut terminal, &mut restored] {
                    terminal.feed(&later, &mut Vec::new());
                    terminal.resize(columns % 120, rows);
                    terminal.feed(&later, &mut Vec::new());
                }
                prop_assert_eq!(restored.fingerprint(), terminal.fingerprint());
            }
        }

        #[test]
        fn no_stream_and_no_size_stops_the_model(pieces in prop::collection::vec((stream(), any::<u16>(), any::<u16>()), 0..5)) {
            let mut terminal = Terminal::new(0, 0);
            for (piece, columns, rows) in pieces {
                terminal.resize(columns % 300, rows % 100);
                terminal.feed(&piece, &mut Vec::new());
                let _ = terminal.text();
            }
        }
    }
}
