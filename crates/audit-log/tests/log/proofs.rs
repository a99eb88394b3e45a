//! Proofs, tiles and checkpoints, checked by other implementations of the same standards.

use audit_log::{ReadError, hash::Hash};

use crate::fixture::{Fixture, all, root_by_another_implementation};

fn theirs(hashes: &[Hash]) -> Vec<tlog_tiles::Hash> {
    hashes.iter().map(|hash| tlog_tiles::Hash(hash.0)).collect()
}

#[tokio::test]
async fn proofs_and_roots_convince_other_implementations() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let mut checkpoints = vec![log.checkpoint_covering(1).await.unwrap()];
    for size in [1, 2, 50, 210, 300, 700] {
        let batch = (0..size).map(|number| (number, fixture.encoded(number))).collect();
        log.append_batch("a", batch).await.unwrap();
        checkpoints.push(log.checkpoint_covering(log.size()).await.unwrap());
    }
    for checkpoint in &checkpoints {
        assert_eq!(root_by_another_implementation(&log, checkpoint.size), checkpoint.root.0);
    }
    let newest = checkpoints.last().unwrap();
    let (size, root) = (newest.size, tlog_tiles::Hash(newest.root.0));
    for entry in all(&log) {
        let proof = log.prove(entry.position, size).unwrap();
        let leaf = tlog_tiles::record_hash(&entry.leaf.encode());
        tlog_tiles::check_record(&theirs(&proof.hashes), size, root, entry.position, leaf).unwrap();
    }
    for old in &checkpoints {
        let proof = theirs(&log.consistency(old.size, size).unwrap());
        tlog_tiles::check_tree(&proof, size, root, old.size, tlog_tiles::Hash(old.root.0)).unwrap();
    }
}

struct Reader<'a>(&'a audit_log::AuditLog);

impl tlog_tiles::TileReader for Reader<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &tlog_tiles::Tile| {
            let path = tile.path().replacen("tile/8/", "tile/", 1);
            self.0.resource(&path).unwrap().unwrap_or_else(|| panic!("{path} is not served"))
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

#[tokio::test]
async fn another_implementation_walks_our_tiles_and_bundles() {
    use tlog_tiles::HashReader;
    let fixture = Fixture::new();
    let log = fixture.open();
    let batch = (0..999).map(|number| (number, fixture.encoded(number))).collect();
    log.append_batch("a", batch).await.unwrap();
    let checkpoint = log.checkpoint_covering(1000).await.unwrap();
    assert_eq!(log.resource("checkpoint").unwrap().unwrap(), checkpoint.note.as_bytes());

    let reader = Reader(&log);
    let root = tlog_tiles::Hash(checkpoint.root.0);
    let hashes = tlog_tiles::TileHashReader::new(checkpoint.size, root, &reader);
    let entries = all(&log);
    for entry in entries.iter().step_by(13) {
        let index = tlog_tiles::stored_hash_index(0, entry.position);
        let hash = hashes.read_hashes(&[index]).unwrap()[0];
        assert_eq!(hash, tlog_tiles::record_hash(&entry.leaf.encode()));
    }
    let mut leaves = Vec::new();
    for path in ["tile/entries/000", "tile/entries/001", "tile/entries/002", "tile/entries/003.p/232"] {
        let bundle = log.resource(path).unwrap().unwrap();
        let mut rest = bundle.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let (leaf, after) = after.split_at(u16::from_be_bytes(*length).into());
            leaves.push(leaf.to_vec());
            rest = after;
        }
    }
    assert_eq!(leaves, entries.iter().map(|entry| entry.leaf.encode()).collect::<Vec<_>>());
}

#[tokio::test]
async fn only_published_tiles_are_served_and_only_by_their_paths() {
    let fixture = Fixture::new();
    let log = fixture.open();
    for path in [
        "tile/0/001",
        "tile/0/000.p/200",
        "../checkpoint",
        "key.sealed",
        "wal/00000000000000000000.wal",
        "",
        "/",
    ] {
        assert_eq!(log.resource(path).unwrap(), None, "{path}");
    }
    assert_eq!(log.resource("tile/0/000.p/1").unwrap().unwrap().len(), 32);
}

#[tokio::test]
async fn questions_beyond_what_is_published_are_refused() {
    let fixture = Fixture::new();
    let log = fixture.open();
    assert!(matches!(log.prove(0, 2), Err(ReadError::Beyond { asked: 2, .. })));
    assert!(matches!(log.prove(1, 1), Err(ReadError::Order { .. })));
    assert!(matches!(log.consistency(2, 1), Err(ReadError::Order { .. })));
    assert!(matches!(log.checkpoint_covering(2).await, Err(ReadError::Beyond { .. })));
    assert!(log.prove(0, 1).unwrap().hashes.is_empty());
}

#[tokio::test]
async fn checkpoints_are_signed_by_the_key_that_the_log_names() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let key = signed_note::StandardVerifier::new(&log.verifier_key()).unwrap();
    let note = signed_note::Note::from_bytes(log.checkpoint().note.as_bytes()).unwrap();
    let keys = signed_note::VerifierList::new(vec![Box::new(key)]);
    assert_eq!(note.verify(&keys).unwrap().0.len(), 1);
    let written = std::fs::read_to_string(fixture.log_folder().join("log.vkey")).unwrap();
    assert_eq!(written.trim_end(), log.verifier_key());
}
