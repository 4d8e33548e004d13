//! Hosts that are killed between two steps, and disks that fail.

use super::*;

/// What a kill leaves: a copy of all files as they are.
fn killed(fixture: &Fixture) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(copy.path().join("objects/.incoming")).unwrap();
    for file in files_below(fixture.folder.path()) {
        let to = copy
            .path()
            .join(file.strip_prefix(fixture.folder.path()).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(&file, &to).unwrap();
    }
    copy
}

/// Changes the rows of a killed host as if it had been killed earlier.
fn rewind(folder: &Path, sql: &str) {
    let rows = rusqlite::Connection::open(folder.join("store.sqlite")).unwrap();
    rows.execute_batch(sql).unwrap();
}

#[tokio::test]
async fn an_answered_object_survives_a_kill() {
    let fixture = Fixture::new().await;
    fixture.put("k", "bytes").await;
    let after = Fixture::at(killed(&fixture)).await;
    assert_eq!(after.get("k").await.unwrap(), "bytes");
}

#[tokio::test]
async fn a_kill_before_the_commit_leaves_nothing() {
    let fixture = Fixture::new().await;
    fixture.put("k", "old").await;
    let mut upload = fixture.objects.upload("b", Vec::new()).await.unwrap();
    upload.write(some_bytes(1 << 20, 1)).await.unwrap();
    upload.finish().await.unwrap();
    assert_eq!(fixture.incoming().len(), 1);
    let after = Fixture::at(killed(&fixture)).await;
    assert_eq!(after.get("k").await.unwrap(), "old");
    assert_eq!((after.files().len(), after.incoming().len()), (1, 0));
}

#[tokio::test]
async fn after_a_kill_between_commit_and_move_the_object_is_whole_and_the_next_host_moves_it() {
    let fixture = Fixture::new().await;
    fixture.put("dir/k", "old").await;
    let old = fixture.files().remove(0);
    fixture.put("dir/k", "new").await;
    let new = fixture.files().remove(0);
    let folder = killed(&fixture);
    // The new file was not moved yet, the old one still exists, and both file operations are pending.
    let root = folder.path().join("objects");
    let id = new
        .rsplit('/')
        .next()
        .unwrap()
        .get(..16)
        .unwrap()
        .to_owned();
    std::fs::rename(root.join(&new), root.join(".incoming").join(&id)).unwrap();
    std::fs::write(root.join(&old), "old").unwrap();
    rewind(
        folder.path(),
        &format!(
            "DELETE FROM file_chores; INSERT INTO file_chores (file, move) VALUES ('{old}', 0), ('{new}', 1)"
        ),
    );
    let after = Fixture::at(folder).await;
    assert_eq!(after.files(), [new]);
    assert_eq!(after.incoming().len(), 0);
    assert_eq!(after.get("dir/k").await.unwrap(), "new");
}

#[tokio::test]
async fn an_object_is_readable_before_its_file_has_moved() {
    let fixture = Fixture::new().await;
    fixture.put("k", "bytes").await;
    let file = fixture.files().remove(0);
    let id = file
        .rsplit('/')
        .next()
        .unwrap()
        .get(..16)
        .unwrap()
        .to_owned();
    std::fs::rename(
        fixture.root().join(&file),
        fixture.root().join(".incoming").join(id),
    )
    .unwrap();
    assert_eq!(fixture.get("k").await.unwrap(), "bytes");
}

#[tokio::test]
async fn pending_file_operations_can_be_applied_twice() {
    let fixture = Fixture::new().await;
    for n in 0..5 {
        fixture.put("k", &n.to_string()).await;
    }
    fixture.put("l", "x").await;
    let (files, folder) = (fixture.files(), killed(&fixture));
    let after = Fixture::at(folder).await.again().await;
    assert_eq!(after.files(), files);
    assert_eq!(after.get("k").await.unwrap(), "4");
    assert_eq!(open_chores(&after), 0);
}

/// Stores an object without bringing it to the disk.
async fn put_unsynced(fixture: &Fixture, key: &str, bytes: &'static str) {
    let mut upload = fixture.objects.upload("b", Vec::new()).await.unwrap();
    upload
        .write(Bytes::from_static(bytes.as_bytes()))
        .await
        .unwrap();
    upload.finish().await.unwrap();
    fixture
        .objects
        .put("b", key, upload, put(bytes))
        .await
        .unwrap();
}

/// Damages the files below a folder that have this content, as a power cut does. Returns their number.
fn damage(folder: &Path, content: &str, with: &str) -> usize {
    let files = files_below(folder).into_iter();
    let damaged = files.filter(|file| std::fs::read(file).unwrap() == content.as_bytes());
    damaged
        .map(|file| std::fs::write(file, with).unwrap())
        .count()
}

