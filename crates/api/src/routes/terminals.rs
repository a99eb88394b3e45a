//! Terminals of the console: SSH sessions through the gate, over a WebSocket (RFC 6455).
//!
//! Binary messages are what is typed and shown; messages of text are JSON: a [`Told`] from here, an [`Asked`] from the page.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use event::SessionId;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use gateway::{Reach, Shown, Size, Typed};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc};
use utoipa::IntoParams;

use crate::caller::OwnTerminal;
use crate::console::TERMINAL_PROTOCOL;
use crate::extract::Query;
use crate::{Problem, Services};

/// Terminals that may be open at once; roles bound those of a person.
const MOST: usize = 1024;
/// The longest message that a page sends, in bytes.
const LONGEST: usize = 64 << 10;
/// How often a page is asked whether it is there.
const PING: Duration = Duration::from_secs(30);
/// How long nothing may come from a page, or a message not be taken by it.
const PATIENCE: Duration = Duration::from_secs(90);
/// The most columns and rows of a terminal.
const LARGEST: u16 = 1000;

static ROOM: Semaphore = Semaphore::const_new(MOST);

/// Which terminal.
#[derive(Deserialize, IntoParams)]
pub struct Which {
    /// The target's name.
    target: String,
    /// Account on the target.
    login: String,
    /// Characters in a row; 1000 at most.
    #[serde(default = "columns")]
    columns: u16,
    /// Rows; 1000 at most.
    #[serde(default = "rows")]
    rows: u16,
}

fn columns() -> u16 {
    80
}

fn rows() -> u16 {
    24
}

/// What the page is told.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    /// Which session it is.
    Session(SessionId),
    /// How it ended; nothing follows.
    End {
        /// The program's exit code, where it had one.
        exit_code: Option<u32>,
        /// What the gate said last, where it said something.
        why: Option<String>,
    },
}

/// What the page asks for.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Asked {
    /// Another size.
    Resize { columns: u16, rows: u16 },
}

/// Opens a shell on a target through the SSH gate, as a WebSocket of the console's own pages. They offer the sub-protocols
/// `lodge-terminal-v1` and `lodge-csrf.<token>`, with the token of `GET /v1/console/session`. Why the gate refuses is told in
/// the socket.
#[utoipa::path(
    get,
    path = "/v1/console/terminal",
    operation_id = "open_terminal",
    params(Which),
    responses((status = 101), (status = 401, body = Problem), (status = 403, body = Problem)),
    tag = "console"
)]
pub async fn open(
    State(services): State<Arc<Services>>,
    OwnTerminal(caller): OwnTerminal,
    Query(which): Query<Which>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|error| Problem::bad_request("no_websocket", error.body_text()))?;
    let size = size(which.columns, which.rows).map_err(|why| Problem::bad_request("size", why))?;
    let place = ROOM.try_acquire().map_err(|_| {
        let detail = format!("{MOST} terminals are open, which is the most; try again later");
        Problem::unavailable("too_many_terminals", detail)
    })?;
    let reach = Reach { who: caller.who, origin: caller.origin, target: which.target, login: which.login };
    let upgrade = upgrade.protocols([TERMINAL_PROTOCOL]).max_message_size(LONGEST).max_frame_size(LONGEST);
    Ok(upgrade.on_upgrade(async move |socket| {
        let _place = place;
        serve(&services, reach, size, socket).await;
    }))
}

fn size(columns: u16, rows: u16) -> Result<Size, String> {
    let bounds = 1..=LARGEST;
    if bounds.contains(&columns) && bounds.contains(&rows) {
        return Ok(Size { columns, rows });
    }
    Err(format!("a terminal of {columns} columns and {rows} rows cannot be; give 1 to {LARGEST} of each"))
}

/// Serves a page until either side ends it.
async fn serve(services: &Services, reach: Reach, size: Size, socket: WebSocket) {
    let (mut to_page, from_page) = socket.split();
    let end = match services.terminals.open(reach, size).await {
        Err(why) => Told::End { exit_code: None, why: Some(why) },
        Ok(terminal) => tokio::select! {
            told = show(&mut to_page, terminal.shown) => match told {
                Some(end) => end,
                None => return,
            },
            heard = hear(from_page, terminal.typed) => match heard {
                Err(why) => Told::End { exit_code: None, why: Some(why) },
                Ok(()) => return,
            },
        },
    };
    // A page that is gone knows already.
    let _ = send(&mut to_page, told(&end)).await;
    let close = CloseFrame { code: close_code::NORMAL, reason: "".into() };
    let _ = send(&mut to_page, Message::Close(Some(close))).await;
}

/// Shows the page what the target says, until the end of it, which it returns; `None` where the page is gone.
async fn show(to: &mut SplitSink<WebSocket, Message>, mut shown: mpsc::Receiver<Shown>) -> Option<Told> {
    let mut pings = tokio::time::interval(PING);
    loop {
        let message = tokio::select! {
            _ = pings.tick() => Message::Ping(Vec::new().into()),
            shown = shown.recv() => match shown {
                Some(Shown::Output(bytes)) => Message::Binary(bytes.into()),
                Some(Shown::Session(session)) => told(&Told::Session(session)),
                Some(Shown::End { exit_code, why }) => return Some(Told::End { exit_code, why }),
                None => return Some(Told::End { exit_code: None, why: None }),
            },
        };
        send(to, message).await?;
    }
}

/// Sends a message; `None` where the page is gone, or takes nothing for long.
async fn send(to: &mut SplitSink<WebSocket, Message>, message: Message) -> Option<()> {
    tokio::time::timeout(PATIENCE, to.send(message)).await.ok()?.ok()
}

fn told(told: &Told) -> Message {
    Message::Text(serde_json::to_string(told).unwrap_or_default().into())
}

/// Passes on what the page says until it is gone. An error is a sentence for the page.
async fn hear(mut from: SplitStream<WebSocket>, typed: mpsc::Sender<Typed>) -> Result<(), String> {
    // A page that is there answers its pings.
    while let Ok(Some(Ok(message))) = tokio::time::timeout(PATIENCE, from.next()).await {
        let typing = match message {
            Message::Binary(keys) => Typed::Keys(keys.into()),
            Message::Text(text) => Typed::Size(asked(&text)?),
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Close(_) => return Ok(()),
        };
        if typed.send(typing).await.is_err() {
            // What the target said last is still to be shown.
            std::future::pending::<()>().await;
        }
    }
    Ok(())
}

fn asked(text: &str) -> Result<Size, String> {
    match serde_json::from_str(text) {
        Ok(Asked::Resize { columns, rows }) => size(columns, rows),
        Err(error) => Err(format!("the page sent a message that is no request of a terminal: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_as_the_page_reads_and_writes_them() {
        let end = Told::End { exit_code: Some(0), why: None };
        assert_eq!(told(&end), Message::Text(r#"{"end":{"exit_code":0,"why":null}}"#.into()));
        let size = asked(r#"{"resize":{"columns":120,"rows":40}}"#).unwrap();
        assert_eq!(size, Size { columns: 120, rows: 40 });
        for wrong in [
            "",
            "{}",
            "[]",
            r#"{"resize":{"columns":0,"rows":1}}"#,
            r#"{"resize":{"columns":80,"rows":1001}}"#,
            r#"{"resize":{"columns":80}}"#,
            r#"{"other":{}}"#,
        ] {
            assert!(asked(wrong).is_err(), "{wrong}");
        }
    }
}
