//! Fingerprints of leaves, a block at a time: what is remembered of entries to know them again when they are read back.
//!
//! A leaf commits to its entry's salt and payload, so entries with the same fingerprints are the same to the byte.

use audit_log::Hash;
use event::Timestamp;

use crate::blocks::BLOCK_ROWS;

/// The fingerprints of consecutive entries.
#[derive(Default)]
pub(crate) struct Fingerprints {
    full: Vec<Hash>,
    /// The leaves of the last block, which is not full.
    open: Vec<u8>,
    rows: usize,
}

impl Fingerprints {
    /// Adds the next entry by what its leaf says, but for its position.
    pub(crate) fn add(&mut self, time: Timestamp, source: &str, seq: u64, commitment: &[u8; 32]) {
        self.open.extend_from_slice(&time.as_micros().to_le_bytes());
        self.open.extend_from_slice(&seq.to_le_bytes());
        self.open.extend_from_slice(&(source.len() as u64).to_le_bytes());
        self.open.extend_from_slice(source.as_bytes());
        self.open.extend_from_slice(commitment);
        self.rows += 1;
        if self.rows.is_multiple_of(BLOCK_ROWS) {
            self.full.push(Hash::of_leaf(&self.open));
            self.open.clear();
        }
    }

    /// The first row of the first block in which the two differ.
    pub(crate) fn difference(&self, other: &Fingerprints) -> Option<usize> {
        let same = self.full.iter().zip(&other.full).take_while(|(one, other)| one == other).count();
        let is_same = self.rows == other.rows && same == self.full.len() && self.open == other.open;
        (!is_same).then_some(same * BLOCK_ROWS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: u64, changed: impl Fn(u64) -> (i64, &'static str, u64, u8)) -> Fingerprints {
        let mut fingerprints = Fingerprints::default();
        for row in 0..rows {
            let (time, source, seq, byte) = changed(row);
            fingerprints.add(Timestamp::from_micros(time), source, seq, &[byte; 32]);
        }
        fingerprints
    }

    fn plain(row: u64) -> (i64, &'static str, u64, u8) {
        (row as i64, "gate", row, row as u8)
    }

    #[test]
    fn whatever_a_leaf_says_is_known_again_and_nothing_else_is() {
        for rows in [0, 1, 255, 256, 257, 600] {
            assert_eq!(of(rows, plain).difference(&of(rows, plain)), None);
            assert_eq!(of(rows, plain).difference(&of(rows + 1, plain)), Some(rows as usize / 256 * 256));
        }
        for row in [0, 255, 256, 511, 512, 599] {
            let at = |change: (i64, &'static str, u64, u8)| {
                of(600, move |other| if other == row { change } else { plain(other) })
            };
            let (time, source, seq, byte) = plain(row);
            for other in [
                (time + 1, source, seq, byte),
                (time, "gates", seq, byte),
                (time, source, seq + 1, byte),
                (time, source, seq, byte ^ 1),
            ] {
                assert_eq!(at(other).difference(&of(600, plain)), Some(row as usize / 256 * 256));
            }
        }
    }
}
