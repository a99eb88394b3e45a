//! Reads a file in a thread of its own, ahead of who looks at it: the disk and the hashing work at the same time.
//!
//! A log gives back the page cache behind its end, so whoever verifies one waits for the disk; by turns, both would wait.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes of one block.
const BLOCK: usize = 1 << 20;
/// Blocks that are read ahead.
const AHEAD: usize = 8;
/// Files below this are not worth a thread.
const SMALL: u64 = 4 << 20;

/// Opens a file for reading from its present place on.
pub(crate) fn read_ahead(file: File) -> io::Result<Box<dyn Read>> {
    let small = file.metadata()?.len() < SMALL;
    let file = Arc::new(file);
    let (sender, blocks) = sync_channel(AHEAD);
    let work = file.clone();
    let thread =
        || std::thread::Builder::new().name("verify-read".to_owned()).spawn(move || send(&work, &sender));
    // Without a thread it is only slower.
    if small || thread().is_err() {
        return Ok(Box::new(file));
    }
    Ok(Box::new(ReadAhead { blocks, block: Vec::new(), at: 0 }))
}

/// Sends the file in blocks: to its end, to the first error, or until nobody wants more.
fn send(file: &Arc<File>, blocks: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut block = Vec::with_capacity(BLOCK);
        let read = (&**file).take(BLOCK as u64).read_to_end(&mut block);
        let is_last = !matches!(read, Ok(1..));
        if blocks.send(read.map(|_| block)).is_err() || is_last {
            return;
        }
    }
}

/// What the thread has read.
struct ReadAhead {
    blocks: Receiver<io::Result<Vec<u8>>>,
    block: Vec<u8>,
    at: usize,
}

impl Read for ReadAhead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.block.len() {
            // The last block is an empty one; behind it the thread has ended.
            self.block = self.blocks.recv().unwrap_or(Ok(Vec::new()))?;
            self.at = 0;
        }
        let count = into.len().min(self.block.len() - self.at);
        into[..count].copy_from_slice(&self.block[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_ahead_is_the_file() {
        for length in [0, 10, SMALL as usize - 1, SMALL as usize, 11 * BLOCK + 17] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            std::fs::write(&path, &bytes).unwrap();
            let mut read = Vec::new();
            read_ahead(File::open(&path).unwrap()).unwrap().read_to_end(&mut read).unwrap();
            assert!(read == bytes, "{length} bytes");
        }
    }

    #[test]
    fn a_reader_that_loses_interest_ends_the_thread() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, vec![7; 20 * BLOCK]).unwrap();
        let (sender, blocks) = sync_channel(1);
        let file = Arc::new(File::open(&path).unwrap());
        let thread = std::thread::spawn(move || send(&file, &sender));
        blocks.recv().unwrap().unwrap();
        drop(blocks);
        thread.join().unwrap();
    }
}
