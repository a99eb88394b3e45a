//! Writes frames into a recording without end and says how many are on disk, for a test that kills it.
//!
//! Usage: `recording_writer FOLDER [BYTES_PER_FRAME]`. Prints `session <id>` once, then `durable <frames>` each time
//! that more frames are known to be synced. Frame `n`, counted from 0, begins with the text `n` and a space.

use std::sync::Arc;

use event::{Ambient, ManualClock, SeededEntropy, Timestamp};
use recording::{Frame, Header, Recordings};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or_else(|| anyhow::anyhow!("usage: recording_writer FOLDER [BYTES]"))?;
    let length: usize = arguments.next().map_or(Ok(200), |text| text.parse())?;

    // The process number tells repeated runs in one folder apart.
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_764_000_000_000_000)));
    let entropy = Arc::new(SeededEntropy::new(std::process::id().into()));
    let ambient = Ambient::new(clock.clone(), entropy);
    let recordings = Recordings::open(folder.as_ref(), ambient.clone())?;
    let session = ambient.session_id();
    let header = Header {
        session,
        started: ambient.now(),
        user: "crash".into(),
        login: "crash".into(),
        target: "crash".into(),
        protocol: "ssh".into(),
    };
    let recorder = recordings.start(header).await?;
    println!("session {session}");

    let mut durable = recorder.durable();
    tokio::spawn(async move {
        while let Some(frames) = durable.grown().await {
            println!("durable {frames}");
        }
    });
    for number in 0u64.. {
        clock.advance(std::time::Duration::from_micros(100));
        let mut bytes = format!("{number} ").into_bytes();
        bytes.resize(length.max(bytes.len()), b'.');
        recorder.write(Frame::Output { channel: 0, bytes: bytes.into() }).await?;
    }
    Ok(())
}
