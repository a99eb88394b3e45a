//! The console's files. A release has them inside; a build without them serves a page that says how to make them.

use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base16ct::lower::encode_string;
use rust_embed::{EmbeddedFile, RustEmbed};

/// What `cargo xtask web` makes. A development build reads the files where they lie.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Files;

const INDEX: &str = "index.html";
/// Files here are called after their content, so they never change.
const ASSETS: &str = "assets/";
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// No script and no style but our own files, nothing from elsewhere, nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

const WITHOUT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Lodge</title>\
    <h1>This Lodge was built without its console</h1>\
    <p>To build it in, run <code>cargo xtask web</code> (it needs Node.js 20 or later) and build Lodge again.</p>\
    <p>Everything else works: run <code>lodge login</code>, and see <code>lodge --help</code>.</p></html>\n";

/// Answers a browser that asks for a path: with a file, or with the page that shows whatever the path names.
pub(crate) fn page(path: &str, headers: &HeaderMap) -> Response {
    let name = path.trim_start_matches('/');
    let response = match found(name, headers) {
        Some(file) => file,
        None if name.starts_with(ASSETS) => StatusCode::NOT_FOUND.into_response(),
        None => found(INDEX, headers).unwrap_or_else(without),
    };
    guarded(response)
}

fn without() -> Response {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], WITHOUT).into_response()
}

/// Finds a file, packed where the browser takes it so.
fn found(name: &str, headers: &HeaderMap) -> Option<Response> {
    let kind = kind_of(name)?;
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let takes = |encoding: &str| {
        accepted.split(',').any(|one| one.split(';').next().unwrap_or_default().trim() == encoding)
    };
    let packed = |encoding: &'static str, suffix: &str| {
        let file = takes(encoding).then(|| Files::get(&format!("{name}{suffix}"))).flatten()?;
        Some((file, Some(encoding)))
    };
    let (file, encoding) = packed("br", ".br").or_else(|| Some((Files::get(name)?, None)))?;
    let tag = format!("\"{}\"", encode_string(&file.metadata.sha256_hash()));
    let mut response = match headers.get(IF_NONE_MATCH) {
        Some(known) if known.as_bytes() == tag.as_bytes() => StatusCode::NOT_MODIFIED.into_response(),
        _ => body(file).into_response(),
    };
    let found = response.headers_mut();
    found.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    found.insert(VARY, HeaderValue::from_static("accept-encoding"));
    let cached = if name.starts_with(ASSETS) { FOR_EVER } else { "no-cache" };
    found.insert(CACHE_CONTROL, HeaderValue::from_static(cached));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        found.insert(ETAG, tag);
    }
    if let Some(encoding) = encoding {
        found.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Some(response)
}

fn body(file: EmbeddedFile) -> Body {
    match file.data {
        std::borrow::Cow::Borrowed(bytes) => Body::from(bytes),
        std::borrow::Cow::Owned(bytes) => Body::from(bytes),
    }
}

/// What a file's name says of its content; `None` for what is not served.
fn kind_of(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        _ => return None,
    })
}

/// Adds what every page needs, whatever it holds.
fn guarded(mut response: Response) -> Response {
    let own_opener = HeaderName::from_static("cross-origin-opener-policy");
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (own_opener, "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_guarded_and_nothing_outside_is_served() {
        for path in [
            "/",
            "/events?x",
            "/assets/none.js",
            "/../Cargo.toml",
            "/assets/../../../Cargo.toml",
            "/.vite/manifest.json",
        ] {
            let response = page(path, &HeaderMap::new());
            let policy = response.headers().get(CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
            assert!(
                policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"),
                "{path}"
            );
            let kind = response.headers().get(CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned());
            assert!(
                kind.is_none_or(|kind| kind.starts_with("text/html")),
                "{path} is a page, or is not there"
            );
        }
    }
}
