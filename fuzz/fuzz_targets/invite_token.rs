//! An invite's token from arbitrary text: one text for one token, or none.
#![no_main]

use identity::InviteToken;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(token) = text.parse::<InviteToken>() {
        assert_eq!(token.expose().as_str(), text);
    }
});
