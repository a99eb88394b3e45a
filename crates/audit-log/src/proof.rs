//! Portable proofs: that one event is in the log, checked offline with the log's public key alone.
//!
//! [`TlogProof`] is the file of C2SP tlog-proof, which proves a leaf to any implementation of that standard.
//! [`EventProof`] adds what binds the leaf to the event: the salt and the exact payload.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use event::Timestamp;
use event::envelope::MAX_EVENT_BYTES;
use serde::{Deserialize, Serialize};

use crate::verify::leaf::{self, LeafView, MAX_LEAF_BYTES};
use crate::verify::{NoteError, SignedCheckpoint, VerifierKey, note, tree};
use crate::{Checkpoint, Entry, Hash, InclusionProof};

/// What the `format` of an event's proof says.
pub const FORMAT: &str = "lodge-proof/v1";
/// First line of a tlog-proof file.
const TLOG_PROOF: &str = "c2sp.org/tlog-proof@v1";
/// Longest tlog-proof file that is read.
const MAX_TLOG_PROOF: usize = note::MAX_NOTE_BYTES + (64 << 10);
/// Longest proof of an event that is read: JSON may need six bytes for one of the payload.
const MAX_EVENT_PROOF: usize = MAX_EVENT_BYTES * 6 + MAX_TLOG_PROOF * 6 + (8 << 10);
/// Longest path in a tree whose size is a 64-bit number.
const MAX_HASHES: usize = 64;

/// Why a proof does not prove.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// Not a tlog-proof file.
    #[error("not a {TLOG_PROOF} file: {0}")]
    TlogProof(&'static str),
    /// Not a proof of an event.
    #[error("not a {FORMAT} file: {0}")]
    EventProof(String),
    /// The checkpoint in it is not one that the key signed.
    #[error("the proof's checkpoint cannot be trusted: {0}")]
    Checkpoint(#[from] NoteError),
    /// The hashes do not lead from the leaf to the signed root.
    #[error("the proof does not show entry {position} in the signed log of {size} entries")]
    NotIncluded {
        /// Position that the proof claims.
        position: u64,
        /// Size of the signed tree.
        size: u64,
    },
    /// The leaf is in the log but belongs to another payload.
    #[error("entry {position}: the payload or salt was changed, it is not what the log committed to")]
    ChangedPayload {
        /// Position of the entry.
        position: u64,
    },
    /// The proof is for another position than it says.
    #[error("the file is for entry {said}, the proof in it for entry {proved}")]
    Position {
        /// What the file says.
        said: u64,
        /// What its tlog-proof says.
        proved: u64,
    },
}

/// A C2SP tlog-proof: where a leaf is, and how its hash leads to a signed root.
///
/// `Display` writes the file, `FromStr` reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Data of the application; never authenticated.
    pub extra: Option<Vec<u8>>,
    /// Position of the leaf.
    pub index: u64,
    /// Sibling hashes from the leaf up.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

impl TlogProof {
    /// Joins an inclusion proof with the checkpoint of the same size.
    pub fn new(proof: &InclusionProof, checkpoint: &Checkpoint) -> TlogProof {
        TlogProof {
            extra: None,
            index: proof.position,
            hashes: proof.hashes.clone(),
            checkpoint: checkpoint.note.clone(),
        }
    }

    /// Checks that `leaf` is in the log of `key`; returns the checkpoint that says so.
    pub fn verify(&self, leaf: &[u8], key: &VerifierKey) -> Result<SignedCheckpoint, ProofError> {
        let signed = note::open(self.checkpoint.as_bytes(), key)?;
        let leaf = tree::leaf_hash(leaf);
        if !tree::is_included(&leaf, self.index, signed.size(), &self.hashes, signed.root()) {
            return Err(ProofError::NotIncluded { position: self.index, size: signed.size() });
        }
        Ok(signed)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{TLOG_PROOF}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", STANDARD.encode(hash.0))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for TlogProof {
    type Err = ProofError;

    fn from_str(text: &str) -> Result<TlogProof, ProofError> {
        let malformed = ProofError::TlogProof;
        if text.len() > MAX_TLOG_PROOF {
            return Err(malformed("it is too long"));
        }
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(malformed("no blank line stands before its checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(TLOG_PROOF) {
            return Err(malformed("its first line is another"));
        }
        let extra = lines.next_if(|line| line.starts_with("extra ")).map(|line| &line["extra ".len()..]);
        let extra = extra.map(|text| STANDARD.decode(text)).transpose();
        let extra = extra.map_err(|_| malformed("its extra data is not base64"))?;
        let index = lines.next().and_then(|line| note::decimal(line.strip_prefix("index ")?));
        let index = index.ok_or(malformed("it has no index"))?;
        let hashes: Option<Vec<Hash>> = lines.map(note::hash).take(MAX_HASHES + 1).collect();
        let hashes = hashes.ok_or(malformed("one of its hashes is malformed"))?;
        if hashes.len() > MAX_HASHES {
            return Err(malformed("it has more than 64 hashes"));
        }
        Ok(TlogProof { extra, index, hashes, checkpoint: checkpoint.to_owned() })
    }
}

/// All that is needed to check one event offline. [`EventProof::to_json`] writes the portable file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventProof {
    /// The leaf's bytes.
    pub leaf: Vec<u8>,
    /// The salt beside the payload.
    pub salt: [u8; 16],
    /// The event's exact bytes.
    pub payload: Vec<u8>,
    /// Where the leaf is.
    pub proof: TlogProof,
}

/// The portable file of an [`EventProof`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventProofFile {
    format: String,
    position: u64,
    leaf: String,
    salt: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    /// For the rare event that is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload_b64: Option<String>,
    tlog_proof: String,
}

/// An event of which it is proved that it is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedEvent {
    /// Its position.
    pub position: u64,
    /// When the log took it.
    pub time: Timestamp,
    /// Who reported it.
    pub source: String,
    /// Its place in that source's sequence.
    pub seq: u64,
    /// Its exact bytes.
    pub payload: Vec<u8>,
    /// The signed checkpoint that covers it.
    pub checkpoint: SignedCheckpoint,
}

