//! Which of the listed objects make up the archive: a chain of names without a gap from position 0.
//!
//! There is no manifest, so this is decided from the names alone, the same way by the writer after a crash and by any
//! reader at any moment. An index is written only once its data were read back and compared, so a wide object without
//! one does not replace the smaller ones inside it. What is dropped is decided by `.leaves`, which is written first.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::{ObjectKind, SegmentName};

/// How a link of the chain is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Data with an index.
    Indexed,
    /// Data whose index is missing.
    Bare,
    /// Only the leaves count: the entries were dropped.
    Pruned,
}

/// The archive as its names tell it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    /// The links in order; each begins where the one before ends.
    pub links: Vec<(SegmentName, Link)>,
    /// Objects that the chain makes superfluous.
    pub leftovers: Vec<String>,
    /// Objects that lie behind the chain's end, or half in it: something between is missing.
    pub stranded: Vec<String>,
}

impl Chain {
    /// Arranges listed paths; segments in `refused` count as if they were not there.
    pub(crate) fn of(paths: &[String], refused: &BTreeSet<SegmentName>) -> Chain {
        let mut held: BTreeMap<SegmentName, BTreeSet<ObjectKind>> = BTreeMap::new();
        for (name, kind) in paths.iter().filter_map(|path| SegmentName::parse(path)) {
            held.entry(name).or_default().insert(kind);
        }
        let usable: BTreeMap<SegmentName, Link> = held
            .iter()
            .filter(|(name, _)| !refused.contains(name))
            .filter_map(|(name, kinds)| Some((*name, link_of(kinds)?)))
            .collect();
        let mut links = Vec::new();
        let mut end = 0;
        while let Some(next) = choose(&usable, end) {
            end = next.0.end();
            links.push(next);
        }
        let mut chain = Chain { links, ..Chain::default() };
        for (name, kinds) in &held {
            chain.sort_out(*name, kinds, end, refused);
        }
        chain
    }

    /// Position behind the last link.
    pub(crate) fn end(&self) -> u64 {
        self.links.last().map_or(0, |(name, _)| name.end())
    }

    fn sort_out(
        &mut self,
        name: SegmentName,
        kinds: &BTreeSet<ObjectKind>,
        end: u64,
        refused: &BTreeSet<SegmentName>,
    ) {
        let linked = self.links.iter().find(|(link, _)| *link == name).map(|(_, link)| *link);
        let paths = |of: &[ObjectKind]| -> Vec<String> {
            kinds.iter().filter(|kind| of.contains(kind)).map(|kind| name.path(*kind)).collect()
        };
        match linked {
            Some(Link::Pruned) => self.leftovers.extend(paths(&[ObjectKind::Data, ObjectKind::Index])),
            Some(_) => {}
            // An index alone is derived from data that are gone.
            None if !kinds.contains(&ObjectKind::Data) && !kinds.contains(&ObjectKind::Leaves) => {
                self.leftovers.extend(paths(&[ObjectKind::Index]));
            }
            None if name.end() <= end && !refused.contains(&name) => {
                self.leftovers.extend(kinds.iter().map(|kind| name.path(*kind)));
            }
            None => self.stranded.extend(kinds.iter().map(|kind| name.path(*kind))),
        }
    }
}

fn link_of(kinds: &BTreeSet<ObjectKind>) -> Option<Link> {
    if kinds.contains(&ObjectKind::Leaves) {
        return Some(Link::Pruned);
    }
    let data = kinds.contains(&ObjectKind::Data);
    data.then(|| if kinds.contains(&ObjectKind::Index) { Link::Indexed } else { Link::Bare })
}

/// Chooses the link that begins at `at`: the widest that is known to be whole; a bare one only where those do not reach
/// its end.
fn choose(usable: &BTreeMap<SegmentName, Link>, at: u64) -> Option<(SegmentName, Link)> {
    let from = SegmentName::new(at..at.checked_add(1)?)?;
    let here = || usable.range(from..).take_while(move |(name, _)| name.first() == at);
    let whole = here().filter(|(_, link)| **link != Link::Bare).last();
    let bare = here().filter(|(_, link)| **link == Link::Bare).last();
    match (whole, bare) {
        (Some(whole), Some(bare)) if reach(usable, at, bare.0.end()) < bare.0.end() => {
            let wider = if bare.0.end() > whole.0.end() { bare } else { whole };
            Some((*wider.0, *wider.1))
        }
        (Some(one), _) | (None, Some(one)) => Some((*one.0, *one.1)),
        (None, None) => None,
    }
}

