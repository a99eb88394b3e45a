//! What victims have said: the promises that every later state of the folder must keep.

use std::collections::BTreeMap;

/// All that was acknowledged and published in one folder.
#[derive(Clone, Debug, Default)]
pub struct Promises {
    /// SHA-256 of the payload at each acknowledged position.
    pub acknowledged: BTreeMap<u64, String>,
    /// Root and note of each published checkpoint.
    pub published: BTreeMap<u64, (String, Vec<u8>)>,
    /// How often the log refused for want of space.
    pub refused: u64,
    /// Events that were acknowledged after the same victim had been refused: they closed something.
    pub closing: u64,
    /// How often the log said that it had failed.
    pub failed: u64,
}

impl Promises {
    /// Takes in what a victim said. No position is ever acknowledged twice, no size ever has two roots.
    pub fn hear(&mut self, said: &str) {
        let (refused, failed) = (self.refused, self.failed);
        for line in said.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["ack", position, hash] => {
                    assert_eq!(self.failed, failed, "{line:?} is acknowledged by a log that failed");
                    self.acknowledge(number(position), hash);
                    self.closing += u64::from(self.refused > refused);
                }
                ["checkpoint", size, root, note] => self.publish(number(size), root, bytes(note)),
                ["full"] => self.refused += 1,
                ["failed"] => self.failed += 1,
                _ => panic!("a victim said {line:?}"),
            }
        }
    }

    fn acknowledge(&mut self, position: u64, hash: &str) {
        let before = self.acknowledged.insert(position, hash.to_owned());
        assert_eq!(before, None, "position {position} was acknowledged twice");
    }

    fn publish(&mut self, size: u64, root: &str, note: Vec<u8>) {
        let before = self.published.insert(size, (root.to_owned(), note));
        let same = before.as_ref().is_none_or(|(before, _)| before == root);
        assert!(same, "two roots for size {size}: {} and {root}", before.unwrap_or_default().0);
    }

    /// Entries that must be there, seen from what was said alone.
    pub fn end(&self) -> u64 {
        let acknowledged = self.acknowledged.last_key_value().map_or(0, |(position, _)| position + 1);
        acknowledged.max(self.published.last_key_value().map_or(0, |(size, _)| *size))
    }
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("a victim said {word:?} for a number"))
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
}
