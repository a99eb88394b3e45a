//! What a statement cannot do to the server: use up its memory, its stack, its time, or the places of others.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod lodge;

use std::time::Duration;

use lodge::{Lodge, WORKER};
use query::Scope;
use serde_json::json;
use sql::{SqlError, Statement};

/// No test: what the engine starts for each statement of the tests below.
#[test]
fn the_process_of_a_statement() {
    if std::env::var_os(WORKER).is_some() {
        sql::work().unwrap();
    }
}

async fn failure(lodge: &Lodge, text: &str) -> SqlError {
    lodge.ask_as(text, Scope::everything()).await.unwrap_err()
}

async fn failure_within(lodge: &Lodge, text: &str, budget: Duration) -> SqlError {
    let statement = Statement { budget, ..lodge.statement(text, Scope::everything()) };
    lodge.taken(statement).await.unwrap_err()
}

#[tokio::test]
async fn memory_is_limited_whatever_uses_it() {
    let lodge = Lodge::new().await;
    let counted = "select a.value, count(*) from generate_series(1, 100000000) a group by 1 order by 2";
    let error = failure(&lodge, counted).await;
    assert!(matches!(error, SqlError::OutOfMemory { limit: 128 }), "{error}");
    let doubled: String =
        (1..40).map(|level| format!(", t{level} as (select x || x as x from t{})", level - 1)).collect();
    for text in [
        // What the engine does not count.
        "select repeat('x', 2000000000)".to_owned(),
        "select array_repeat('x', 2000000000)".to_owned(),
        "select count(x) from (select repeat(payload, 1000000) as x from events)".to_owned(),
        format!("with t0 as (select kind as x from events){doubled} select length(x) from t39"),
        "select value, sum(value) over (partition by value % 2) from generate_series(1, 1000000000)"
            .to_owned(),
        // What it makes before it begins.
        format!(
            "select count(*) from events group by cube({})",
            (1..34).map(|at| format!("kind || '{at}'")).collect::<Vec<_>>().join(", ")
        ),
    ] {
        let error = failure(&lodge, &text).await;
        assert!(matches!(error, SqlError::OutOfMemory { .. } | SqlError::TooLarge { .. }), "{text}: {error}");
    }
    assert_eq!(lodge.ask("select 1").await, [[json!(1)]], "the engine goes on");
}

#[tokio::test]
async fn the_deepest_statement_ends_at_most_itself() {
    let lodge = Lodge::new().await;
    for (first, more) in [
        ("select 1", "+1"),
        ("select true", " or true"),
        ("select 'a'", "||'a'"),
        ("select 1", " union all select 1"),
    ] {
        for count in [300, 3000] {
            // It may be answered, or be too large; what matters is that the next one is answered.
            let text = format!("{first}{}", more.repeat(count));
            let ended = lodge.ask_as(&text, Scope::everything()).await;
            let is_fine = matches!(ended, Ok(_) | Err(SqlError::TooLarge { .. } | SqlError::Refused(_)));
            assert!(is_fine, "{more} {count}: {ended:?}");
        }
    }
    assert_eq!(lodge.ask("select 1").await, [[json!(1)]]);
}

#[tokio::test]
async fn time_is_limited_whatever_it_is_spent_on() {
    let lodge = Lodge::new().await;
    let doubled: String =
        (1..20).map(|level| format!(", t{level} as (select a.x from t{0} a, t{0} b)", level - 1)).collect();
    for text in [
        "select count(*) from generate_series(1, 1000000000000)".to_owned(),
        // Not one row comes out of this join.
        "select count(*) from generate_series(1, 3000000) a join generate_series(1, 3000000) b on a.value + b.value < 0".to_owned(),
        // Planning takes long.
        format!("with t0 as (select kind as x from events){doubled} select count(*) from t19"),
    ] {
        let error = failure_within(&lodge, &text, Duration::from_millis(300)).await;
        let is_over = matches!(error, SqlError::OutOfTime { .. } | SqlError::OutOfMemory { .. } | SqlError::TooLarge { .. } | SqlError::Refused(_));
        assert!(is_over, "{text}: {error}");
    }
    assert_eq!(lodge.ask("select 1").await, [[json!(1)]], "no place is taken any more");
}

#[tokio::test]
async fn who_does_not_take_an_answer_gives_its_place_back_in_time() {
    let lodge = Lodge::new().await;
    let endless = "select * from generate_series(1, 1000000000000)";
    let slow = Statement { budget: Duration::from_secs(1), ..lodge.statement(endless, Scope::everything()) };
    let first = lodge.engine.run(slow.clone()).await.unwrap();
    let mut second = lodge.engine.run(slow.clone()).await.unwrap();
    let budget = Duration::from_millis(50);
    let third = Statement { budget, ..slow };
    assert!(matches!(lodge.engine.run(third).await.unwrap_err(), SqlError::Busy { running: 2, .. }));
    assert_eq!(lodge.ask("select 1").await, [[json!(1)]], "it waits until a place is free");
    // What had come before the end is still there, and then the reason.
    let error = loop {
        match second.next().await {
            Ok(piece) => assert!(piece.is_some(), "the answer has no end"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, SqlError::OutOfTime { seconds: 1 }), "{error}");
    drop(first);
}

#[tokio::test]
async fn a_dropped_answer_gives_its_place_back_at_once() {
    let lodge = Lodge::new().await;
    let endless =
        lodge.statement("select payload from events, generate_series(1, 1000000000)", Scope::everything());
    for _ in 0..5 {
        let mut rows = lodge.engine.run(endless.clone()).await.unwrap();
        assert!(rows.next().await.unwrap().is_some());
    }
    assert_eq!(lodge.ask("select 1").await, [[json!(1)]]);
}

#[tokio::test]
async fn errors_quote_no_more_than_a_little() {
    let lodge = Lodge::new().await;
    let error = failure(&lodge, "select cast(repeat(payload, 10) as bigint) from events").await;
    assert!(matches!(&error, SqlError::Failed(why) if why.len() < 500), "{error}");
}
