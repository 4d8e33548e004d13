//! Buckets that show a plain folder.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use lambkin_store::object::{Folder, FolderEvents};

use super::*;

fn folder(path: &Path) -> Folder {
    Folder {
        path: path.to_owned(),
        created: event("ObjectCreated:Put").unwrap(),
        removed: event("ObjectRemoved:Delete").unwrap(),
    }
}

/// A fixture whose bucket `b` shows the folder `inbox`.
pub(super) async fn shown() -> (Fixture, PathBuf) {
    let fixture = Fixture::new().await;
    let inbox = fixture.folder.path().join("inbox");
    show(&fixture, &inbox).await;
    (fixture, inbox)
}

/// Defines the bucket `b`, as each host does when it starts.
async fn show(fixture: &Fixture, inbox: &Path) {
    let defined = fixture
        .objects
        .define("b", Versioning::Off, Some(folder(inbox)));
    defined.await.unwrap();
}

pub(super) async fn sync(fixture: &Fixture) {
    let nothing = FolderEvents::default();
    fixture.objects.sync_folder("b", &nothing).await.unwrap();
}

/// Delivers and acknowledges all waiting changes. Returns them in order.
async fn delivered(fixture: &Fixture) -> Vec<String> {
    let waiting = fixture.event_queues().statistics(NOW + 1).await.unwrap();
    let mut delivered = Vec::new();
    for _ in 0..waiting.iter().map(|queue| queue.due).sum() {
        let change = fixture.objects.next_change("b").await.unwrap();
        fixture.objects.ack_change(&change).await.unwrap();
        let event = change
            .change
            .event
            .split(':')
            .next()
            .unwrap()
            .replace("Object", "");
        delivered.push(format!("{event} {}", change.change.key));
    }
    delivered.sort();
    delivered
}

pub(super) fn write(folder: &Path, name: &str, content: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // A new file each time, so that its inode differs from the previous one.
    let new = folder.join(".new");
    std::fs::write(&new, content).unwrap();
    std::fs::rename(new, path).unwrap();
}

#[tokio::test]
async fn files_are_objects_and_each_change_is_recorded_once() {
    let (fixture, inbox) = shown().await;
    write(&inbox, "a.txt", "hello");
    write(&inbox, "dir/b.txt", "b");
    sync(&fixture).await;
    assert_eq!(fixture.keys().await, ["a.txt", "dir/b.txt"]);
    assert_eq!(
        delivered(&fixture).await,
        ["Created a.txt", "Created dir/b.txt"]
    );
    let info = fixture.objects.describe("b", "a.txt", None).await.unwrap();
    assert_eq!(
        (info.etag.as_str(), info.size, info.version),
        ("5d41402abc4b2a76b9719d911017c592", 5, None)
    );
    assert_eq!(fixture.get("dir/b.txt").await.unwrap(), "b");
    sync(&fixture).await;
    assert_eq!(delivered(&fixture).await.len(), 0, "nothing has changed");

    write(&inbox, "a.txt", "HELLO");
    fixture
        .objects
        .sync_file("b", Path::new("a.txt"), true)
        .await
        .unwrap();
    assert_eq!(fixture.get("a.txt").await.unwrap(), "HELLO");
    std::fs::remove_dir_all(inbox.join("dir")).unwrap();
    fixture
        .objects
        .sync_file("b", Path::new("dir"), true)
        .await
        .unwrap();
    assert_eq!(
        delivered(&fixture).await,
        ["Created a.txt", "Removed dir/b.txt"]
    );
    assert_eq!(fixture.keys().await, ["a.txt"]);
    write(&inbox, "new/deep/c", "c");
    fixture
        .objects
        .sync_file("b", Path::new("new"), true)
        .await
        .unwrap();
    assert_eq!(
        delivered(&fixture).await,
        ["Created new/deep/c"],
        "a folder stands for everything in it"
    );
}

