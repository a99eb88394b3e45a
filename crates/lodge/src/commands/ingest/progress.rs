//! The progress bar: bytes of the files, events, rate and time left, on a terminal only.

use std::io::{self, Read};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::{counted, printable};

/// How far it has come.
#[derive(Clone)]
pub struct Progress(ProgressBar);

impl Progress {
    /// Shows a bar towards this many bytes; without them, how many there were.
    pub fn new(bytes: Option<u64>) -> Progress {
        let bar = ProgressBar::with_draw_target(bytes, ProgressDrawTarget::stderr_with_hz(8));
        let template = match bytes {
            Some(_) => "{bar:30} {percent:>3} % of {total_bytes}  {msg}  {eta} left",
            None => "{spinner} {bytes}  {msg}  {elapsed}",
        };
        let style = ProgressStyle::with_template(template).expect("the template is well-formed");
        Progress(bar.with_style(style))
    }

    /// Makes one that shows nothing.
    pub fn silent(&self) -> Progress {
        Progress(ProgressBar::hidden())
    }

    /// Counts bytes that were passed over.
    pub fn skip(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// Shows how many events were taken.
    pub fn events(&self, events: u64) {
        let millis = u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = events.saturating_mul(1000) / millis;
        self.0.set_message(format!("{}, {}/s", counted(events, "event"), HumanCount(rate)));
    }

    /// Says something while the work goes on, on standard error.
    pub fn say(&self, text: &str) {
        self.0.suspend(|| eprintln!("lodge: {}", printable(text)));
    }

    /// Returns the seconds that it took.
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}

/// A reader that moves the bar.
pub struct Counted<R> {
    inner: R,
    progress: Progress,
}

impl<R: Read> Counted<R> {
    /// Counts what is read from `inner`.
    pub fn new(inner: R, progress: &Progress) -> Counted<R> {
        Counted { inner, progress: progress.clone() }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.progress.0.inc(count as u64);
        Ok(count)
    }
}
