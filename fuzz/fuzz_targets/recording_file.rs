//! A recording as an enemy may have written it, checksums and chain right: read, verified, played and exported.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use lodge_fuzz::recording::Recording;
use recording::{Format, PlayOptions, Player, Reader, RecordingError};

fn whole(reader: &mut Reader) -> Result<u64, RecordingError> {
    let mut frames = 0;
    while reader.next_frame()?.is_some() {
        frames += 1;
    }
    Ok(frames)
}

fn play(reader: Reader, start: Duration) -> Result<(), RecordingError> {
    let options = PlayOptions { start, idle_limit: Some(Duration::from_secs(1)), ..PlayOptions::default() };
    let mut player = Player::new(reader, &options)?;
    while player.next_step()?.is_some() {}
    Ok(())
}

fuzz_target!(
    init: lodge_fuzz::panics::let_the_emulator_fail(),
    |input: (Recording, u32)| {
        let (recording, start_us) = input;
        let file = tempfile::Builder::new().suffix(".rec").tempfile().expect("a file can be made");
        std::fs::write(file.path(), recording.encode()).expect("the file can be written");
        let Ok(mut reader) = Reader::open_file(file.path()) else { return };
        let verified = reader.verify();
        let read = whole(&mut reader);
        if let Ok(seal) = &verified {
            assert_eq!(read.as_ref().ok(), Some(&seal.frames), "what verifies can be read");
        }
        let open = || Reader::open_file(file.path()).expect("it was opened before");
        for format in [Format::AsciicastV2, Format::AsciicastV3, Format::Json, Format::Text] {
            let mut out = Vec::new();
            let done = recording::export(&mut open(), format, None, &mut out);
            assert!(verified.is_err() || done.is_ok(), "what verifies can be exported");
            let text = String::from_utf8(out).expect("exports are text");
            if done.is_ok() && format != Format::Text {
                for line in text.lines().filter(|line| !line.starts_with('#')) {
                    serde_json::from_str::<serde_json::Value>(line).expect("every line is JSON");
                }
            }
        }
        let played = play(open(), Duration::ZERO);
        assert!(verified.is_err() || played.is_ok(), "what verifies can be played");
        let _ = play(open(), Duration::from_micros(start_us.into()));
    }
);