#[tokio::test]
async fn a_new_modification_time_is_not_a_change_but_writing_the_same_bytes_is() {
    let (fixture, inbox) = shown().await;
    write(&inbox, "a.txt", "hello");
    sync(&fixture).await;
    delivered(&fixture).await;
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let file = std::fs::File::open(inbox.join("a.txt")).unwrap();
    file.set_modified(long_ago).unwrap();
    assert_eq!(fixture.get("a.txt").await.unwrap(), "hello");
    let at = Path::new("a.txt");
    let touched = fixture.objects.sync_file("b", at, false);
    touched.await.unwrap();
    sync(&fixture).await;
    assert_eq!(
        delivered(&fixture).await.len(),
        0,
        "the file was not written"
    );
    let info = fixture.objects.describe("b", "a.txt", None).await.unwrap();
    assert_eq!(info.modified_at, 1_000_000_000);

    write(&inbox, "a.txt", "hello");
    let written = fixture.objects.sync_file("b", at, true);
    written.await.unwrap();
    assert_eq!(delivered(&fixture).await, ["Created a.txt"]);
    write(&inbox, "a.txt", "hello");
    let folder_events = FolderEvents {
        written: BTreeSet::from([at.to_owned()]),
        ..FolderEvents::default()
    };
    let written = fixture.objects.sync_folder("b", &folder_events);
    written.await.unwrap();
    assert_eq!(delivered(&fixture).await, ["Created a.txt"]);
}

#[tokio::test]
async fn a_file_that_is_being_written_is_not_synced() {
    let (fixture, inbox) = shown().await;
    write(&inbox, "old", "whole");
    sync(&fixture).await;
    delivered(&fixture).await;
    write(&inbox, "old", "par");
    write(&inbox, "new", "par");
    let folder_events = FolderEvents {
        unfinished: ["old", "new"].map(PathBuf::from).into(),
        ..FolderEvents::default()
    };
    let synced = fixture.objects.sync_folder("b", &folder_events).await;
    synced.unwrap();
    assert_eq!(delivered(&fixture).await.len(), 0);
    assert_eq!(fixture.keys().await, ["old"]);
    sync(&fixture).await;
    assert_eq!(delivered(&fixture).await, ["Created new", "Created old"]);
}

#[tokio::test]
async fn a_file_that_changed_just_before_the_comparison_is_left_out_and_returned() {
    let (fixture, inbox) = shown().await;
    write(&inbox, "new", "par");
    let folder_events = FolderEvents {
        quiet: Duration::from_secs(3600),
        ..FolderEvents::default()
    };
    let synced = fixture.objects.sync_folder("b", &folder_events).await;
    assert_eq!(
        synced.unwrap().again,
        BTreeSet::from([PathBuf::from("new")])
    );
    assert_eq!(delivered(&fixture).await.len(), 0);
    sync(&fixture).await;
    let synced = fixture.objects.sync_folder("b", &folder_events).await;
    assert_eq!(synced.unwrap().again, BTreeSet::new());
    assert_eq!(delivered(&fixture).await, ["Created new"]);
}

#[tokio::test]
async fn changes_made_while_no_host_was_running_are_found() {
    let (fixture, inbox) = shown().await;
    for name in ["stays", "changes", "goes"] {
        write(&inbox, name, name);
    }
    sync(&fixture).await;
    delivered(&fixture).await;
    write(&inbox, "changes", "changed");
    std::fs::remove_file(inbox.join("goes")).unwrap();
    write(&inbox, "comes", "comes");
    let fixture = fixture.again().await;
    show(&fixture, &inbox).await;
    sync(&fixture).await;
    assert_eq!(
        delivered(&fixture).await,
        ["Created changes", "Created comes", "Removed goes"]
    );
}

#[tokio::test]
async fn the_hosts_own_writes_are_files_but_not_changes() {
    let (fixture, inbox) = shown().await;
    let noticed = Put {
        event: event("ObjectCreated:Put"),
        metadata: vec![("a".to_owned(), "b".to_owned())],
        ..put("x")
    };
    fixture
        .put_with("dir/a.txt", "from the api", noticed)
        .await
        .unwrap();
    assert_eq!(
        std::fs::read_to_string(inbox.join("dir/a.txt")).unwrap(),
        "from the api"
    );
    assert_eq!(delivered(&fixture).await, ["Created dir/a.txt"]);
    sync(&fixture).await;
    assert_eq!(delivered(&fixture).await.len(), 0);
    assert_eq!(
        fixture
            .objects
            .describe("b", "dir/a.txt", None)
            .await
            .unwrap()
            .metadata
            .len(),
        1
    );
    fixture.put("dir/a.txt", "another").await;
    assert_eq!(fixture.get("dir/a.txt").await.unwrap(), "another");
    let removed = fixture.objects.remove(
        "b",
        "dir/a.txt",
        None,
        Condition::Always,
        event("ObjectRemoved:Delete"),
    );
    assert!(removed.await.unwrap().existed);
    assert_eq!(delivered(&fixture).await, ["Removed dir/a.txt"]);
    sync(&fixture).await;
    assert_eq!(delivered(&fixture).await.len(), 0);
    assert!(
        files_below(&inbox).is_empty(),
        "nothing is left: {:?}",
        files_below(&inbox)
    );
}

