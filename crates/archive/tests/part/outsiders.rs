//! Another engine reads a segment as it lies.

use std::process::Command;

use crate::fixture::{entries, seal};

const QUESTION: &str = "
import sys, duckdb
table = \"read_parquet('\" + sys.argv[1] + \"')\"
for row in duckdb.sql('select kind, count(*) from ' + table + ' group by kind order by kind nulls last').fetchall():
    print(*row)
print(*duckdb.sql('select min(position), max(position), sum(octet_length(payload)), any_value(log_source), '
    'count(distinct salt), min(id)::varchar, typeof(min(time)), min(epoch_us(log_time)) from ' + table).fetchall()[0])
print(*duckdb.sql(\"select decode(payload) from \" + table + \" where actor_user = 'bob' limit 1\").fetchall()[0])
";

#[test]
fn duckdb_reads_a_segment() {
    let Some(packages) = std::env::var_os("LODGE_DUCKDB") else {
        eprintln!(
            "duckdb is not here; `cargo xtask test` brings it, or LODGE_DUCKDB names a folder with the Python package"
        );
        return;
    };
    let payload = |at: usize| match at {
        0 => b"no event".to_vec(),
        at => format!(
            r#"{{"id":"0197c5b2-0000-7000-8000-000000000001","kind":"session.{}","actor":{{"user":"{}"}}}}"#,
            if at % 3 == 0 { "end" } else { "start" },
            if at == 5 { "bob" } else { "alice" },
        )
        .into_bytes(),
    };
    let payloads: Vec<Vec<u8>> = (0..1000).map(payload).collect();
    let bytes: usize = payloads.iter().map(Vec::len).sum();
    let (data, _) = seal(&entries(&payloads));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("segment.parquet");
    std::fs::write(&file, &data).unwrap();
    let mut python = Command::new("python3");
    let output = python.args(["-c", QUESTION]).arg(&file).env("PYTHONPATH", packages).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let wanted = format!(
        "session.end 333\nsession.start 666\nNone 1\n1000 1999 {bytes} gate 256 \
         0197c5b2-0000-7000-8000-000000000001 TIMESTAMP WITH TIME ZONE 1764000000000000\n{}\n",
        String::from_utf8_lossy(&payloads[5]),
    );
    assert_eq!(said, wanted);
}
