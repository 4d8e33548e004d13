//! Buckets that are plain folders, whose files are changed by programs and by hand.

use std::fs::{self, File, FileTimes};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::{delivered, wait_for_delivery};
use crate::support::{RecorderProject, eventually};

/// A folder bucket with a trigger on all creations and removals.
fn inbox() -> (RecorderProject, PathBuf) {
    let recorder = RecorderProject::new(
        "",
        "[buckets.inbox]\nfolder = 'inbox'\n\
         [triggers.inbox]\nplugin = 's3'\nbucket = 'inbox'\nfunction = 'recorder'\n\
         events = ['s3:ObjectCreated:*', 's3:ObjectRemoved:*']\n",
    );
    let inbox = recorder.project.path().join("inbox");
    fs::create_dir(&inbox).unwrap();
    (recorder, inbox)
}

fn times(time: SystemTime) -> FileTimes {
    FileTimes::new().set_accessed(time).set_modified(time)
}

/// Copying tools write a file, close it, and then set the modification time of the original.
#[test]
fn a_file_whose_time_is_set_after_writing_is_reported_once() {
    const FILES: usize = 40;
    let (recorder, inbox) = inbox();
    let _server = recorder.project.serve();
    let names: Vec<String> = (0..FILES).map(|number| format!("{number:02}")).collect();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for name in &names {
        fs::write(inbox.join(name), name).unwrap();
        let file = File::options().read(true).open(inbox.join(name)).unwrap();
        file.set_times(times(long_ago)).unwrap();
    }
    let mut expected: Vec<(&str, &str)> = names
        .iter()
        .map(|name| ("ObjectCreated:Put", name.as_str()))
        .collect();
    wait_for_delivery(&recorder, &expected);
    // A new folder triggers a full comparison; a file with only a new modification time is not reported again.
    let touched = File::options().read(true).open(inbox.join("00")).unwrap();
    touched.set_times(times(SystemTime::now())).unwrap();
    fs::create_dir(inbox.join("deep")).unwrap();
    fs::write(inbox.join("deep/last"), "x").unwrap();
    expected.push(("ObjectCreated:Put", "deep/last"));
    wait_for_delivery(&recorder, &expected);
}

/// Its files may be written while the comparison that a new folder triggers reads them.
#[test]
fn a_folder_that_is_copied_with_its_times_is_reported_once() {
    const FILES: usize = 100;
    let (recorder, inbox) = inbox();
    let _server = recorder.project.serve();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let keys: Vec<String> = (0..FILES)
        .map(|number| format!("folder-{}/{number:02}", number / 20))
        .collect();
    for key in &keys {
        let path = inbox.join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, key).unwrap();
        let file = File::options().read(true).open(&path).unwrap();
        file.set_times(times(long_ago)).unwrap();
    }
    let expected: Vec<(&str, &str)> = keys
        .iter()
        .map(|key| ("ObjectCreated:Put", key.as_str()))
        .collect();
    wait_for_delivery(&recorder, &expected);
}

#[test]
fn a_new_link_to_a_file_is_reported() {
    let (recorder, inbox) = inbox();
    let _server = recorder.project.serve();
    fs::write(inbox.join("file"), "x").unwrap();
    wait_for_delivery(&recorder, &[("ObjectCreated:Put", "file")]);
    fs::hard_link(inbox.join("file"), inbox.join("hard")).unwrap();
    symlink(inbox.join("file"), inbox.join("soft")).unwrap();
    wait_for_delivery(
        &recorder,
        &[
            ("ObjectCreated:Put", "file"),
            ("ObjectCreated:Put", "hard"),
            ("ObjectCreated:Put", "soft"),
        ],
    );
}