#[tokio::test]
async fn a_refused_write_leaves_the_file_unchanged() {
    let (fixture, inbox) = shown().await;
    write(&inbox, "a", "mine");
    let absent = Put {
        condition: Condition::Absent,
        ..put("theirs")
    };
    let refused = fixture.put_with("a", "theirs", absent).await;
    assert_eq!(
        refused,
        Err(ObjectError::PreconditionFailed),
        "also before the watcher has reported it"
    );
    assert_eq!(std::fs::read_to_string(inbox.join("a")).unwrap(), "mine");
    eventually("nothing is left", || files_below(&inbox).len() == 1).await;
    fixture.store.close().await;
    fixture
        .put_with("a", "theirs", put("theirs"))
        .await
        .unwrap_err();
    assert_eq!(std::fs::read_to_string(inbox.join("a")).unwrap(), "mine");
}

#[tokio::test]
async fn a_temporary_file_is_not_an_object() {
    let (fixture, inbox) = shown().await;
    for name in [
        ".hidden",
        ".git/config",
        "a.txt~",
        "b.part",
        "c.crdownload",
        "#d#",
        "~$e.docx",
        "f.tmp",
        ".g.swp",
    ] {
        write(&inbox, name, "x");
        let refused = fixture.put_with(name, "x", put("x")).await.unwrap_err();
        assert!(
            matches!(refused, ObjectError::Invalid(_)),
            "{name}: {refused}"
        );
        fixture
            .objects
            .sync_file("b", Path::new(name), true)
            .await
            .unwrap();
    }
    sync(&fixture).await;
    assert_eq!(
        (fixture.keys().await.len(), delivered(&fixture).await.len()),
        (0, 0)
    );
}

#[cfg(unix)]
#[tokio::test]
async fn links_do_not_lead_out_of_the_folder() {
    use std::os::unix::fs::symlink;
    let (fixture, inbox) = shown().await;
    let outside = fixture.folder.path().join("outside");
    write(&outside, "secret", "secret");
    symlink(outside.join("secret"), inbox.join("file")).unwrap();
    symlink(&outside, inbox.join("dir")).unwrap();
    symlink(&inbox, inbox.join("loop")).unwrap();
    write(&inbox, "real", "real");
    symlink("real", inbox.join("inside")).unwrap();
    sync(&fixture).await;
    assert_eq!(fixture.keys().await, ["inside", "real"]);
    assert_eq!(fixture.get("inside").await.unwrap(), "real");
    fixture
        .objects
        .sync_file("b", Path::new("dir/secret"), true)
        .await
        .unwrap();
    assert_eq!(fixture.get("dir/secret").await, Err(ObjectError::Missing));
    let written = fixture
        .put_with("dir/new", "x", put("x"))
        .await
        .unwrap_err();
    assert!(matches!(written, ObjectError::Invalid(_)), "{written}");
    assert_eq!(files_below(&outside).len(), 1);
    // A file that becomes a link after it was synced.
    std::fs::remove_file(inbox.join("real")).unwrap();
    symlink(outside.join("secret"), inbox.join("real")).unwrap();
    assert_eq!(fixture.get("real").await, Err(ObjectError::Missing));
}

#[tokio::test]
async fn keys_that_are_not_paths_are_refused() {
    let (fixture, inbox) = shown().await;
    for key in ["", "..", "a/../b", "/a", "a/", "a//b", "nul\0", "./a"] {
        let refused = fixture.put_with(key, "x", put("x")).await.unwrap_err();
        assert!(
            matches!(refused, ObjectError::Invalid(_)),
            "{key:?}: {refused}"
        );
        assert!(!fixture.remove(key, None).await.existed);
        assert_eq!(fixture.get(key).await, Err(ObjectError::Missing));
    }
    fixture.put("a", "file").await;
    let below = fixture
        .put_with("a/b", "x", put("x"))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        below.contains("a name belongs to a file or to a folder"),
        "{below}"
    );
    fixture.put("d/e", "x").await;
    let over = fixture
        .put_with("d", "x", put("x"))
        .await
        .unwrap_err()
        .to_string();
    assert!(over.contains("there is a folder at"), "{over}");
    eventually("nothing is left", || files_below(&inbox).len() == 2).await;
}

