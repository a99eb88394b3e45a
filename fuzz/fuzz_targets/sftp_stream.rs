//! Both sides of an SFTP channel say anything, in any cut; nothing may panic or be forwarded that did not come.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use protocols::ssh::sftp::Decoder;

fuzz_target!(|pieces: Vec<(bool, Vec<u8>)>| {
    let mut decoder = Decoder::new();
    let _ = decoder.client(Bytes::from_static(b"\0\0\0\x05\x01\0\0\0\x03"));
    let _ = decoder.server(Bytes::from_static(b"\0\0\0\x05\x02\0\0\0\x03"));
    for (from_client, bytes) in pieces {
        let bytes = Bytes::from(bytes);
        let steps = if from_client { decoder.client(bytes) } else { decoder.server(bytes) };
        if steps.is_err() {
            break;
        }
    }
    decoder.finish();
});
