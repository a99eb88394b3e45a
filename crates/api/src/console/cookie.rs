//! The cookie of a browser's session, and what must come with it.

use std::time::Duration;

use axum::http::header::{COOKIE, HOST, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use base16ct::lower::encode_string;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::Problem;

/// `__Host-`: set by this host alone, over TLS alone, for all of it (RFC 6265bis, section 4.1.3.2).
const NAME: &str = "__Host-lodge";
const CSRF_HEADER: &str = "x-lodge-csrf";
/// The sub-protocol of a terminal.
pub(crate) const TERMINAL_PROTOCOL: &str = "lodge-terminal-v1";
/// What stands before the token among the sub-protocols that a page offers.
const TOKEN_PROTOCOL: &str = "lodge-csrf.";

/// What a browser showed; not verified yet.
pub(crate) struct Cookie(pub(crate) String);

impl Cookie {
    /// Finds the cookie of the request. Of several of the name, which no browser sends, none is taken.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Cookie> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut found = pairs.filter(|(name, _)| *name == NAME).map(|(_, value)| value.to_owned());
        let first = found.next()?;
        found.next().is_none().then_some(Cookie(first))
    }
}

/// Makes the header that gives a browser its cookie.
pub(crate) fn set(token: &str, life: Duration) -> Result<HeaderValue, Problem> {
    let seconds = life.as_secs();
    let line = format!("{NAME}={token}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
    let mut value = HeaderValue::try_from(line).map_err(|error| Problem::internal(&error))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Makes the header that takes it away again.
pub(crate) fn clear() -> HeaderValue {
    HeaderValue::from_static("__Host-lodge=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict")
}

/// The token that changes carry: it follows from the cookie, which no page can read.
pub(crate) fn csrf_token(cookie: &Cookie) -> String {
    encode_string(&Sha256::new().chain_update(b"lodge/csrf/v1\0").chain_update(&cookie.0).finalize())
}

/// Refuses a change that a cookie is shown for, unless it carries the cookie's token and comes from our own page.
pub(crate) fn require_csrf_token(parts: &Parts, cookie: &Cookie) -> Result<(), Problem> {
    if is_safe(&parts.method) {
        return Ok(());
    }
    require_same_origin(parts)?;
    let shown = parts.headers.get(CSRF_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    if bool::from(csrf_token(cookie).as_bytes().ct_eq(shown)) {
        return Ok(());
    }
    let detail = "a change that a browser asks for needs the header X-Lodge-CSRF with the token of its session \
                  (GET /v1/console/session); reload the page";
    Err(Problem::forbidden("csrf", detail))
}

/// Refuses a WebSocket that our own page does not open with its cookie and the cookie's token, which a page can send as a
/// sub-protocol and not as a header.
pub(crate) fn require_socket_token(parts: &Parts) -> Result<Cookie, Problem> {
    require_same_origin(parts)?;
    let cookie = Cookie::of(&parts.headers).ok_or_else(no_session)?;
    let lines = parts.headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|line| line.to_str().ok());
    let mut offered = lines.flat_map(|line| line.split(',')).map(str::trim);
    let shown = offered.find_map(|name| name.strip_prefix(TOKEN_PROTOCOL)).unwrap_or_default();
    if bool::from(csrf_token(&cookie).as_bytes().ct_eq(shown.as_bytes())) {
        return Ok(cookie);
    }
    let detail = "a WebSocket that a browser opens needs the sub-protocol lodge-csrf.<token> with the token of its \
                  session (GET /v1/console/session); reload the page";
    Err(Problem::forbidden("csrf", detail))
}

/// Says that a request which needs a browser's session came without one.
pub(crate) fn no_session() -> Problem {
    let detail = "this is no browser's session: no cookie was shown; sign in first";
    Problem::unauthenticated("no_session", detail)
}

/// Refuses what does not say that it comes from a page of this Lodge.
pub(crate) fn require_same_origin(parts: &Parts) -> Result<(), Problem> {
    match parts.headers.get(ORIGIN) {
        Some(_) if !cross_site(parts) => Ok(()),
        Some(origin) => Err(other_origin(origin)),
        None => Err(Problem::forbidden("origin", "a change that a browser asks for must say its Origin")),
    }
}

/// Refuses what another page has a browser fetch, as far as the browser tells (Fetch Metadata, `Sec-Fetch-Site`): it could not
/// read the answer, but asking is something that this person then did.
pub(crate) fn require_own_fetch(parts: &Parts) -> Result<(), Problem> {
    match parts.headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => {
            Err(Problem::forbidden("origin", "another page asked for this, and only Lodge's own pages may"))
        }
    }
}

/// Says whether a page of another site asks, as far as the request tells.
pub(crate) fn cross_site(parts: &Parts) -> bool {
    let Some(origin) = parts.headers.get(ORIGIN) else { return false };
    let named = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = parts.uri.authority().map(|authority| authority.as_str()).or(named);
    host.is_none_or(|host| origin.as_bytes() != format!("https://{host}").as_bytes())
}

fn other_origin(origin: &HeaderValue) -> Problem {
    let shown: String = origin.to_str().unwrap_or_default().chars().take(200).collect();
    let detail = format!("a page of {shown} asked for this, and only Lodge's own pages may");
    Problem::forbidden("origin", detail)
}

/// Whether a method changes nothing (RFC 9110, section 9.2.1).
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn parts(method: Method, headers: &[(&str, &str)]) -> Parts {
        let request = Request::builder().method(method).uri("/v1/locks");
        let with = |request: axum::http::request::Builder, (name, value): &(&str, &str)| {
            request.header(*name, *value)
        };
        headers.iter().fold(request, with).body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_change_needs_the_token_and_our_own_page() {
        let cookie = Cookie("a.b".to_owned());
        let token = csrf_token(&cookie);
        let (host, own) = (("host", "lodge.example:3080"), ("origin", "https://lodge.example:3080"));
        let of = |method: Method, headers: &[(&str, &str)]| {
            require_csrf_token(&parts(method, headers), &cookie).err().map(|problem| problem.code)
        };
        let token = ("x-lodge-csrf", &token[..]);
        assert_eq!(of(Method::POST, &[host, own, token]), None);
        assert_eq!(of(Method::GET, &[host]), None);
        for (headers, code) in [
            (&[host, own][..], "csrf"),
            (&[host, own, ("x-lodge-csrf", "")], "csrf"),
            (&[host, own, ("x-lodge-csrf", &token.1[1..])], "csrf"),
            (&[host, token], "origin"),
            (&[host, ("origin", "https://evil.example"), token], "origin"),
            (&[host, ("origin", "null"), token], "origin"),
            (&[host, ("origin", "http://lodge.example:3080"), token], "origin"),
            (&[own, token], "origin"),
        ] {
            assert_eq!(of(Method::DELETE, headers).as_deref(), Some(code), "{headers:?}");
        }
    }

    #[test]
    fn a_socket_needs_the_cookie_its_token_and_our_own_page() {
        let token = csrf_token(&Cookie("a.b".to_owned()));
        let (host, own) = (("host", "lodge.example:3080"), ("origin", "https://lodge.example:3080"));
        let offered = format!("{TERMINAL_PROTOCOL}, {TOKEN_PROTOCOL}{token}");
        let (cookie, offers) = (("cookie", "__Host-lodge=a.b"), ("sec-websocket-protocol", &offered[..]));
        let of = |headers: &[(&str, &str)]| {
            require_socket_token(&parts(Method::GET, headers)).err().map(|problem| problem.code)
        };
        assert_eq!(of(&[host, own, cookie, offers]), None);
        for (headers, code) in [
            (&[host, cookie, offers][..], "origin"),
            (&[host, ("origin", "https://evil.example"), cookie, offers], "origin"),
            (&[host, own, offers], "no_session"),
            (&[host, own, cookie], "csrf"),
            (&[host, own, cookie, ("sec-websocket-protocol", TERMINAL_PROTOCOL)], "csrf"),
            (&[host, own, cookie, ("sec-websocket-protocol", "lodge-csrf.")], "csrf"),
            (&[host, own, ("cookie", "__Host-lodge=other"), offers], "csrf"),
            (&[host, own, cookie, ("x-lodge-csrf", &token[..])], "csrf"),
        ] {
            assert_eq!(of(headers).as_deref(), Some(code), "{headers:?}");
        }
    }

    #[test]
    fn one_cookie_of_the_name_is_taken() {
        let found = |lines: &[&str]| {
            let headers: Vec<(&str, &str)> = lines.iter().map(|line| ("cookie", *line)).collect();
            Cookie::of(&parts(Method::GET, &headers).headers).map(|cookie| cookie.0)
        };
        assert_eq!(found(&["a=b; __Host-lodge=x.y; c=d"]).as_deref(), Some("x.y"));
        assert_eq!(found(&["a=b", "__Host-lodge=x"]).as_deref(), Some("x"));
        for none in [
            &["lodge=x"][..],
            &["__Host-lodge=x; __Host-lodge=y"],
            &["__Host-lodge=x", "__Host-lodge=y"],
            &[],
        ] {
            assert_eq!(found(none), None, "{none:?}");
        }
    }
}