#[tokio::test]
async fn a_read_sees_a_change_before_the_watcher_does() {
    let (fixture, inbox) = shown().await;
    write(&inbox, "a", "old");
    sync(&fixture).await;
    write(&inbox, "a", "newer");
    let object = fixture.objects.open("b", "a", None).await.unwrap();
    assert_eq!(
        (object.info().size, object.read(0, 10).await.unwrap()),
        (5, Bytes::from_static(b"newer"))
    );
    std::fs::remove_file(inbox.join("a")).unwrap();
    assert_eq!(fixture.get("a").await, Err(ObjectError::Missing));
    assert_eq!(
        delivered(&fixture).await,
        ["Created a", "Created a", "Removed a"]
    );
}

#[tokio::test]
async fn parts_become_a_file_and_leftovers_of_a_killed_host_are_deleted() {
    let (fixture, inbox) = shown().await;
    let id = fixture
        .objects
        .start_multipart("b", "big.bin", Vec::new())
        .await
        .unwrap();
    let mut upload = fixture.objects.upload("b", Vec::new()).await.unwrap();
    upload.write(some_bytes(300_000, 1)).await.unwrap();
    upload.finish().await.unwrap();
    fixture
        .objects
        .put_part("b", &id, 1, upload, "x".to_owned(), Vec::new())
        .await
        .unwrap();
    write(&inbox, ".lambkin-0123456789abcdef", "left");
    let fixture = fixture.again().await;
    fixture
        .objects
        .define("b", Versioning::Off, Some(folder(&inbox)))
        .await
        .unwrap();
    assert_eq!(files_below(&inbox).len(), 1, "the part is kept");
    let mut upload = fixture
        .objects
        .compose("b", &id, vec![(1, "x".to_owned())], Vec::new())
        .await
        .unwrap();
    upload.finish().await.unwrap();
    let put = Put {
        completes: Some(id),
        ..Put::default()
    };
    fixture
        .objects
        .put("b", "big.bin", upload, put)
        .await
        .unwrap();
    eventually("only the object stays", || {
        files_below(&inbox) == [inbox.join("big.bin")]
    })
    .await;
    assert!(std::fs::read(inbox.join("big.bin")).unwrap() == some_bytes(300_000, 1));
}

#[tokio::test]
async fn a_missing_folder_is_an_error_and_not_an_empty_folder() {
    let (fixture, inbox) = shown().await;
    write(&inbox, "a", "x");
    sync(&fixture).await;
    std::fs::rename(&inbox, fixture.folder.path().join("moved")).unwrap();
    let gone = fixture
        .objects
        .sync_folder("b", &FolderEvents::default())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        gone.starts_with("cannot read") && gone.contains("inbox"),
        "{gone}"
    );
    assert_eq!(fixture.keys().await, ["a"]);
}

#[tokio::test]
async fn a_bucket_can_show_a_folder_only_if_it_is_empty_and_keeps_no_versions() {
    let fixture = Fixture::new().await;
    let inbox = fixture.folder.path().join("inbox");
    let define = async |versioning, folder: Option<Folder>| {
        fixture.objects.define("b", versioning, folder).await
    };
    fixture.put("k", "x").await;
    assert!(matches!(
        define(Versioning::Off, Some(folder(&inbox))).await,
        Err(ObjectError::Invalid(_))
    ));
    fixture.remove("k", None).await;
    assert!(matches!(
        define(Versioning::On, Some(folder(&inbox))).await,
        Err(ObjectError::Invalid(_))
    ));
    define(Versioning::Off, Some(folder(&inbox))).await.unwrap();
    let on = fixture
        .objects
        .change("b", Versioning::On, Vec::new())
        .await;
    assert!(matches!(on, Err(ObjectError::Invalid(_))));
    write(&inbox, "a", "x");
    sync(&fixture).await;
    define(Versioning::Off, None).await.unwrap();
    assert_eq!(fixture.keys().await.len(), 0);
    assert!(inbox.join("a").exists(), "the files are kept");
    let none = fixture
        .objects
        .sync_folder("b", &FolderEvents::default())
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(none, "the bucket `b` does not show a folder");
}
