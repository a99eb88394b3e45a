//! The playback sanitiser: of a terminal's output it passes on only what draws.
//!
//! What a target wrote is hostile to whoever watches it: it can set window titles, write the clipboard, ask the
//! terminal questions whose answers arrive as if typed, switch the mouse and the keyboard into other modes. The
//! sanitiser parses the stream and writes it anew: printable text, cursor movement, erasing, scrolling, colours,
//! the alternate screen, the cursor's visibility. Everything else, known or not, disappears.
//!
//! Invariants: the output consists of whole UTF-8 characters and whole sequences from the list in `csi` and
//! `mode`; how the input is cut into pieces does not change the output (save inside an overlong string); memory
//! is bounded.

use vte::{Params, Parser, Perform};

use crate::wire;

/// After this many bytes inside one string sequence (a title, an image), the rest is no longer kept by the parser.
const STRING_LIMIT: usize = 16 * 1024;
/// The most that "repeat the last character" repeats, so that six bytes cannot draw for minutes.
const REPEAT_LIMIT: u16 = 256;
/// What brings a terminal back to its normal state after playback.
const RESET: &[u8] = b"\x1b[0m\x1b[4l\x1b[?6l\x1b[?7h\x1b[r\x1b[?25h\x1b[?1049l";
/// What a full reset becomes: the same on the screen, without touching the viewer's own settings.
const CLEAN: &[u8] = b"\x1b[0m\x1b[4l\x1b[?6l\x1b[?7h\x1b[?25h\x1b[?47l\x1b[0r\x1b[2J\x1b[1;1H";

/// Makes a terminal's output safe to show; carries its state from piece to piece.
pub struct Sanitiser {
    parser: Parser,
    drawing: Drawing,
    quiet: usize,
    swallowing: bool,
    /// The beginning of a character whose rest has not come. The parser loses what follows one where it has to
    /// keep it itself, so it only ever gets whole characters.
    unfinished: Vec<u8>,
}

/// The state of drawing that outlives a sequence, as a keyframe stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct DrawingState {
    /// Whether G0 and G1 hold the line-drawing characters, and whether G1 is in use.
    charsets: Charsets,
    saved: Charsets,
    last: Option<char>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
struct Charsets {
    lines: [bool; 2],
    shifted: bool,
}

impl Charsets {
    fn draw_lines(self) -> bool {
        self.lines[usize::from(self.shifted)]
    }

    fn bits(self) -> u8 {
        u8::from(self.lines[0]) | u8::from(self.lines[1]) << 1 | u8::from(self.shifted) << 2
    }

    fn from_bits(bits: u8) -> Charsets {
        Charsets { lines: [bits & 1 != 0, bits & 2 != 0], shifted: bits & 4 != 0 }
    }
}

impl DrawingState {
    pub(crate) fn to_number(self) -> u64 {
        let last = u64::from(self.last.map_or(0, u32::from));
        last << 6 | u64::from(self.saved.bits()) << 3 | u64::from(self.charsets.bits())
    }

    pub(crate) fn from_number(number: u64) -> Option<DrawingState> {
        let last = match u32::try_from(number >> 6).ok()? {
            0 => None,
            code => Some(char::from_u32(code)?),
        };
        let bits = |shift: u32| Charsets::from_bits((number >> shift & 7) as u8);
        Some(DrawingState { charsets: bits(0), saved: bits(3), last })
    }
}

impl Default for Sanitiser {
    fn default() -> Sanitiser {
        Sanitiser::new()
    }
}

impl Sanitiser {
    /// Makes a sanitiser for the beginning of a stream.
    pub fn new() -> Sanitiser {
        Sanitiser {
            parser: Parser::new(),
            drawing: Drawing::default(),
            quiet: 0,
            swallowing: false,
            unfinished: Vec::new(),
        }
    }

