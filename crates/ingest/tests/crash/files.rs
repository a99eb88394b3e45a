//! The files that are sent: the same content for the same number, with lines that are blank and lines that are no records.

/// Lines of a file.
const LINES: u64 = 90;
/// Name of the reporting system.
pub const NAME: &str = "prod";

/// A file's content.
pub fn content(file: u64) -> Vec<u8> {
    let line = |n: u64| match n % 17 {
        5 => format!("no record {n}\n"),
        11 => " \n".to_owned(),
        _ => {
            format!("{{\"file\":{file},\"n\":{n},\"filler\":\"{}\"}}\n", "x".repeat((n * 37 % 200) as usize))
        }
    };
    (0..LINES).flat_map(|n| line(n).into_bytes()).collect()
}

/// The identity under which it is sent.
pub fn identity(file: u64) -> String {
    format!("{file:032x}")
}

/// The source that its entries have in the log.
pub fn source(file: u64) -> String {
    format!("{}ndjson/{NAME}/{}", event::ingested::FILE_SOURCE_PREFIX, identity(file))
}

/// The byte behind each line that leaves an entry.
pub fn ends(content: &[u8]) -> Vec<u64> {
    let mut end = 0;
    let lines = content.split_inclusive(|byte| *byte == b'\n').map(|line| {
        end += line.len() as u64;
        (line, end)
    });
    lines.filter(|(line, _)| !line.trim_ascii().is_empty()).map(|(_, end)| end).collect()
}
