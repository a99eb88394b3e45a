//! Resources: whatever text arrives, reading ends without a panic, and what is read prints as what reads back the same.
#![no_main]

use access::Resource;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(resources) = Resource::parse_all(text) else { return };
    for resource in resources {
        let printed = resource.to_string();
        let again = Resource::parse_all(&printed).expect("what was printed is valid");
        assert_eq!(again, [resource], "{printed}");
    }
});
