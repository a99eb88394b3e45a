//! Both sides of an SFTP channel say anything, in any cut; nothing may panic or be forwarded that did not come.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use lodge_fuzz::cut::{Direction, Side, cut};
use lodge_fuzz::seldom::Seldom;
use protocols::ssh::sftp::Decoder;

#[derive(Arbitrary, Debug)]
enum Piece {
    Bytes(Side, Vec<u8>),
    Request(Packet),
    Reply(Packet),
}

/// A packet of the right length; a type below 21 for the client, above 100 for the server.
#[derive(Arbitrary, Debug)]
struct Packet {
    kind: Seldom<u8>,
    number: u8,
    id: u8,
    fields: Vec<Field>,
    length: Seldom<u32>,
    cut: u8,
}

#[derive(Arbitrary, Debug)]
enum Field {
    Small(u8),
    Number(u32),
    Long(u64),
    Offset(u16),
    Text(Vec<u8>),
    Handle(u8),
    Extension(u8),
    Bytes(Vec<u8>),
}

const EXTENSIONS: [&str; 12] = [
    "posix-rename@openssh.com",
    "hardlink@openssh.com",
    "fsync@openssh.com",
    "statvfs@openssh.com",
    "fstatvfs@openssh.com",
    "lsetstat@openssh.com",
    "limits@openssh.com",
    "expand-path@openssh.com",
    "copy-data",
    "home-directory",
    "users-groups-by-id@openssh.com",
    "vendor-id",
];

impl Packet {
    fn encode(&self, side: Side) -> Vec<u8> {
        let kind = match side {
            Side::Client if self.number % 20 == 0 => 200,
            Side::Client => 3 + self.number % 18,
            Side::Server => [101, 102, 103, 104, 105, 201, 102, 101][usize::from(self.number % 8)],
        };
        let mut body = vec![self.kind.or(kind), 0, 0, 0, self.id & 7];
        self.fields.iter().for_each(|field| field.encode(&mut body));
        let mut out = self.length.or(body.len() as u32).to_be_bytes().to_vec();
        out.append(&mut body);
        out
    }
}

impl Field {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut text = |bytes: &[u8]| {
            out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
            out.extend_from_slice(bytes);
        };
        match self {
            Field::Small(number) => out.extend_from_slice(&u32::from(*number).to_be_bytes()),
            Field::Number(number) => out.extend_from_slice(&number.to_be_bytes()),
            Field::Long(number) => out.extend_from_slice(&number.to_be_bytes()),
            Field::Offset(number) => out.extend_from_slice(&u64::from(*number).to_be_bytes()),
            Field::Text(bytes) => text(bytes),
            Field::Handle(number) => text(&[number & 3]),
            Field::Extension(number) => text(EXTENSIONS[usize::from(*number) % EXTENSIONS.len()].as_bytes()),
            Field::Bytes(bytes) => out.extend_from_slice(bytes),
        }
    }
}

fuzz_target!(|pieces: Vec<Piece>| {
    let mut decoder = Decoder::new();
    let _ = decoder.client(Bytes::from_static(b"\0\0\0\x05\x01\0\0\0\x03"));
    let _ = decoder.server(Bytes::from_static(b"\0\0\0\x05\x02\0\0\0\x03"));
    let (mut up, mut down) = (Direction::default(), Direction::default());
    'channel: for piece in &pieces {
        let (side, bytes, at) = match piece {
            Piece::Bytes(side, bytes) => (*side, bytes.clone(), 0),
            Piece::Request(packet) => (Side::Client, packet.encode(Side::Client), packet.cut),
            Piece::Reply(packet) => (Side::Server, packet.encode(Side::Server), packet.cut),
        };
        for bytes in cut(bytes, at) {
            let direction = if side == Side::Client { &mut up } else { &mut down };
            direction.takes(&bytes);
            let steps = if side == Side::Client { decoder.client(bytes) } else { decoder.server(bytes) };
            let Ok(steps) = steps else { break 'channel };
            steps.iter().for_each(|step| direction.forwards(step.bytes()));
        }
    }
    decoder.finish();
});
