//! A command line and both sides of its SCP channel say anything, in any cut; nothing may panic or be forwarded that
//! did not come.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use lodge_fuzz::cut::{Direction, Side, cut};
use protocols::ssh::scp::{Decoder, ScpCommand};

#[derive(Arbitrary, Debug)]
enum Command {
    Upload,
    Download,
    Bytes(Vec<u8>),
    Words(String),
}

#[derive(Arbitrary, Debug)]
struct Piece {
    side: Side,
    what: What,
    cut: u8,
}

#[derive(Arbitrary, Debug)]
enum What {
    Yes,
    Complaint(u8, Vec<u8>),
    Times(u32, u64),
    File(u16, u8, String),
    HugeFile(u64, String),
    Folder(u16, String),
    FolderEnd,
    Content(u8),
    Bytes(Vec<u8>),
}

impl What {
    fn encode(&self) -> Vec<u8> {
        match self {
            What::Yes => vec![0],
            What::Complaint(level, text) => [&[level & 3], text.as_slice(), b"\n"].concat(),
            What::Times(mtime, atime) => format!("T{mtime} 0 {atime} 0\n").into_bytes(),
            What::File(mode, size, name) => format!("C{:04o} {size} {name}\n", mode & 0o7777).into_bytes(),
            What::HugeFile(size, name) => format!("C0644 {size} {name}\n").into_bytes(),
            What::Folder(mode, name) => format!("D{:04o} 0 {name}\n", mode & 0o7777).into_bytes(),
            What::FolderEnd => b"E\n".to_vec(),
            What::Content(length) => vec![b'x'; usize::from(*length)],
            What::Bytes(bytes) => bytes.clone(),
        }
    }
}

fuzz_target!(|input: (Command, Vec<Piece>)| {
    let (command, pieces) = input;
    let line = match command {
        Command::Upload => b"scp -r -p -t x".to_vec(),
        Command::Download => b"scp -r -f x".to_vec(),
        Command::Bytes(bytes) => bytes,
        Command::Words(words) => format!("scp {words}").into_bytes(),
    };
    let Some(command) = ScpCommand::parse(&line) else { return };
    let mut decoder = Decoder::new(command);
    let (mut up, mut down) = (Direction::default(), Direction::default());
    'channel: for piece in &pieces {
        for bytes in cut(piece.what.encode(), piece.cut) {
            let client = piece.side == Side::Client;
            let direction = if client { &mut up } else { &mut down };
            direction.takes(&bytes);
            let steps = if client { decoder.client(bytes) } else { decoder.server(bytes) };
            let Ok(steps) = steps else { break 'channel };
            steps.iter().for_each(|step| direction.forwards(step.bytes()));
        }
    }
    decoder.finish();
});
