//! A hostile terminal stream: however it is cut, the sanitiser's output is the same UTF-8, which it would not change
//! again, and the terminal's model survives it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use recording::{Sanitiser, Terminal};

/// Strings longer than this may be cut off where the input is cut.
const SHORT: usize = 16 * 1024;

fuzz_target!(
    init: lodge_fuzz::panics::let_the_emulator_fail(),
    |bytes: &[u8]| {
        let mut once = Vec::new();
        Sanitiser::new().feed(bytes, &mut once);
        assert!(std::str::from_utf8(&once).is_ok());
        let mut twice = Vec::new();
        Sanitiser::new().feed(&once, &mut twice);
        assert_eq!(once, twice);
        if bytes.len() < SHORT {
            let (mut singly, mut sanitiser) = (Vec::new(), Sanitiser::new());
            bytes.iter().for_each(|byte| sanitiser.feed(&[*byte], &mut singly));
            assert_eq!(once, singly);
        }
        let mut terminal = Terminal::new(bytes.len() as u16 % 100, 24);
        terminal.feed(bytes, &mut Vec::new());
        terminal.resize(40, 5);
        terminal.feed(bytes, &mut Vec::new());
        let _ = terminal.text();
        let _ = terminal.drawing();
    }
);
