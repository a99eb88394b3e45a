//! The console: its pages, and who a browser is.
//!
//! A browser shows a cookie wherever it is sent by whatever page, so the invariant: nothing is changed for a cookie alone. Each
//! change must come from a page of this Lodge (`Origin`) and carry a token that only such a page can have read.

mod cookie;
mod pages;

pub(crate) use cookie::{
    Cookie, TERMINAL_PROTOCOL, clear, cross_site, csrf_token, no_session, require_csrf_token,
    require_own_fetch, require_same_origin, require_socket_token, set,
};
pub(crate) use pages::page;
