//! An evidence bundle as an enemy may have written it: against a key whose signatures nobody can make, and with its
//! checkpoint signed anew, so that all of it is believed to be worth checking.
#![no_main]

use audit_log::evidence::verify;
use audit_log::verify::VerifierKey;
use libfuzzer_sys::fuzz_target;
use lodge_fuzz::signing::{self, sign_again};
use serde_json::Value;

/// The public key of RFC 8032, section 7.1, test 1.
const KEY: [u8; 32] = [
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e,
    0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
];

/// Puts a good signature on whatever the bundle's checkpoint says.
fn signed_again(bundle: &[u8]) -> Option<Vec<u8>> {
    let end = bundle.iter().position(|byte| *byte == b'\n')?;
    let (header, entries) = bundle.split_at(end);
    let mut header: Value = serde_json::from_slice(header).ok()?;
    let checkpoint = header.get_mut("checkpoint")?;
    *checkpoint = sign_again(checkpoint.as_str()?).into();
    Some([header.to_string().as_bytes(), entries].concat())
}

fuzz_target!(|bytes: &[u8]| {
    let key = VerifierKey::new("log.example", &KEY).expect("the key is a good one");
    if let Ok(report) = verify(bytes, &key, &mut |_| ()) {
        assert!(!report.is_intact(), "nobody signed it");
        for damage in &report.damage {
            assert!(!damage.to_string().is_empty());
        }
    }
    let Some(bundle) = signed_again(bytes) else { return };
    if let Ok(report) = verify(bundle.as_slice(), signing::key(), &mut |_| ()) {
        let end = report.first.checked_add(report.entries);
        assert!(!report.is_intact() || end.is_some_and(|end| end <= report.tree_size()));
    }
});
