"""Asks DuckDB or ClickHouse (chdb) the questions of `cargo xtask bench search` and times them.

Usage: search.py duckdb|clickhouse SETUP.json

SETUP.json: {"parquet": glob of the archive's segments, "lines": the JSON lines, "folder": a folder to use,
             "runs": warm runs per question, "ask": {user, verb, since, until, id, address, word, phrase, common, nowhere, end}}
Prints one JSON line for each question: {"question", "cold_ms", "warm_ms", "rows"}, and before them, for ClickHouse, one
with the cost of the import: {"import": {"seconds", "cpu_seconds", "bytes", "rss_bytes"}}. Rows are lists of texts and numbers
in the order of the answer, so that engines can be compared row by row.
"""

import json
import os
import resource
import statistics
import sys
import time


def drop_caches():
    """Empties the page cache where this is allowed; cold figures mean little otherwise."""
    os.sync()
    try:
        with open("/proc/sys/vm/drop_caches", "w") as file:
            file.write("3")
    except OSError:
        pass


def measure(question, ask, runs):
    drop_caches()
    begin = time.perf_counter()
    rows = ask()
    cold = time.perf_counter() - begin
    warm = []
    for _ in range(runs):
        begin = time.perf_counter()
        ask()
        warm.append(time.perf_counter() - begin)
    shown = {"question": question, "cold_ms": cold * 1e3, "warm_ms": statistics.median(warm) * 1e3, "rows": rows}
    print(json.dumps(shown), flush=True)


def duckdb(setup):
    import duckdb as engine

    ask = setup["ask"]
    connection = engine.connect()
    connection.execute("SET TimeZone = 'UTC'")
    # A view, so that every question reads the files as they lie. Behind the end lies what Lodge recorded of itself.
    connection.execute(
        f"CREATE VIEW events AS SELECT * FROM read_parquet('{setup['parquet']}', binary_as_string = true) WHERE time < TIMESTAMPTZ '{ask['end']}'"
    )

    def rows(sql, *values):
        return lambda: [list(row) for row in connection.execute(sql, values).fetchall()]

    shown = "SELECT CAST(id AS VARCHAR), payload FROM events"
    ids = "SELECT CAST(id AS VARCHAR) FROM ({}) "

    def page(where, *values, limit=50):
        sql = f"{shown} WHERE {where} ORDER BY time DESC, position DESC LIMIT {limit}"
        return lambda: [[row[0]] for row in connection.execute(sql, values).fetchall()]

    during = "time >= CAST(? AS TIMESTAMPTZ) AND time < CAST(? AS TIMESTAMPTZ)"
    return {
        "latest 50": page("true"),
        "user and verb, 30 days": page(
            f"actor_user = ? AND detail_verb = ? AND {during}", ask["user"], ask["verb"], ask["since"], ask["until"]
        ),
        "an id": page("id = CAST(? AS UUID)", ask["id"]),
        "an address seen 3 times": page("origin_ip = ?", ask["address"]),
        "a rare word": page("contains(payload, ?)", ask["word"]),
        "a phrase": page("contains(payload, ?)", ask["phrase"]),
        "a common word": page("contains(payload, ?)", ask["common"]),
        "a word that is nowhere": page("contains(payload, ?)", ask["nowhere"]),
        "histogram hour x kind": rows(
            "SELECT epoch_us(date_trunc('hour', time)) AS hour, kind, count(*) FROM events GROUP BY ALL ORDER BY hour, kind"
        ),
        "top 10 users": rows(
            "SELECT actor_user, count(*) AS n FROM events GROUP BY actor_user ORDER BY n DESC, actor_user LIMIT 10"
        ),
        "failed logins by address": rows(
            "SELECT origin_ip, count(*) AS n FROM events WHERE kind = 'user.login' AND outcome = 'failure' "
            "GROUP BY origin_ip ORDER BY n DESC, origin_ip LIMIT 10"
        ),
    }


