//! Texts that came before, remembered by a hash that is quick and poor.
//!
//! What is found was compared byte by byte, so that whoever makes texts collide gains nothing but what remembering saves.

/// Slots; a power of two.
pub(crate) const SLOTS: usize = 2048;
/// Longer texts seldom come again.
const LONGEST: usize = 160;
/// Bytes that are remembered at most.
const MOST_BYTES: usize = 256 << 10;

/// Remembers texts.
pub(crate) struct Recent {
    /// Where each text lies.
    slots: Vec<(u32, u32)>,
    texts: Vec<u8>,
}

impl Recent {
    /// Makes one that remembers nothing.
    pub(crate) fn new() -> Recent {
        Recent { slots: vec![(0, 0); SLOTS], texts: Vec::new() }
    }

    /// Says whether the text surely came before; if not, remembers it where it can.
    pub(crate) fn knows(&mut self, text: &[u8]) -> bool {
        if text.is_empty() || text.len() > LONGEST {
            return false;
        }
        let slot = &mut self.slots[slot(text)];
        let (start, length) = (slot.0 as usize, slot.1 as usize);
        if length == text.len() && self.texts[start..start + length] == *text {
            return true;
        }
        if self.texts.len() < MOST_BYTES {
            *slot = (self.texts.len() as u32, text.len() as u32);
            self.texts.extend_from_slice(text);
        }
        false
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.slots.fill((0, 0));
        self.texts.clear();
    }
}

/// Finds a slot from the length, the first and the last eight bytes.
pub(crate) fn slot(text: &[u8]) -> usize {
    let ends = match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        (Some(first), Some(last)) => u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(23),
        _ => text.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)),
    };
    let mixed = (ends ^ text.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 40) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_known_came_before(texts in prop::collection::vec("[ab]{0,9}|x{150,170}", 0..200)) {
            let mut recent = Recent::new();
            for _ in 0..2 {
                let mut before = HashSet::new();
                for text in &texts {
                    let known = recent.knows(text.as_bytes());
                    prop_assert!(!known || before.contains(text));
                    before.insert(text);
                }
                recent.clear();
            }
        }
    }
}
