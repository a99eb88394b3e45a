//! A log whose key signs whatever it is given: what lies behind a signature, an enemy with a stolen key reaches too.

use std::sync::LazyLock;

use audit_log::note::NoteSigner;
use audit_log::verify::VerifierKey;

/// The log's name.
pub const ORIGIN: &str = "lodge.example.com/log";

static SIGNER: LazyLock<NoteSigner> =
    LazyLock::new(|| NoteSigner::new(ORIGIN, &[7; 32]).expect("the name is a good one"));
static KEY: LazyLock<VerifierKey> =
    LazyLock::new(|| SIGNER.verifier().to_string().parse().expect("a signer's key can be read"));

/// Returns what signs.
pub fn signer() -> &'static NoteSigner {
    &SIGNER
}

/// Returns the verifier's own reading of the signer's key.
pub fn key() -> &'static VerifierKey {
    &KEY
}

/// Signs the text of a note anew, whoever signed it before; a text without an end gets one.
pub fn sign_again(note: &str) -> String {
    let text = note.rfind("\n\n").map_or(note, |end| &note[..end]);
    SIGNER.sign(&format!("{}\n", text.strip_suffix('\n').unwrap_or(text)))
}
