//! A hostile terminal stream: the sanitiser's output is UTF-8 that it would not change again, and the terminal's
//! model survives it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use recording::{Sanitiser, Terminal};

fuzz_target!(|bytes: &[u8]| {
    let mut once = Vec::new();
    Sanitiser::new().feed(bytes, &mut once);
    assert!(std::str::from_utf8(&once).is_ok());
    let mut twice = Vec::new();
    Sanitiser::new().feed(&once, &mut twice);
    assert_eq!(once, twice);
    let mut terminal = Terminal::new(bytes.len() as u16 % 100, 24);
    terminal.feed(bytes, &mut Vec::new());
    terminal.resize(40, 5);
    terminal.feed(bytes, &mut Vec::new());
    let _ = terminal.text();
});
