//! A sync that fails: the writer stops, acknowledges nothing after it, and what it had acknowledged is there.
//!
//! What the page cache holds after a failed sync says nothing of what the disk holds, so going on would be guessing.

use crate::kill::{self, Point, When};
use crate::life::Life;

/// Work of a victim whose disk fails.
pub const FAIL: &str = "fail";

/// How often a thread of the victim makes the call before one fails: at the opening, early, and in the midst of work.
const COUNTS: [u64; 8] = [1, 2, 3, 4, 7, 12, 25, 50];

#[test]
fn a_writer_whose_sync_fails_stops_and_never_acknowledges_again() {
    if let Some(why) = kill::missing_strace() {
        return eprintln!("skipped: {why}");
    }
    let mut failures = 0;
    // The write-ahead log is synced with the one, checkpoints and folders with the other.
    for call in ["fdatasync", "fsync"] {
        for count in COUNTS {
            let mut life = Life::begin(FAIL);
            // The log is there already, so that what fails is mostly its work and not its making.
            life.recover();
            let before = life.promises.acknowledged.len();
            life.crash(When::FailedAt(Point { call, count }));
            let acknowledged = life.promises.acknowledged.len() - before;
            let (failed, undone) = (life.promises.failed > 0, acknowledged == 120);
            assert!(
                failed || undone || acknowledged == 0,
                "{call} {count}: {acknowledged} acknowledged, none failed"
            );
            failures += u64::from(failed);
            life.check_copy();
            life.recover();
        }
    }
    assert!(failures >= COUNTS.len() as u64, "only {failures} syncs failed while the log was open");
}
