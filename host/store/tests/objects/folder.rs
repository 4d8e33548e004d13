//! Buckets that show a plain folder.

use std::collections::BTreeSet;

use super::*;
use lambkin_store::object::{FolderEvents, SyncEvents};

fn events() -> SyncEvents {
    SyncEvents {
        created: event("ObjectCreated:Put").unwrap(),
        removed: event("ObjectRemoved:Delete").unwrap(),
    }
}

/// A house whose bucket `b` shows the folder `inbox`.
async fn shown() -> (House, PathBuf) {
    let house = House::new().await;
    let inbox = house.folder.path().join("inbox");
    house
        .objects
        .define("b", Versioning::Off, Some(&inbox))
        .await
        .unwrap();
    (house, inbox)
}

async fn sync(house: &House) {
    let nothing = FolderEvents::default();
    house
        .objects
        .sync_folder("b", &nothing, &events())
        .await
        .unwrap();
}

/// What waits to be told, in order, after it was told.
async fn told(house: &House) -> Vec<String> {
    let waiting = house.event_queues().statistics(NOW + 1).await.unwrap();
    let mut told = Vec::new();
    for _ in 0..waiting.iter().map(|queue| queue.due).sum() {
        let change = house.objects.next_change("b").await.unwrap();
        house.objects.ack_change(&change).await.unwrap();
        let event = change
            .change
            .event
            .split(':')
            .next()
            .unwrap()
            .replace("Object", "");
        told.push(format!("{event} {}", change.change.key));
    }
    told.sort();
    told
}

fn write(folder: &Path, name: &str, content: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // A new file each time, so that its inode tells it from the one before.
    let new = folder.join(".new");
    std::fs::write(&new, content).unwrap();
    std::fs::rename(new, path).unwrap();
}

#[tokio::test]
async fn files_are_objects_and_each_change_is_told_once() {
    let (house, inbox) = shown().await;
    write(&inbox, "a.txt", "hello");
    write(&inbox, "dir/b.txt", "b");
    sync(&house).await;
    assert_eq!(house.keys().await, ["a.txt", "dir/b.txt"]);
    assert_eq!(told(&house).await, ["Created a.txt", "Created dir/b.txt"]);
    let info = house.objects.describe("b", "a.txt", None).await.unwrap();
    assert_eq!(
        (info.etag.as_str(), info.size, info.version),
        ("5d41402abc4b2a76b9719d911017c592", 5, None)
    );
    assert_eq!(house.get("dir/b.txt").await.unwrap(), "b");
    sync(&house).await;
    assert_eq!(told(&house).await.len(), 0, "nothing has changed");

    write(&inbox, "a.txt", "HELLO");
    house
        .objects
        .sync_file("b", Path::new("a.txt"), true, &events())
        .await
        .unwrap();
    assert_eq!(house.get("a.txt").await.unwrap(), "HELLO");
    std::fs::remove_dir_all(inbox.join("dir")).unwrap();
    house
        .objects
        .sync_file("b", Path::new("dir"), true, &events())
        .await
        .unwrap();
    assert_eq!(told(&house).await, ["Created a.txt", "Removed dir/b.txt"]);
    assert_eq!(house.keys().await, ["a.txt"]);
    write(&inbox, "new/deep/c", "c");
    house
        .objects
        .sync_file("b", Path::new("new"), true, &events())
        .await
        .unwrap();
    assert_eq!(
        told(&house).await,
        ["Created new/deep/c"],
        "a folder stands for what is in it"
    );
}

#[tokio::test]
async fn another_time_is_no_change_and_the_same_bytes_written_again_are() {
    let (house, inbox) = shown().await;
    write(&inbox, "a.txt", "hello");
    sync(&house).await;
    told(&house).await;
    let events = events();
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
    let file = std::fs::File::open(inbox.join("a.txt")).unwrap();
    file.set_modified(long_ago).unwrap();
    assert_eq!(house.get("a.txt").await.unwrap(), "hello");
    let at = Path::new("a.txt");
    let touched = house.objects.sync_file("b", at, false, &events);
    touched.await.unwrap();
    sync(&house).await;
    assert_eq!(told(&house).await.len(), 0, "nobody has written");
    let info = house.objects.describe("b", "a.txt", None).await.unwrap();
    assert_eq!(info.modified_at, 1_000_000_000);

    write(&inbox, "a.txt", "hello");
    let written = house.objects.sync_file("b", at, true, &events);
    written.await.unwrap();
    assert_eq!(told(&house).await, ["Created a.txt"]);
    write(&inbox, "a.txt", "hello");
    let folder_events = FolderEvents {
        written: BTreeSet::from([at.to_owned()]),
        ..FolderEvents::default()
    };
    let written = house.objects.sync_folder("b", &folder_events, &events);
    written.await.unwrap();
    assert_eq!(told(&house).await, ["Created a.txt"]);
}