#[tokio::test]
async fn after_a_failed_synchronization_nothing_is_deleted_until_the_next_start() {
    let fixture = Fixture::new().await;
    let mut round = 0;
    let (place, aside, failed) = loop {
        round += 1;
        fixture.put("k", "old").await;
        let old = fixture.files();
        put_unsynced(&fixture, "k", "new").await;
        let new = fixture.files().into_iter().find(|file| !old.contains(file));
        let Some(new) = new else { continue };
        // A path that leads nowhere can be neither opened nor brought to the disk.
        let (place, aside) = (
            fixture.root().join(new),
            fixture.folder.path().join("aside"),
        );
        std::fs::rename(&place, &aside).unwrap();
        std::os::unix::fs::symlink(&place, &place).unwrap();
        if let Err(error) = fixture.objects.synchronize().await {
            break (place, aside, error);
        }
        // The host itself has done it before. That takes it half a second.
        assert!(round < 100);
        std::fs::remove_file(&place).unwrap();
        std::fs::rename(&aside, &place).unwrap();
    };
    assert!(matches!(failed, ObjectError::File(_)), "{failed}");
    assert_eq!(
        fixture.files().len(),
        2,
        "the file that was replaced, and the new one"
    );
    std::fs::remove_file(&place).unwrap();
    std::fs::rename(&aside, &place).unwrap();
    // The operating system may have dropped the bytes, and reports that once.
    let again = fixture.objects.synchronize().await;
    assert_eq!(again.unwrap_err().to_string(), failed.to_string());
    assert_eq!(fixture.files().len(), 2);
    let after = fixture.again().await;
    assert_eq!(after.files().len(), 1);
    assert_eq!(after.get("k").await.unwrap(), "new");
}

#[tokio::test]
async fn an_object_whose_file_is_lost_before_it_was_on_the_disk_gives_way_to_the_one_before() {
    let fixture = Fixture::new().await;
    fixture.put("k", "old").await;
    for content in ["second", "third!"] {
        put_unsynced(&fixture, "k", content).await;
    }
    put_unsynced(&fixture, "new", "nothing before").await;
    put_unsynced(&fixture, "intact", "kept").await;
    for (damages, left) in [
        (vec![("third!", "third?")], "second"),
        (vec![("third!", "thi"), ("second", "")], "old"),
        (vec![("second", "")], "third!"),
    ] {
        let folder = killed(&fixture);
        let objects = folder.path().join("objects");
        for (content, with) in damages {
            assert_eq!(damage(&objects, content, with), 1);
        }
        damage(&objects, "nothing before", "");
        let after = Fixture::at(folder).await;
        assert_eq!(after.get("k").await.unwrap(), left);
        assert_eq!(after.get("new").await, Err(ObjectError::Missing));
        assert_eq!(after.get("intact").await.unwrap(), "kept");
        assert_eq!(after.keys().await, ["intact", "k"]);
        assert_eq!((after.files().len(), after.incoming().len()), (2, 0));
        assert_eq!(open_chores(&after), 0);
        // The next host finds nothing to do.
        let after = after.again().await;
        assert_eq!(after.get("k").await.unwrap(), left);
    }
}

#[tokio::test]
async fn an_object_that_was_removed_does_not_return_with_a_lost_file() {
    let fixture = Fixture::new().await;
    fixture.put("k", "old").await;
    put_unsynced(&fixture, "k", "new").await;
    let removed = fixture
        .objects
        .remove("b", "k", None, Condition::Always, None);
    assert!(removed.await.unwrap().existed);
    let folder = killed(&fixture);
    damage(&folder.path().join("objects"), "new", "");
    let after = Fixture::at(folder).await;
    assert_eq!(after.get("k").await, Err(ObjectError::Missing));
    assert_eq!((after.files().len(), after.incoming().len()), (0, 0));
}

