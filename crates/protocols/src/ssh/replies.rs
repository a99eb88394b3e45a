//! Answers to a client's channel requests, in the order of the requests (RFC 4254, section 5.4).
//!
//! Some requests the gate answers itself, some the target; the client tells answers apart by order alone.

use std::collections::VecDeque;

use russh::{ChannelWriteHalf, server};
use tokio::sync::Mutex;

/// The requests of one channel that wait for an answer.
#[derive(Default)]
pub(super) struct Replies {
    /// `None` waits for the target.
    waiting: Mutex<VecDeque<Option<bool>>>,
}

impl Replies {
    /// Notes that the target is going to answer the next request.
    pub(super) async fn expect(&self) {
        self.waiting.lock().await.push_back(None);
    }

    /// Answers the next request for the target.
    pub(super) async fn answer(&self, success: bool, near: &ChannelWriteHalf<server::Msg>) {
        let mut waiting = self.waiting.lock().await;
        waiting.push_back(Some(success));
        send(&mut waiting, near).await;
    }

    /// Passes the target's answer on.
    pub(super) async fn answered(&self, success: bool, near: &ChannelWriteHalf<server::Msg>) {
        let mut waiting = self.waiting.lock().await;
        // An answer that nobody asked for has no place to go.
        if let Some(first) = waiting.iter_mut().find(|answer| answer.is_none()) {
            *first = Some(success);
        }
        send(&mut waiting, near).await;
    }
}

/// Sends the answers that nothing stands before. Kept under the lock, which keeps their order.
async fn send(waiting: &mut VecDeque<Option<bool>>, near: &ChannelWriteHalf<server::Msg>) {
    while let Some(&Some(success)) = waiting.front() {
        waiting.pop_front();
        // A client that is gone needs no answer.
        let _ = near.reply(success).await;
    }
}