#[tokio::test]
async fn what_is_being_written_is_left_as_it_is() {
    let (house, inbox) = shown().await;
    write(&inbox, "old", "whole");
    sync(&house).await;
    told(&house).await;
    write(&inbox, "old", "par");
    write(&inbox, "new", "par");
    let folder_events = FolderEvents {
        unfinished: ["old", "new"].map(PathBuf::from).into(),
        ..FolderEvents::default()
    };
    let synced = house
        .objects
        .sync_folder("b", &folder_events, &events())
        .await;
    synced.unwrap();
    assert_eq!(told(&house).await.len(), 0);
    assert_eq!(house.keys().await, ["old"]);
    sync(&house).await;
    assert_eq!(told(&house).await, ["Created new", "Created old"]);
}

#[tokio::test]
async fn what_happened_while_no_host_ran_is_noticed() {
    let (house, inbox) = shown().await;
    for name in ["stays", "changes", "goes"] {
        write(&inbox, name, name);
    }
    sync(&house).await;
    told(&house).await;
    write(&inbox, "changes", "changed");
    std::fs::remove_file(inbox.join("goes")).unwrap();
    write(&inbox, "comes", "comes");
    let house = house.again().await;
    sync(&house).await;
    assert_eq!(
        told(&house).await,
        ["Created changes", "Created comes", "Removed goes"]
    );
}

#[tokio::test]
async fn the_hosts_own_writes_are_files_and_no_changes() {
    let (house, inbox) = shown().await;
    let noticed = Put {
        event: event("ObjectCreated:Put"),
        metadata: vec![("a".to_owned(), "b".to_owned())],
        ..put("x")
    };
    house
        .put_with("dir/a.txt", "from the api", noticed)
        .await
        .unwrap();
    assert_eq!(
        std::fs::read_to_string(inbox.join("dir/a.txt")).unwrap(),
        "from the api"
    );
    assert_eq!(told(&house).await, ["Created dir/a.txt"]);
    sync(&house).await;
    assert_eq!(told(&house).await.len(), 0);
    assert_eq!(
        house
            .objects
            .describe("b", "dir/a.txt", None)
            .await
            .unwrap()
            .metadata
            .len(),
        1
    );
    house.put("dir/a.txt", "another").await;
    assert_eq!(house.get("dir/a.txt").await.unwrap(), "another");
    let removed = house.objects.remove(
        "b",
        "dir/a.txt",
        None,
        Condition::Always,
        event("ObjectRemoved:Delete"),
    );
    assert!(removed.await.unwrap().existed);
    assert_eq!(told(&house).await, ["Removed dir/a.txt"]);
    sync(&house).await;
    assert_eq!(told(&house).await.len(), 0);
    assert!(
        files_below(&inbox).is_empty(),
        "nothing is left: {:?}",
        files_below(&inbox)
    );
}

#[tokio::test]
async fn a_refused_write_leaves_the_file_as_it_was() {
    let (house, inbox) = shown().await;
    write(&inbox, "a", "mine");
    let absent = Put {
        condition: Condition::Absent,
        ..put("theirs")
    };
    let refused = house.put_with("a", "theirs", absent).await;
    assert_eq!(
        refused,
        Err(ObjectError::PreconditionFailed),
        "also before the watcher has seen it"
    );
    assert_eq!(std::fs::read_to_string(inbox.join("a")).unwrap(), "mine");
    eventually("nothing is left", || files_below(&inbox).len() == 1).await;
    house.store.close().await;
    house
        .put_with("a", "theirs", put("theirs"))
        .await
        .unwrap_err();
    assert_eq!(std::fs::read_to_string(inbox.join("a")).unwrap(), "mine");
}

#[tokio::test]
async fn a_file_on_its_way_is_no_object() {
    let (house, inbox) = shown().await;
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
        let refused = house.put_with(name, "x", put("x")).await.unwrap_err();
        assert!(
            matches!(refused, ObjectError::Invalid(_)),
            "{name}: {refused}"
        );
        house
            .objects
            .sync_file("b", Path::new(name), true, &events())
            .await
            .unwrap();
    }
    sync(&house).await;
    assert_eq!((house.keys().await.len(), told(&house).await.len()), (0, 0));
}

#[cfg(unix)]
#[tokio::test]
async fn links_do_not_lead_out_of_the_folder() {
    use std::os::unix::fs::symlink;
    let (house, inbox) = shown().await;
    let outside = house.folder.path().join("outside");
    write(&outside, "secret", "secret");
    symlink(outside.join("secret"), inbox.join("file")).unwrap();
    symlink(&outside, inbox.join("dir")).unwrap();
    symlink(&inbox, inbox.join("loop")).unwrap();
    write(&inbox, "real", "real");
    symlink("real", inbox.join("inside")).unwrap();
    sync(&house).await;
    assert_eq!(house.keys().await, ["inside", "real"]);
    assert_eq!(house.get("inside").await.unwrap(), "real");
    house
        .objects
        .sync_file("b", Path::new("dir/secret"), true, &events())
        .await
        .unwrap();
    assert_eq!(house.get("dir/secret").await, Err(ObjectError::Missing));
    let written = house.put_with("dir/new", "x", put("x")).await.unwrap_err();
    assert!(matches!(written, ObjectError::Invalid(_)), "{written}");
    assert_eq!(files_below(&outside).len(), 1);
    // A file that becomes a link after it was seen.
    std::fs::remove_file(inbox.join("real")).unwrap();
    symlink(outside.join("secret"), inbox.join("real")).unwrap();
    assert_eq!(house.get("real").await, Err(ObjectError::Missing));
}

