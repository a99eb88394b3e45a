//! An evidence bundle as an enemy may have written it, against a fixed key whose signatures nobody can make.
#![no_main]

use audit_log::verify::VerifierKey;
use libfuzzer_sys::fuzz_target;

/// The public key of RFC 8032, section 7.1, test 1.
const KEY: [u8; 32] = [
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1,
    0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
];

fuzz_target!(|bytes: &[u8]| {
    let key = VerifierKey::new("log.example", &KEY).expect("the key is a good one");
    if let Ok(report) = audit_log::evidence::verify(bytes, &key, &mut |_| ()) {
        assert!(!report.is_intact() || report.tree_size() > 0);
        for damage in &report.damage {
            assert!(!damage.to_string().is_empty());
        }
    }
});
