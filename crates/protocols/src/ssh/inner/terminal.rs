//! Terminals: a shell on a target, as a client of the gate has it.

use event::SessionId;
use gateway::{Reach, Shown, Size, Terminal, Typed};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, client};
use tokio::sync::{mpsc, oneshot};

use super::super::forward::Window;
use super::{InnerClient, KnowsGate, OpenError, Reached, hang_up, said};

/// What every terminal says that it is.
const KIND: &str = "xterm-256color";
/// Pieces of at most a packet that wait in either direction.
const QUEUE: usize = 8;

/// Opens a shell on a terminal.
pub(super) async fn open(client: &InnerClient, reach: Reach, size: Size) -> Result<Terminal, OpenError> {
    let Reached { handle, channel, session } = super::reach(client, reach).await?;
    let Size { columns, rows } = size;
    channel.request_pty(true, KIND, columns.into(), rows.into(), 0, 0, &[]).await?;
    channel.request_shell(true).await?;
    let (typed, to_target) = mpsc::channel(QUEUE);
    let (to_page, shown) = mpsc::channel(QUEUE);
    tokio::spawn(run(handle, channel, to_target, Page { shown: to_page, session }));
    Ok(Terminal { typed, shown })
}

/// The page's side of a terminal.
struct Page {
    shown: mpsc::Sender<Shown>,
    /// Told once.
    session: oneshot::Receiver<SessionId>,
}

/// Serves a terminal until the gate or the page ends it.
async fn run(
    handle: client::Handle<KnowsGate>,
    channel: Channel<client::Msg>,
    typed: mpsc::Receiver<Typed>,
    page: Page,
) {
    let (from, to) = channel.split();
    let shown = page.shown.clone();
    tokio::select! {
        () = show(from, &to, page) => {}
        () = type_in(typed, &to) => {}
        () = shown.closed() => {}
    }
    hang_up(&handle, &to).await;
}

/// Passes on what is typed until the page is gone.
async fn type_in(mut typed: mpsc::Receiver<Typed>, to: &ChannelWriteHalf<client::Msg>) {
    while let Some(typed) = typed.recv().await {
        let passed = match typed {
            Typed::Keys(keys) => to.data_bytes(keys).await,
            Typed::Size(size) => to.window_change(size.columns.into(), size.rows.into(), 0, 0).await,
        };
        if passed.is_err() {
            // What the gate said last is still to be shown.
            std::future::pending::<()>().await;
        }
    }
}

/// Passes on what the target shows, which session it is, and then how it ended.
async fn show(mut from: ChannelReadHalf, to: &ChannelWriteHalf<client::Msg>, page: Page) {
    let Page { shown, mut session } = page;
    let (mut window, mut exit_code, mut why, mut is_named) = (Window::default(), None, None, false);
    loop {
        let message = tokio::select! {
            biased;
            named = &mut session, if !is_named => {
                is_named = true;
                // A connection that is refused has no session.
                let Ok(session) = named else { continue };
                if shown.send(Shown::Session(session)).await.is_err() {
                    return;
                }
                continue;
            }
            message = from.wait() => message,
        };
        let data = match message {
            Some(ChannelMsg::Data { data }) => data,
            Some(ChannelMsg::ExtendedData { data, .. }) => {
                why = said(&data).or(why);
                data
            }
            Some(ChannelMsg::ExitStatus { exit_status }) => {
                exit_code = Some(exit_status);
                continue;
            }
            Some(ChannelMsg::Close) | None => break,
            Some(_) => continue,
        };
        let length = data.len();
        if shown.send(Shown::Output(data.to_vec())).await.is_err() {
            return;
        }
        if window.taken(length, to).await.is_err() {
            break;
        }
    }
    let _ = shown.send(Shown::End { exit_code, why }).await;
}