#[tokio::test]
async fn keys_that_are_no_paths_are_refused() {
    let (house, inbox) = shown().await;
    for key in ["", "..", "a/../b", "/a", "a/", "a//b", "nul\0", "./a"] {
        let refused = house.put_with(key, "x", put("x")).await.unwrap_err();
        assert!(
            matches!(refused, ObjectError::Invalid(_)),
            "{key:?}: {refused}"
        );
        assert!(!house.remove(key, None).await.existed);
        assert_eq!(house.get(key).await, Err(ObjectError::Missing));
    }
    house.put("a", "file").await;
    let below = house
        .put_with("a/b", "x", put("x"))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        below.contains("a name belongs to a file or to a folder"),
        "{below}"
    );
    house.put("d/e", "x").await;
    let over = house
        .put_with("d", "x", put("x"))
        .await
        .unwrap_err()
        .to_string();
    assert!(over.contains("there is a folder at"), "{over}");
    eventually("nothing is left", || files_below(&inbox).len() == 2).await;
}

#[tokio::test]
async fn a_read_sees_a_change_that_the_watcher_has_not_seen_yet() {
    let (house, inbox) = shown().await;
    write(&inbox, "a", "old");
    sync(&house).await;
    write(&inbox, "a", "newer");
    let object = house.objects.open("b", "a", None).await.unwrap();
    assert_eq!(
        (object.info().size, object.read(0, 10).await.unwrap()),
        (5, Bytes::from_static(b"newer"))
    );
    std::fs::remove_file(inbox.join("a")).unwrap();
    assert_eq!(house.get("a").await, Err(ObjectError::Missing));
    assert_eq!(told(&house).await, ["Created a", "Created a", "Removed a"]);
}

#[tokio::test]
async fn parts_become_a_file_and_leftovers_of_a_killed_host_go() {
    let (house, inbox) = shown().await;
    let id = house
        .objects
        .start_multipart("b", "big.bin", Vec::new())
        .await
        .unwrap();
    let mut upload = house.objects.upload("b", Vec::new()).await.unwrap();
    upload.write(some_bytes(300_000, 1)).await.unwrap();
    upload.finish().await.unwrap();
    house
        .objects
        .put_part("b", &id, 1, upload, "x".to_owned(), Vec::new())
        .await
        .unwrap();
    write(&inbox, ".lambkin-0123456789abcdef", "left");
    let house = house.again().await;
    house
        .objects
        .define("b", Versioning::Off, Some(&inbox))
        .await
        .unwrap();
    assert_eq!(files_below(&inbox).len(), 1, "the part stays");
    let mut upload = house
        .objects
        .compose("b", &id, vec![(1, "x".to_owned())], Vec::new())
        .await
        .unwrap();
    upload.finish().await.unwrap();
    let put = Put {
        completes: Some(id),
        ..Put::default()
    };
    house
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
async fn a_folder_that_is_gone_is_an_error_and_not_an_empty_one() {
    let (house, inbox) = shown().await;
    write(&inbox, "a", "x");
    sync(&house).await;
    std::fs::rename(&inbox, house.folder.path().join("moved")).unwrap();
    let gone = house
        .objects
        .sync_folder("b", &FolderEvents::default(), &events())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        gone.starts_with("cannot read") && gone.contains("inbox"),
        "{gone}"
    );
    assert_eq!(house.keys().await, ["a"]);
}

#[tokio::test]
async fn a_bucket_shows_a_folder_only_if_it_has_nothing_of_its_own_and_keeps_no_versions() {
    let house = House::new().await;
    let inbox = house.folder.path().join("inbox");
    let define = async |versioning, folder: Option<&Path>| {
        house.objects.define("b", versioning, folder).await
    };
    house.put("k", "x").await;
    assert!(matches!(
        define(Versioning::Off, Some(&inbox)).await,
        Err(ObjectError::Invalid(_))
    ));
    house.remove("k", None).await;
    assert!(matches!(
        define(Versioning::On, Some(&inbox)).await,
        Err(ObjectError::Invalid(_))
    ));
    define(Versioning::Off, Some(&inbox)).await.unwrap();
    let on = house.objects.change("b", Versioning::On, Vec::new()).await;
    assert!(matches!(on, Err(ObjectError::Invalid(_))));
    write(&inbox, "a", "x");
    sync(&house).await;
    define(Versioning::Off, None).await.unwrap();
    assert_eq!(house.keys().await.len(), 0);
    assert!(inbox.join("a").exists(), "the files are the person's");
    let none = house
        .objects
        .sync_folder("b", &FolderEvents::default(), &events())
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(none, "the bucket `b` does not show a folder");
}
