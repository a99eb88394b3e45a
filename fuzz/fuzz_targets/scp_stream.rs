//! A command line and both sides of its SCP channel say anything, in any cut; nothing may panic.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use protocols::ssh::scp::{Decoder, ScpCommand};

fuzz_target!(|input: (Vec<u8>, bool, Vec<(bool, Vec<u8>)>)| {
    let (command, upload, pieces) = input;
    let plain: &[u8] = if upload { b"scp -r -p -t x" } else { b"scp -r -f x" };
    let Some(command) = ScpCommand::parse(&command).or_else(|| ScpCommand::parse(plain)) else { return };
    let mut decoder = Decoder::new(command);
    for (from_client, bytes) in pieces {
        let bytes = Bytes::from(bytes);
        let steps = if from_client { decoder.client(bytes) } else { decoder.server(bytes) };
        if steps.is_err() {
            break;
        }
    }
    decoder.finish();
});