impl EventProof {
    /// Joins an entry with its inclusion proof; nothing where the entry's leaf cannot be written.
    pub fn new(entry: &Entry, proof: &InclusionProof, checkpoint: &Checkpoint) -> Option<EventProof> {
        Some(EventProof {
            leaf: leaf::encode(&entry.leaf)?,
            salt: entry.salt,
            payload: entry.payload.clone(),
            proof: TlogProof::new(proof, checkpoint),
        })
    }

    /// Writes the portable file: one JSON object.
    pub fn to_json(&self) -> String {
        let text = std::str::from_utf8(&self.payload).ok();
        let file = EventProofFile {
            format: FORMAT.to_owned(),
            position: self.proof.index,
            leaf: STANDARD.encode(&self.leaf),
            salt: STANDARD.encode(self.salt),
            payload: text.map(str::to_owned),
            payload_b64: text.is_none().then(|| STANDARD.encode(&self.payload)),
            tlog_proof: self.proof.to_string(),
        };
        serde_json::to_string(&file).expect("an object of strings and a number can always be written as JSON")
    }

    /// Reads the portable file without checking anything that it claims.
    pub fn parse(bytes: &[u8]) -> Result<EventProof, ProofError> {
        let malformed = |what: &str| ProofError::EventProof(what.to_owned());
        if bytes.len() > MAX_EVENT_PROOF {
            return Err(malformed("it is too long"));
        }
        let file: EventProofFile =
            serde_json::from_slice(bytes).map_err(|error| ProofError::EventProof(error.to_string()))?;
        if file.format != FORMAT {
            return Err(ProofError::EventProof(format!("the format is {:?}", file.format)));
        }
        let decode = |text: &str, what: &str| STANDARD.decode(text).map_err(|_| malformed(what));
        let leaf = decode(&file.leaf, "its leaf is not base64")?;
        let salt = decode(&file.salt, "its salt is not base64")?;
        let payload = match (file.payload, file.payload_b64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(text)) => decode(&text, "its payload is not base64")?,
            _ => return Err(malformed("it must have either payload or payload_b64")),
        };
        let proof: TlogProof = file.tlog_proof.parse()?;
        if proof.index != file.position {
            return Err(ProofError::Position { said: file.position, proved: proof.index });
        }
        let salt = salt.try_into().map_err(|_| malformed("its salt is not 16 bytes"))?;
        Ok(EventProof { leaf, salt, payload, proof })
    }

    /// Checks everything: signature, path, leaf and commitment.
    pub fn verify(self, key: &VerifierKey) -> Result<VerifiedEvent, ProofError> {
        let checkpoint = self.proof.verify(&self.leaf, key)?;
        let position = self.proof.index;
        let view = LeafView::parse(&self.leaf).filter(|_| self.leaf.len() <= MAX_LEAF_BYTES);
        let view = view.ok_or_else(|| ProofError::EventProof("its leaf is malformed".to_owned()))?;
        if !view.commits_to(&self.salt, &self.payload) {
            return Err(ProofError::ChangedPayload { position });
        }
        let (time, source, seq) = (view.time, view.source.to_owned(), view.seq);
        Ok(VerifiedEvent { position, time, source, seq, payload: self.payload, checkpoint })
    }
}

/// Checks the portable proof of an event against the log's key.
pub fn verify(bytes: &[u8], key: &VerifierKey) -> Result<VerifiedEvent, ProofError> {
    EventProof::parse(bytes)?.verify(key)
}
