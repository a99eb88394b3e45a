//! A small disk that fills while the writer is killed.
//!
//! The file system is mounted in a mount namespace of its own: it goes away with the process, however that ends.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use event::Record;

use crate::budget::{Budget, Dice};
use crate::kill::{self, Point, When};
use crate::life::{Life, Totals};
use crate::{SECONDS, victim};

/// Work of a victim that fills its disk.
pub const FILL: &str = "fill";
/// Names the folder to mount on.
const MOUNT: &str = "LODGE_CRASH_MOUNT";
/// Bytes of the disk.
const DISK: u64 = 8 << 20;

#[test]
fn a_full_disk_and_kills_on_it_lose_nothing_acknowledged() {
    let possible = Command::new("unshare").args(["--mount", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        return eprintln!("skipped: mounting a small tmpfs needs root and `unshare`");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut inner = Command::new("unshare");
    inner.arg("--mount").arg(std::env::current_exe().unwrap());
    inner.args(["disk::full_disk_process", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    let status = inner.env(MOUNT, folder.path()).status().unwrap();
    assert!(status.success(), "{status}");
}

/// The test proper, where mounting harms nobody.
#[test]
#[ignore = "is started by the test of full disks, in a mount namespace"]
fn full_disk_process() {
    let Some(disk) = std::env::var_os(MOUNT) else { return };
    let disk = Path::new(&disk);
    let size = format!("size={DISK}");
    assert!(
        Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "none"])
            .arg(disk)
            .status()
            .unwrap()
            .success()
    );
    let budget = Budget::share(20, SECONDS);
    let mut dice = Dice::new(budget.seed);
    let traced = kill::missing_strace().is_none();
    let (mut totals, mut refused, mut closing) = (Totals::default(), 0, 0);
    while !budget.is_spent() {
        let life = fill_and_kill(disk, traced, &mut dice);
        totals.add(life.totals);
        refused += life.promises.refused;
        closing += life.promises.closing;
        fs::remove_dir_all(&life.base).unwrap();
    }
    assert!(refused > 0 && closing > 0, "{refused} events refused, {closing} closing ones taken after that");
    let what =
        format!("on full disks, which refused {refused} events and took {closing} closing ones after that");
    totals.print(&what, budget.seed);
}

/// Fills a disk under kills, recovers what is on it elsewhere each time, and in place once there is room.
fn fill_and_kill(disk: &Path, traced: bool, dice: &mut Dice) -> Life {
    let mut life = Life::begin_at(disk.join("now"), FILL);
    // The rest of the disk is somebody else's; how much decides at which step the space runs out.
    let hog = disk.join("hog");
    let mut taken = DISK / 2 + dice.below(DISK / 4);
    fs::write(&hog, vec![1; taken as usize]).unwrap();
    // The first is not killed but fills the disk; all others begin on a full one.
    life.crash(When::After(Duration::from_secs(40)));
    life.check_copy();
    assert_eq!(life.totals.kills, 0, "filling the disk takes too long");
    for _ in 0..5 {
        if dice.one_in(2) {
            // A little room, which the next victim uses up again.
            taken -= dice.below(DISK / 16);
            File::options().write(true).open(&hog).unwrap().set_len(taken).unwrap();
        }
        life.crash(moment(traced, dice));
        life.check_copy();
    }
    fs::remove_file(&hog).unwrap();
    life.recover();
    assert_eq!(told_full(&life) == 0, life.promises.refused == 0, "a full disk is an event");
    life
}

fn moment(traced: bool, dice: &mut Dice) -> When {
    if !traced {
        return When::After(Duration::from_millis(dice.below(200)));
    }
    let calls = ["pwrite64", "write", "fdatasync", "openat", "ftruncate", "unlink", "rename"];
    let call = calls[dice.below(calls.len() as u64) as usize];
    let most = if dice.one_in(4) { 200 } else { 30 };
    When::At(Point { call, count: 1 + dice.below(most) })
}

/// How often the log's own events tell of a full disk.
fn told_full(life: &Life) -> usize {
    let log = victim::open(&life.base, &victim::ambient()).unwrap();
    let mut told = 0;
    let mut at = 0;
    while at < log.size() {
        let entries = log.read(at..log.size()).unwrap();
        at += entries.len() as u64;
        let kinds = entries.iter().map(|entry| Record::parse(&entry.payload).unwrap().body.kind);
        told += kinds.filter(|kind| kind == "log.full").count();
    }
    told
}
