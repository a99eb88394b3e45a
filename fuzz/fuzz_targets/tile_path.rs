//! Tile paths: any text is refused or is the one spelling of its tile, and never leaves the tile folder.
#![no_main]

use audit_log::tree::TilePath;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(path) = text.parse::<TilePath>() {
        assert_eq!(path.to_string(), text);
        assert!(text.starts_with("tile/") && !text.contains(".."));
        let _ = path.is_within(u64::MAX);
    }
});
