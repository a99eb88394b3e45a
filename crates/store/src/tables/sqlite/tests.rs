//! Tables in SQLite: conditions, atomicity, damage.

use super::*;
use proptest::prelude::*;

fn open(folder: &Path) -> Sqlite {
    Sqlite::open(&folder.join("state.db")).unwrap()
}

fn put_row(key: &str, value: &str, expect: Expect) -> Write {
    Write::Put { table: "users", key: key.to_owned(), value: value.as_bytes().to_vec(), expect }
}

fn delete_row(key: &str, expect: Expect) -> Write {
    Write::Delete { table: "users", key: key.to_owned(), expect }
}

fn keys(tables: &Sqlite, prefix: &str) -> Vec<String> {
    tables.scan("users", prefix).unwrap().into_iter().map(|row| row.key).collect()
}

#[test]
fn rows_survive_a_restart_and_count_their_changes() {
    let folder = tempfile::tempdir().unwrap();
    let tables = open(folder.path());
    tables.commit(&[put_row("alice", "1", Expect::Absent)]).unwrap();
    tables.commit(&[put_row("alice", "2", Expect::Revision(1))]).unwrap();
    tables.commit(&[put_row("alice", "3", Expect::Any), put_row("bob", "1", Expect::Any)]).unwrap();
    drop(tables);
    let row = open(folder.path()).get("users", "alice").unwrap().unwrap();
    assert_eq!(row, Row { key: "alice".to_owned(), revision: 3, value: b"3".to_vec() });
    assert_eq!(open(folder.path()).get("roles", "alice").unwrap(), None);
}

#[test]
fn a_commit_whose_expectation_fails_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let tables = open(folder.path());
    tables.commit(&[put_row("alice", "1", Expect::Absent)]).unwrap();
    let stale = [
        put_row("alice", "x", Expect::Absent),
        put_row("alice", "x", Expect::Revision(2)),
        put_row("alice", "x", Expect::Revision(u64::MAX)),
        put_row("nobody", "x", Expect::Revision(1)),
        delete_row("alice", Expect::Absent),
        delete_row("alice", Expect::Revision(7)),
        delete_row("nobody", Expect::Revision(1)),
    ];
    for write in stale {
        let result = tables.commit(&[put_row("bob", "1", Expect::Any), write.clone()]);
        assert!(matches!(result, Err(TableError::Conflict { table: "users", .. })), "{write:?}");
    }
    assert_eq!(keys(&tables, ""), ["alice"]);
    assert_eq!(tables.get("users", "alice").unwrap().unwrap().value, b"1");
}

#[test]
fn deleted_rows_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let tables = open(folder.path());
    tables.commit(&[put_row("a", "1", Expect::Any), put_row("b", "1", Expect::Any)]).unwrap();
    tables
        .commit(&[
            delete_row("a", Expect::Revision(1)),
            delete_row("b", Expect::Any),
            delete_row("c", Expect::Any),
        ])
        .unwrap();
    tables.commit(&[delete_row("a", Expect::Absent)]).unwrap();
    assert!(keys(&tables, "").is_empty());
}

#[test]
fn of_two_writers_with_the_same_revision_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let tables = open(folder.path());
    tables.commit(&[put_row("token", "unused", Expect::Absent)]).unwrap();
    let wins: usize = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| tables.commit(&[put_row("token", "used", Expect::Revision(1))]).is_ok()))
            .collect();
        writers.into_iter().map(|writer| usize::from(writer.join().unwrap())).sum()
    });
    assert_eq!(wins, 1);
}

#[test]
fn no_character_of_a_prefix_is_special() {
    let folder = tempfile::tempdir().unwrap();
    let tables = open(folder.path());
    let all = ["a", "a%", "a%b", "a*", "a_b", "ab", "a\0b", "a\u{10FFFF}", "aé", "b", "é", "A"];
    for key in all {
        tables.commit(&[put_row(key, "", Expect::Absent)]).unwrap();
    }
    assert_eq!(keys(&tables, "a%"), ["a%", "a%b"]);
    assert_eq!(keys(&tables, "a_"), ["a_b"]);
    assert_eq!(keys(&tables, "a*"), ["a*"]);
    assert_eq!(keys(&tables, "a\0"), ["a\0b"]);
    assert_eq!(keys(&tables, "a\u{10FFFF}"), ["a\u{10FFFF}"]);
    assert_eq!(keys(&tables, "é"), ["é"]);
    assert_eq!(keys(&tables, "a").len(), 9);
    assert_eq!(keys(&tables, "").len(), all.len());
}

#[test]
fn the_file_and_its_side_files_are_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    fs::write(&path, b"").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let tables = open(folder.path());
    tables.commit(&[put_row("a", "1", Expect::Any)]).unwrap();
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
    }
}

