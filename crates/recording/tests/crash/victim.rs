//! The victim: recovers the folder, then records several sessions at once and says what is durable.
//!
//! Lines: `session ID` once its recording has begun, `wrote ID FRAMES MS` after a frame was taken, `durable ID FRAMES`,
//! `sealed ID ROOT FRAMES`. Frame `n` of a session, counted from 0, begins with the text `n` and a space.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use event::{Ambient, ManualClock, SeededEntropy, Timestamp};
use recording::{Frame, Header, Recorder, Recordings};
use tokio::time::Instant;

use crate::budget::Dice;
use crate::kill::Speaker;

pub const FOLDER: &str = "LODGE_CRASH_FOLDER";

/// Frames of the session that ends, and of the one that goes on to the end of the run.
const FRAMES: [u64; 2] = [60, 180];
/// A frame comes so often.
const PACE: Duration = Duration::from_millis(10);
/// A slow session: its chunks are never full and go by their age.
const SLOW: u64 = 30;

type Voice = Rc<RefCell<Speaker>>;

/// A clock that the victim moves, and another stream of randomness in every process.
pub fn ambient() -> (Ambient, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_764_000_000_000_000)));
    // A process number alone comes round again.
    let name = tempfile::tempdir().unwrap();
    let seed = name
        .path()
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(u64::from(std::process::id()), |seed, byte| seed.rotate_left(7) ^ u64::from(*byte));
    (Ambient::new(clock.clone(), Arc::new(SeededEntropy::new(seed))), clock)
}

pub async fn run(folder: &Path, speaker: Speaker) {
    let (ambient, clock) = ambient();
    let recordings = Recordings::open(folder, ambient.clone()).unwrap();
    recordings.recover().unwrap();
    let (voice, began) = (Rc::new(RefCell::new(speaker)), Instant::now());
    let tasks = tokio::task::LocalSet::new();
    for (frames, most, pace) in [(FRAMES[0], 60_000, PACE), (FRAMES[1], 20_000, PACE), (SLOW, 100, PACE * 6)]
    {
        let (recordings, ambient, clock, voice) =
            (recordings.clone(), ambient.clone(), clock.clone(), voice.clone());
        tasks.spawn_local(async move {
            let (id, recorder) = start(&recordings, &ambient, &voice).await;
            tokio::task::spawn_local(tell_durable(id.clone(), recorder.clone(), voice.clone()));
            let mut dice = Dice::new(frames);
            for number in 0..frames {
                clock.advance(Duration::from_micros(100));
                recorder.write(frame(number, dice.below(most), &mut dice)).await.unwrap();
                voice.borrow_mut().say(&format!("wrote {id} {} {}", number + 1, began.elapsed().as_millis()));
                tokio::time::sleep(pace).await;
            }
            let seal = recorder.seal().await.unwrap();
            voice.borrow_mut().say(&format!("sealed {id} {} {}", hex(&seal.root), seal.frames));
        });
    }
    tasks.await;
}

async fn start(recordings: &Recordings, ambient: &Ambient, voice: &Voice) -> (String, Recorder) {
    let session = ambient.session_id();
    let header = Header {
        session,
        started: ambient.now(),
        user: "crash".into(),
        login: "crash".into(),
        target: "crash".into(),
        protocol: "ssh".into(),
    };
    let recorder = recordings.start(header).await.unwrap();
    voice.borrow_mut().say(&format!("session {session}"));
    (session.to_string(), recorder)
}

async fn tell_durable(id: String, recorder: Recorder, voice: Voice) {
    let mut durable = recorder.durable();
    drop(recorder);
    while let Some(frames) = durable.grown().await {
        voice.borrow_mut().say(&format!("durable {id} {frames}"));
    }
}

/// Bytes that do not compress, so that chunks have the size of what they hold.
fn frame(number: u64, length: u64, dice: &mut Dice) -> Frame {
    let mut bytes = format!("{number} ").into_bytes();
    bytes.extend((0..length).map(|_| dice.below(256) as u8));
    Frame::Output { channel: 0, bytes: bytes.into() }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
