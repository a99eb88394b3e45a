//! What a filter says that other languages would mean otherwise, and what was probably meant.
//!
//! What stands in the way of reading is an error. What reads well and finds nothing, or something else than its writer
//! thinks, is a note: a kind that Lodge does not write may come from elsewhere, and `a=b` may be looked for as text.

use super::error::shown;
use super::fields;
use super::lexer::Word;
use super::pattern::Pattern;
use crate::catalogue::families;
use crate::kinds::KINDS;

/// How alike a name must be to be suggested, from 0 to 1.
const ALIKE: f64 = 0.8;
/// The longest text that is compared with names, in characters.
const LONGEST: usize = 64;

/// Tells what an operator of other languages is here: why it is none, and what to write.
pub(super) fn foreign(word: &str) -> Option<(String, Vec<String>)> {
    let meant = match word {
        "=" | "==" | "===" => ":",
        "!=" => "not field: value",
        "&&" | "&" => "and",
        "||" | "|" => "or",
        "!" => "not",
        _ => return None,
    };
    let message = format!("{} is no operator of this language", shown(word));
    Some((message, vec![meant.to_owned()]))
}

/// Notes free text in which a field and an operator of another language stand without a space.
pub(super) fn of_text(word: &str) -> Option<String> {
    let looked_for = || format!("{} is looked for as text", shown(word));
    if let Some((field, value)) = word.split_once('=') {
        let (field, negated) = match field.strip_suffix('!') {
            Some(field) => (field, "not "),
            None => (field, ""),
        };
        let value = value.trim_start_matches('=');
        if fields::is_field(field) && !value.is_empty() {
            return Some(format!(
                "{}; did you mean {}",
                looked_for(),
                shown(&format!("{negated}{field}: {value}"))
            ));
        }
    }
    let joined = [("&&", "and"), ("||", "or")].into_iter().find(|(mark, _)| word.contains(mark));
    if let Some((mark, meant)) = joined {
        return Some(format!("{}; did you mean {} for {}", looked_for(), shown(meant), shown(mark)));
    }
    let rest = word.strip_prefix('!').filter(|rest| rest.starts_with(char::is_alphanumeric))?;
    Some(format!("{}; did you mean {}", looked_for(), shown(&format!("not {rest}"))))
}

/// Notes a kind that no event of Lodge itself has.
pub(super) fn of_kind(word: &Word) -> Option<String> {
    let written = word.pieces.join("*");
    if written.chars().count() > LONGEST {
        return None;
    }
    let wanted = written.to_lowercase();
    let (known, nearest) = if word.pieces.len() > 1 {
        let pattern = Pattern::new(word.pieces.clone());
        let family = wanted.split(['.', '*']).next().unwrap_or_default();
        let nearest = nearest(family, families().into_iter()).map(|family| format!("{family}.*"));
        (KINDS.iter().any(|kind| pattern.matches(kind.name)), nearest)
    } else {
        let names = || KINDS.iter().map(|kind| kind.name);
        let last = |name: &&str| name.rsplit('.').next() == Some(wanted.as_str());
        let family =
            families().into_iter().find(|family| *family == wanted).map(|family| format!("{family}.*"));
        let nearest = || names().find(last).or_else(|| nearest(&wanted, names())).map(str::to_owned);
        (names().any(|name| name == wanted), family.or_else(nearest))
    };
    if known {
        return None;
    }
    let meant = nearest.map_or(String::new(), |nearest| format!("; did you mean {}", shown(&nearest)));
    Some(format!("Lodge itself writes no event of the kind {}{meant}", shown(&written)))
}

fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let alike = names.map(|name| (strsim::jaro_winkler(name, wanted), name));
    let best = alike.max_by(|one, other| one.0.total_cmp(&other.0));
    best.filter(|(alike, _)| *alike >= ALIKE).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use crate::Timestamp;
    use crate::filter::{Filter, FilterContext};

    fn notes(filter: &str) -> Vec<String> {
        Filter::notes(filter, &FilterContext::utc(Timestamp::EPOCH))
    }

    #[test]
    fn what_finds_something_else_than_was_meant_is_noted() {
        for (filter, noted) in [
            ("kind=user.login", "`kind=user.login` is looked for as text; did you mean `kind: user.login`"),
            (
                "actor.user==alice",
                "`actor.user==alice` is looked for as text; did you mean `actor.user: alice`",
            ),
            (
                "outcome!=success",
                "`outcome!=success` is looked for as text; did you mean `not outcome: success`",
            ),
            ("alice&&bob", "`alice&&bob` is looked for as text; did you mean `and` for `&&`"),
            ("!alice", "`!alice` is looked for as text; did you mean `not alice`"),
            (
                "kind: user.logon",
                "Lodge itself writes no event of the kind `user.logon`; did you mean `user.login`",
            ),
            ("kind: login", "Lodge itself writes no event of the kind `login`; did you mean `user.login`"),
            ("kind: session", "Lodge itself writes no event of the kind `session`; did you mean `session.*`"),
            (
                "not kind: (sesion.* or x)",
                "Lodge itself writes no event of the kind `sesion.*`; did you mean `session.*`",
            ),
        ] {
            assert_eq!(notes(filter).first().map(String::as_str), Some(noted), "{filter}");
        }
    }

    #[test]
    fn what_means_what_it_says_is_not_noted() {
        for filter in [
            "",
            "kind: user.login",
            "kind: USER.Login",
            "kind: (session.* or *.denied) and a",
            "kind: *",
            "\"kind=user.login\"",
            "user=alice",
            "path=/x",
            "detail.a: b=c",
            "kind: unknown (",
            "a!",
        ] {
            assert_eq!(notes(filter), Vec::<String>::new(), "{filter}");
        }
        assert_eq!(notes("kind: zzzz"), ["Lodge itself writes no event of the kind `zzzz`"]);
    }
}