#[test]
fn commits_are_synced_in_full() {
    let folder = tempfile::tempdir().unwrap();
    let tables = open(folder.path());
    let writer = lock(&tables.writer);
    let pragma = |name: &str| -> String {
        writer
            .query_row(&format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"), [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!((pragma("journal_mode").as_str(), pragma("synchronous").as_str()), ("wal", "2"));
}

#[test]
fn a_file_of_a_newer_release_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    lock(&open(folder.path()).writer).pragma_update(None, "user_version", 2).unwrap();
    let error = Sqlite::open(&folder.path().join("state.db")).unwrap_err();
    assert!(matches!(error, TableError::Newer { found: 2, known: 1 }), "{error}");
}

#[test]
fn a_database_of_another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    Connection::open(&path).unwrap().execute("CREATE TABLE songs (name TEXT)", []).unwrap();
    assert!(matches!(Sqlite::open(&path), Err(TableError::Foreign { .. })));
}

#[test]
fn a_damaged_file_is_named_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    fs::write(&path, vec![0x5a; 8192]).unwrap();
    assert!(matches!(Sqlite::open(&path), Err(TableError::Damaged { .. })));

    fs::remove_file(&path).unwrap();
    let tables = open(folder.path());
    for number in 0..200 {
        tables.commit(&[put_row(&format!("{number:04}"), &"x".repeat(400), Expect::Any)]).unwrap();
    }
    drop(tables);
    let mut bytes = fs::read(&path).unwrap();
    assert!(bytes.len() > 5 * 4096, "closing moved the write-ahead log into the file");
    bytes[4096..5 * 4096].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(Sqlite::open(&path), Err(TableError::Damaged { .. })));
}

/// A copy of the state database as it is while the server runs: file, write-ahead log, count.
fn running_copy(from: &Path, to: &Path) {
    for name in ["state.db", "state.db-wal", "state.db.generation"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

#[test]
fn a_flipped_byte_in_the_write_ahead_log_never_drops_commits_unseen() {
    let folder = tempfile::tempdir().unwrap();
    let tables = open(folder.path());
    for number in 0..8 {
        tables.commit(&[put_row(&format!("{number}"), "x", Expect::Absent)]).unwrap();
    }
    let log = fs::read(folder.path().join("state.db-wal")).unwrap();
    for at in (0..log.len()).step_by(311) {
        let copy = tempfile::tempdir().unwrap();
        running_copy(folder.path(), copy.path());
        let mut flipped = log.clone();
        flipped[at] ^= 0x10;
        fs::write(copy.path().join("state.db-wal"), &flipped).unwrap();
        match Sqlite::open(&copy.path().join("state.db")) {
            Ok(tables) => assert_eq!(keys(&tables, "").len(), 8, "byte {at}"),
            Err(TableError::Lost { found, made, .. }) => {
                assert!(found < made && made == 8, "{found} of {made}");
                let left = fs::read(copy.path().join("state.db-wal")).unwrap();
                assert!(left == flipped, "byte {at}: the evidence is changed");
            }
            Err(error) => assert!(matches!(error, TableError::Damaged { .. }), "byte {at}: {error}"),
        }
    }
}

#[test]
fn a_removed_write_ahead_log_is_noticed_and_the_way_on_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let tables = open(folder.path());
    tables.commit(&[put_row("1", "x", Expect::Absent)]).unwrap();
    let copy = tempfile::tempdir().unwrap();
    running_copy(folder.path(), copy.path());
    fs::write(copy.path().join("state.db-wal"), b"").unwrap();
    let path = copy.path().join("state.db");
    // The layout was in the write-ahead log too, so the file looks new but for the count beside it.
    let error = Sqlite::open(&path).unwrap_err();
    assert!(matches!(error, TableError::Lost { found: 0, made: 1, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("restore") && text.contains("state.db.generation"), "{text}");
    fs::remove_file(copy.path().join("state.db.generation")).unwrap();
    Sqlite::open(&path).unwrap();
}

#[test]
fn a_crash_between_a_commit_and_its_count_is_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let tables = open(folder.path());
    tables.commit(&[put_row("1", "x", Expect::Absent)]).unwrap();
    let before = fs::read(folder.path().join("state.db.generation")).unwrap();
    tables.commit(&[put_row("2", "x", Expect::Absent)]).unwrap();
    drop(tables);
    fs::write(folder.path().join("state.db.generation"), before).unwrap();
    assert_eq!(keys(&open(folder.path()), "").len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn scanning_equals_filtering(keys_in in proptest::collection::btree_set("[a-c%_\\\\\u{0}é\u{10FFFF}]{0,4}", 0..20), prefix in "[a-c%_é\u{10FFFF}]{0,2}") {
        let folder = tempfile::tempdir().unwrap();
        let tables = open(folder.path());
        let writes: Vec<_> = keys_in.iter().map(|key| put_row(key, "", Expect::Absent)).collect();
        tables.commit(&writes).unwrap();
        let expected: Vec<_> = keys_in.iter().filter(|key| key.starts_with(&prefix)).cloned().collect();
        prop_assert_eq!(keys(&tables, &prefix), expected);
    }
}
