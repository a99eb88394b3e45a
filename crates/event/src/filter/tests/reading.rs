//! Reading: errors that point and suggest, limits that hold, a canonical form that reads back.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::{context, parse};
use crate::RecordView;
use crate::filter::{Filter, MAX_BYTES, MAX_DEPTH, MAX_TERM_BYTES, MAX_TERMS};

fn check_error(text: &str, expected: Expect) {
    expected.assert_eq(&Filter::parse(text, &context()).unwrap_err().render());
}

#[test]
fn an_unknown_field_is_pointed_at_and_the_nearest_suggested() {
    check_error(
        "kind: session.* and actor.usr: alice",
        expect![[r#"
        kind: session.* and actor.usr: alice
                            ^^^^^^^^^
        column 21: there is no field `actor.usr`; did you mean `actor.user`"#]],
    );
    check_error(
        "user: alice",
        expect![[r#"
        user: alice
        ^^^^
        column 1: there is no field `user`; did you mean `actor.user`"#]],
    );
    check_error(
        "type: ssh",
        expect![[r#"
        type: ssh
        ^^^^
        column 1: there is no field `type`; did you mean `actor.type` or `target.type` or `source.type`"#]],
    );
    check_error(
        "@timestamp > now-1h",
        expect![[r#"
        @timestamp > now-1h
        ^^^^^^^^^^
        column 1: there is no field `@timestamp`; did you mean `time`"#]],
    );
    check_error(
        "system:serviceaccount:kube-system:default",
        expect![[r#"
        system:serviceaccount:kube-system:default
        ^^^^^^
        column 1: there is no field `system`; a kind's own fields begin with `detail.`, and text that holds a colon must be quoted"#]],
    );
    check_error(
        "detail.*.*: x",
        expect![[r#"
        detail.*.*: x
        ^^^^^^^^^^
        column 1: in the field name `detail.*.*` only one `*` may stand, for whole levels: `detail.*.name`"#]],
    );
}

#[test]
fn a_value_that_a_field_cannot_have_is_refused() {
    check_error(
        "outcome: fail",
        expect![[r#"
        outcome: fail
                 ^^^^
        column 10: `outcome` is never `fail`, only success, failure, denied; did you mean `failure`"#]],
    );
    check_error(
        "time > yesterday",
        expect![[r#"
        time > yesterday
               ^^^^^^^^^
        column 8: `yesterday` is not a date; write `2026-03-14`, `2026-03-14T15:09:26Z`, `now-24h` or `now/d`; did you mean `now-1d/d`"#]],
    );
    check_error(
        "kind = user.login",
        expect![[r#"
        kind = user.login
             ^
        column 6: `=` is no operator of this language; did you mean `:`"#]],
    );
    check_error(
        "alice && bob",
        expect![[r#"
        alice && bob
              ^^
        column 7: `&&` is no operator of this language; did you mean `and`"#]],
    );
    check_error(
        "origin.ip: 10.0.0.0/33",
        expect![[r#"
        origin.ip: 10.0.0.0/33
                   ^^^^^^^^^^^
        column 12: `10.0.0.0/33` is not an address; write `10.1.2.3`, `10.0.0.0/8`, `2001:db8::/32` or `10.1.*`"#]],
    );
    check_error(
        "origin.port > ssh",
        expect![[r#"
        origin.port > ssh
                      ^^^
        column 15: `origin.port` holds numbers, and `ssh` is none"#]],
    );
    check_error(
        "actor: alice",
        expect![[r#"
        actor: alice
               ^^^^^
        column 8: `actor` has no value of its own, only fields with values; did you mean `actor.user` or `actor.type` or `actor.roles` or `actor.mfa` or `actor.identity_provider` or `actor.requests` or `actor.on_behalf_of`"#]],
    );
    check_error(
        "detail.x > a*",
        expect![[r#"
        detail.x > a*
                   ^^
        column 12: a comparison needs a plain value, without `*`"#]],
    );
    check_error(
        "alice --",
        expect![[r#"
        alice --
              ^^
        column 7: `--` has no letter or digit to search for; for other characters use `*` around them"#]],
    );
}

#[test]
fn a_missing_piece_is_pointed_at() {
    check_error(
        "(kind: x",
        expect![[r#"
        (kind: x
        ^
        column 1: this parenthesis is never closed"#]],
    );
    check_error(
        "a ) b",
        expect![[r#"
        a ) b
          ^
        column 3: this parenthesis was never opened"#]],
    );
    check_error(
        "a and",
        expect![[r#"
        a and
             ^
        column 6: the filter ends where a condition should follow"#]],
    );
    check_error(
        "or a",
        expect![[r#"
        or a
        ^^
        column 1: a condition is missing before this; to search for the word itself, quote it"#]],
    );
    check_error(
        "kind: and a",
        expect![[r#"
        kind: and a
              ^^^
        column 7: a value is missing before this; if the word itself is meant, quote it"#]],
    );
    check_error(
        "kind: outcome: failure",
        expect![[r#"
        kind: outcome: failure
              ^^^^^^^^
        column 7: a value of `kind` is missing before this field"#]],
    );
    check_error(
        "reason: \"no route",
        expect![[r#"
        reason: "no route
                ^
        column 9: this quotation mark is never closed"#]],
    );
    check_error(
        "kind: (a b)",
        expect![[r#"
        kind: (a b)
                 ^
        column 10: between two values write `and` or `or`, or quote them as one"#]],
    );
    check_error(
        "a ()",
        expect![[r#"
        a ()
          ^
        column 3: there is nothing between these parentheses"#]],
    );
    check_error(
        "a > > 3",
        expect![[r#"
        a > > 3
        ^
        column 1: there is no field `a`; a kind's own fields begin with `detail.`, and text that holds a colon must be quoted"#]],
    );
    check_error(
        "detail.a > > 3",
        expect![[r#"
        detail.a > > 3
                   ^
        column 12: a value of `detail.a` should stand here"#]],
    );
    check_error(
        "detail.a: {b: c}",
        expect![[r#"
        detail.a: {b: c}
                  ^
        column 11: braces have no meaning here; quote them to search for them"#]],
    );
    check_error(
        "tail\\",
        expect![[r#"
        tail\
            ^
        column 5: a backslash must stand before the character that it protects"#]],
    );
}

#[test]
fn a_long_filter_is_drawn_around_its_mistake() {
    let text = format!("{} and usr: x and {}", "äöü ".repeat(30), "b ".repeat(60));
    check_error(
        &text,
        expect![[r#"
            … öü äöü äöü äöü äöü äöü äöü äöü äöü  and usr: x and b b b b b b b b b b b b b b b
                                                      ^^^
            column 126: there is no field `usr`; did you mean `actor.user`"#]],
    );
}

#[test]
fn limits_are_errors_not_crashes() {
    for text in [
        "(".repeat(MAX_BYTES),
        "not ".repeat(MAX_BYTES / 4),
        format!("{}a{}", "(".repeat(MAX_DEPTH + 1), ")".repeat(MAX_DEPTH + 1)),
        "a ".repeat(MAX_TERMS + 1),
        "a".repeat(MAX_TERM_BYTES + 1),
        "a".repeat(MAX_BYTES + 1),
        format!("detail.{}: (a{})", "x".repeat(9000), " or (b and c)".repeat(3)),
    ] {
        let result = Filter::parse(&text, &context());
        assert!(result.is_err() || text.starts_with("detail"), "{}…", &text[..40]);
    }
    assert!(Filter::parse(&format!("{}a", "not ".repeat(MAX_DEPTH)), &context()).is_ok());
}

#[test]
fn the_canonical_form_is_tidy() {
    for (written, canonical) in [
        ("", "*"),
        ("kind:session.*   alice", "kind: session.* and alice"),
        ("outcome:failure OR outcome:denied", "outcome: (failure or denied)"),
        ("(((a)) or (b and c))", "a or b and c"),
        ("(a or b) c", "(a or b) and c"),
        ("not(outcome:success)or not (a b)", "not outcome: success or not (a and b)"),
        ("kind: (a or (b and not c))", "kind: (a or b and not c)"),
        ("kind: ((a or b) and c)", "kind: ((a or b) and c)"),
        ("time>=now-24h", "time >= now-24h"),
        ("detail.x: \"plain\"", "detail.x: plain"),
        ("detail.x: \"a b\" \"and\" \"x:y\"", "detail.x: \"a b\" and \"and\" and \"x:y\""),
        ("detail.x: \"a*b\" or detail.y: a\\ *b", "detail.x: \"a*b\" or detail.y: a\\ *b"),
        ("target.address: 10.0.0.1:22", "target.address: 10.0.0.1:22"),
        ("detail.my\\ key: \"say \\\"hi\\\"\"", "\"detail.my key\": \"say \\\"hi\\\"\""),
        ("session:* and detail.*.name:**", "session: * and detail.*.name: *"),
        ("origin.ip:::1", "origin.ip: ::1"),
    ] {
        assert_eq!(parse(written).to_string(), canonical, "{written}");
        assert_eq!(parse(canonical), parse(written), "{written}");
    }
}

/// Text made of what the language is made of, so that much of it parses.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("kind"),
        Just("detail.a"),
        Just("detail.*"),
        Just("time"),
        Just("origin.ip"),
        Just("reason"),
        Just(":"),
        Just(":"),
        Just(">="),
        Just("<"),
        Just("("),
        Just(")"),
        Just("and"),
        Just("or"),
        Just("not"),
        Just("*"),
        Just("a*b"),
        Just("now-1d/d"),
        Just("2026-03-14"),
        Just("10.0.0.0/8"),
        Just("\"x y\""),
        Just("\\"),
        Just("\\ "),
        Just("\""),
        Just("é"),
        Just("7"),
        Just("alice"),
        Just("x:"),
        Just("{"),
        Just("\u{2003}"),
    ];
    let joint = prop_oneof![3 => Just(" "), 1 => Just("")];
    prop::collection::vec((piece, joint), 0..24)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(piece, joint)| [piece, joint]).collect())
}

fn check_canonical(text: &str) -> Result<(), TestCaseError> {
    match Filter::parse(text, &context()) {
        Ok(filter) => {
            let canonical = filter.to_string();
            let again = Filter::parse(&canonical, &context());
            prop_assert_eq!(again.as_ref(), Ok(&filter), "{:?} became {:?}", text, canonical);
            prop_assert_eq!(again.unwrap().to_string(), canonical);
        }
        Err(error) => {
            prop_assert!(error.column() <= text.chars().count() + 1);
            prop_assert_eq!(error.render().lines().count(), 3);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_canonical_form_reads_back_as_the_same_filter(text in soup()) {
        check_canonical(&text)?;
    }

    #[test]
    fn no_text_breaks_the_reader(text in any::<String>()) {
        check_canonical(&text)?;
    }

    #[test]
    fn no_bytes_break_the_view(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        if let Ok(view) = RecordView::parse(&bytes) {
            parse("* and a* and not detail.*: 1").matches(&view);
        }
    }
}
