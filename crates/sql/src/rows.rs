//! The rows of an answer, as they come.

use std::collections::VecDeque;

use tokio::sync::mpsc::Receiver;

use crate::SqlError;

/// A piece of an answer, written as its reader wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Rows that it, or pieces before it, show and that no piece before it told.
    pub rows: u64,
    /// What is to be handed on.
    pub bytes: Vec<u8>,
    /// Whether the answer is whole with it.
    pub(crate) is_last: bool,
}

/// The rows of an answer. The statement ends when they are dropped.
#[derive(Debug)]
pub struct Rows {
    pieces: Receiver<Result<Piece, SqlError>>,
    /// Pieces that were taken ahead.
    ahead: VecDeque<Piece>,
    ended: bool,
}

impl Rows {
    pub(crate) fn new(pieces: Receiver<Result<Piece, SqlError>>) -> Rows {
        Rows { pieces, ahead: VecDeque::new(), ended: false }
    }

    async fn more(&mut self) -> Result<Option<Piece>, SqlError> {
        if self.ended {
            return Ok(None);
        }
        match self.pieces.recv().await {
            Some(piece) => {
                self.ended = piece.as_ref().map_or(true, |piece| piece.is_last);
                piece.map(Some)
            }
            None => Err(SqlError::Engine("it stopped without a word".to_owned())),
        }
    }

    /// Returns what comes next; `None` when the answer is whole.
    pub async fn next(&mut self) -> Result<Option<Piece>, SqlError> {
        match self.ahead.pop_front() {
            Some(piece) => Ok(Some(piece)),
            None => self.more().await,
        }
    }

    /// Takes pieces ahead, about `most` bytes of them; returns how many rows there are when these are all.
    pub async fn gather(&mut self, most: usize) -> Result<Option<u64>, SqlError> {
        let (mut bytes, mut rows) = (0, 0);
        while let Some(piece) = self.more().await? {
            bytes += piece.bytes.len();
            rows += piece.rows;
            self.ahead.push_back(piece);
            if bytes > most {
                return Ok(None);
            }
        }
        Ok(Some(rows))
    }
}
