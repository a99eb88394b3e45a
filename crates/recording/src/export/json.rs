//! JSON lines: the header, one object for each frame, and the seal of a recording that has one.
//!
//! Nothing is lost: bytes that are not UTF-8 are in `base64` instead of `text`.

use std::io::Write;
use std::time::Duration;

use base16ct::lower::encode_string;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::write_error;
use crate::error::RecordingError;
use crate::frame::{Frame, Timed};
use crate::reader::Reader;

pub(super) fn export(
    reader: &mut Reader,
    channel: Option<u32>,
    out: &mut dyn Write,
) -> Result<(), RecordingError> {
    let mut header = serde_json::to_value(reader.header()).expect("a header is plain data");
    header["type"] = Value::from("header");
    line(out, &header)?;
    while let Some(timed) = reader.next_frame()? {
        if channel.is_none_or(|channel| channel == timed.frame.channel()) {
            line(out, &frame(&timed))?;
        }
    }
    if let Some(seal) = reader.seal()? {
        let root = encode_string(&seal.root);
        let (chunks, frames, bytes) = (seal.chunks, seal.frames, seal.bytes);
        line(
            out,
            &json!({
                "type": "seal", "root": root, "chunks": chunks, "frames": frames, "bytes": bytes,
                "stored_bytes": seal.stored_bytes, "duration_ms": seal.duration_ms, "truncated": seal.truncated,
            }),
        )?;
    }
    Ok(())
}

fn line(out: &mut dyn Write, value: &Value) -> Result<(), RecordingError> {
    writeln!(out, "{value}").map_err(write_error)
}

fn frame(Timed { offset, frame }: &Timed) -> Value {
    let mut value = match frame {
        Frame::Terminal { term, columns, rows, .. } => {
            json!({ "type": "terminal", "term": term, "columns": columns, "rows": rows })
        }
        Frame::Command { command, .. } => json!({ "type": "command", "command": command }),
        Frame::Output { bytes, .. } => content("output", bytes),
        Frame::ErrorOutput { bytes, .. } => content("error_output", bytes),
        Frame::Input { bytes, .. } => content("input", bytes),
        Frame::Resize { columns, rows, .. } => json!({ "type": "resize", "columns": columns, "rows": rows }),
        Frame::End { exit_code, .. } => json!({ "type": "end", "exit_code": exit_code }),
    };
    value["channel"] = Value::from(frame.channel());
    value["offset_us"] = Value::from(micros(*offset));
    value
}

fn content(name: &str, bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!({ "type": name, "text": text }),
        Err(_) => json!({ "type": name, "base64": STANDARD.encode(bytes) }),
    }
}

fn micros(offset: Duration) -> u64 {
    u64::try_from(offset.as_micros()).unwrap_or(u64::MAX)
}