    /// Takes a piece of the stream and appends what of it draws to `out`.
    pub fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) {
        std::mem::swap(&mut self.drawing.out, out);
        for piece in input.chunks(STRING_LIMIT) {
            self.feed_characters(piece);
        }
        std::mem::swap(&mut self.drawing.out, out);
    }

    /// Returns the bytes that bring a terminal back to its normal state, to write when playback ends.
    pub fn reset_sequence() -> &'static [u8] {
        RESET
    }

    pub(crate) fn state(&self) -> DrawingState {
        self.drawing.state
    }

    pub(crate) fn at(state: DrawingState) -> Sanitiser {
        let mut sanitiser = Sanitiser::new();
        sanitiser.drawing.state = state;
        sanitiser
    }

    /// Whether the last byte completed what it belongs to; false is also said when that cannot be told.
    pub(crate) fn at_rest(&self) -> bool {
        self.drawing.at_rest && self.unfinished.is_empty()
    }

    /// Feeds valid UTF-8: what is invalid becomes U+FFFD, and a character that is not finished is kept back.
    fn feed_characters(&mut self, piece: &[u8]) {
        let mut joined = std::mem::take(&mut self.unfinished);
        joined.extend_from_slice(piece);
        let mut chunks = joined.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.feed_piece(chunk.valid().as_bytes());
            match chunk.invalid() {
                [] => {}
                cut if chunks.peek().is_none() && wire::whole_characters_end(cut) == 0 => {
                    self.unfinished = cut.to_vec();
                }
                // A lone C1 control, which an 8-bit terminal would obey.
                [0x80..=0x9f] => {}
                _ => self.feed_piece("\u{fffd}".as_bytes()),
            }
        }
    }

    fn feed_piece(&mut self, piece: &[u8]) {
        if piece.is_empty() {
            return;
        }
        if self.swallowing {
            return self.swallow(piece);
        }
        let events = self.drawing.events;
        // Line breaks may stand inside a sequence and prove nothing; the character before them goes in alone, to
        // see whether it completes something.
        let breaks = piece.iter().rev().take_while(|byte| matches!(byte, 0x08..=0x0d)).count();
        let (text, breaks) = piece.split_at(piece.len() - breaks);
        let (before, last) = text.split_at(last_character(text));
        self.parser.advance(&mut self.drawing, before);
        self.drawing.at_rest &= text.is_empty();
        self.parser.advance(&mut self.drawing, last);
        self.parser.advance(&mut self.drawing, breaks);
        self.quiet = if self.drawing.events == events { self.quiet + piece.len() } else { 0 };
        if self.quiet > STRING_LIMIT {
            // The parser would keep an endless title in memory. "Start of string" is a state that keeps nothing.
            self.parser = Parser::new();
            self.parser.advance(&mut self.drawing, b"\x1bX");
            self.swallowing = true;
            self.drawing.at_rest = false;
        }
    }

    /// Skips the rest of an overlong string, which BEL, ESC, CAN or SUB ends.
    fn swallow(&mut self, piece: &[u8]) {
        let Some(end) = piece.iter().position(|byte| matches!(byte, 0x07 | 0x18 | 0x1a | 0x1b)) else {
            return;
        };
        self.swallowing = false;
        self.quiet = 0;
        let rest = match piece[end] {
            0x1b => &piece[end..],
            _ => &piece[end + 1..],
        };
        self.parser.advance(&mut self.drawing, b"\x18");
        self.feed_piece(rest);
    }
}

/// Returns where the last character begins.
fn last_character(text: &[u8]) -> usize {
    let whole = |at: &usize| std::str::from_utf8(&text[*at..]).is_ok_and(|end| end.chars().count() == 1);
    (text.len().saturating_sub(4)..text.len()).find(whole).unwrap_or(text.len())
}

/// Receives what the parser recognised and writes what may pass.
#[derive(Default)]
struct Drawing {
    out: Vec<u8>,
    state: DrawingState,
    /// How many things the parser has recognised; it stands still inside a string.
    events: u64,
    at_rest: bool,
}

impl Drawing {
    fn note(&mut self) {
        self.events += 1;
    }

    /// Notes that the parser is now between sequences.
    fn rest(&mut self) {
        self.note();
        self.at_rest = true;
    }