/// How far segments that are known to be whole lead from `at`, up to `goal`.
fn reach(usable: &BTreeMap<SegmentName, Link>, at: u64, goal: u64) -> u64 {
    let mut at = at;
    while at < goal {
        let Some(from) = at.checked_add(1).and_then(|next| SegmentName::new(at..next)) else { break };
        let here = usable.range(from..).take_while(|(name, _)| name.first() == at);
        let Some((name, _)) = here.filter(|(_, link)| **link != Link::Bare).last() else { break };
        at = name.end();
    }
    at
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    /// `0-5p` is data, `i` an index, `l` leaves of 0..5.
    fn paths(short: &str) -> Vec<String> {
        let path = |word: &str| {
            let (range, kinds) = word.split_at(word.find(|c: char| c.is_alphabetic()).unwrap());
            let (first, end) = range.split_once('-').unwrap();
            let name = SegmentName::new(first.parse().unwrap()..end.parse().unwrap()).unwrap();
            let kinds: Vec<String> = kinds.chars().map(|kind| name.path(kind_of(kind))).collect();
            kinds
        };
        short.split_whitespace().flat_map(path).collect()
    }

    fn kind_of(letter: char) -> ObjectKind {
        match letter {
            'p' => ObjectKind::Data,
            'i' => ObjectKind::Index,
            _ => ObjectKind::Leaves,
        }
    }

    fn short(path: &str) -> String {
        let (name, kind) = SegmentName::parse(path).unwrap();
        let letter = match kind {
            ObjectKind::Data => 'p',
            ObjectKind::Index => 'i',
            ObjectKind::Leaves => 'l',
        };
        format!("{}-{}{letter}", name.first(), name.end())
    }

    fn check(listed: &str, expected: Expect) {
        let chain = Chain::of(&paths(listed), &BTreeSet::new());
        let links =
            chain.links.iter().map(|(name, link)| format!("{}-{} {link:?}", name.first(), name.end()));
        let list = |paths: &[String]| paths.iter().map(|path| short(path)).collect::<Vec<_>>().join(" ");
        let shown = format!(
            "{} | leftover: {} | stranded: {}",
            links.collect::<Vec<_>>().join(", "),
            list(&chain.leftovers),
            list(&chain.stranded)
        );
        expected.assert_eq(&shown);
    }

    #[test]
    fn the_chain_is_told_from_the_names() {
        check("", expect![" | leftover:  | stranded: "]);
        check("0-5pi 5-9pi", expect!["0-5 Indexed, 5-9 Indexed | leftover:  | stranded: "]);
        // Killed between data and index: the last one is looked through before it counts.
        check("0-5pi 5-9p", expect!["0-5 Indexed, 5-9 Bare | leftover:  | stranded: "]);
        // Killed before a merged segment had been compared.
        check("0-5pi 5-9pi 0-9p", expect!["0-5 Indexed, 5-9 Indexed | leftover: 0-9p | stranded: "]);
        // Killed while the small ones were removed.
        check("0-5pi 5-9i 0-9pi", expect!["0-9 Indexed | leftover: 0-5p 0-5i 5-9i | stranded: "]);
        // The same, and somebody removed the index.
        check("0-5pi 0-9p", expect!["0-9 Bare | leftover: 0-5p 0-5i | stranded: "]);
        // Killed during retention.
        check("0-5lpi 5-9pi", expect!["0-5 Pruned, 5-9 Indexed | leftover: 0-5p 0-5i | stranded: "]);
        check("0-5pi 7-9pi", expect!["0-5 Indexed | leftover:  | stranded: 7-9p 7-9i"]);
        check("0-5pi 3-9pi", expect!["0-5 Indexed | leftover:  | stranded: 3-9p 3-9i"]);
        check("1-5pi", expect![" | leftover:  | stranded: 1-5p 1-5i"]);
        check("0-5i", expect![" | leftover: 0-5i | stranded: "]);
    }

    #[test]
    fn a_refused_segment_counts_as_missing() {
        let refused = BTreeSet::from([SegmentName::new(5..9).unwrap()]);
        let chain = Chain::of(&paths("0-5pi 5-9p"), &refused);
        assert_eq!((chain.end(), chain.stranded.len(), chain.leftovers.len()), (5, 1, 0));
    }

    proptest! {
        #[test]
        fn any_listing_gives_a_chain_without_gaps_and_loses_no_name(
            names in proptest::collection::vec((0u64..12, 1u64..6, 0usize..3), 0..20),
        ) {
            let listed: BTreeSet<String> = names
                .iter()
                .map(|(first, rows, kind)| {
                    let kind = [ObjectKind::Data, ObjectKind::Index, ObjectKind::Leaves][*kind];
                    SegmentName::new(*first..first + rows).unwrap().path(kind)
                })
                .collect();
            let listed: Vec<String> = listed.into_iter().collect();
            let chain = Chain::of(&listed, &BTreeSet::new());
            let mut end = 0;
            for (name, _) in &chain.links {
                prop_assert_eq!(name.first(), end);
                end = name.end();
            }
            // Nothing is thrown away that the chain does not cover, but for lone indexes.
            for path in &chain.leftovers {
                let (name, kind) = SegmentName::parse(path).unwrap();
                prop_assert!(name.end() <= end || kind == ObjectKind::Index);
            }
            let linked = |name: SegmentName| chain.links.iter().any(|(link, _)| *link == name);
            for path in &listed {
                let (name, _) = SegmentName::parse(path).unwrap();
                let sorted = chain.leftovers.contains(path) || chain.stranded.contains(path) || linked(name);
                prop_assert!(sorted, "{}", path);
            }
        }
    }
}