#[test]
fn a_folder_that_is_removed_and_created_again_is_watched_again() {
    let (recorder, inbox) = inbox();
    let server = recorder.project.serve();
    fs::write(inbox.join("before"), "x").unwrap();
    wait_for_delivery(&recorder, &[("ObjectCreated:Put", "before")]);
    fs::remove_dir_all(&inbox).unwrap();
    server.log_with("no longer exists; its changes are noticed once it exists again");
    fs::create_dir(&inbox).unwrap();
    // Its content is compared when it is watched again.
    eventually("the removal to be delivered", || {
        delivered(&recorder).iter().any(|(_, key)| key == "before")
    });
    fs::write(inbox.join("after"), "x").unwrap();
    wait_for_delivery(
        &recorder,
        &[
            ("ObjectCreated:Put", "before"),
            ("ObjectRemoved:Delete", "before"),
            ("ObjectCreated:Put", "after"),
        ],
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_is_not_reported_before_it_is_closed() {
    let (recorder, inbox) = inbox();
    let _server = recorder.project.serve();
    fs::write(inbox.join("other"), "x").unwrap();
    wait_for_delivery(&recorder, &[("ObjectCreated:Put", "other")]);
    let mut slow = File::create(inbox.join("slow")).unwrap();
    slow.write_all(b"half").unwrap();
    slow.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    // Each of these triggers a full comparison.
    fs::remove_file(inbox.join("other")).unwrap();
    fs::create_dir(inbox.join("deep")).unwrap();
    fs::write(inbox.join("deep/file"), "x").unwrap();
    let before = [
        ("ObjectCreated:Put", "other"),
        ("ObjectRemoved:Delete", "other"),
        ("ObjectCreated:Put", "deep/file"),
    ];
    wait_for_delivery(&recorder, &before);
    slow.write_all(b" and the rest").unwrap();
    drop(slow);
    let slow = ("ObjectCreated:Put", "slow");
    wait_for_delivery(&recorder, &[before.as_slice(), &[slow]].concat());
    let records = recorder.records();
    let delivered = records
        .iter()
        .find(|record| record["s3"]["object"]["key"] == "slow");
    assert_eq!(delivered.unwrap()["s3"]["object"]["size"], 17);
}

/// Following links out of the folder could mean watching the whole disk.
#[test]
#[cfg(target_os = "linux")]
fn a_link_to_a_folder_is_not_followed() {
    let (recorder, inbox) = inbox();
    let elsewhere = tempfile::tempdir().unwrap();
    for name in 0..100 {
        fs::create_dir(elsewhere.path().join(name.to_string())).unwrap();
    }
    symlink(elsewhere.path(), inbox.join("elsewhere")).unwrap();
    symlink(&inbox, inbox.join("itself")).unwrap();
    let server = recorder.project.serve();
    fs::write(elsewhere.path().join("outside"), "x").unwrap();
    fs::write(inbox.join("inside"), "x").unwrap();
    wait_for_delivery(&recorder, &[("ObjectCreated:Put", "inside")]);
    let open = fs::read_dir(format!("/proc/{}/fdinfo", server.pid())).unwrap();
    let about = open.filter_map(|file| fs::read_to_string(file.ok()?.path()).ok());
    let watched: usize = about.map(|about| about.matches("inotify wd").count()).sum();
    assert!(watched < 100, "{watched} folders are watched");
}

#[test]
fn the_folder_itself_may_be_a_link() {
    let (recorder, inbox) = inbox();
    let real = recorder.project.path().join("real");
    fs::rename(&inbox, &real).unwrap();
    symlink(&real, &inbox).unwrap();
    let _server = recorder.project.serve();
    fs::create_dir(real.join("deep")).unwrap();
    fs::write(inbox.join("deep/a"), "x").unwrap();
    wait_for_delivery(&recorder, &[("ObjectCreated:Put", "deep/a")]);
    fs::write(real.join("b"), "x").unwrap();
    wait_for_delivery(
        &recorder,
        &[("ObjectCreated:Put", "deep/a"), ("ObjectCreated:Put", "b")],
    );
}

#[test]
fn an_entry_that_cannot_be_an_object_is_said_once_and_hides_no_other() {
    let (recorder, inbox) = inbox();
    symlink("itself", inbox.join("itself")).unwrap();
    symlink("x".repeat(300), inbox.join("long")).unwrap();
    fs::write(inbox.join("a"), "x").unwrap();
    let server = recorder.project.serve();
    wait_for_delivery(&recorder, &[("ObjectCreated:Put", "a")]);
    // This triggers a full comparison.
    fs::create_dir(inbox.join("deep")).unwrap();
    fs::write(inbox.join("deep/b"), "x").unwrap();
    wait_for_delivery(
        &recorder,
        &[("ObjectCreated:Put", "a"), ("ObjectCreated:Put", "deep/b")],
    );
    let log = server.log();
    for line in [
        "inbox/itself is a link that leads nowhere: ",
        "inbox/long is a link that leads nowhere: ",
    ] {
        assert_eq!(log.matches(line).count(), 1, "{log}");
    }
}
