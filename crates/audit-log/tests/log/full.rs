//! A disk that fills up: nothing acknowledged is lost, sessions can be closed, and the log recovers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use audit_log::AppendError;

use crate::fixture::{Fixture, all, details};

/// A real file system of a few megabytes; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: &Path) -> Option<SmallDisk> {
        fs::create_dir_all(folder).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=12m", "none"]).arg(folder).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| SmallDisk(folder.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[tokio::test]
async fn a_disk_that_is_nearly_full_takes_only_what_closes() {
    let fixture = Fixture::new();
    let mut config = fixture.config(&fixture.log_folder());
    config.reserve_bytes = u64::MAX;
    let log = fixture.open_with(config).unwrap();
    assert!(log.health().full);
    assert!(matches!(log.append(&fixture.event(1)).await, Err(AppendError::Full(_))));
    let batch = vec![(1, fixture.encoded(1))];
    assert!(matches!(log.append_batch("a", batch).await, Err(AppendError::Full(_))));
    let receipt = log.append(&fixture.closing(2)).await.unwrap();
    assert_eq!(log.read(receipt.position()..receipt.position() + 1).unwrap().len(), 1);
    let full = details(&log, "log.full");
    assert_eq!((full.len(), full[0]["ballast_bytes"].as_u64()), (1, Some(4096)));
    assert!(!fixture.log_folder().join("ballast").exists());
    log.shutdown();

    let log = fixture.open();
    assert!(fixture.log_folder().join("ballast").exists());
    log.append(&fixture.event(3)).await.unwrap();
}

#[tokio::test]
async fn a_full_log_can_be_read_until_the_share_of_reads_is_used_up_and_closed_after_that() {
    let fixture = Fixture::new();
    let mut config = fixture.config(&fixture.log_folder());
    (config.reserve_bytes, config.ballast_bytes) = (u64::MAX, 64 << 10);
    let log = fixture.open_with(config).unwrap();
    let (mut entered, mut read) = (0, 0);
    while log.append(&fixture.entering()).await.is_ok() {
        entered += 1;
    }
    while log.append(&fixture.reading(read)).await.is_ok() {
        read += 1;
        assert!(read < 1000, "reads are unbounded");
    }
    assert!(
        entered > 5 && read > 5,
        "strangers do not use up the share of reads: {entered} entered, {read} read"
    );
    assert!(matches!(log.append(&fixture.reading(0)).await, Err(AppendError::Full(_))));
    for number in 0..200 {
        log.append(&fixture.closing(number)).await.unwrap();
    }
    assert_eq!(details(&log, "log.full").len(), 1);
}

#[tokio::test]
async fn a_refusal_for_want_of_space_names_the_folder_and_the_bytes() {
    let fixture = Fixture::new();
    let mut config = fixture.config(&fixture.log_folder());
    config.reserve_bytes = 1 << 60;
    let log = fixture.open_with(config).unwrap();
    let needed = (1_u64 << 60) + 4096;
    let Err(AppendError::Full(shortage)) = log.append(&fixture.event(1)).await else { panic!("it is full") };
    assert_eq!((shortage.needed, &shortage.folder), (needed, &fixture.log_folder()));
    let text = shortage.to_string();
    let folder = fixture.log_folder();
    for part in [needed.to_string(), (needed - shortage.free).to_string(), folder.display().to_string()] {
        assert!(text.contains(&part), "{text} lacks {part}");
    }
    assert_eq!(details(&log, "log.full")[0]["needed_bytes"], needed);
    assert_eq!(log.health().shortage.map(|shortage| shortage.needed), Some(needed));
}

#[tokio::test]
async fn a_full_disk_loses_nothing_acknowledged_and_recovers_when_there_is_room() {
    let fixture = Fixture::new();
    let Some(disk) = SmallDisk::mount(&fixture.folder.path().join("disk")) else {
        eprintln!("skipped: mounting a small tmpfs needs root");
        return;
    };
    let folder = disk.0.join("log");
    let mut config = fixture.config(&folder);
    config.ballast_bytes = 1 << 20;
    let log = fixture.open_with(config).unwrap();
    let hog = disk.0.join("hog");
    fs::write(&hog, vec![1; 4 << 20]).unwrap();
    let mut event = fixture.event(1);
    event.raw = Some("x".repeat(40_000));
    let mut taken = Vec::new();
    loop {
        match log.append(&event).await {
            Ok(receipt) => taken.push(receipt.position()),
            Err(AppendError::Full(_)) => break,
            Err(error) => panic!("{error}"),
        }
        assert!(taken.len() < 1000, "the disk never filled");
    }
    assert!(!taken.is_empty());
    assert!(log.health().full && !log.health().failed);
    for number in 0..10 {
        taken.push(log.append(&fixture.closing(number)).await.unwrap().position());
    }
    assert_eq!(details(&log, "log.full").len(), 1);

    fs::remove_file(&hog).unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    let receipt = loop {
        match log.append(&fixture.event(2)).await {
            Ok(receipt) => break receipt,
            // Each closing event makes the writer look at the disk.
            Err(AppendError::Full(_)) => drop(log.append(&fixture.closing(3)).await.unwrap()),
            Err(error) => panic!("{error}"),
        }
        assert!(tokio::time::Instant::now() < deadline, "the log never recovered");
    };
    taken.push(receipt.position());
    assert!(folder.join("ballast").exists());
    log.shutdown();
    let log = fixture.open_at(&folder).unwrap();
    let entries = all(&log);
    assert!(taken.iter().all(|position| entries[*position as usize].position == *position));
    log.shutdown();
}

#[tokio::test]
async fn a_log_without_room_for_its_ballast_is_full_whatever_its_reserve() {
    let fixture = Fixture::new();
    let Some(disk) = SmallDisk::mount(&fixture.folder.path().join("disk")) else {
        eprintln!("skipped: mounting a small tmpfs needs root");
        return;
    };
    let mut config = fixture.config(&disk.0.join("log"));
    config.ballast_bytes = 16 << 20;
    let log = fixture.open_with(config).unwrap();
    assert!(matches!(log.append(&fixture.event(1)).await, Err(AppendError::Full(_))));
    log.append(&fixture.reading(1)).await.unwrap();
    assert_eq!(details(&log, "log.full").len(), 1);
}

#[tokio::test]
async fn closing_events_are_refused_cleanly_once_even_the_ballast_is_used_up() {
    let fixture = Fixture::new();
    let Some(disk) = SmallDisk::mount(&fixture.folder.path().join("disk")) else {
        eprintln!("skipped: mounting a small tmpfs needs root");
        return;
    };
    let mut config = fixture.config(&disk.0.join("log"));
    config.ballast_bytes = 1 << 20;
    let log = fixture.open_with(config.clone()).unwrap();
    let mut event = fixture.closing(1);
    event.raw = Some("x".repeat(100_000));
    let mut taken = 0;
    while let Ok(receipt) = log.append(&event).await {
        taken = receipt.position();
    }
    assert!(matches!(log.append(&event).await, Err(AppendError::Full(_))));
    assert!(!log.health().failed);
    drop(log);
    let log = fixture.open_with(config);
    match log {
        Ok(log) => assert!(log.size() > taken),
        Err(error) => assert!(error.to_string().contains("cannot"), "{error}"),
    }
}