    fn put(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    fn put_char(&mut self, shown: char) {
        self.out.extend_from_slice(shown.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// Writes `CSI` with these parameters and this final byte.
    fn put_csi(&mut self, private: bool, params: &Params, action: u8) {
        self.put(if private { b"\x1b[?" } else { b"\x1b[" });
        for (index, group) in params.iter().enumerate() {
            for (sub, number) in group.iter().enumerate() {
                match (index, sub) {
                    (0, 0) => {}
                    (_, 0) => self.out.push(b';'),
                    _ => self.out.push(b':'),
                }
                self.out.extend_from_slice(number.to_string().as_bytes());
            }
        }
        self.out.push(action);
    }

    /// Passes on a control sequence without a private marker.
    fn csi(&mut self, params: &Params, action: char) {
        let count = params.len();
        let first = params.iter().next().and_then(|group| group.first().copied()).unwrap_or(0);
        match action {
            // Cursor movement, inserting and deleting, scrolling: ECMA-48.
            'A'..='I' | '@' | 'L' | 'M' | 'P' | 'S' | 'X' | 'Z' | '`' | 'a' | 'd' | 'e' | 'f'
                if count <= 2 =>
            {
                self.put_csi(false, params, action as u8);
            }
            // With more parameters this would track the mouse.
            'T' if count <= 1 => self.put_csi(false, params, b'T'),
            // Erasing, but not the viewer's own scrollback (3).
            'J' | 'K' if count <= 1 && first <= 2 => self.put_csi(false, params, action as u8),
            'm' => self.put_csi(false, params, b'm'),
            'r' if count <= 2 => self.put_csi(false, params, b'r'),
            'b' if count <= 1 => self.repeat(first.clamp(1, REPEAT_LIMIT)),
            'h' | 'l' if count == 1 && first == 4 => self.put_csi(false, params, action as u8),
            's' if count <= 1 && first == 0 => self.save(),
            'u' if count <= 1 && first == 0 => self.restore(),
            _ => {}
        }
    }

    /// Passes on a DEC private mode that only changes how things are drawn.
    fn mode(&mut self, number: u16, action: char) {
        let set = action == 'h';
        match number {
            // Origin mode, autowrap, cursor visibility, alternate screen.
            6 | 7 | 25 | 47 | 1049 => {
                self.out.extend_from_slice(format!("\x1b[?{number}{action}").as_bytes())
            }
            1047 => self.put(if set { b"\x1b[?47h" } else { b"\x1b[?47l" }),
            1048 if set => self.save(),
            1048 => self.restore(),
            _ => {}
        }
    }

    fn save(&mut self) {
        self.state.saved = self.state.charsets;
        self.put(b"\x1b7");
    }

    fn restore(&mut self) {
        self.state.charsets = self.state.saved;
        self.put(b"\x1b8");
    }

    fn repeat(&mut self, times: u16) {
        for _ in 0..times {
            if let Some(last) = self.state.last {
                self.put_char(last);
            }
        }
    }
}

impl Perform for Drawing {
    fn print(&mut self, read: char) {
        self.note();
        self.at_rest = true;
        // The parser takes a C1 control whose two bytes arrive apart for a character; some terminals obey those.
        if read.is_control() {
            return;
        }
        let shown = if self.state.charsets.draw_lines() { line_drawing(read) } else { read };
        self.state.last = Some(shown);
        self.put_char(shown);
    }

    fn execute(&mut self, byte: u8) {
        self.note();
        match byte {
            0x08..=0x0d => self.out.push(byte),
            0x0e => self.state.charsets.shifted = true,
            0x0f => self.state.charsets.shifted = false,
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
        self.rest();
        match (ignore, intermediates) {
            (false, []) => self.csi(params, action),
            (false, [b'?']) if matches!(action, 'h' | 'l') => {
                for group in params {
                    if let [number] = group {
                        self.mode(*number, action);
                    }
                }
            }
            // Selective erasing draws as erasing does.
            (false, [b'?']) if matches!(action, 'J' | 'K') => self.csi(params, action),
            // A soft reset.
            (false, [b'!']) if action == 'p' => self.put(b"\x1b[0m\x1b[4l\x1b[?25h"),
            _ => {}
        }
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], ignore: bool, byte: u8) {
        self.rest();
        match (ignore, intermediates, byte) {
            (false, [], b'7') => self.save(),
            (false, [], b'8') => self.restore(),
            (false, [], b'D') => self.put(b"\n"),
            (false, [], b'E') => self.put(b"\r\n"),
            (false, [], b'M') => self.put(b"\x1bM"),
            (false, [], b'c') => {
                self.state = DrawingState::default();
                self.put(CLEAN);
            }
            (false, [b'('], set) => self.state.charsets.lines[0] = set == b'0',
            (false, [b')'], set) => self.state.charsets.lines[1] = set == b'0',
            _ => {}
        }
    }

    fn osc_dispatch(&mut self, _: &[&[u8]], bell_terminated: bool) {
        self.note();
        self.at_rest = bell_terminated;
    }

    fn hook(&mut self, _: &Params, _: &[u8], _: bool, _: char) {
        self.note();
        self.at_rest = false;
    }

    fn put(&mut self, _: u8) {
        self.events += 1;
        self.at_rest = false;
    }
}

/// Returns the character that the DEC special graphics set shows for `read`, in Unicode.
fn line_drawing(read: char) -> char {
    const SHOWN: [char; 31] = [
        '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼', '⎺', '⎻', '─', '⎼', '⎽',
        '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·',
    ];
    match read {
        '\x60'..='\x7e' => SHOWN[read as usize - 0x60],
        _ => read,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sanitised(input: &[u8]) -> String {
        let mut out = Vec::new();
        Sanitiser::new().feed(input, &mut out);
        String::from_utf8(out).expect("the output is UTF-8")
    }

    fn check(input: &[u8], expected: &str) {
        assert_eq!(sanitised(input), expected, "{:?}", String::from_utf8_lossy(input));
    }

    /// Accepts exactly what a sanitised stream may hold.
    struct Allowed;
    impl Perform for Allowed {
        fn print(&mut self, read: char) {
            assert!(!read.is_control(), "{read:?}");
        }
        fn execute(&mut self, byte: u8) {
            assert!(matches!(byte, 0x08..=0x0d), "control {byte:#x}");
        }
        fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: char) {
            let modes = [6, 7, 25, 47, 1049];
            let first = params.iter().next().map_or(0, |group| group[0]);
            let allowed = match intermediates {
                [] if matches!(action, 'h' | 'l') => first == 4,
                [] if matches!(action, 'J' | 'K') => first <= 2,
                [] => "ABCDEFGHI@LMPSTXZ`adefmr".contains(action),
                [b'?'] => matches!(action, 'h' | 'l') && params.len() == 1 && modes.contains(&first),
                _ => false,
            };
            assert!(allowed && !ignore, "CSI {intermediates:?} {first} {action}");
        }
        fn esc_dispatch(&mut self, intermediates: &[u8], _: bool, byte: u8) {
            assert!(intermediates.is_empty() && matches!(byte, b'7' | b'8' | b'M'), "ESC {byte}");
        }
        fn osc_dispatch(&mut self, _: &[&[u8]], _: bool) {
            panic!("OSC passed");
        }
        fn hook(&mut self, _: &Params, _: &[u8], _: bool, _: char) {
            panic!("DCS passed");
        }
    }

    #[test]
    fn what_draws_passes() {
        check(b"plain \xc3\xa9\t\r\n", "plain é\t\r\n");
        check(b"\x1b[1;38;5;196mred\x1b[m", "\x1b[1;38;5;196mred\x1b[0m");
        check(b"\x1b[4:3mcurl", "\x1b[4:3mcurl");
        check(b"\x1b[?1049h\x1b[2J\x1b[10;20Hx\x1b[?1049l", "\x1b[?1049h\x1b[2J\x1b[10;20Hx\x1b[?1049l");
        check(b"\x1b(0lqk\x1b(B lqk", "┌─┐ lqk");
        check(b"\x1b)0\x0ex\x0fx", "│x");
        check(b"ab\x1b[3b", "abbbb");
    }

    #[test]
    fn what_does_more_than_draw_is_dropped() {
        for attack in [
            &b"\x1b]0;title\x07"[..],
            b"\x1b]52;c;ZXZpbA==\x07",
            b"\x1b]8;;http://evil\x1b\\",
            b"\x1b]1337;File=:AAAA\x07",
            b"\x1bP$qm\x1b\\",
            b"\x1bPq#0;2;0;0;0\x1b\\",
            b"\x1b_Gf=24;AAAA\x1b\\",
            b"\x1b^private\x1b\\",
            b"\x1bXstring\x1b\\",
            b"\x1b[c\x1b[>c\x1b[=c\x1b[5n\x1b[6n\x1b[?6n\x1bZ\x05",
            b"\x1b[18t\x1b[8;1;1t\x1b[22;0t",
            b"\x1b[?1000h\x1b[?1006h\x1b[?2004h\x1b[?1h\x1b[?1004h\x1b[?9h",
            b"\x1b=\x1b>\x1b[>4;2m\x1b[>1u\x1b[=5u\x1b[?u",
            b"\x1b[5i\x1b[4i\x1b[3J\x1b[2 q\x1b[20h\x1b[2h\x1bH\x1b[3g",
            b"\x07\x00\x7f\x9b31m\xc2\x9b31m",
            b"\x1b[1;2;3;4;5T",
        ] {
            let left = sanitised(attack);
            assert!(["", "31m31m"].contains(&left.as_str()), "{attack:?} left {left:?}");
        }
    }

    #[test]
    fn an_endless_title_is_swallowed_in_bounded_memory() {
        let mut sanitiser = Sanitiser::new();
        let mut out = Vec::new();
        sanitiser.feed(b"before\x1b]0;", &mut out);
        for _ in 0..100 {
            sanitiser.feed(&[b'x'; 10_000], &mut out);
        }
        assert!(sanitiser.swallowing);
        sanitiser.feed(b"xx\x07after", &mut out);
        assert_eq!(out, b"beforeafter");
    }

    #[test]
    fn a_cut_inside_a_character_neither_loses_what_follows_nor_lets_a_control_through() {
        let mut out = Vec::new();
        let mut sanitiser = Sanitiser::new();
        for piece in [&b"a\xc2"[..], b"\x9b31m\xc2", b"\x80 \x80b\xe4", b"\xb8", b"\x96"] {
            sanitiser.feed(piece, &mut out);
        }
        assert_eq!(String::from_utf8(out).unwrap(), "a31m b世");
    }

    #[test]
    fn rest_is_seen_only_between_sequences() {
        let rest = |input: &[u8]| {
            let mut sanitiser = Sanitiser::new();
            sanitiser.feed(input, &mut Vec::new());
            sanitiser.at_rest()
        };
        assert!(rest(b"prompt$ ") && rest(b"\x1b[1m") && rest("é".as_bytes()) && rest(b"\x1b]0;t\x1b\\"));
        assert!(
            !rest(b"a\x1b")
                && !rest(b"a\x1b[")
                && !rest(b"a\x1b[1")
                && !rest(b"a\x1b]0;t")
                && !rest(b"a\xc3")
        );
        assert!(!rest(b"a\x1bP1q") && !rest(b"a\x1b[1\n") && !rest(b"a\x1b("));
    }

    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            any::<Vec<u8>>(),
            "[ -~]{0,5}".prop_map(String::into_bytes),
            ("\x1b[\\[\\]P_^X()?!>=0-9;:]{1,6}[ -~]", any::<bool>()).prop_map(|(text, _)| text.into_bytes()),
            "\x1b\\[[?>!]?[0-9;:]{0,8}[@-~]".prop_map(String::into_bytes),
        ];
        prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn only_allowed_actions_pass(input in stream()) {
            let out = sanitised(&input);
            Parser::new().advance(&mut Allowed, out.as_bytes());
            prop_assert_eq!(sanitised(out.as_bytes()), out, "sanitising twice changes nothing");
        }

        #[test]
        fn cutting_the_stream_changes_nothing(input in stream(), cuts in prop::collection::vec(1usize..5, 0..50)) {
            let (mut sanitiser, mut out, mut rest) = (Sanitiser::new(), Vec::new(), input.as_slice());
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                sanitiser.feed(piece, &mut out);
                rest = after;
            }
            sanitiser.feed(rest, &mut out);
            let (mut bytewise, mut one_by_one) = (Sanitiser::new(), Vec::new());
            input.iter().for_each(|byte| bytewise.feed(&[*byte], &mut one_by_one));
            prop_assert_eq!(&out, &one_by_one);
        }

        #[test]
        fn drawing_state_comes_back(number in 0u64..1 << 27) {
            if let Some(state) = DrawingState::from_number(number) {
                prop_assert_eq!(state.to_number(), number);
            }
        }
    }
}