/// The file operations that the next host would apply.
fn open_chores(fixture: &Fixture) -> i64 {
    let rows = rusqlite::Connection::open(fixture.folder.path().join("store.sqlite")).unwrap();
    let count = "SELECT count(*) FROM file_chores";
    rows.query_row(count, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn applied_file_operations_are_deleted_also_by_a_refused_operation() {
    let fixture = Fixture::new().await;
    for _ in 0..3 {
        fixture.put("k", "x").await;
        let absent = Put {
            condition: Condition::Absent,
            ..put("y")
        };
        let refused = fixture.put_with("k", "y", absent).await;
        assert_eq!(refused, Err(ObjectError::PreconditionFailed));
        let other = Condition::Matches(vec!["other".to_owned()]);
        let refused = fixture.objects.remove("b", "k", None, other, None).await;
        assert_eq!(refused, Err(ObjectError::PreconditionFailed));
    }
    assert_eq!(open_chores(&fixture), 0);
}

#[tokio::test]
async fn other_files_in_the_objects_folder_are_left_alone() {
    let fixture = Fixture::new().await;
    fixture.put("dir/k", "x").await;
    std::fs::write(fixture.root().join("b/dir/notes.txt"), "mine").unwrap();
    fixture.remove("dir/k", None).await;
    let fixture = fixture.again().await;
    assert_eq!(fixture.files(), ["b/dir/notes.txt"]);
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_a_whole_object_or_none() {
    let fixture = Fixture::new().await;
    for patience in 0..40 {
        let key = patience.to_string();
        let mut upload = fixture.objects.upload("b", Vec::new()).await.unwrap();
        upload.write(some_bytes(70_000, 3)).await.unwrap();
        upload.finish().await.unwrap();
        let mut putting = Box::pin(fixture.objects.put("b", &key, upload, Put::default()));
        for _ in 0..patience {
            tokio::select! {
                biased;
                _ = &mut putting => break,
                () = tokio::task::yield_now() => {}
            }
        }
    }
    eventually("all are settled", || fixture.incoming().is_empty()).await;
    let keys = fixture.keys().await;
    assert_eq!(fixture.files().len(), keys.len());
    for key in keys {
        let object = fixture.objects.open("b", &key, None).await.unwrap();
        assert!(object.read(0, 1 << 20).await.unwrap() == some_bytes(70_000, 3));
    }
}

#[tokio::test]
async fn a_truncated_file_is_refused_and_named() {
    let fixture = Fixture::new().await;
    fixture.put("k", "bytes").await;
    let file = fixture.files().remove(0);
    std::fs::write(fixture.root().join(&file), "byt").unwrap();
    let text = fixture.get("k").await.unwrap_err().to_string();
    assert!(
        text.contains(&file) && text.contains("it has 3 bytes but was stored with 5"),
        "{text}"
    );
    std::fs::remove_file(fixture.root().join(&file)).unwrap();
    let text = fixture.get("k").await.unwrap_err().to_string();
    assert!(text.starts_with("cannot open the object \"k\""), "{text}");
    fixture.put("k", "again").await;
    assert_eq!(
        fixture.get("k").await.unwrap(),
        "again",
        "the object can be stored again"
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_created_is_named_and_nothing_changes() {
    let fixture = Fixture::new().await;
    fixture.put("dir/k", "old").await;
    // A file is in the place of a folder.
    std::fs::write(fixture.root().join("b/taken"), "").unwrap();
    let error = fixture
        .put_with("taken/k", "x", put("x"))
        .await
        .unwrap_err();
    let ObjectError::File(text) = error else {
        panic!("{error}")
    };
    assert!(
        text.starts_with("cannot create") && text.contains("b/taken"),
        "{text}"
    );
    assert_eq!(fixture.keys().await, ["dir/k"]);
    eventually("nothing is left", || fixture.incoming().is_empty()).await;
}

#[tokio::test]
async fn an_objects_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("objects"), "a file").unwrap();
    let store = Store::open(&folder.path().join("store.sqlite"))
        .await
        .unwrap();
    let clock = Arc::new(ManualClock::new(NOW));
    let opened = Objects::open_store(&folder.path().join("objects"), store, clock).await;
    let text = opened.unwrap_err().to_string();
    assert!(
        text.starts_with("cannot create") && text.contains("objects/.incoming"),
        "{text}"
    );
}

#[tokio::test]
async fn an_upload_whose_folder_was_deleted_is_refused_and_the_rest_is_kept() {
    let fixture = Fixture::new().await;
    fixture.put("k", "old").await;
    std::fs::remove_dir_all(fixture.root().join(".incoming")).unwrap();
    let lost = fixture
        .put_with("k", "new", put("new"))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        lost.starts_with("cannot write") && lost.contains(".incoming"),
        "{lost}"
    );
    assert_eq!(fixture.get("k").await.unwrap(), "old");
}

/// Needs a file system of 4 MB: `mount -t tmpfs -o size=4m tmpfs /mnt/small`.
#[tokio::test]
#[ignore = "needs a small disk, named by LAMBKIN_SMALL_DISK"]
async fn on_a_full_disk_the_write_is_refused_with_advice_and_nothing_is_left() {
    let disk = std::env::var("LAMBKIN_SMALL_DISK").unwrap();
    let fixture = Fixture::at(tempfile::tempdir_in(disk).unwrap()).await;
    fixture.objects.create("b", Vec::new()).await.unwrap();
    fixture.put("k", "old").await;
    for size in [8 << 20, 300_000] {
        let mut upload = fixture.objects.upload("b", Vec::new()).await.unwrap();
        let mut refused = None;
        for _ in 0..(8 << 20) / size {
            refused = refused.or(upload.write(some_bytes(size, 1)).await.err());
        }
        let refused = match refused {
            Some(error) => error,
            None => upload.finish().await.unwrap_err(),
        };
        drop(upload);
        let text = refused.to_string();
        assert!(
            text.starts_with("cannot write") && text.contains("free some space on its disk"),
            "{text}"
        );
        eventually("nothing is left", || fixture.incoming().is_empty()).await;
        assert_eq!(fixture.get("k").await.unwrap(), "old");
        fixture.put("k", "old").await;
    }
}