def clickhouse(setup):
    from chdb import session

    folder = os.path.join(setup["folder"], "clickhouse")
    chdb = session.Session(folder)
    run = lambda sql: chdb.query(sql, "JSONCompactEachRow")
    before = resource.getrusage(resource.RUSAGE_SELF)
    begin = time.perf_counter()
    run("CREATE DATABASE IF NOT EXISTS bench")
    run(
        """
        CREATE TABLE bench.events (
            time DateTime64(6, 'UTC'), id UUID, kind LowCardinality(String), outcome LowCardinality(String),
            actor_user LowCardinality(String), actor_type LowCardinality(String), origin_ip String,
            target_type LowCardinality(String), target_name LowCardinality(String), detail_verb LowCardinality(String),
            payload String CODEC(ZSTD(3)), INDEX words payload TYPE text(tokenizer = splitByNonAlpha)
        ) ENGINE = MergeTree ORDER BY time
        """
    )
    run(
        f"""
        INSERT INTO bench.events SELECT
            parseDateTime64BestEffort(JSONExtractString(line, 'time'), 6, 'UTC'), toUUID(JSONExtractString(line, 'id')),
            JSONExtractString(line, 'kind'), JSONExtractString(line, 'outcome'), JSONExtractString(line, 'actor', 'user'),
            JSONExtractString(line, 'actor', 'type'), JSONExtractString(line, 'origin', 'ip'),
            JSONExtractString(line, 'target', 'type'), JSONExtractString(line, 'target', 'name'),
            JSONExtractString(line, 'detail', 'verb'), line
        FROM file('{setup["lines"]}', LineAsString, 'line String')
        SETTINGS max_insert_threads = 2
        """
    )
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_SELF)
    size = run("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'bench'")
    cost = {
        "seconds": seconds,
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "bytes": int(json.loads(str(size))[0]),
        "rss_bytes": after.ru_maxrss * 1024,
    }
    print(json.dumps({"import": cost}), flush=True)

    ask = setup["ask"]
    text = lambda value: "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def rows(sql):
        def asked():
            lines = str(run(sql)).splitlines()
            return [[int(v) if isinstance(v, str) and v.isdigit() else v for v in json.loads(line)] for line in lines]

        return asked

    def page(where):
        sql = f"SELECT toString(id), payload FROM bench.events WHERE {where} ORDER BY time DESC LIMIT 50"
        asked = rows(sql)
        return lambda: [[row[0]] for row in asked()]

    moment = lambda value: f"parseDateTime64BestEffort({text(value)}, 6, 'UTC')"
    during = f"time >= {moment(ask['since'])} AND time < {moment(ask['until'])}"
    return {
        "latest 50": page("1"),
        "user and verb, 30 days": page(
            f"actor_user = {text(ask['user'])} AND detail_verb = {text(ask['verb'])} AND {during}"
        ),
        "an id": page(f"id = toUUID({text(ask['id'])})"),
        "an address seen 3 times": page(f"origin_ip = {text(ask['address'])}"),
        "a rare word": page(f"hasAllTokens(payload, {text(ask['word'])})"),
        "a phrase": page(
            f"hasAllTokens(payload, {text(ask['phrase'])}) AND position(payload, {text(ask['phrase'])}) > 0"
        ),
        "a common word": page(f"hasAllTokens(payload, {text(ask['common'])})"),
        "a word that is nowhere": page(f"hasAllTokens(payload, {text(ask['nowhere'])})"),
        "histogram hour x kind": rows(
            "SELECT toUnixTimestamp64Micro(toDateTime64(toStartOfHour(time), 6, 'UTC')) AS hour, kind, count() "
            "FROM bench.events GROUP BY hour, kind ORDER BY hour, kind"
        ),
        "top 10 users": rows(
            "SELECT actor_user, count() AS n FROM bench.events GROUP BY actor_user ORDER BY n DESC, actor_user LIMIT 10"
        ),
        "failed logins by address": rows(
            "SELECT origin_ip, count() AS n FROM bench.events WHERE kind = 'user.login' AND outcome = 'failure' "
            "GROUP BY origin_ip ORDER BY n DESC, origin_ip LIMIT 10"
        ),
    }


def main():
    engine, path = sys.argv[1:]
    with open(path) as file:
        setup = json.load(file)
    questions = {"duckdb": duckdb, "clickhouse": clickhouse}[engine](setup)
    for question, ask in questions.items():
        measure(question, ask, setup["runs"])


if __name__ == "__main__":
    main()
